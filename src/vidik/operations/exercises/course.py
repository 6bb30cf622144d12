"""A scenario laid out on its clock: what is fired at which second. Pure: no I/O, no clock."""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from vidik.operations.exercises.scenario import (
    PAST_MINUTES,
    Caller,
    CitizensRequest,
    Course,
    OpenedIncident,
    Readings,
    Scenario,
)

BEGIN = "begin"
_BETWEEN_MINUTES = 5.0
"""How far apart the readings of a past lie: nearer than any rule's largest gap."""


class Timed(NamedTuple):
    """One thing to do. `event` is the id of the scenario's event that it belongs to."""

    event: str
    at_seconds: float
    action: dict[str, Any]


def lay_out(scenario: Scenario) -> list[Timed]:
    """Return everything that a scenario does, in order; the first makes its twins.

    `observed` of an action are seconds on the scenario's clock, below 0 for what was before the beginning.
    """
    found = [Timed(BEGIN, 0.0, {"do": "twins", "observed": [-PAST_MINUTES * 60.0]})]
    for event in scenario.events:
        at = event.at * 60
        match event:
            case Readings():
                found.append(Timed(event.id, at, _readings(event.twins, event.values, _past(at, event.since))))
            case Course():
                found += _steps(event)
            case OpenedIncident() | Caller() | CitizensRequest():
                found.append(Timed(event.id, at, event.model_dump(mode="json", exclude={"id", "at"})))
    return sorted(found, key=lambda one: (one.at_seconds, one.event != BEGIN))


def _steps(course: Course) -> list[Timed]:
    count = max(1, round(course.minutes / course.every))
    found = []
    for step in range(count + 1):
        share = step / count
        value = round(course.begin + (course.end - course.begin) * share, 4)
        at = (course.at + course.minutes * share) * 60
        found.append(Timed(course.id, at, _readings(course.twins, {course.attribute: value}, [at])))
    return found


def _past(at: float, since: float) -> list[float]:
    """The times of readings from `since` minutes before up to now, seconds."""
    steps = ceil(since / _BETWEEN_MINUTES)
    return [at - min(since, step * _BETWEEN_MINUTES) * 60 for step in range(steps, -1, -1)]


def _readings(twins: Sequence[str], values: Any, observed: list[float]) -> dict[str, Any]:
    return {"do": "readings", "twins": list(twins), "values": dict(values), "observed": observed}
