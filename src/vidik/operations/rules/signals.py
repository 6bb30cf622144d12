"""What rules remember and say: samples, states between two readings, verdicts, signals to the alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from math import isfinite
from typing import Literal, NamedTuple

import msgspec

from vidik.operations.rules.basis import Scalar
from vidik.operations.rules.fences import Place

Phase = Literal["normal", "pending", "raised", "clearing"]


class AlarmKey(NamedTuple):
    """What makes an alarm one: the rule's code, the entity and, for rules that watch several, the attribute."""

    rule: str
    entity_id: str
    attribute: str = ""


class Sample(NamedTuple):
    """One value of an attribute (a place for one that moves) and when it was observed (µs UTC)."""

    value: Scalar | Place
    at: int


Values = Mapping[str, Sample]
"""The newest values of an entity by short attribute name."""


class Verdict(Enum):
    """What one reading says: bad, good, or between the two levels of the hysteresis."""

    BAD = "bad"
    BETWEEN = "between"
    GOOD = "good"


Trail = tuple[tuple[int, float], ...]
"""Samples of a number: when each was observed (µs), and what it said."""


class RuleState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule remembers of one entity between two readings.

    `since` is when the present phase's waiting began; `last` the newest reading taken in; `bad` and `good` count
    values for a quality rule; `trail` holds the thinned samples that a rate is measured against; `usual` what each
    hour brings, as (readings learnt, mean, mean distance from it), and `learnt` the hour last learnt from.
    """

    phase: Phase = "normal"
    since: int = 0
    last: int = 0
    bad: int = 0
    good: int = 0
    trail: Trail = ()
    usual: tuple[tuple[int, float, float], ...] = ()
    learnt: int = 0

    @property
    def is_blank(self) -> bool:
        """Whether forgetting this state would change nothing."""
        return self.phase == "normal" and not self.bad and not self.trail and not self.usual

    def moved(self, phase: Phase, since: int, last: int) -> "RuleState":
        """Return the state in a phase since a time, with the newest reading taken in."""
        return RuleState(phase, since, last, self.bad, self.good, self.trail, self.usual, self.learnt)

    def says_as_much_as(self, other: "RuleState") -> bool:
        """Whether a restart with the other state in place of this one would change nothing."""
        if self.phase != "normal" or other.phase != "normal":
            return self == other
        return self.moved("normal", 0, 0) == other.moved("normal", 0, 0)


BLANK = RuleState()


@dataclass(frozen=True, slots=True)
class Signal:
    """What the machine says to the alarms: raised, seen again while raised, or cleared."""

    kind: Literal["raised", "seen", "cleared"]
    at: int
    value: Scalar | None = None
    threshold: float | None = None


class Measured(NamedTuple):
    """A verdict with the figures that a person should read beside it."""

    verdict: Verdict
    value: Scalar
    threshold: float | None


def microseconds(duration: timedelta) -> int:
    """Return a duration in whole microseconds."""
    return duration // timedelta(microseconds=1)


def number_of(value: object) -> float | None:
    """Return a value as a finite number, or None."""
    if type(value) is float:  # nearly always
        return value if isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def judge(value: float, raise_level: float, clear_level: float) -> Verdict:
    """Return bad above one level, good up to the other, between the two otherwise."""
    if value > raise_level:
        return Verdict.BAD
    return Verdict.GOOD if value <= clear_level else Verdict.BETWEEN
