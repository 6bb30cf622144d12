"""Covariates of a day: the day of the week, its temperature, the time of the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Mask, Values

Kind = Literal["level", "temperature", "season"]
Days = NDArray[np.datetime64]

KNOTS = (0.1, 0.35, 0.65, 0.9)
"""Quantiles of the baseline's temperatures at which the slope may change."""
HARMONICS = 4
"""Of the year: enough for terms and holidays of some weeks."""
YEAR_DAYS = 365.25


@dataclass(frozen=True, eq=False)
class Features:
    """One row of covariates a day, and how each is shrunk: `scale` is its variance in the baseline times its order."""

    matrix: Values
    kinds: list[Kind]
    scale: Values

    def strengths(self, *, temperature: float, season: float) -> Values:
        """The penalty of each covariate, from the strength of its kind."""
        strength = {"level": 0.1, "temperature": temperature, "season": season}
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


def add_week(builder: Builder, days: Days, closed: Mask) -> Values:
    """A level for each day of the week and one for closed days; returns which days are working days (1 or 0)."""
    of_week = weekday(days)
    for number in range(7):
        builder.add((of_week == number) & ~closed, "level")
    if closed.any():
        builder.add(closed, "level")
    return np.asarray((of_week < 5) & ~closed, dtype=np.float64)


def add_temperature(builder: Builder, temperature: Values, rows: Mask, working: Values) -> None:
    """Piecewise linear in the day's mean, another slope on working days, and the day before (thermal mass)."""
    known = temperature[rows]
    known = known[~np.isnan(known)]
    knots = np.quantile(known, KNOTS) if len(known) else np.zeros(len(KNOTS))
    builder.add(temperature - knots[0], "temperature")
    for knot in knots:
        builder.add(np.maximum(temperature - knot, 0.0), "temperature")
    before = np.concatenate([temperature[:1], temperature[:-1]])
    builder.add(np.where(np.isnan(before), 0.0, before - temperature), "temperature")
    builder.add((temperature - knots[0]) * working, "temperature")


def add_season(builder: Builder, days: Days, working: Values) -> None:
    """Smooth through the year, apart for working days: daylight, terms, holidays."""
    of_year = (days - days.astype("datetime64[Y]")).astype(np.int64)
    for order in range(1, HARMONICS + 1):
        angle = 2 * np.pi * order * of_year / YEAR_DAYS
        for wave in (np.sin(angle), np.cos(angle)):
            builder.add(wave, "season", order)
            builder.add(wave * working, "season", order)
