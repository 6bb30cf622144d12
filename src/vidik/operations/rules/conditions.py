"""Conditions of rules: whether they hold, do not, or cannot be known."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from vidik.operations.rules.basis import Condition
from vidik.operations.rules.signals import Values, number_of


def conditions_hold(conditions: Sequence[Condition], values: Values, at: int, gap: int, zone: tzinfo) -> bool | None:
    """Return whether all hold; None when one cannot be known and none is known to fail."""
    unknown = False
    for condition in conditions:
        holds = condition_holds(condition, values, at, gap, zone)
        if holds is False:
            return False
        unknown = unknown or holds is None
    return None if unknown else True


def condition_holds(condition: Condition, values: Values, at: int, gap: int, zone: tzinfo) -> bool | None:
    """Return whether one holds at a time (µs); a value older than `gap` (µs) is not known."""
    if condition.hours is not None:
        return _within_hours(condition, at, zone)
    sample = values.get(condition.attribute or "")
    if sample is None or at - sample.at > gap:
        return True if condition.if_unknown == "pass" else None
    if condition.equals is not None and sample.value not in condition.equals:
        return False
    if condition.above is None and condition.below is None:
        return True
    number = number_of(sample.value)
    if number is None:
        return True if condition.if_unknown == "pass" else None
    above = condition.above is None or number > condition.above
    below = condition.below is None or number < condition.below
    return above and below


def _within_hours(condition: Condition, at: int, zone: tzinfo) -> bool:
    hours = condition.local_hours()
    if hours is None:
        return True
    begin, end = hours
    local = datetime.fromtimestamp(at / 1_000_000, zone).time()
    return begin <= local < end if begin <= end else local >= begin or local < end
