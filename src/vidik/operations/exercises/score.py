"""How people did: each target against the first fact that meets it. Pure: no I/O, no clock.

Targets count minutes of the scenario's clock, which stands in pauses and may run faster than people's: events and
targets keep their distance at every speed. It is the team that is scored: no fact names a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from vidik.kernel.clock import iso
from vidik.operations.exercises.exercise import active_minutes
from vidik.operations.exercises.scenario import Deed, Target

Result = Literal["within", "late", "waiting", "missed"]


class Course(NamedTuple):
    """When an exercise began, was paused and ended (None: it goes on), and when its events were fired.

    `speed` is how many of the scenario's minutes pass in one of people's.
    """

    started_at: datetime
    ended_at: datetime | None
    pauses: Sequence[tuple[datetime, datetime | None]]
    fired: Mapping[str, datetime]
    speed: float = 1


def score(
    targets: Sequence[Target], course: Course, facts: Mapping[Deed, Sequence[datetime]], moment: datetime
) -> list[dict[str, Any]]:
    """Return each target with its result and the minutes of the scenario that it took.

    `missed`: time was up and nothing was done. `waiting`: there is time, or the event that it counts from has not come;
    of an exercise that is over it means that the target was not put to the test, which is nobody's fault.
    """
    return [_judge(target, course, facts.get(target.what, ()), moment) for target in targets]


def _judge(target: Target, course: Course, facts: Sequence[datetime], moment: datetime) -> dict[str, Any]:
    begin = course.started_at if target.after is None else course.fired.get(target.after)
    until = course.ended_at or moment
    reached = min((at for at in facts if begin is not None and begin <= at <= until), default=None)
    minutes: float | None = None
    result: Result
    if begin is None:
        result = "waiting"
    elif reached is not None:
        minutes = active_minutes(begin, reached, course.pauses) * course.speed
        result = "within" if minutes <= target.within else "late"
    else:
        passed = active_minutes(begin, until, course.pauses) * course.speed
        result = "waiting" if passed <= target.within else "missed"
    return {
        "what": target.what,
        "within_minutes": target.within,
        "after": target.after,
        "from": iso(begin) if begin else None,
        "result": result,
        "minutes": round(minutes, 2) if minutes is not None else None,
        "reached_at": iso(reached) if reached else None,
    }


def totals(scored: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many targets there are of each result, and in all."""
    found = {name: sum(one["result"] == name for one in scored) for name in ("within", "late", "waiting", "missed")}
    return found | {"targets": len(scored)}
