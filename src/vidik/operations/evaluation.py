"""How a rule reads the readings of one entity: a pure state machine, driven by the time of the readings.

normal -> pending (bad, but not yet long enough) -> raised -> clearing (good, but not yet long enough) -> normal.
Times are microseconds UTC of the observations, never of the clock on the wall, so that a replay at any speed
raises what the live stream would have raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from math import isfinite
from typing import Literal, NamedTuple

from vidik.operations.rules_model import (
    Condition,
    DeviationRule,
    QualityRule,
    RateRule,
    ReadingRule,
    Scalar,
    StateRule,
    ThresholdRule,
)

Phase = Literal["normal", "pending", "raised", "clearing"]


class Sample(NamedTuple):
    """One value of an attribute and when it was observed (µs UTC)."""

    value: Scalar
    at: int


class Verdict(Enum):
    """What one reading says: bad, good, or between the two levels of the hysteresis."""

    BAD = "bad"
    BETWEEN = "between"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class RuleState:
    """What a rule remembers of one entity between two readings.

    `since` is when the present phase's waiting began; `last` the newest reading taken in; `bad` and `good` count
    values for a quality rule; `trail` holds the thinned samples that a rate is measured against.
    """

    phase: Phase = "normal"
    since: int = 0
    last: int = 0
    bad: int = 0
    good: int = 0
    trail: tuple[tuple[int, float], ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether forgetting this state would change nothing."""
        return self.phase == "normal" and not self.bad and not self.trail


BLANK = RuleState()


@dataclass(frozen=True, slots=True)
class Signal:
    """What the machine says to the alarms: raised, seen again while raised, or cleared."""

    kind: Literal["raised", "seen", "cleared"]
    at: int
    value: Scalar | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A verdict with the figures that a person should read beside it."""

    verdict: Verdict
    value: Scalar
    threshold: float | None


def microseconds(duration: timedelta) -> int:
    """Return a duration in whole microseconds."""
    return duration // timedelta(microseconds=1)


def evaluate(
    rule: ReadingRule, state: RuleState, values: Mapping[str, Sample], zone: tzinfo
) -> tuple[RuleState, Signal | None]:
    """Take the newest values of an entity into a rule's state; `values` is keyed by short attribute name.

    A reading older than one already taken in, a value of a wrong type and a condition that cannot be known leave
    the state as it was. A condition that does not hold counts as good: what was raised may clear.
    """
    sample = values.get(rule.attribute)
    if sample is None:
        return state, None
    at = sample.at
    if isinstance(rule, DeviationRule) and rule.reference in values:
        at = max(at, values[rule.reference].at)
    if at < state.last:
        return state, None
    gap = microseconds(rule.max_gap)
    if isinstance(rule, RateRule):
        state = replace(state, trail=_lengthen(state.trail, sample, rule))
    holds = _conditions_hold(rule.when, values, at, gap, zone)
    if holds is None:
        return state, None
    measured = _measure(rule, state, values, at)
    if measured is None:
        return state, None
    if not holds:
        measured = replace(measured, verdict=Verdict.GOOD)
    return advance(state, measured, at, hold=microseconds(rule.hold), clear_hold=microseconds(rule.clear_hold), gap=gap)


def advance(
    state: RuleState, measured: Measured, at: int, *, hold: int, clear_hold: int, gap: int
) -> tuple[RuleState, Signal | None]:
    """Move one step of the machine by what a reading at `at` (µs) says; `hold`, `clear_hold`, `gap` in µs."""
    torn = state.last != 0 and at - state.last > gap
    is_new = at > state.last
    state = replace(state, last=at)
    bad = measured.verdict is Verdict.BAD
    good = measured.verdict is Verdict.GOOD
    if state.phase in ("normal", "pending"):
        if not bad:
            return replace(state, phase="normal", since=0), None
        since = state.since if state.phase == "pending" and not torn else at
        if at - since >= hold:
            return replace(state, phase="raised", since=since), _signal("raised", at, measured)
        return replace(state, phase="pending", since=since), None
    if not good:
        raised = replace(state, phase="raised", since=state.since if state.phase == "raised" else at)
        return raised, _signal("seen", at, measured) if bad and is_new else None
    since = state.since if state.phase == "clearing" and not torn else at
    if at - since >= clear_hold:
        return replace(state, phase="normal", since=0), _signal("cleared", at, measured)
    return replace(state, phase="clearing", since=since), None


def reject(rule: QualityRule, state: RuleState, value: Scalar | None, at: int) -> tuple[RuleState, Signal | None]:
    """Take an implausible value into a quality rule's state for one attribute."""
    state = replace(state, bad=state.bad + 1, good=0, last=max(at, state.last))
    if state.phase == "raised":
        return replace(state, since=max(at, state.since)), Signal("seen", at, value)
    if state.bad >= rule.bad:
        return replace(state, phase="raised", since=at), Signal("raised", at, value)
    return replace(state, phase="pending", since=state.since or at), None


