"""Ridge regression of all hours of the day at once: the covariates of a day are the same for each of its hours.

So one Gram matrix serves 24 regressions, and the folds of a cross-validation are differences of Gram matrices. A year
of hours with forty covariates takes some milliseconds.
"""

from __future__ import annotations

import numpy as np

from vidik.pilots.baselines.features import Features
from vidik.pilots.measurement.series import Mask, Values

Folds = list[Mask]


def fit(features: Features, rates: Values, rows: Mask, strengths: Values) -> Values:
    """Coefficients `(covariates, hours)` from the days `rows` of `rates` (days, hours); NaN hours are left out.

    `strengths` is the penalty of each covariate.
    """
    gram, moment = _normal(features.matrix[rows], rates[rows])
    return _solve(gram, moment, strengths)


def predict(features: Features, coefficients: Values) -> Values:
    """Rates `(days, hours)`; NaN on days without covariates."""
    return np.asarray(features.matrix @ coefficients, dtype=np.float64)


def held_out(features: Features, rates: Values, folds: Folds, strengths: list[Values]) -> list[Values]:
    """For each penalty, the rates of every day that is in a fold, predicted without that fold."""
    everything = np.logical_or.reduce(folds)
    gram, moment = _normal(features.matrix[everything], rates[everything])
    found = [np.full(rates.shape, np.nan) for _ in strengths]
    for fold in folds:
        part, part_moment = _normal(features.matrix[fold], rates[fold])
        rest = gram - part
        for values, strength in zip(found, strengths, strict=True):
            values[fold] = features.matrix[fold] @ _solve(rest, moment - part_moment, strength)
    return found


def _normal(matrix: Values, rates: Values) -> tuple[Values, Values]:
    """Gram `(1 or hours, p, p)` and moments `(p, hours)`; one Gram serves all hours that know the same days."""
    usable = ~np.isnan(matrix).any(axis=1)
    matrix, rates = matrix[usable], rates[usable]
    known = ~np.isnan(rates)
    moment = matrix.T @ np.where(known, rates, 0.0)
    # Whole days that are missing are missing for every hour: start from the days that any hour knows, and take away.
    some = known.any(axis=1)
    gram = matrix[some].T @ matrix[some]
    partial = some & ~known.all(axis=1)
    if not partial.any():
        return gram[None], moment
    rows, missing = matrix[partial], ~known[partial]
    grams = np.repeat(gram[None], rates.shape[1], axis=0)
    for hour in np.flatnonzero(missing.any(axis=0)):
        lost = rows[missing[:, hour]]
        grams[hour] -= lost.T @ lost
    return grams, moment


def _solve(gram: Values, moment: Values, strengths: Values) -> Values:
    """Solve all hours; `gram` has one matrix for all of them or one each."""
    regular = gram + np.diag(strengths)
    if len(regular) == 1:
        return np.asarray(np.linalg.solve(regular[0], moment))
    return np.asarray(np.linalg.solve(regular, moment.T[:, :, None])[:, :, 0].T)
