"""Jumps of scale: a meter that was exchanged, a multiplier or a unit that was changed, is no saving."""

from __future__ import annotations

from datetime import date

import numpy as np

from vidik.pilots.baselines.counterfactual import Counterfactual
from vidik.pilots.baselines.statistics import daily_sums
from vidik.pilots.measurement.series import Period, Values
from vidik.pilots.outcome import Finding

OTHER_SCALE = 4.0
"""Actual and expected that differ by more than this factor are no saving but another unit, meter or building."""
MONTHS_OF_A_YEAR = 11
"""Of shorter baselines all high days may lie on one side of a season."""


def scale_findings(run: Counterfactual, reporting: Period) -> list[Finding]:
    """Findings "scale" and "baseline-scale": while one stands, no saving is declared, and the run is no placebo."""
    found = of_another_scale(run.name, run.actual_total, run.predicted_total, reporting)
    change = _change_of_scale(run)
    if change is not None:
        day, factor = change
        text = (
            f"{run.name}: from {day} on its baseline is on another scale, by a factor of {factor:.1f}: look whether "
            "its unit or its multiplier was changed. No saving is declared."
        )
        found.append(Finding("baseline-scale", "warning", text, run.name, day, None, {"factor": round(factor, 2)}))
    return found


def of_another_scale(name: str, actual: float, expected: float, reporting: Period) -> list[Finding]:
    """A finding "scale" where a meter used several times more or less than was to be expected."""
    ratio = max(actual, expected) / max(min(actual, expected), 1e-12)
    if ratio <= OTHER_SCALE:
        return []
    way = "less" if actual < expected else "more"
    text = (
        f"{name} used {ratio:.1f} times {way} than expected: look whether its unit, its multiplier or the meter was "
        "changed. No saving is declared."
    )
    return [Finding("scale", "warning", text, name, reporting.first, reporting.last, {"factor": round(ratio, 2)})]


def _change_of_scale(run: Counterfactual) -> tuple[date, float] | None:
    """The month of a year-long baseline before and after which all high days differ by more than a season explains."""
    actual, _ = daily_sums(run.grid, run.actual, run.predicted, run.baseline_rows)
    known = ~np.isnan(actual)
    months = run.grid.days.astype("datetime64[M]")
    names = np.unique(months[known])
    if len(names) < MONTHS_OF_A_YEAR:
        return None
    peaks = np.array([_high(actual[known & (months == month)]) for month in names])
    for place in range(1, len(names)):
        before, after = peaks[:place], peaks[place:]
        factor = max(before.min() / max(after.max(), 1e-12), after.min() / max(before.max(), 1e-12))
        if factor > OTHER_SCALE:
            return names[place].astype("datetime64[D]").item(), float(factor)
    return None


def _high(amounts: Values) -> float:
    """The upper tenth of a month's days; numpy's quantile takes longer to begin than these few take to sort."""
    ordered = np.sort(amounts)
    place = 0.9 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
