"""The models, each a choice of covariates: mean week, time of week and temperature, hourly signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vidik.pilots.baselines import ridge
from vidik.pilots.baselines.closures import Closures, find_closures, no_closures
from vidik.pilots.baselines.features import (
    Builder,
    Days,
    Features,
    Weather,
    add_parts_of_day,
    add_season,
    add_temperature,
    add_week,
    weekday,
)
from vidik.pilots.measurement.series import Mask, Values

ModelName = Literal["time_of_week_temperature", "hourly_signature", "mean_week"]
MODELS: tuple[ModelName, ...] = ("time_of_week_temperature", "hourly_signature", "mean_week")
FOLD_DAYS = 28
FOLDS = 13
FULL_SEASON_DAYS, FULL_SEASON_HARMONICS = 330, 4
"""A baseline of about a year carries waves of a quarter of it: terms, holidays of some weeks."""
SOME_SEASON_DAYS = 100
"""A heating season carries one wave; anything shorter none: season and temperature could not be told apart."""
TEMPERATURE_STRENGTHS = (5.0, 25.0, 125.0)
SEASON_STRENGTHS = (50.0, 250.0, 1000.0)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model, its rates on every day of the grid, and those of the baseline as predicted without their own fold."""

    name: ModelName
    rates: Values
    held_out: Values
    error: float
    """Root mean square of the held-out error of the day's hours."""
    features: Features
    weakest: Values
    """The weakest penalty of each covariate that was tried: what the model could take for season, at most."""

    @property
    def parameters(self) -> int:
        """How many covariates each hour of the day has."""
        return int(self.features.matrix.shape[1])


def fit_best(
    days: Days, rates: Values, weather: Weather | None, rows: Mask, only: ModelName | None = None
) -> Fitted | None:
    """The model with the least held-out error in the baseline `rows` of `rates` (days, hours).

    Folds are whole weeks, dealt in turn, so that no day is judged by its neighbours alone. None where no day of the
    baseline can be used.
    """
    usable = rows & ~np.isnan(rates).all(axis=1)
    if weather is not None:
        usable = usable & ~np.isnan(weather.mean)
    if usable.sum() < FOLDS:
        return None
    week = (days - days[0]).astype(np.int64) // FOLD_DAYS
    folds = [fold for number in range(FOLDS) if (fold := usable & (week % FOLDS == number)).any()]
    closures = _closures(days, rates, weather, usable)
    fitted = [
        _fit(name, days, rates, weather, usable, folds, closures)
        for name in ((only,) if only else MODELS)
        if weather is not None or name != "hourly_signature"
    ]
    return min(fitted, key=lambda model: model.error, default=None)


def _fit(
    name: ModelName,
    days: Days,
    rates: Values,
    weather: Weather | None,
    rows: Mask,
    folds: ridge.Folds,
    closures: Closures,
) -> Fitted:
    features, choices = _features(name, days, weather, rows, closures)
    candidates = ridge.held_out(features, rates, folds, np.array(choices))
    errors = [_error(rates, candidate, rows) for candidate in candidates]
    best = int(np.argmin(errors))
    coefficients = ridge.fit(features, rates, rows, choices[best])
    predicted, held_out = ridge.predict(features, coefficients), candidates[best]
    if not np.nanmin(rates[rows]) < 0:
        predicted, held_out = np.maximum(predicted, 0.0), np.maximum(held_out, 0.0)
    return Fitted(name, predicted, held_out, errors[best], features, choices[0])


def _closures(days: Days, rates: Values, weather: Weather | None, rows: Mask) -> Closures:
    """Closures, as the daily means show them against a model that knows of none."""
    known = ~np.isnan(rates)
    counts = known.sum(axis=1)
    actual = np.where(counts > 0, np.where(known, rates, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)
    features, choices = _features("time_of_week_temperature", days, weather, rows, no_closures(len(days)))
    coefficients = ridge.fit(features, actual[:, None], rows, choices[-1])
    return find_closures(days, actual, ridge.predict(features, coefficients)[:, 0], rows)


def _error(rates: Values, predicted: Values, rows: Mask) -> float:
    difference = rates[rows] - predicted[rows]
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.nanmean(difference**2)))


def _features(
    name: ModelName, days: Days, weather: Weather | None, rows: Mask, closures: Closures
) -> tuple[Features, list[Values]]:
    """The covariates of a model, and the penalties to choose among."""
    builder = Builder(rows)
    harmonics = _harmonics(name, int(rows.sum()))
    if name == "hourly_signature":
        builder.add(np.ones(len(days)), "level")
        builder.add(weekday(days) < 5, "level")
        working = None
    else:
        working = add_week(builder, days, (closures.holidays, closures.turn_of_year))
    if name != "mean_week" and weather is not None:
        add_temperature(builder, weather, rows, working)
        if name == "hourly_signature":
            add_parts_of_day(builder, weather, rows)
    if harmonics:
        add_season(builder, days, rows, harmonics, working)
    features = builder.build()
    return features, [
        features.strengths(temperature=temperature, season=season)
        for temperature in (TEMPERATURE_STRENGTHS if "temperature" in features.kinds else (1.0,))
        for season in (SEASON_STRENGTHS if harmonics else (1.0,))
    ]


def _harmonics(name: ModelName, days: int) -> int:
    """How many waves of the year a baseline of so many days carries."""
    if name == "mean_week" or days < SOME_SEASON_DAYS:
        return 0
    return FULL_SEASON_HARMONICS if name == "time_of_week_temperature" and days >= FULL_SEASON_DAYS else 1
