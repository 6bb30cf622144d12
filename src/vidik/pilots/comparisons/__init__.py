"""Designs that foresee a pilot's units by other units, by drawn weeks, or (warned of) by their own past alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from vidik.kernel.errors import Unprocessable
from vidik.pilots.comparisons.assembling import outcome_of
from vidik.pilots.comparisons.estimators import ALIKE, BY_VERSION
from vidik.pilots.comparisons.hours import hours_by_usual, hours_of_comparison
from vidik.pilots.comparisons.noticed import baseline_events_of, events_of
from vidik.pilots.comparisons.panel import Panel, build_panel
from vidik.pilots.comparisons.placebos import baseline_placebos, placebos_of
from vidik.pilots.comparisons.randomised import compare_weeks, week_placebos
from vidik.pilots.comparisons.runs import Design, pilot_run, weighted
from vidik.pilots.comparisons.second_opinion import second_opinion
from vidik.pilots.comparisons.single_series import single_series, weakness
from vidik.pilots.measurement.series import Series, Values
from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import Specification


def compare(
    specification: Specification,
    units: Mapping[str, Series],
    donors: Mapping[str, Series],
    until: date | None = None,
) -> Outcome:
    """The saving of a pilot whose plan names a comparison design; `until` cuts the reporting period short.

    Keys are `Signal.name`; amounts are of hours or days, in the unit of the specification. Raises Unprocessable, with a
    sentence for the person, when data do not allow any result.
    """
    panel, findings = build_panel(specification, units, donors, until)
    if specification.design == "randomised":
        return compare_weeks(specification, panel, findings, units)
    design = _design(specification, panel)
    pilot = pilot_run(design, panel)
    placebos = placebos_of(design, panel, specification.seed)
    if specification.design == "single_series":
        findings.append(weakness(placebos))
    else:
        findings += events_of(panel, pilot.foreseen_by_unit)
        if specification.estimator > 1:
            findings += baseline_events_of(panel, pilot.choices)
    if specification.design == "synthetic_control":
        findings.append(second_opinion(panel, pilot))
    outcome = outcome_of(specification, panel, pilot, placebos, findings)
    if specification.design == "single_series":
        if specification.estimator == 1:
            return outcome
        before, on = np.arange(len(panel.days)) < panel.before, np.ones(panel.after, dtype=bool)
        hours = hours_by_usual(panel, units, pilot.foreseen_by_unit, before, on, specification.zone)
        return replace(outcome, hours=hours)
    return replace(outcome, hours=hours_of_comparison(panel, pilot, units, donors, specification.zone))


def placebo_fractions(
    specification: Specification, units: Mapping[str, Series], donors: Mapping[str, Series]
) -> Values:
    """What the design would have called a saving on dates and units where nothing had happened.

    Looks at the baseline period alone: it may be computed before the start, for the power curve. Fractions are of what
    was foreseen, scaled to how well the pilot's own units can be foreseen. Empty when the baseline is too short.
    """
    panel, _ = build_panel(specification, units, donors, before_start=True)
    if specification.design == "randomised":
        return week_placebos(specification, panel)
    design = _design(specification, panel)
    days = specification.reporting.period.days
    return baseline_placebos(design, panel, days, specification.seed).fractions(pilot_run(design, panel).scale)


def _design(specification: Specification, panel: Panel) -> Design:
    match specification.design:
        case "difference_in_differences":
            return weighted(ALIKE, panel)
        case "synthetic_control":
            return weighted(BY_VERSION[specification.estimator], panel)
        case "single_series":
            return single_series
    raise Unprocessable(f"{specification.design} is not a comparison design.", field="design", code="design")
