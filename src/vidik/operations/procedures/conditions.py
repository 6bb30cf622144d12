"""Which branch of a condition holds, given what is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vidik.operations.incidents.incident import SEVERITIES, Severity, State
from vidik.operations.procedures.definition import (
    AlarmsFact,
    AttributeFact,
    Condition,
    HourFact,
    SeverityFact,
    StateFact,
    Step,
    TypeFact,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions look at. `hour` is that of the city's clocks; `attributes` by entity, then by name."""

    severity: Severity
    type: str
    state: State
    alarms: int
    hour: int
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def choose(step: Step, facts: Facts) -> int:
    """Return the place of the first branch of a condition that holds; the last one has nothing to hold."""
    for place, branch in enumerate(step.branches):
        if all(holds(one, facts) for one in branch.when):
            return place
    return len(step.branches) - 1


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether one condition holds."""
    match condition:
        case SeverityFact():
            rank = SEVERITIES.index
            at_least = condition.at_least is None or rank(facts.severity) >= rank(condition.at_least)
            at_most = condition.at_most is None or rank(facts.severity) <= rank(condition.at_most)
            return at_least and at_most and (condition.one_of is None or facts.severity in condition.one_of)
        case TypeFact():
            return facts.type in condition.one_of
        case StateFact():
            return facts.state in condition.one_of
        case AlarmsFact():
            return _between(facts.alarms, condition.at_least, condition.at_most)
        case HourFact():
            if condition.since <= condition.until:
                return condition.since <= facts.hour < condition.until
            return facts.hour >= condition.since or facts.hour < condition.until
        case AttributeFact():
            return _of_attribute(condition, facts)


def _of_attribute(condition: AttributeFact, facts: Facts) -> bool:
    value = facts.attributes.get(condition.entity, {}).get(condition.attribute)
    if value is None:
        return False
    if condition.one_of is not None and not any(_same(value, one) for one in condition.one_of):
        return False
    if condition.at_least is None and condition.at_most is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return _between(value, condition.at_least, condition.at_most)


def _same(value: Any, other: Any) -> bool:
    # In Python, True == 1.
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _between(value: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def seen_by(step: Step, facts: Facts) -> dict[str, Any]:
    """Return what a condition looked at, for whoever asks later why it went that way."""
    seen: dict[str, Any] = {}
    for condition in (one for branch in step.branches for one in branch.when):
        if isinstance(condition, AttributeFact):
            value = facts.attributes.get(condition.entity, {}).get(condition.attribute)
            seen.setdefault("attributes", {}).setdefault(condition.entity, {})[condition.attribute] = value
        else:
            seen[condition.fact] = getattr(facts, condition.fact)
    return seen