def accept(rule: QualityRule, state: RuleState, value: Scalar | None, at: int) -> tuple[RuleState, Signal | None]:
    """Take a good value into a quality rule's state; a single stray implausible one is forgotten at once.

    While raised, `since` is when the newest implausible value came: `clear_hold` counts from there.
    """
    if state.phase != "raised" or at < state.last:
        return (state if at < state.last else BLANK), None
    state = replace(state, good=state.good + 1, last=at)
    if state.good >= rule.good and at - state.since >= microseconds(rule.clear_hold):
        return BLANK, Signal("cleared", at, value)
    return state, None


def _signal(kind: Literal["raised", "seen", "cleared"], at: int, measured: Measured) -> Signal:
    return Signal(kind, at, measured.value, measured.threshold)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def _measure(rule: ReadingRule, state: RuleState, values: Mapping[str, Sample], at: int) -> Measured | None:
    value = values[rule.attribute].value
    if isinstance(rule, StateRule):
        return Measured(Verdict.BAD if value in rule.values else Verdict.GOOD, value, None)
    number = _number(value)
    if number is None:
        return None
    if isinstance(rule, ThresholdRule):
        if rule.above is not None:
            return Measured(_judge(number, rule.above, rule.clear), number, rule.above)
        return Measured(_judge(-number, -rule.threshold, -rule.clear), number, rule.threshold)
    if isinstance(rule, DeviationRule):
        return _measure_deviation(rule, number, values, at)
    change = _change(state.trail, microseconds(rule.over))
    if change is None:
        return None
    rise = change if rule.rise is not None else -change
    return Measured(_judge(rise, rule.threshold, rule.clear), change, rule.threshold)


def _measure_deviation(rule: DeviationRule, number: float, values: Mapping[str, Sample], at: int) -> Measured | None:
    reference = values.get(rule.reference)
    if reference is None or at - min(reference.at, values[rule.attribute].at) > microseconds(rule.max_gap):
        return None
    level = _number(reference.value)
    if level is None:
        return None
    distance = number - level if rule.above is not None else level - number
    threshold = level + rule.threshold if rule.above is not None else level - rule.threshold
    return Measured(_judge(distance, rule.threshold, rule.clear), number, threshold)


def _judge(value: float, raise_level: float, clear_level: float) -> Verdict:
    if value > raise_level:
        return Verdict.BAD
    return Verdict.GOOD if value <= clear_level else Verdict.BETWEEN


def _lengthen(trail: tuple[tuple[int, float], ...], sample: Sample, rule: RateRule) -> tuple[tuple[int, float], ...]:
    """Append a sample, keep one sample at or before the window's beginning, and at most about ten inside it."""
    number = _number(sample.value)
    if number is None or (trail and sample.at <= trail[-1][0]):
        return trail
    over = microseconds(rule.over)
    kept = [*trail, (sample.at, number)]
    # The last but one is dropped while it is too close to its forerunner: the newest must always stay.
    if len(kept) > 2 and kept[-2][0] - kept[-3][0] < over // 10:
        del kept[-2]
    while len(kept) > 1 and sample.at - kept[1][0] >= over:
        del kept[0]
    if len(kept) > 1 and kept[1][0] - kept[0][0] > microseconds(rule.max_gap):
        del kept[0]
    return tuple(kept)


def _change(trail: tuple[tuple[int, float], ...], over: int) -> float | None:
    """Return how much the value changed over the window; readings further apart are scaled down to it."""
    if len(trail) < 2:
        return None
    (begin, first), (end, last) = trail[0], trail[-1]
    return (last - first) * min(1.0, over / (end - begin))


def _conditions_hold(
    conditions: list[Condition], values: Mapping[str, Sample], at: int, gap: int, zone: tzinfo
) -> bool | None:
    """Return whether all hold; None when one cannot be known and none is known to fail."""
    unknown = False
    for condition in conditions:
        holds = _holds(condition, values, at, gap, zone)
        if holds is False:
            return False
        unknown = unknown or holds is None
    return None if unknown else True


def _holds(condition: Condition, values: Mapping[str, Sample], at: int, gap: int, zone: tzinfo) -> bool | None:
    hours = condition.local_hours()
    if hours is not None:
        begin, end = hours
        local = datetime.fromtimestamp(at / 1_000_000, zone).time()
        return begin <= local < end if begin <= end else local >= begin or local < end
    sample = values.get(condition.attribute or "")
    if sample is None or at - sample.at > gap:
        return True if condition.if_unknown == "pass" else None
    if condition.equals is not None and sample.value not in condition.equals:
        return False
    if condition.above is None and condition.below is None:
        return True
    number = _number(sample.value)
    if number is None:
        return True if condition.if_unknown == "pass" else None
    above = condition.above is None or number > condition.above
    below = condition.below is None or number < condition.below
    return above and below
