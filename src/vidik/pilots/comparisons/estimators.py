"""Weights of donors: which mixture of other units behaves as the treated unit did, before anything was done to it.

All work on relative deviations: each series is divided by its own mean of the training weeks, less one. A route of
10 tonnes can so stand for one of 2, and a level of its own remains with each unit ("demeaned": Ferman and Pinto 2021,
Quantitative Economics 12; Doudchenko and Imbens 2016, NBER 22791).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Values

Places = NDArray[np.intp]
FOLDS = 5
SUM_TO_ONE = 1e3
"""How heavily, against the data, weights of the simplex are held to a sum of one in the least-squares problem."""


@dataclass(frozen=True)
class Candidates:
    """Weights by each method of a family: `weights` is (methods, donors)."""

    names: tuple[str, ...]
    weights: Values


Family = Callable[[Values, Values], Candidates]


@dataclass(frozen=True)
class Choice:
    """The weights chosen for one unit, by which method, and the error it made on weeks that it had not seen.

    `held_out` is the root mean square error of a week, relative to the unit's mean.
    """

    method: str
    weights: Values
    held_out: float


def synthetic_controls(donors: Values, unit: Values) -> Candidates:
    """Synthetic controls, from the most cautious to the freest.

    "equal": the mean of all donors. "synthetic_control": weights of at least zero that sum to one (Abadie, Diamond,
    Hainmueller 2010, JASA 105). "augmented L": the same, corrected by a ridge regression of what it leaves unexplained
    (Ben-Michael, Feller, Rothstein 2021, JASA 116). "ridge L": from equal weights towards the free regression.
    "components K": regression on the K strongest common movements (robust synthetic control: Amjad, Shah, Shen 2018,
    JMLR 19). L is the penalty in units of the donors' mean variance.
    """
    count = donors.shape[1]
    equal = np.full(count, 1 / count)
    convex = simplex(donors, unit)
    values, vectors = np.linalg.eigh(donors.T @ donors)
    values = np.maximum(values, 0.0)
    scale = max(float(values.mean()), 1e-12)
    names, rows = ["equal", "synthetic_control"], [equal, convex]
    for start, name, penalties in (
        (convex, "augmented", (0.3, 1.0, 3.0)),
        (equal, "ridge", (0.03, 0.1, 0.3, 1.0, 3.0)),
    ):
        towards = vectors.T @ (donors.T @ (unit - donors @ start))
        for penalty in penalties:
            names.append(f"{name} {penalty:g}")
            rows.append(start + vectors @ (towards / (values + penalty * scale)))
    towards = vectors.T @ (donors.T @ unit)
    for components in (1, 2, 4, 6):
        if components < count:
            names.append(f"components {components}")
            kept = slice(count - components, count)
            rows.append(vectors[:, kept] @ (towards[kept] / np.maximum(values[kept], 1e-12)))
    return Candidates(tuple(names), np.array(rows))


def equal_weights(donors: Values, unit: Values) -> Candidates:  # noqa: ARG001  a Family is asked alike
    """All donors alike: what difference in differences compares with."""
    count = donors.shape[1]
    return Candidates(("equal",), np.full((1, count), 1 / count))


def simplex(donors: Values, unit: Values) -> Values:
    """The weights of at least zero with a sum of one under which donors are nearest to the unit (least squares)."""
    from scipy.optimize import nnls  # slow to load, needed only here

    heavy = SUM_TO_ONE * max(float(np.abs(donors).max()), float(np.abs(unit).max()), 1e-9)
    count = donors.shape[1]
    weights, _ = nnls(np.vstack([donors, np.full(count, heavy)]), np.append(unit, heavy))
    total = weights.sum()
    return np.asarray(weights / total) if total > 0 else np.full(count, 1 / count)


def relative(series: Values, training: Values) -> Values:
    """Deviations from the mean of the training weeks, as fractions of that mean, column by column."""
    mean = training.mean(axis=0)
    return np.asarray(series / np.where(mean == 0, 1.0, mean) - 1.0)


def choose(family: Family, donors: Values, unit: Values) -> Choice:
    """The method whose weights err least on weeks that they were not fitted on.

    `donors` (weeks, donors) and `unit` (weeks) are amounts. Held out are contiguous fifths of the weeks, one after the
    other, so that neighbours in time do not give away the answer; nothing after the weeks given is looked at.
    """
    fitted = family(relative(donors, donors), relative(unit, unit))
    squares = np.zeros(len(fitted.names))
    for training, tested in folds(len(unit)):
        inputs = relative(donors, donors[training])
        outcome = relative(unit, unit[training])
        weights = family(inputs[training], outcome[training]).weights
        squares += ((outcome[tested][:, None] - inputs[tested] @ weights.T) ** 2).sum(axis=0)
    best = int(np.argmin(squares))
    return Choice(fitted.names[best], fitted.weights[best], float(np.sqrt(squares[best] / len(unit))))


def folds(weeks: int) -> Iterator[tuple[Places, Places]]:
    """Places to train on and to test on, for each contiguous part of the weeks."""
    parts = np.array_split(np.arange(weeks), min(FOLDS, weeks))
    for part in parts:
        yield np.setdiff1d(np.arange(weeks), part), part
