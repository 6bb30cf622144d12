"""Covariates of a day: the day of the week, its temperature, the time of the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Mask, Values

Kind = Literal["level", "temperature", "season"]
Days = NDArray[np.datetime64]

KNOTS = (0.1, 0.35, 0.65, 0.9)
"""Quantiles of the baseline's temperatures at which the slope may change."""
DEGREES_OF_ORDER_ONE = 8.0
"""A typical swing of daily means about that of the season: interactions are scaled by it."""
YEAR_DAYS = 365.25
LEVEL_STRENGTH = 0.001
"""Only so that a level without days can be solved for: more would pull every prediction towards zero."""


@dataclass(frozen=True, eq=False)
class Weather:
    """Each day's mean temperature, and of each part of it how much warmer it was than the day: `parts` (days, parts).

    `parts` has no column where only daily temperatures are known. NaN on days without temperature.
    """

    mean: Values
    parts: Values


@dataclass(frozen=True, eq=False)
class Features:
    """One row of covariates a day, and how each is shrunk: `scale` is its variance in the baseline times its order."""

    matrix: Values
    kinds: list[Kind]
    scale: Values

    def strengths(self, *, temperature: float, season: float) -> Values:
        """The penalty of each covariate, from the strength of its kind."""
        strength = {"level": LEVEL_STRENGTH, "temperature": temperature, "season": season}
        return np.array([strength[kind] for kind in self.kinds]) * self.scale


def weekday(days: Days) -> NDArray[np.int64]:
    """0 is Monday."""
    return np.asarray((days.astype(np.int64) + 3) % 7, dtype=np.int64)


class Builder:
    """Collects covariates; `rows` are the days of the baseline, by which they are scaled."""

    def __init__(self, rows: Mask) -> None:
        self._rows = rows
        self._columns: list[Values] = []
        self._kinds: list[Kind] = []
        self._scale: list[float] = []

    def add(self, column: Values | Mask, kind: Kind, order: float = 1.0) -> None:
        """Add one covariate; a higher `order` shrinks it more."""
        numbers = np.asarray(column, dtype=np.float64)
        values = numbers[self._rows]
        values = values[~np.isnan(values)]
        spread = float(values.var()) if len(values) else 0.0
        self._columns.append(numbers)
        self._kinds.append(kind)
        self._scale.append(1.0 if kind == "level" else max(spread, 1e-6) * order**2)

    def build(self) -> Features:
        """The covariates collected."""
        return Features(np.column_stack(self._columns), self._kinds, np.array(self._scale))


def add_week(builder: Builder, days: Days, closures: Sequence[Mask]) -> Values:
    """A level for each day of the week and each kind of closure; returns which days are working days (1 or 0)."""
    of_week, closed = weekday(days), np.logical_or.reduce(closures)
    for number in range(7):
        builder.add((of_week == number) & ~closed, "level")
    for kind in closures:
        if kind.any():
            builder.add(kind, "level")
    return np.asarray((of_week < 5) & ~closed, dtype=np.float64)


def add_temperature(builder: Builder, weather: Weather, rows: Mask, working: Values | None) -> None:
    """Piecewise linear in the day's mean, and the two days before (thermal mass); another slope on working days."""
    mean = weather.mean
    known = mean[rows]
    known = known[~np.isnan(known)]
    knots = np.quantile(known, KNOTS) if len(known) else np.zeros(len(KNOTS))
    builder.add(mean - knots[0], "temperature")
    for knot in knots:
        builder.add(np.maximum(mean - knot, 0.0), "temperature")
    for back in (1, 2):
        before = np.concatenate([np.repeat(mean[:1], back), mean[:-back]])
        builder.add(np.where(np.isnan(before), 0.0, before - mean), "temperature")
    if working is not None:
        builder.add((mean - knots[0]) * working, "temperature")


def add_parts_of_day(builder: Builder, weather: Weather, rows: Mask) -> None:
    """How each part of the day differs from its mean, more so the colder it is: nights, clear afternoons."""
    typical = float(np.nanmean(weather.mean[rows])) if rows.any() else 0.0
    cold = np.where(np.isnan(weather.mean), 0.0, weather.mean - typical) / DEGREES_OF_ORDER_ONE
    for part in weather.parts.T:
        builder.add(part, "temperature")
        builder.add(part * cold, "temperature")


def add_season(builder: Builder, days: Days, rows: Mask, harmonics: int, working: Values | None) -> None:
    """Smooth through the year, apart for working days: daylight, terms, holidays.

    A day of the year that the baseline does not reach takes the nearest one that it does: no wave is carried on.
    """
    of_year = _reached(_day_of_year(days), rows)
    for order in range(1, harmonics + 1):
        angle = 2 * np.pi * order * of_year / YEAR_DAYS
        for wave in (np.sin(angle), np.cos(angle)):
            builder.add(wave, "season", order)
            if working is not None:
                builder.add(wave * working, "season", order)


def _day_of_year(days: Days) -> NDArray[np.int64]:
    return np.asarray((days - days.astype("datetime64[Y]")).astype(np.int64))


def _reached(of_year: NDArray[np.int64], rows: Mask) -> NDArray[np.int64]:
    """Each day of the year, or the nearest (around the turn of the year) that is in `rows`."""
    known = np.unique(of_year[rows])
    if len(known) == 0 or np.isin(of_year, known).all():
        return of_year
    every = np.arange(367)
    apart = np.abs(every[:, None] - known[None, :])
    nearest = known[np.minimum(apart, 366 - apart).argmin(axis=1)]
    return np.asarray(nearest[of_year], dtype=np.int64)
