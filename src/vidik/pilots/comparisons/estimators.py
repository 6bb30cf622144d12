"""Weights of donors: which mixture of other units behaves as the treated unit did, before anything was done to it.

All work on relative deviations: each series is divided by its own mean of the training weeks, less one. A route of
10 tonnes can so stand for one of 2, and a level of its own remains with each unit ("demeaned": Ferman and Pinto 2021,
Quantitative Economics 12; Doudchenko and Imbens 2016, NBER 22791).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Values

Places = NDArray[np.intp]
FOLDS = 5
SUM_TO_ONE = 1e3
"""How heavily, against the data, weights of the simplex are held to a sum of one in the least-squares problem."""
COMPONENTS = (1, 2, 3, 4, 5, 6, 8, 10)
SHARPNESS = 8
"""A method that errs by a tenth more (in squares) than another gets less than half of its share."""
OWN_SHARPNESS = 16
"""The same for the unit's own weeks, of which each is counted by itself: they are many, but of one unit."""
SHRINKAGE = 1.0
"""How strongly augmented weights are held to those they start from, against the mean square of the donors' weeks."""
NEGLIGIBLE = 1e-12
"""Of a relative variance: keeps what is divided by above zero where series are constant."""


@dataclass(frozen=True)
class Candidates:
    """Weights by each method of a family: `weights` is (methods, donors)."""

    names: tuple[str, ...]
    weights: Values


Family = Callable[[Values, Places, Values], Candidates]
"""Takes the donors' deviations in all weeks (weeks, donors), the weeks to learn from, and the unit's there (weeks)."""


@dataclass(frozen=True)
class Choice:
    """The weights of one unit, by which method, and the error they made on weeks that they had not seen.

    `held_out` is the root mean square error of a week, relative to the unit's mean.
    """

    method: str
    weights: Values
    held_out: float


def synthetic_controls(donors: Values, training: Places, unit: Values) -> Candidates:
    """Synthetic controls, from the most cautious to the freest.

    "equal": the mean of all donors. "synthetic_control": weights of at least zero that sum to one (Abadie, Diamond,
    Hainmueller 2010, JASA 105). "components K": what the donors share is drawn together into the K courses that they
    follow most (interactive fixed effects: Xu 2017, Political Analysis 25), and the unit follows each of them as it did
    in the weeks to learn from, drawn towards how the donors follow it (empirical Bayes: the donors' own measures are
    what is to be expected of one more unit). Since courses are made of donors, this too is a weight of each donor.
    """
    count = donors.shape[1]
    rows = [np.full(count, 1 / count), simplex(donors[training], unit), *_components(donors, training, unit)]
    names = ("equal", "synthetic_control", *(f"components {number}" for number in COMPONENTS))
    return Candidates(names, np.array(rows))


