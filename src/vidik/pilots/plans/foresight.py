"""What a plan will be able to show, said before its start: placebo runs on the data that ends before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from vidik.pilots.assessment import foreseen_findings
from vidik.pilots.evaluation import donors_once
from vidik.pilots.measurement.grid import day_grid
from vidik.pilots.measurement.series import Period
from vidik.pilots.measurement.sufficiency import judge_sufficiency, missing_of
from vidik.pilots.outcome import Finding
from vidik.pilots.plain import plain
from vidik.pilots.plans.data import Data
from vidik.pilots.power import power_curve
from vidik.pilots.specification import Specification
from vidik.pilots.uncertainty.placebo import placebo_fractions

_ENOUGH = 10
_MOST_STARTS = 6


def foresee(specification: Specification, data: Data) -> dict[str, Any]:
    """The power curve of a plan, plain, with the power at the saving that it hopes for and what its data are like.

    `data` must end with the baseline period: nothing of the time after it may be looked at.
    """
    if specification.design == "baseline":
        fractions = _baseline_fractions(specification, data)
    else:
        from vidik.pilots.comparisons import placebo_fractions as compared

        fractions = compared(specification, data.units, data.donors)
    curve = power_curve(fractions, specification.decision.level)
    hoped = specification.expected
    at_expected = float(np.interp(hoped, [0.0, *curve.fractions], [curve.false_savings, *curve.power]))
    found = plain([*data.findings, *_sufficiency(specification, data)])
    return {**plain(curve), "expected": hoped, "power_at_expected": round(at_expected, 4), "findings": found}


def _sufficiency(specification: Specification, data: Data) -> Iterator[Finding]:
    """Whether the data of the baseline suffice, and what is not routine in it: what would otherwise be refused or asked
    about once the pilot is over."""
    baseline, reporting = specification.baseline.period, specification.reporting.period
    for name, series in data.units.items():
        if specification.design == "baseline":
            yield from foreseen_findings(
                series,
                data.temperature,
                baseline,
                reporting,
                model=None if specification.model == "best" else specification.model,
                excluded=[exclusion.period for exclusion in specification.exclusions],
                set_aside_standstill="stuck" in specification.repairs,
            )
            continue
        grid = day_grid(series)
        judged = judge_sufficiency(name, grid, None, baseline, reporting)
        yield from (finding for finding in judged if finding.code.startswith("baseline-"))
        yield from missing_of(name, grid, series.values, baseline, baseline)[:1]


def _baseline_fractions(specification: Specification, data: Data) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Runs on units and donors alike, a year and more before; where there are few, also within the baseline itself."""
    known = {**data.units, **donors_once(specification, data.units, data.donors)[0]}
    model = None if specification.model == "best" else specification.model
    excluded = [exclusion.period for exclusion in specification.exclusions]
    found = [
        placebo_fractions(known, data.temperature, first, second, model=model, excluded=excluded)
        for first, second in _before(specification)
    ]
    fractions = found[0]
    for more in found[1:]:
        if len(fractions) >= _ENOUGH:
            break
        fractions = np.concatenate((fractions, more))
    return fractions


def _before(specification: Specification) -> Iterator[tuple[Period, Period]]:
    """The plan's own periods (which are tried whole years earlier), then the end of the baseline as if reported."""
    baseline, reporting = specification.baseline.period, specification.reporting.period
    yield baseline, reporting
    length = min(reporting.days, max(7, baseline.days // 4))
    for number in range(1, _MOST_STARTS + 1):
        start = baseline.last - timedelta(days=number * length - 1)
        if (start - baseline.first).days < baseline.days // 2:
            return
        yield Period(baseline.first, start - timedelta(days=1)), Period(start, start + timedelta(days=length - 1))
