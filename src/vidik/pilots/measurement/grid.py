"""Steps of a series in local days and hours: people live by the clock on the wall, meters often do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Mask, Period, Series, Values, steps_from

Integers = NDArray[np.int64]
HOURS = 24


@dataclass(frozen=True, eq=False)
class DayGrid:
    """A series as one row a local day: `rates` has 24 columns (hourly series) or one (daily series).

    A step is found again as `rates[day_of_step, hour_of_step]`. The hour that the clock skips in spring holds NaN; the
    one that it repeats in autumn holds the mean of both, and both steps point to it.
    """

    first: np.datetime64
    rates: Values
    day_of_step: Integers
    hour_of_step: Integers

    @property
    def days(self) -> NDArray[np.datetime64]:
        """The local dates, one a row."""
        return steps_from(self.first, len(self.rates))

    @property
    def hours(self) -> int:
        """How many columns a day has: 24 or 1."""
        return int(self.rates.shape[1])

    def steps(self, rates: Values) -> Values:
        """Values of a grid like this one, a value a step."""
        return np.asarray(rates[self.day_of_step, self.hour_of_step], dtype=np.float64)

    def steps_known(self, step_values: Values) -> tuple[Integers, Integers]:
        """How many steps each local day has, and how many of them have a value."""
        size, known = len(self.rates), ~np.isnan(step_values)
        return (
            np.bincount(self.day_of_step, minlength=size),
            np.bincount(self.day_of_step[known], minlength=size),
        )

    def daily(self, step_values: Values) -> Values:
        """Sum of the step values of each local day; NaN where a step is missing or the day has none."""
        known = np.bincount(self.day_of_step, minlength=len(self.rates))
        sums = np.bincount(self.day_of_step, weights=step_values, minlength=len(self.rates)).astype(np.float64)
        sums[known == 0] = np.nan
        return np.asarray(sums, dtype=np.float64)

    def within(self, period: Period) -> Mask:
        """Which rows lie in the period."""
        days = self.days
        return np.asarray((days >= np.datetime64(period.first)) & (days <= np.datetime64(period.last)))


def day_grid(series: Series) -> DayGrid:
    """The series by local days, of its own zone."""
    values = series.values
    if series.is_daily:
        steps = np.arange(len(values), dtype=np.int64)
        return DayGrid(series.start, values.reshape(-1, 1), steps, np.zeros_like(steps))
    first, day, hour = _places(int(series.start.astype(np.int64)), len(values), series.zone)
    size = int(day[-1]) + 1 if len(day) else 0
    place = day * HOURS + hour
    known = ~np.isnan(values)
    counts = np.bincount(place[known], minlength=size * HOURS)
    sums = np.bincount(place[known], weights=values[known], minlength=size * HOURS)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = (sums / counts).reshape(size, HOURS)
    return DayGrid(np.datetime64(first, "D"), rates, day, hour)


def span(series: Series) -> Period | None:
    """First and last local day on which the series has a value."""
    known = np.flatnonzero(~np.isnan(series.values))
    if len(known) == 0:
        return None
    if series.is_daily:
        first, last = (series.times[place].astype(object) for place in (known[0], known[-1]))
        return Period(first, last)
    begin, day, _ = _places(int(series.start.astype(np.int64)), len(series.values), series.zone)
    origin = date(1970, 1, 1) + timedelta(days=begin)
    return Period(origin + timedelta(days=int(day[known[0]])), origin + timedelta(days=int(day[known[-1]])))


def local_hours(series: Series) -> Integers:
    """The local hour (since 1970, by the clock on the wall) of each step of an hourly series."""
    first = int(series.start.astype(np.int64))
    return first + np.arange(len(series), dtype=np.int64) + utc_offsets(first, len(series), series.zone)


@lru_cache(maxsize=64)
def _places(start_hour: int, length: int, zone: str) -> tuple[int, Integers, Integers]:
    """First local day (since 1970), and of each UTC hour its local day (from that one) and hour."""
    local = start_hour + np.arange(length, dtype=np.int64) + utc_offsets(start_hour, length, zone)
    day = local // HOURS
    first = int(day[0]) if length else 0
    day, hour = day - first, local % HOURS
    day.flags.writeable = hour.flags.writeable = False
    return first, day, hour


@lru_cache(maxsize=64)
def utc_offsets(start_hour: int, length: int, zone: str) -> Integers:
    """Whole hours by which local time is ahead of UTC, one for each UTC hour since 1970 (rounded down)."""
    place = ZoneInfo(zone)

    def at(hour: int) -> int:
        offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(place).utcoffset()
        return int(offset.total_seconds() // 3600) if offset is not None else 0

    offsets = np.empty(length, dtype=np.int64)
    for begin in range(0, length, HOURS):
        end = min(begin + HOURS, length)
        before, after = at(start_hour + begin), at(start_hour + end)
        offsets[begin:end] = before
        if before != after:
            offsets[begin:end] = [at(start_hour + hour) for hour in range(begin, end)]
    offsets.flags.writeable = False
    return offsets
