"""One meter, a baseline period and a reporting period: what would have been used, had nothing been changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidik.pilots.baselines.models import Fitted, ModelName, fit_best
from vidik.pilots.baselines.statistics import daily_sums, describe
from vidik.pilots.measurement.grid import DayGrid, day_grid
from vidik.pilots.measurement.series import Mask, Period, Series, Values
from vidik.pilots.outcome import Fit


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """A projected meter. Sums run over the steps of the reporting period where actual and prediction are both known."""

    name: str
    grid: DayGrid
    fitted: Fitted
    baseline_rows: Mask
    reporting_rows: Mask
    actual: Values
    predicted: Values
    """One value a step, like `actual`."""
    actual_days: Values
    """One value a row of the grid; NaN outside the reporting period and on days that are too incomplete."""
    predicted_days: Values

    @property
    def actual_total(self) -> float:
        """Over the days that can be compared."""
        return float(np.nansum(self.actual_days))

    @property
    def predicted_total(self) -> float:
        """Over the days that can be compared."""
        return float(np.nansum(self.predicted_days))

    @property
    def days(self) -> int:
        """How many days of the reporting period can be compared."""
        return int((~np.isnan(self.actual_days)).sum())

    @property
    def fraction(self) -> float:
        """Saving as a share of the counterfactual; NaN where that is not above zero."""
        total = self.predicted_total
        return (total - self.actual_total) / total if total > 0 else float("nan")

    def reporting_fit(self) -> Fit:
        """How the prediction stands against the reporting period (for placebos and tests: nothing was changed)."""
        return describe(self.grid, self.actual, self.predicted, self.reporting_rows)

    def baseline_fit(self) -> Fit:
        """The same for the baseline, each week predicted by a model that had not seen it."""
        return describe(self.grid, self.actual, self.grid.steps(self.fitted.held_out), self.baseline_rows)

    def baseline_residual_days(self) -> Values:
        """Actual less predicted by day of the baseline, in order, from the predictions without the own week."""
        actual, predicted = daily_sums(
            self.grid, self.actual, self.grid.steps(self.fitted.held_out), self.baseline_rows
        )
        residuals = (actual - predicted)[self.baseline_rows]
        return np.asarray(residuals[~np.isnan(residuals)])


def project(
    series: Series,
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
) -> Counterfactual | None:
    """Fit the baseline period and carry it into the reporting period; None where the baseline cannot be fitted."""
    grid = day_grid(series)
    baseline_rows, reporting_rows = grid.within(baseline), grid.within(reporting)
    for period in excluded:
        rows = grid.within(period)
        baseline_rows, reporting_rows = baseline_rows & ~rows, reporting_rows & ~rows
    warmth = day_temperature(temperature, grid) if temperature is not None else None
    fitted = fit_best(grid.days, grid.rates, warmth, baseline_rows, model)
    if fitted is None:
        return None
    predicted = grid.steps(fitted.rates)
    actual_days, predicted_days = daily_sums(grid, series.values, predicted, reporting_rows)
    return Counterfactual(
        series.name, grid, fitted, baseline_rows, reporting_rows, series.values, predicted, actual_days, predicted_days
    )


def day_temperature(temperature: Series, grid: DayGrid) -> Values:
    """Mean temperature of each day of the grid; NaN on a day with less than half of its hours."""
    source = day_grid(temperature)
    known = (~np.isnan(source.rates)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        means = np.where(known * 2 >= source.hours, np.nansum(source.rates, axis=1) / np.maximum(known, 1), np.nan)
    offset = int((source.first - grid.first).astype(np.int64))
    values = np.full(len(grid.rates), np.nan)
    first, last = max(offset, 0), min(offset + len(means), len(values))
    if last > first:
        values[first:last] = means[first - offset : last - offset]
    return values
