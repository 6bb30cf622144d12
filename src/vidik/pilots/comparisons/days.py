"""Hourly series as amounts of days, as comparisons take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.grid import HOURS, DayGrid, day_grid
from vidik.pilots.measurement.series import Series, Values

MOST_HOURS = 3
"""A day that lacks more hours than this is a missing day."""
AROUND = 14
"""Days on either side whose hours say what is usual."""


@dataclass(frozen=True, eq=False)
class Days:
    """Amounts of local days, NaN where unknown; `filled` counts the hours of a day that were put in."""

    days: NDArray[np.datetime64]
    amounts: Values
    filled: NDArray[np.int64]


def daily(series: Series) -> Days:
    """The local days of a series and their amounts.

    A sum without an hour would be too small, so up to three missing hours of a day take what the same hours of the two
    weeks around had, in the measure in which the rest of the day had more or less than these.
    """
    if series.is_daily:
        return Days(series.times.astype("datetime64[D]"), series.values, np.zeros(len(series), dtype=np.int64))
    grid = day_grid(series)
    missing = np.isnan(series.values)
    filled = np.bincount(grid.day_of_step[missing], minlength=len(grid.rates))
    filled[(filled > MOST_HOURS) | (filled == np.bincount(grid.day_of_step, minlength=len(grid.rates)))] = 0
    amounts = grid.daily(np.where(missing & (filled[grid.day_of_step] > 0), _usual(grid, filled), series.values))
    filled[np.isnan(amounts)] = 0
    # The first and the last day of a recording are whole only if they begin and end with their hours.
    if grid.hour_of_step[0] != 0:
        amounts[0] = np.nan
    if grid.hour_of_step[-1] != HOURS - 1:
        amounts[-1] = np.nan
    return Days(grid.days, amounts, filled)


def _usual(grid: DayGrid, filled: NDArray[np.int64]) -> Values:
    """What each step of the days to fill would have had (NaN elsewhere, and where nobody knows)."""
    expected = np.full(grid.rates.shape, np.nan)
    for row in np.flatnonzero(filled):
        around = grid.rates[max(row - AROUND, 0) : row + AROUND + 1]
        known = ~np.isnan(around)
        counts = known.sum(axis=0)
        usual = np.where(counts > 0, np.where(known, around, 0.0).sum(axis=0) / np.maximum(counts, 1), np.nan)
        both = ~np.isnan(grid.rates[row]) & ~np.isnan(usual)
        level = float(usual[both].sum())
        expected[row] = usual * (float(grid.rates[row][both].sum()) / level if level > 0 else 1.0)
    return grid.steps(expected)
