"""Figures of operations at some moments, within what somebody may see; exercises count in none of them."""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from vidik.console.vitals import figures_repository as repository
from vidik.console.vitals.measuring import NOTHING, Measured
from vidik.console.vitals.sign import Figure, Work
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Reach
from vidik.operations.alarms import performance_repository
from vidik.operations.alarms.performance import TEN_MINUTES
from vidik.operations.duty import roster

PERMISSION: Final[Mapping[Figure, str]] = {
    "alarms_open": "alarms.read",
    "alarms_standing": "alarms.read",
    "alarms_per_operator": "alarms.read",
    "acknowledged_in_time": "alarms.read",
    "incidents_open": "incidents.read",
    "incidents_over_target": "incidents.read",
    "requests_in_time": "requests.read",
    "crews_on_duty": "incidents.read",
    "minutes_to_arrive": "incidents.read",
}
"""What one must be allowed to read to see a figure."""
_NOTHING: Final = timedelta()
_STILL_NOW: Final = timedelta(minutes=10)

Answer = Callable[[Connection, Work, Sequence[datetime], Reach], Awaitable[list[Measured]]]


async def at_moments(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    """Return a figure at each moment, ascending; no value where nothing tells."""
    return await _ANSWERS[work.figure](connection, work, when, reach) if when else []


async def _alarms(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    counts = await repository.alarms_standing(connection, when, work.over or _NOTHING, reach)
    return [Measured(float(count), count) for count in counts]


async def _per_operator(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    over = work.over or TEN_MINUTES
    calls = await performance_repository.calls_between(connection, when[0] - over, when[-1], reach)
    times = [call.at for call in calls]
    shifts = await roster.shifts_between(connection, when[0], when[-1] + timedelta(seconds=1))
    found = []
    for moment in when:
        count = bisect_right(times, moment) - bisect_right(times, moment - over)
        people = {shift["login"] for shift in shifts if shift["begins_at"] <= moment < shift["ends_at"]}
        found.append(Measured(count / (over / TEN_MINUTES) / max(len(people), 1), count))
    return found


async def _acknowledged(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    within, over = work.within or _NOTHING, work.over or _NOTHING
    calls = await repository.calls_with_answers(connection, when[0] - over, when[-1], reach)
    # What was over before anybody had to act says nothing of who acts.
    judged = [
        (call["at"], call["acknowledged_at"] is not None and call["acknowledged_at"] - call["at"] <= within)
        for call in calls
        if call["acknowledged_at"] is not None or call["over_at"] is None or call["over_at"] - call["at"] > within
    ]
    return [_share(judged, moment - over, moment - within) for moment in when]


async def _incidents(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    counts = await repository.incidents_uncontained(connection, when, work.within, reach)
    return [Measured(float(count), count) for count in counts]


async def _requests(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    within, over = work.within or _NOTHING, work.over or _NOTHING
    rows = await repository.requests_with_answers(connection, when[0] - over, when[-1], reach)
    judged = [
        (row["seen_at"], row["answered_at"] is not None and row["answered_at"] - row["seen_at"] <= within)
        for row in rows
    ]
    return [_share(judged, moment - over, moment - within) for moment in when]


async def _crews(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    """Where no duty was ever kept there is nobody now, and nothing to be said of before."""
    del work
    counts = await repository.crews_on_duty(connection, when, reach)
    since = now() - _STILL_NOW
    return [
        NOTHING if count is None and moment < since else Measured(float(count or 0), count or 0)
        for moment, count in zip(when, counts, strict=True)
    ]


async def _arrivals(connection: Connection, work: Work, when: Sequence[datetime], reach: Reach) -> list[Measured]:
    over = work.over or _NOTHING
    rows = await repository.arrivals(connection, when[0] - over, when[-1], reach)
    times = [row["at"] for row in rows]
    found = []
    for moment in when:
        some = rows[bisect_right(times, moment - over) : bisect_right(times, moment)]
        minutes = [row["minutes"] for row in some]
        found.append(Measured(median(minutes), len(minutes)) if minutes else NOTHING)
    return found


def _share(judged: Sequence[tuple[datetime, Any]], begin: datetime, end: datetime) -> Measured:
    """Return the share of what came in (begin, end] and was done in time; `judged` is in order of its times."""
    some = judged[bisect_right(judged, begin, key=_time) : bisect_right(judged, end, key=_time)]
    return Measured(100 * sum(good for _, good in some) / len(some), len(some)) if some else NOTHING


def _time(judged: tuple[datetime, Any]) -> datetime:
    return judged[0]


_ANSWERS: Final[Mapping[Figure, Answer]] = {
    "alarms_open": _alarms,
    "alarms_standing": _alarms,
    "alarms_per_operator": _per_operator,
    "acknowledged_in_time": _acknowledged,
    "incidents_open": _incidents,
    "incidents_over_target": _incidents,
    "requests_in_time": _requests,
    "crews_on_duty": _crews,
    "minutes_to_arrive": _arrivals,
}
