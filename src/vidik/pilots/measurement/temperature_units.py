"""A weather file that goes over from Celsius to Fahrenheit or kelvin: every model on it would be wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.grid import HOURS
from vidik.pilots.measurement.series import Series, Values

SIDE = 14
"""Days on either side of a change, whose middle ones are compared."""
MOST_APART = 45
"""Days from the first to the last of both sides, at most: after a summer without readings it may well be colder."""
LEAST_DAYS = 60
"""On either side: a broken sensor, or one in the sun, shows as much for some weeks."""
JUMP = 20.0
"""Degrees that no fortnight is warmer than the one before, in Celsius."""
ALIKE = 7.0
"""Degrees between both sides, at most, once the higher one is converted."""
LEAST_HIGH, MOST_LOW = 25.0, 35.0
"""Nearly all of what comes in Fahrenheit or kelvin is above the former, and of what comes in Celsius below the latter:
a sensor that was only wrong for a time comes back below."""


def guard_one_unit(series: Series) -> None:
    """Raises BadInput where a temperature jumps, and stays, by just what two units differ by."""
    days, places = _days(series)
    for change in _jumps(days, places):
        before, after = days[:change], days[change:]
        low, high = (before, after) if np.median(before[-SIDE:]) < np.median(after[:SIDE]) else (after, before)
        if np.quantile(high, 0.05) > LEAST_HIGH and np.quantile(low, 0.95) < MOST_LOW:
            day = str(series.times[int(places[change]) * (1 if series.is_daily else HOURS)])[:10]
            raise BadInput(
                f"{series.name}: about {day} its temperatures go over from one unit to another (Celsius, Fahrenheit "
                "or kelvin). Write all of them in one unit.",
                field="weather",
                code="temperature-unit-changed",
                values={"name": series.name, "first": day},
            )


def _jumps(days: Values, places: NDArray[np.int64]) -> list[int]:
    """Where the fortnight before and the one after are alike only in two units; the clearest of each run of days."""
    if len(days) < 2 * LEAST_DAYS:
        return []
    middles = np.median(np.lib.stride_tricks.sliding_window_view(days, SIDE), axis=1)
    before, after = middles[:-SIDE], middles[SIDE:]
    low, high = np.minimum(before, after), np.maximum(before, after)
    converted = np.minimum(np.abs((high - 32) / 1.8 - low), np.abs(high - 273.15 - low))
    near = places[2 * SIDE - 1 :] - places[: len(places) - 2 * SIDE + 1] <= MOST_APART
    steep = np.abs(days[SIDE : SIDE + len(low)] - days[SIDE - 1 : SIDE - 1 + len(low)])
    found = np.flatnonzero(near & (high - low > JUMP) & (converted < ALIKE))
    runs = np.split(found, np.flatnonzero(np.diff(found) > SIDE) + 1) if len(found) else []
    changes = [int(run[np.argmax(steep[run])]) + SIDE for run in runs]
    return [change for change in changes if LEAST_DAYS <= change <= len(days) - LEAST_DAYS]


def _days(series: Series) -> tuple[Values, NDArray[np.int64]]:
    """Middle temperatures of the known days, and which days these are, counted from the first."""
    size = 1 if series.is_daily else HOURS
    table = series.values[: len(series) // size * size].reshape(-1, size)
    known = np.flatnonzero(~np.isnan(table).all(axis=1))
    return np.nanmedian(table[known], axis=1), known
