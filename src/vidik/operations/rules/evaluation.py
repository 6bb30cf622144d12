"""How a rule reads the readings of one entity: a pure state machine, driven by the time of the readings.

normal -> pending (bad, but not yet long enough) -> raised -> clearing (good, but not yet long enough) -> normal.
Times are microseconds UTC of the observations, never of the clock on the wall, so that a replay at any speed
raises what the live stream would have raised.
"""

from collections.abc import Callable
from datetime import tzinfo
from typing import Literal

import msgspec

from vidik.operations.rules import usual
from vidik.operations.rules.conditions import conditions_hold
from vidik.operations.rules.crowd import Crowd
from vidik.operations.rules.measures import MEASURES, Scene, lengthen
from vidik.operations.rules.model import (
    AbsenceRule,
    CombinationRule,
    DeviationRule,
    ForecastRule,
    QualityRule,
    RateRule,
    ReadingRule,
    Scalar,
    StateRule,
    ThresholdRule,
)
from vidik.operations.rules.signals import (
    BLANK,
    Measured,
    RuleState,
    Sample,
    Signal,
    Values,
    Verdict,
    microseconds,
    number_of,
)

__all__ = ["BLANK", "Judge", "RuleState", "Sample", "Signal", "accept", "advance", "evaluate", "reject"]


class Judge:
    """One rule, ready to look at readings: what does not change between two readings is worked out once."""

    __slots__ = (
        "_clear_hold", "_gap", "_habit", "_hold", "_measure", "_over", "_reference", "attribute", "code",
        "quiet", "rule", "whole",
    )  # fmt: skip

    def __init__(self, rule: ReadingRule) -> None:
        self.rule = rule
        self.code = rule.code
        self._measure = MEASURES[type(rule)]
        self._hold = microseconds(rule.hold)
        self._clear_hold = microseconds(rule.clear_hold)
        self._gap = microseconds(rule.max_gap)
        self.attribute = rule.attribute
        self._reference = rule.reference if isinstance(rule, DeviationRule) else None
        self._over = microseconds(rule.over) if isinstance(rule, RateRule) else 0
        self._habit = rule if isinstance(rule, ForecastRule) else None
        self.whole = isinstance(rule, AbsenceRule | CombinationRule)
        """Whether it looks at the entity as a whole, and not at one attribute's newest value."""
        self.quiet = _quiet(rule)
        """Says of a value that it changes nothing where nothing is remembered; None when that takes a closer look."""

    def take(
        self,
        state: RuleState,
        values: Values,
        zone: tzinfo,
        *,
        at: int,
        entity_id: str = "",
        crowd: Crowd | None = None,
    ) -> tuple[RuleState, Signal | None]:
        """Take the newest values of an entity into the state; `at` (µs) is when the newest of what was just said was
        observed: only a rule that looks at the entity as a `whole` asks for it.

        A reading older than one already taken in, a value of a wrong type and a condition that cannot be known leave
        the state as it was. A condition that does not hold counts as good: what was raised may clear.
        """
        rule = self.rule
        sample = None
        if not self.whole:
            sample = values.get(self.attribute)
            if sample is None:
                return state, None
            at = sample.at
            if self._reference is not None and self._reference in values:
                at = max(at, values[self._reference].at)
        if at < state.last:
            return state, None
        if self._over and sample is not None:
            trail = lengthen(state.trail, sample, self._over, self._gap)
            state = RuleState(
                state.phase, state.since, state.last, state.bad, state.good, trail, state.usual, state.learnt
            )
        holds = conditions_hold(rule.when, values, at, self._gap, zone) if rule.when else True
        if holds is None:
            return state, None
        measured = self._measure(rule, Scene(state, values, at, self._gap, zone, entity_id, crowd, self._over))
        if self._habit is not None and sample is not None and (number := number_of(sample.value)) is not None:
            state = usual.learn(self._habit, state, number, at, zone)
        if measured is None:
            return state, None
        if not holds:
            measured = measured._replace(verdict=Verdict.GOOD)
        return advance(state, measured, at, hold=self._hold, clear_hold=self._clear_hold, gap=self._gap)


def _quiet(rule: ReadingRule) -> Callable[[object], bool] | None:
    """Nearly every reading is good: these few comparisons spare it the whole way through the machine."""
    if isinstance(rule, StateRule):
        values = rule.values
        return lambda value: value not in values
    if not isinstance(rule, ThresholdRule):
        return None
    level = rule.threshold
    if rule.above is not None:
        return lambda value: value <= level if type(value) is float else type(value) is not int
    return lambda value: value >= level if type(value) is float else type(value) is not int


def evaluate(
    rule: ReadingRule, state: RuleState, values: Values, zone: tzinfo, at: int | None = None
) -> tuple[RuleState, Signal | None]:
    """Take the newest values of one entity, which has no neighbours, into a rule's state: see `Judge.take`."""
    moment = max((sample.at for sample in values.values()), default=0) if at is None else at
    return Judge(rule).take(state, values, zone, at=moment)


def advance(
    state: RuleState, measured: Measured, at: int, *, hold: int, clear_hold: int, gap: int
) -> tuple[RuleState, Signal | None]:
    """Move one step of the machine by what a reading at `at` (µs) says; `hold`, `clear_hold`, `gap` in µs."""
    torn = state.last != 0 and at - state.last > gap
    is_new = at > state.last
    bad = measured.verdict is Verdict.BAD
    if state.phase == "normal" or state.phase == "pending":
        if not bad:
            return state.moved("normal", 0, at), None
        since = state.since if state.phase == "pending" and not torn else at
        if at - since >= hold:
            return state.moved("raised", since, at), _signal("raised", at, measured)
        return state.moved("pending", since, at), None
    if measured.verdict is not Verdict.GOOD:
        raised = state.moved("raised", state.since if state.phase == "raised" else at, at)
        return raised, _signal("seen", at, measured) if bad and is_new else None
    since = state.since if state.phase == "clearing" and not torn else at
    if at - since >= clear_hold:
        return state.moved("normal", 0, at), _signal("cleared", at, measured)
    return state.moved("clearing", since, at), None


def reject(rule: QualityRule, state: RuleState, value: Scalar | None, at: int) -> tuple[RuleState, Signal | None]:
    """Take an implausible value into a quality rule's state for one attribute."""
    state = msgspec.structs.replace(state, bad=state.bad + 1, good=0, last=max(at, state.last))
    if state.phase == "raised":
        return msgspec.structs.replace(state, since=max(at, state.since)), Signal("seen", at, value)
    if state.bad >= rule.bad:
        return msgspec.structs.replace(state, phase="raised", since=at), Signal("raised", at, value)
    return msgspec.structs.replace(state, phase="pending", since=state.since or at), None


def accept(rule: QualityRule, state: RuleState, value: Scalar | None, at: int) -> tuple[RuleState, Signal | None]:
    """Take a good value into a quality rule's state; a single stray implausible one is forgotten at once.

    While raised, `since` is when the newest implausible value came: `clear_hold` counts from there.
    """
    if state.phase != "raised" or at < state.last:
        return (state if at < state.last else BLANK), None
    state = msgspec.structs.replace(state, good=state.good + 1, last=at)
    if state.good >= rule.good and at - state.since >= microseconds(rule.clear_hold):
        return BLANK, Signal("cleared", at, value)
    return state, None


def _signal(kind: Literal["raised", "seen", "cleared"], at: int, measured: Measured) -> Signal:
    return Signal(kind, at, measured.value, measured.threshold)
