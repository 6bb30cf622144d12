"""What an evaluation finds, as plain values: the same whether it ran on the command line, in a job or in an audit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from vidik.pilots.measurement.series import Series

Verdict = Literal["saved", "not_shown", "worse"]
APART = "apart"
"""Marks a field that is kept in a file of its own, not in the plain form."""


@dataclass(frozen=True)
class Interval:
    """Where the saving lies, in the outcome's unit, with `level` (0.9 is 90 %).

    `method` is "placebo" (conformal, from placebo runs), "guideline_14" or "bootstrap"; `placebos` is how many runs
    stand behind it. `low` or `high` may be infinite: then `note` says what is missing.
    """

    low: float
    high: float
    level: float
    method: str
    placebos: int = 0
    note: str | None = None


@dataclass(frozen=True)
class Fit:
    """How well the model knows the baseline period it was fitted on, or one that it was tested on.

    CV(RMSE) and NMBE are fractions of the mean (ASHRAE Guideline 14-2014, 5.2.11.3), `r2` the share explained.
    """

    cv_rmse_hourly: float | None
    cv_rmse_daily: float | None
    cv_rmse_monthly: float | None
    nmbe: float | None
    r2: float | None
    within_guideline_14: bool | None


@dataclass(frozen=True)
class Finding:
    """Something about data or course that a person must know: a code for machines, a sentence for people.

    `severity` is "refused" (nothing was computed), "warning" or "repaired" (the plan allows the repair). `values` are
    what the sentence needs, so that it can be said in any language.
    """

    code: str
    severity: Literal["refused", "warning", "repaired", "note"]
    text: str
    subject: str | None = None
    first: date | None = None
    last: date | None = None
    values: dict[str, float | int | str] = field(default_factory=dict)


def values_of(finding: Finding) -> dict[str, str | int | float]:
    """A finding as the values of an error: its code and all that its sentence needs."""
    days = {"first": finding.first, "last": finding.last}
    return {
        "finding": finding.code,
        "subject": finding.subject or "",
        **{name: str(day) for name, day in days.items() if day},
        **finding.values,
    }


BLOCKING = frozenset({"scale", "baseline-scale", "unit-changed", "test-before-fit"})
"""Findings that a person must look at first: while one stands, no saving is declared."""


def is_blocked(findings: Iterable[Finding]) -> bool:
    """Whether any of these findings stands in the way of a verdict."""
    return any(finding.code in BLOCKING for finding in findings)


def verdict_of(interval: Interval, findings: Iterable[Finding]) -> Verdict:
    """Saved only where the whole interval says so, worse likewise; all else, and what is blocked, is not shown."""
    if is_blocked(findings):
        return "not_shown"
    if interval.low > 0:
        return "saved"
    return "worse" if interval.high < 0 else "not_shown"


@dataclass(frozen=True)
class Course:
    """Day by day through the reporting period: for the chart, its table and the extract. NaN where nothing is known.

    All lists have one entry a day. The band holds the cumulative saving at the plan's level.
    """

    days: list[date]
    actual: list[float]
    counterfactual: list[float]
    cumulative: list[float]
    cumulative_low: list[float]
    cumulative_high: list[float]


@dataclass(frozen=True, eq=False)
class Hours:
    """What the days of a course are made of, hour by hour (UTC hours, all units together).

    `saving` is counterfactual less actual, `use` the actual amounts. Both add up to the course's days: on a day that
    counts with some hours missing the others are scaled up alike. NaN where nothing is known.
    """

    saving: Series
    use: Series


@dataclass(frozen=True)
class UnitOutcome:
    """One treated unit: a meter, a route, a street."""

    name: str
    model: str
    actual: float
    counterfactual: float
    saving: float
    fit: Fit | None
    weights: dict[str, float] = field(default_factory=dict)
    """Donors and their weights, where other units make the counterfactual."""


@dataclass(frozen=True)
class Outcome:
    """The saving of a pilot: counterfactual less actual, in `unit`; positive is saved."""

    verdict: Verdict
    unit: str
    actual: float
    counterfactual: float
    saving: float
    fraction: float
    interval: Interval
    guideline_14: Interval | None
    p_value: float | None
    """The share of placebo runs with at least this effect (two-sided); None without placebos."""
    units: list[UnitOutcome]
    course: Course
    findings: list[Finding]
    days: int
    hours: Hours | None = field(default=None, compare=False, repr=False, metadata={APART: True})
    """None where no unit was measured by the hour, or the design knows days alone."""