def _components(donors: Values, training: Places, unit: Values) -> Iterator[Values]:
    count = donors.shape[1]
    most = min((count - 1) // 2, (len(training) - 1) // 2)
    _, vectors = np.linalg.eigh(donors.T @ donors)
    courses = donors[training] @ vectors[:, ::-1]
    for number in COMPONENTS:
        kept = min(number, most)
        if kept < 1:
            yield np.full(count, 1 / count)
            continue
        followed = vectors[:, ::-1][:, :kept]
        own, usual = courses[:, :kept], followed.mean(axis=0)
        # The measures in which donors follow orthonormal courses: their squares sum to one.
        spread = (np.identity(kept) - count * np.outer(usual, usual)) / (count - 1)
        unexplained = ((donors[training] - own @ followed.T) ** 2).mean()
        noise = max(unexplained / ((1 - kept / count) * (1 - kept / len(training))), NEGLIGIBLE)
        information = spread @ own.T
        measure = usual + np.linalg.solve(
            information @ own + noise * np.identity(kept), information @ (unit - own @ usual)
        )
        yield np.asarray(followed @ measure)


def wider_controls(donors: Values, training: Places, unit: Values) -> Candidates:
    """The same and three freer ones, for a unit that a few others make up, or that moves less or more than all others.

    "free_sum": weights of at least zero with any sum (Doudchenko and Imbens 2016), so that a unit may have a level that
    does not move. "augmented": from the synthetic control, as far towards the least squares as a ridge lets it go
    (Ben-Michael, Feller, Rothstein 2021, JASA 116). "ridge": the same from equal weights.
    """
    cautious = synthetic_controls(donors, training, unit)
    known = donors[training]
    rows = [
        _free_sum(known, unit),
        _towards(cautious.weights[1], known, unit),
        _towards(cautious.weights[0], known, unit),
    ]
    return Candidates((*cautious.names, "free_sum", "augmented", "ridge"), np.vstack([cautious.weights, rows]))


def _free_sum(donors: Values, unit: Values) -> Values:
    from scipy.optimize import nnls  # slow to load, needed only here

    weights, _ = nnls(donors, unit)
    return np.asarray(weights)


def _towards(weights: Values, donors: Values, unit: Values) -> Values:
    """Ridge regression that shrinks towards these weights instead of towards nothing."""
    strength = max(SHRINKAGE * float((donors**2).mean()), NEGLIGIBLE) * len(unit)
    missed = np.linalg.solve(donors @ donors.T + strength * np.identity(len(unit)), unit - donors @ weights)
    return np.asarray(weights + donors.T @ missed)


def equal_weights(donors: Values, training: Places, unit: Values) -> Candidates:  # noqa: ARG001  a Family is asked alike
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


@dataclass(frozen=True)
class Method:
    """A family, and how much a unit's own weeks count (0: nothing) beside those of all units when it is mixed."""

    family: Family
    own: int = 0


ALIKE = Method(equal_weights)
BY_VERSION: Mapping[int, Method] = {
    1: Method(synthetic_controls),
    2: Method(wider_controls, OWN_SHARPNESS),
    3: Method(wider_controls, OWN_SHARPNESS),
}
"""Synthetic control by the version that a plan names: a plan frozen under an earlier one keeps it."""


@dataclass(frozen=True)
class Mixture:
    """How much each method of a family counts for a unit of which nothing is known; shares sum to one."""

    method: Method
    shares: Values


def mix(method: Method, before: Values, after: Values, treated: int) -> Mixture:
    """Shares of the methods, by how well they foretold weeks of the baseline that they had not seen, of all units.

    `before` is (weeks, columns), amounts of treated units and then of donors; `after` those of the donors in the weeks
    that follow. Each column in turn is foreseen by the donors, itself never among them. What counts is the mean error
    over a fifth of the weeks, as a pilot is judged by a sum; each unit's errors are taken against its own, so that no
    unsteady one decides alone. One unit's own weeks say little about which of several like methods suits it: all units
    together do, and a mean of good methods errs less than the one that chance put first. Nothing of a treated unit
    after the start is looked at.
    """
    columns, donors = before.shape[1], np.arange(treated, before.shape[1])
    errors = []
    for column in range(columns):
        others = donors[donors != column]
        blocks = _foretold(method.family, before[:, others], after[:, others - treated], before[:, column])
        squares = np.mean([block.mean(axis=0) ** 2 for block in blocks], axis=0) + NEGLIGIBLE
        errors.append(squares / squares.mean())
    mean = np.mean(errors, axis=0)
    shares = (mean.min() / mean) ** SHARPNESS
    return Mixture(method, np.asarray(shares / shares.sum()))


def choose(mixture: Mixture, donors: Values, after: Values, unit: Values) -> Choice:
    """The weights of one unit by a mixture of methods, and how far off they were on weeks that were left out.

    Where methods differ much on the unit's own weeks, these decide: a unit that two or three donors make up is unlike
    all others, and what suits them says nothing of it. Where they differ little, what suits all units decides.
    `donors` (weeks, donors) and `unit` (weeks) are amounts of the baseline, `after` those of the donors in the weeks
    that follow.
    """
    known = np.vstack([donors, after])
    family = mixture.method.family
    fitted = family(relative(known, donors), np.arange(len(unit)), relative(unit, unit))
    errors = np.concatenate(_foretold(family, donors, after, unit))
    squares = np.mean(errors**2, axis=0) + NEGLIGIBLE
    shares = mixture.shares * (squares.min() / squares) ** mixture.method.own
    shares /= shares.sum()
    held_out = errors @ shares
    names = [name for name, share in zip(fitted.names, shares, strict=True) if share > 0]
    return Choice(
        "mixture" if len(names) > 1 else names[0],
        np.asarray(shares @ fitted.weights),
        float(np.sqrt(np.mean(held_out**2))),
    )


def _foretold(family: Family, donors: Values, after: Values, unit: Values) -> list[Values]:
    """Errors (weeks, methods) in contiguous fifths of the weeks, each learned from the others: neighbours in time must
    not give away the answer.
    """
    known = np.vstack([donors, after])
    errors = []
    for training, tested in folds(len(unit)):
        inputs, outcome = relative(known, donors[training]), relative(unit, unit[training])
        weights = family(inputs, training, outcome[training]).weights
        errors.append(outcome[tested][:, None] - inputs[tested] @ weights.T)
    return errors


def folds(weeks: int) -> Iterator[tuple[Places, Places]]:
    """Places to train on and to test on, for each contiguous part of the weeks."""
    parts = np.array_split(np.arange(weeks), min(FOLDS, weeks))
    for part in parts:
        yield np.setdiff1d(np.arange(weeks), part), part
