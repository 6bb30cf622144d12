"""From a run and its placebos to the outcome that people read."""

from __future__ import annotations

import math

import numpy as np

from vidik.kernel.errors import Unprocessable
from vidik.pilots.comparisons.noticed import other_scales
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.placebos import Placebos
from vidik.pilots.comparisons.runs import Run
from vidik.pilots.measurement.series import Values, steps_from
from vidik.pilots.outcome import Course, Finding, Interval, Outcome, UnitOutcome, verdict_of
from vidik.pilots.specification import Specification

LEAST_WEIGHT = 0.005
"""Donors below this weight are not listed."""


def outcome_of(
    specification: Specification, panel: Panel, pilot: Run, placebos: Placebos, findings: list[Finding]
) -> Outcome:
    """Saving, interval at the plan's level, p-value and course of a pilot."""
    level = specification.decision.level
    actual, foreseen = float(pilot.actual.sum()), float(pilot.foreseen.sum())
    if not foreseen > 0:
        raise Unprocessable(
            "Without the pilot nothing would have been measured: there is no saving to speak of.",
            field="units",
            code="nothing-expected",
        )
    saving = foreseen - actual
    found = placebos.width(pilot, level)
    half = found.half * foreseen
    interval = Interval(saving - half, saving + half, level, "placebo", found.placebos, found.note)
    findings += other_scales(panel, pilot.foreseen_by_unit)
    if found.note:
        findings.append(
            Finding("few_placebos", "warning", found.note, values={"placebos": found.placebos, "level": level})
        )
    return Outcome(
        verdict=verdict_of(interval, findings),
        unit=specification.units[0].unit,
        actual=actual,
        counterfactual=foreseen,
        saving=saving,
        fraction=saving / foreseen,
        interval=interval,
        guideline_14=None,
        p_value=placebos.p_value(pilot),
        units=_units(panel, pilot),
        course=course_of(panel, pilot.actual, pilot.foreseen, placebos.band(pilot, level) * np.cumsum(pilot.foreseen)),
        findings=findings,
        days=panel.after,
    )


def course_of(panel: Panel, actual: Values, foreseen: Values, half: Values) -> Course:
    """Day by day; days left out are in it with NaN, so that the chart shows the gap."""
    first, last = panel.days[panel.before], panel.days[-1]
    days = steps_from(first, int((last - first).astype(np.int64)) + 1)
    places = (panel.days[panel.before :] - first).astype(np.int64)

    def spread(values: Values) -> list[float]:
        whole = np.full(len(days), math.nan)
        whole[places] = values
        return [float(value) for value in whole]

    cumulative = np.cumsum(foreseen - actual)
    return Course(
        days.tolist(),
        spread(actual),
        spread(foreseen),
        spread(cumulative),
        spread(cumulative - half),
        spread(cumulative + half),
    )


def _units(panel: Panel, pilot: Run) -> list[UnitOutcome]:
    outcomes = []
    for column, name in enumerate(panel.unit_names):
        actual = float(panel.units[panel.before :, column].sum())
        foreseen = float(pilot.foreseen_by_unit[:, column].sum())
        choice = pilot.choices[column]
        pairs = sorted(zip(panel.donor_names, choice.weights.tolist(), strict=False), key=lambda pair: -abs(pair[1]))
        weights = {donor: round(weight, 6) for donor, weight in pairs if abs(weight) >= LEAST_WEIGHT}
        outcomes.append(UnitOutcome(name, choice.method, actual, foreseen, foreseen - actual, None, weights))
    return outcomes
