"""The usual single rankings, TOPSIS and PROMETHEE II by `pymcdm`, and how easily they change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from threading import Lock
from types import ModuleType

import numpy as np

from vidik.pilots.candidates.assumptions import Assumptions
from vidik.pilots.candidates.simulation import Worlds
from vidik.pilots.measurement.series import Values

CRITERIA = ("npv", "cost", "tonnes", "provability", "chance_of_failure")
BETTER = np.array([1, -1, 1, 1, -1])
TRIED = 200
_IMPORTING = Lock()


@dataclass(frozen=True)
class OldRanking:
    """One method's order, best first, by equal or given weights.

    `same_three` is the share of drawn worlds in which it would put the same three first; `same_three_weights` the share
    of random weights.
    """

    method: str
    order: list[str]
    same_three: float
    same_three_weights: float


def old_rankings(assumptions: Assumptions, worlds: Worlds, weights: Sequence[float] | None = None) -> list[OldRanking]:
    """Both methods on mean values. Raises ValueError when there are not as many weights as criteria."""
    load()
    from pymcdm.methods import PROMETHEE_II, TOPSIS

    given = np.ones(len(CRITERIA)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(given) != len(CRITERIA) or (given < 0).any() or not given.sum() > 0:
        raise ValueError(f"There must be {len(CRITERIA)} weights, none below zero: {', '.join(CRITERIA)}.")
    # The library warns of a weight of zero: a millionth of the whole decides nothing.
    given = np.maximum(given / given.sum(), 1e-6)
    given = given / given.sum()
    draws = min(TRIED, worlds.npv.shape[1])
    random = np.random.default_rng(0)
    found = []
    for name, method in (("topsis", TOPSIS()), ("promethee", PROMETHEE_II("usual"))):

        def order(table: Values, weighing: Values, method: TOPSIS | PROMETHEE_II = method) -> list[int]:
            scores = np.asarray(method(table, weighing, BETTER))
            return [int(place) for place in np.argsort(-scores, kind="stable")]

        table = _table(assumptions, worlds, None)
        best = order(table, given)
        top = set(best[:3])
        worlds_same = [set(order(_table(assumptions, worlds, draw), given)[:3]) == top for draw in range(draws)]
        others = random.dirichlet(np.ones(len(CRITERIA)), draws)
        weights_same = [set(order(table, weighing)[:3]) == top for weighing in others]
        found.append(
            OldRanking(
                name,
                [worlds.services[place] for place in best],
                float(np.mean(worlds_same)),
                float(np.mean(weights_same)),
            )
        )
    return found


def load() -> None:
    """Import what the rankings need; seconds the first time, nothing afterwards."""
    import_part("pymcdm", "methods")


def import_part(package: str, part: str) -> ModuleType:
    """A part of a package without the package's own file, where the part can do without.

    pymcdm's own file loads all of matplotlib for its charts: 44 MB and two thirds of the time. Should a version's parts
    need what that file brings, they are imported with it: slower, never wrong. Raises ModuleNotFoundError where the
    package is not installed.
    """
    with _IMPORTING:
        if package not in sys.modules:
            found = find_spec(package)
            if found is None:
                raise ModuleNotFoundError(f"{package} is not installed.", name=package)
            sys.modules[package] = module_from_spec(found)
            try:
                return import_module(f"{package}.{part}")
            except Exception:  # whatever a part misses, it may find with the package's own file
                for name in [name for name in sys.modules if name.partition(".")[0] == package]:
                    del sys.modules[name]
        return import_module(f"{package}.{part}")


def _table(assumptions: Assumptions, worlds: Worlds, draw: int | None) -> Values:
    candidates = list(assumptions.services.values())
    detectable = np.array([candidate.detectable_fraction for candidate in candidates])

    def pick(values: Values) -> Values:
        return values.mean(axis=1) if draw is None else values[:, draw]

    return np.stack(
        [
            pick(worlds.npv),
            pick(worlds.cost),
            pick(worlds.tonnes),
            pick(worlds.fraction) / detectable,
            np.array([candidate.chance_of_failure for candidate in candidates]),
        ],
        axis=1,
    )
