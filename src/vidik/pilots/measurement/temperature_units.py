"""A weather file that goes over from Celsius to Fahrenheit or kelvin: every model on it would be wrong."""

from __future__ import annotations

import numpy as np

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Series, Values

SIDE = 7
"""Days on either side of a change, whose middle ones are compared."""
JUMP = 20.0
"""Degrees that no week is warmer than the one before, in Celsius."""
ALIKE = 9.0
"""Degrees between the weeks on either side, at most, once the higher one is converted."""


def guard_one_unit(series: Series) -> None:
    """Raises BadInput where a temperature jumps from one day on by just what two units differ by."""
    days, places = _days(series)
    if len(days) < 2 * SIDE:
        return
    windows = np.median(np.lib.stride_tricks.sliding_window_view(days, SIDE), axis=1)
    before, after = windows[:-SIDE], windows[SIDE:]
    low, high = np.minimum(before, after), np.maximum(before, after)
    fahrenheit, kelvin = (high - 32) / 1.8, high - 273.15
    other = (high - low > JUMP) & (np.minimum(np.abs(fahrenheit - low), np.abs(kelvin - low)) < ALIKE)
    if not other.any():
        return
    # The windows beside the change mix both; it lies where the jump is largest.
    change = int(np.argmax(np.where(other, high - low, 0.0))) + SIDE
    day = str(series.times[places[change]])[:10]
    raise BadInput(
        f"{series.name}: about {day} its temperatures go over from one unit to another (Celsius, Fahrenheit or "
        "kelvin). Write all of them in one unit.",
        field="weather",
        code="temperature-unit-changed",
        values={"name": series.name, "first": day},
    )


def _days(series: Series) -> tuple[Values, list[int]]:
    """Middle temperatures of the known days, and the place of each day's first step."""
    size = 1 if series.is_daily else 24
    whole = len(series) // size * size
    table = series.values[:whole].reshape(-1, size)
    known = np.flatnonzero(~np.isnan(table).all(axis=1))
    return np.nanmedian(table[known], axis=1), (known * size).tolist()
