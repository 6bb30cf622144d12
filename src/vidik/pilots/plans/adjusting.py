"""Non-routine adjustments: what changed that is not the pilot's doing, put into the counterfactual. Pure.

IPMVP Core Concepts 2022, 8.1: saving = baseline - reporting, plus or minus adjustments. The amounts are a person's,
stated in an amendment; they move the saving and its interval, and do not make the interval narrower or wider.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from vidik.pilots.hourly import added_evenly
from vidik.pilots.outcome import Course, Finding, Interval, Outcome, verdict_of
from vidik.pilots.specification import Specification


def adjust(specification: Specification, outcome: Outcome) -> Outcome:
    """The outcome with the plan's adjustments on every counted day that they name."""
    if not specification.adjustments:
        return outcome
    course = outcome.course
    counted = ~np.isnan(np.asarray(course.actual)) & ~np.isnan(np.asarray(course.counterfactual))
    added = np.zeros(len(course.days))
    findings: list[Finding] = []
    for one in specification.adjustments:
        within = np.array([one.first <= day <= one.last for day in course.days]) & counted
        added[within] += float(one.amount_per_day)
        amount = float(one.amount_per_day) * int(within.sum())
        findings.append(
            Finding(
                "adjusted",
                "note",
                f"Adjusted by {one.amount_per_day} {outcome.unit} a day on {int(within.sum())} days: {one.reason}",
                first=one.first,
                last=one.last,
                values={"amount": amount, "days": int(within.sum())},
            )
        )
    total = float(added.sum())
    counterfactual, saving = outcome.counterfactual + total, outcome.saving + total
    interval = _moved(outcome.interval, total)
    return replace(
        outcome,
        verdict=verdict_of(interval, outcome.findings),
        counterfactual=counterfactual,
        saving=saving,
        fraction=saving / counterfactual if counterfactual > 0 else math.nan,
        interval=interval,
        guideline_14=None if outcome.guideline_14 is None else _moved(outcome.guideline_14, total),
        course=_course(course, added),
        hours=added_evenly(outcome.hours, np.array(course.days, "datetime64[D]"), added),
        findings=[*outcome.findings, *findings],
    )


def _moved(interval: Interval, by: float) -> Interval:
    return replace(interval, low=interval.low + by, high=interval.high + by)


def _course(course: Course, added: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Course:
    so_far = np.cumsum(added)
    return replace(
        course,
        counterfactual=(np.asarray(course.counterfactual) + added).tolist(),
        cumulative=(np.asarray(course.cumulative) + so_far).tolist(),
        cumulative_low=(np.asarray(course.cumulative_low) + so_far).tolist(),
        cumulative_high=(np.asarray(course.cumulative_high) + so_far).tolist(),
    )
