"""Ridge regression of all hours of the day at once: the covariates of a day are the same for each of its hours.

So one Gram matrix serves all hours that are known on the same days, and the folds of a cross-validation are differences
of Gram matrices. A year of hours with forty covariates takes some milliseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.baselines.features import Features
from vidik.pilots.measurement.series import Mask, Values

Folds = list[Mask]
Groups = list[NDArray[np.int64]]


def fit(features: Features, rates: Values, rows: Mask, strengths: Values) -> Values:
    """Coefficients `(covariates, hours)` from the days `rows` of `rates` (days, hours); NaN hours are left out.

    `strengths` is the penalty of each covariate.
    """
    groups = _groups(rates[rows])
    grams, moment = _normal(features.matrix[rows], rates[rows], groups)
    return np.asarray(_solve(grams[None], moment[None], strengths[None], groups)[0, 0], dtype=np.float64)


def predict(features: Features, coefficients: Values) -> Values:
    """Rates `(days, hours)`; NaN on days without covariates."""
    return np.asarray(features.matrix @ coefficients, dtype=np.float64)


def held_out(features: Features, rates: Values, folds: Folds, strengths: Values) -> Values:
    """For each penalty of `strengths` (penalties, covariates), the rates of every day in a fold, from the other folds.

    Shape (penalties, days, hours); NaN on days that are in no fold.
    """
    everything = np.logical_or.reduce(folds)
    groups = _groups(rates[everything])
    grams, moment = _normal(features.matrix[everything], rates[everything], groups)
    found = np.full((len(strengths), *rates.shape), np.nan)
    parts = [_normal(features.matrix[fold], rates[fold], groups) for fold in folds]
    others = grams - np.stack([part for part, _ in parts]), moment - np.stack([part for _, part in parts])
    for fold, coefficients in zip(folds, _solve(*others, strengths, groups), strict=True):
        found[:, fold] = features.matrix[fold] @ coefficients
    return found


def _groups(rates: Values) -> Groups:
    """Hours that are known on the same days: one Gram matrix serves all of a group."""
    known = ~np.isnan(rates)
    of_pattern: dict[bytes, list[int]] = {}
    for hour in range(rates.shape[1]):
        of_pattern.setdefault(known[:, hour].tobytes(), []).append(hour)
    return [np.array(hours) for hours in of_pattern.values()]


def _normal(matrix: Values, rates: Values, groups: Groups) -> tuple[Values, Values]:
    """A Gram matrix for each group, `(groups, p, p)`, and the moments `(p, hours)`."""
    usable = ~np.isnan(matrix).any(axis=1)
    if not usable.all():
        matrix, rates = matrix[usable], rates[usable]
    grams = np.empty((len(groups), matrix.shape[1], matrix.shape[1]))
    moment = np.empty((matrix.shape[1], rates.shape[1]))
    for place, hours in enumerate(groups):
        known = ~np.isnan(rates[:, hours[0]])
        if known.all():
            some, amounts = matrix, rates[:, hours]
        else:
            some, amounts = matrix[known], rates[np.ix_(known, hours)]
        grams[place] = some.T @ some
        moment[:, hours] = some.T @ amounts
    return grams, moment


def _solve(grams: Values, moments: Values, strengths: Values, groups: Groups) -> Values:
    """Coefficients `(folds, penalties, p, hours)` of `grams` (folds, groups, p, p) and `moments` (folds, p, hours)."""
    found = np.empty((len(grams), len(strengths), *moments.shape[1:]))
    diagonals = np.zeros((len(strengths), *grams.shape[2:]))
    place = np.arange(grams.shape[2])
    diagonals[:, place, place] = strengths
    for number, hours in enumerate(groups):
        penalised = grams[:, number, None] + diagonals
        found[..., hours] = np.linalg.solve(penalised, moments[:, None, :, hours])
    return found
