"""Which crew to send: skill, shift, minutes on the streets, load; each with its reason. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

MINUTES_A_TASK = 25.0
"""What one open task of a crew is reckoned at when crews are compared."""
WORK_MINUTES = 30.0
"""What the task itself is reckoned at when it must fit into the shift."""
FRESH = timedelta(minutes=10)
"""An older position is not where the crew is."""

Travel = Literal["streets", "straight-line"]


class Reason(NamedTuple):
    """One fact that counts for or against a crew; sentences are made of it by the front end."""

    kind: Literal["skill", "duty", "minutes", "load", "shift-ends"]
    good: bool
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of one crew. `minutes`: travel; None when nobody knows where it is, or there is no place."""

    crew: int
    name: str
    skills: frozenset[str]
    on_duty: bool
    duty_until: datetime | None
    minutes: float | None
    travel: Travel | None
    starts_from: Literal["position", "depot"] | None
    open_tasks: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One crew with its reasons. `suitable`: it has the skill and is on duty."""

    candidate: Candidate
    suitable: bool
    expected_minutes: float
    reasons: tuple[Reason, ...]


def rank(candidates: Sequence[Candidate], *, skill: str | None, urgent: bool, at: datetime) -> list[Suggestion]:
    """Return every crew, the best first: suitable ones by when they could begin, then the others.

    An urgent task goes before what a crew has, so its load counts a quarter. The same facts give the same order.
    """
    found = [_judged(candidate, skill, urgent, at) for candidate in candidates]
    return sorted(found, key=_order)


def _judged(candidate: Candidate, skill: str | None, urgent: bool, at: datetime) -> Suggestion:
    able = skill is None or skill in candidate.skills
    load = candidate.open_tasks * MINUTES_A_TASK * (0.25 if urgent else 1.0)
    expected = (candidate.minutes if candidate.minutes is not None else 0.0) + load
    reasons = [
        Reason("duty", candidate.on_duty, {"until": candidate.duty_until}),
        Reason("load", candidate.open_tasks == 0, {"open_tasks": candidate.open_tasks}),
    ]
    if skill is not None:
        reasons.insert(0, Reason("skill", able, {"skill": skill}))
    if candidate.minutes is not None:
        data = {"minutes": candidate.minutes, "travel": candidate.travel, "from": candidate.starts_from}
        reasons.append(Reason("minutes", candidate.minutes <= 15, data))
    if _too_short(candidate, expected, at):
        reasons.append(Reason("shift-ends", False, {"until": candidate.duty_until}))
    return Suggestion(candidate, able and candidate.on_duty, expected, tuple(reasons))


def _too_short(candidate: Candidate, expected_minutes: float, at: datetime) -> bool:
    """Whether the shift ends before the task could be done."""
    if not candidate.on_duty or candidate.duty_until is None:
        return False
    return candidate.duty_until < at + timedelta(minutes=expected_minutes + WORK_MINUTES)


def _order(suggestion: Suggestion) -> tuple[Any, ...]:
    candidate = suggestion.candidate
    against = {reason.kind for reason in suggestion.reasons if not reason.good}
    return (
        "skill" in against,
        "duty" in against,
        "shift-ends" in against,
        candidate.minutes is None,
        suggestion.expected_minutes,
        candidate.name,
        candidate.crew,
    )
