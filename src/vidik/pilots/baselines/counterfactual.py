"""One meter, a baseline period and a reporting period: what would have been used, had nothing been changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vidik.pilots.baselines.features import Weather
from vidik.pilots.baselines.models import Fitted, ModelName, fit_best
from vidik.pilots.baselines.statistics import daily_sums, describe
from vidik.pilots.measurement.grid import DayGrid, day_grid
from vidik.pilots.measurement.series import Mask, Period, Series, Values
from vidik.pilots.outcome import Fit

STANDSTILL, EXPECTED = 0.05, 0.1
"""Of a high day's use: less was used, more was expected."""
NET = 0.02
"""From this share of negative hours on a meter counts both ways: that it counts nothing is no standstill."""
PARTS_OF_DAY = (slice(0, 5), slice(5, 8), slice(8, 12), slice(12, 16), slice(16, 20), slice(20, 24))


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """A projected meter. Sums run over the steps of the reporting period where actual and prediction are both known."""

    name: str
    grid: DayGrid
    fitted: Fitted
    baseline_rows: Mask
    reporting_rows: Mask
    still: Mask
    """Days on which it stood still, in neither of the two."""
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
    set_aside_standstill: bool = True,
) -> Counterfactual | None:
    """Fit the baseline period and carry it into the reporting period; None where the baseline cannot be fitted."""
    grid = day_grid(series)
    baseline_rows, reporting_rows = grid.within(baseline), grid.within(reporting)
    for period in excluded:
        rows = grid.within(period)
        baseline_rows, reporting_rows = baseline_rows & ~rows, reporting_rows & ~rows
    warmth = weather_of(temperature, grid) if temperature is not None else None
    fitted = fit_best(grid.days, grid.rates, warmth, baseline_rows, model)
    if fitted is None:
        return None
    still = np.zeros(len(grid.rates), dtype=np.bool_)
    if set_aside_standstill:
        still = standstill(grid.rates, fitted.rates, baseline_rows)
        if (still & baseline_rows).any():
            fitted = fit_best(grid.days, grid.rates, warmth, baseline_rows & ~still, model)
            if fitted is None:
                return None
            still = standstill(grid.rates, fitted.rates, baseline_rows)
    still &= baseline_rows | reporting_rows
    baseline_rows, reporting_rows = baseline_rows & ~still, reporting_rows & ~still
    predicted = grid.steps(fitted.rates)
    actual_days, predicted_days = daily_sums(grid, series.values, predicted, reporting_rows)
    return Counterfactual(
        series.name,
        grid,
        fitted,
        baseline_rows,
        reporting_rows,
        still,
        series.values,
        predicted,
        actual_days,
        predicted_days,
    )


def standstill(actual: Values, predicted: Values, baseline: Mask) -> Mask:
    """Days on which nothing was used although much was to be expected: a heating not yet switched on, a dead meter.

    Nobody saved on such a day by what the pilot changed; it is set aside in baseline and reporting period alike.
    """
    used, expected = _mean(actual, ~np.isnan(actual)), _mean(predicted, ~np.isnan(actual))
    known = used[baseline & ~np.isnan(used)]
    if len(known) == 0 or (actual < 0).sum() > NET * (~np.isnan(actual)).sum():
        return np.zeros(len(used), dtype=np.bool_)
    much = float(np.quantile(known, 0.9))
    with np.errstate(invalid="ignore"):
        return np.asarray((used <= STANDSTILL * much) & (expected > EXPECTED * much))


def weather_of(temperature: Series, grid: DayGrid) -> Weather:
    """Daily temperatures on the days of the grid; NaN on a day with less than half of its hours."""
    return _weather_on(temperature, grid.first, len(grid.rates))


@lru_cache(maxsize=8)
def _weather_on(temperature: Series, begin: np.datetime64, size: int) -> Weather:
    """Worked out once for all meters of a site that were read over the same days."""
    source = day_grid(temperature)
    known = ~np.isnan(source.rates)
    with np.errstate(invalid="ignore"):
        mean = np.where(known.sum(axis=1) * 2 >= source.hours, _mean(source.rates, known), np.nan)
    parts = np.zeros((len(mean), 0))
    if source.hours > 1:
        columns = [_mean(source.rates[:, some], known[:, some]) for some in PARTS_OF_DAY]
        parts = np.nan_to_num(np.column_stack(columns) - mean[:, None])
    offset = int((source.first - begin).astype(np.int64))
    found = Weather(np.full(size, np.nan), np.zeros((size, parts.shape[1])))
    first, last = max(offset, 0), min(offset + len(mean), size)
    if last > first:
        found.mean[first:last] = mean[first - offset : last - offset]
        found.parts[first:last] = parts[first - offset : last - offset]
    found.mean.flags.writeable = found.parts.flags.writeable = False
    return found


def _mean(rates: Values, known: Mask) -> Values:
    """Mean of the known hours of each row; NaN without any."""
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, rates, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
