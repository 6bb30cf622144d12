"""The models, each a choice of covariates: mean week, time of week and temperature, hourly signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vidik.pilots.baselines import ridge
from vidik.pilots.baselines.features import (
    Builder,
    Days,
    Features,
    add_season,
    add_temperature,
    add_week,
    weekday,
)
from vidik.pilots.measurement.series import Mask, Values

ModelName = Literal["time_of_week_temperature", "hourly_signature", "mean_week"]
MODELS: tuple[ModelName, ...] = ("time_of_week_temperature", "hourly_signature", "mean_week")
FOLD_DAYS = 7
FOLDS = 10
FULL_SEASON_DAYS = 330
"""With fewer days in the baseline no seasonal term is fitted: it would be guessed where no data are."""
TEMPERATURE_STRENGTHS = (1.0, 5.0, 25.0)
SEASON_STRENGTHS = (10.0, 50.0, 250.0)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model, its rates on every day of the grid, and those of the baseline as predicted without their own fold."""

    name: ModelName
    rates: Values
    held_out: Values
    error: float
    """Root mean square of the held-out error of the day's hours."""
    parameters: int


def fit_best(
    days: Days, rates: Values, temperature: Values | None, rows: Mask, only: ModelName | None = None
) -> Fitted | None:
    """The model with the least held-out error in the baseline `rows` of `rates` (days, hours).

    Folds are whole weeks, dealt in turn, so that no day is judged by its neighbours alone. None where no day of the
    baseline can be used.
    """
    usable = rows & ~np.isnan(rates).all(axis=1)
    if temperature is not None:
        usable = usable & ~np.isnan(temperature)
    if usable.sum() < FOLDS:
        return None
    week = (days - days[0]).astype(np.int64) // FOLD_DAYS
    folds = [fold for number in range(FOLDS) if (fold := usable & (week % FOLDS == number)).any()]
    fitted = [
        _fit(name, days, rates, temperature, usable, folds)
        for name in ((only,) if only else MODELS)
        if temperature is not None or name != "hourly_signature"
    ]
    return min(fitted, key=lambda model: model.error, default=None)


def _fit(
    name: ModelName, days: Days, rates: Values, temperature: Values | None, rows: Mask, folds: ridge.Folds
) -> Fitted:
    features, choices = _features(name, days, temperature, rows)
    candidates = ridge.held_out(features, rates, folds, choices)
    errors = [_error(rates, candidate, rows) for candidate in candidates]
    best = int(np.argmin(errors))
    coefficients = ridge.fit(features, rates, rows, choices[best])
    predicted, held_out = ridge.predict(features, coefficients), candidates[best]
    if not np.nanmin(rates[rows]) < 0:
        predicted, held_out = np.maximum(predicted, 0.0), np.maximum(held_out, 0.0)
    return Fitted(name, predicted, held_out, errors[best], features.matrix.shape[1])


def _error(rates: Values, predicted: Values, rows: Mask) -> float:
    difference = rates[rows] - predicted[rows]
    return float(np.sqrt(np.nanmean(difference**2)))


def _features(name: ModelName, days: Days, temperature: Values | None, rows: Mask) -> tuple[Features, list[Values]]:
    """The covariates of a model, and the penalties to choose among."""
    builder = Builder(rows)
    if name == "hourly_signature" and temperature is not None:
        working = np.asarray(weekday(days) < 5, dtype=np.float64)
        builder.add(np.ones(len(days)), "level")
        builder.add(working, "level")
        add_temperature(builder, temperature, rows, working)
        features = builder.build()
        return features, [features.strengths(temperature=strength, season=0.0) for strength in TEMPERATURE_STRENGTHS]
    working = add_week(builder, days, np.zeros(len(days), dtype=np.bool_))
    if name == "mean_week":
        features = builder.build()
        return features, [features.strengths(temperature=0.0, season=0.0)]
    if temperature is not None:
        add_temperature(builder, temperature, rows, working)
    if rows.sum() >= FULL_SEASON_DAYS:
        add_season(builder, days, working)
    features = builder.build()
    return features, [
        features.strengths(temperature=temperature_strength, season=season_strength)
        for temperature_strength in TEMPERATURE_STRENGTHS
        for season_strength in SEASON_STRENGTHS
    ]
