"""Goodness of fit as ASHRAE Guideline 14-2014 counts it."""

from __future__ import annotations

import numpy as np

from vidik.pilots.measurement.grid import DayGrid
from vidik.pilots.measurement.series import Mask, Values
from vidik.pilots.outcome import Fit

HOURLY_CV_LIMIT, HOURLY_NMBE_LIMIT = 0.30, 0.10
"""Calibrated simulation with hourly data (Guideline 14-2014, 5.3.3.3.10); monthly data: 15 % and 5 %."""
DAILY_CV_LIMIT = 0.25
FULL_DAY = 0.9
"""A day counts for the daily figures when at least this share of its steps is known; both sides are scaled up."""


def cv_rmse(actual: Values, predicted: Values, parameters: int = 0) -> float | None:
    """Root mean square error over the mean of what was measured (Guideline 14, equation 5-6); NaN pairs are left out.

    None with fewer than two pairs, or where the mean is not above zero.
    """
    known = ~(np.isnan(actual) | np.isnan(predicted))
    count = int(known.sum())
    mean = float(actual[known].mean()) if count else 0.0
    if count - parameters < 2 or mean <= 0:
        return None
    error = actual[known] - predicted[known]
    return float(np.sqrt(error @ error / (count - parameters)) / mean)


def nmbe(actual: Values, predicted: Values) -> float | None:
    """Normalised mean bias error: (actual - predicted) over actual; positive where the model says too little."""
    known = ~(np.isnan(actual) | np.isnan(predicted))
    total = float(actual[known].sum())
    return float((actual[known] - predicted[known]).sum()) / total if total > 0 else None


def r_squared(actual: Values, predicted: Values) -> float | None:
    """Share of the variance that the model explains; negative when it is worse than the mean."""
    known = ~(np.isnan(actual) | np.isnan(predicted))
    if known.sum() < 2:
        return None
    spread = float(np.sum((actual[known] - actual[known].mean()) ** 2))
    return 1 - float(np.sum((actual[known] - predicted[known]) ** 2)) / spread if spread > 0 else None


def daily_sums(grid: DayGrid, actual: Values, predicted: Values, rows: Mask) -> tuple[Values, Values]:
    """Actual and predicted of each day of `rows`, over the steps where both are known; NaN where too few are."""
    both = ~(np.isnan(actual) | np.isnan(predicted))
    size = len(grid.rates)
    steps = np.bincount(grid.day_of_step, minlength=size)
    known = np.bincount(grid.day_of_step[both], minlength=size)
    enough = rows & (known >= FULL_DAY * np.maximum(steps, 1)) & (known > 0)
    sums = [
        np.where(enough, np.bincount(grid.day_of_step[both], weights=side[both], minlength=size), np.nan)
        for side in (actual, predicted)
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(enough, steps / np.maximum(known, 1), np.nan)
    return sums[0] * scale, sums[1] * scale


def monthly_sums(grid: DayGrid, daily: Values) -> Values:
    """Sums of the known days of each calendar month, in order."""
    months = grid.days.astype("datetime64[M]").astype(np.int64)
    months -= months[0]
    known = ~np.isnan(daily)
    sums = np.bincount(months[known], weights=daily[known])
    return np.asarray(sums[np.bincount(months[known]) > 0], dtype=np.float64)


def describe(grid: DayGrid, actual: Values, predicted: Values, rows: Mask) -> Fit:
    """All figures of one meter over the days `rows`; `actual` and `predicted` have one value a step of the grid."""
    actual_days, predicted_days = daily_sums(grid, actual, predicted, rows)
    chosen = rows[grid.day_of_step]
    actual, predicted = actual[chosen], predicted[chosen]
    hourly = cv_rmse(actual, predicted) if grid.hours > 1 else None
    daily = cv_rmse(actual_days, predicted_days)
    known = ~(np.isnan(actual_days) | np.isnan(predicted_days))
    monthly = None
    if known.any():
        monthly = cv_rmse(
            monthly_sums(grid, np.where(known, actual_days, np.nan)),
            monthly_sums(grid, np.where(known, predicted_days, np.nan)),
        )
    bias = nmbe(actual, predicted)
    within = None
    if bias is not None and (hourly is not None or daily is not None):
        finest, limit = (hourly, HOURLY_CV_LIMIT) if hourly is not None else (daily, DAILY_CV_LIMIT)
        within = finest is not None and finest <= limit and abs(bias) <= HOURLY_NMBE_LIMIT
    return Fit(hourly, daily, monthly, bias, r_squared(actual, predicted), within)
