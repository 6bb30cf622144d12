"""How far off a design is when nothing happened: the quantile of its placebo runs that the interval is made of.

Rank, number of runs needed and p-value are the same for every design and stand here once. The bounds differ:
`placebo.bounds` (one meter against its own model) bounds each side by itself on errors in units of each meter's own
unsteadiness, and falls back on what whole sets of real meters showed; `width` (a pilot against others) is symmetric,
knows that its runs share data, and falls back on Student's t.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vidik.pilots.measurement.series import Values


@dataclass(frozen=True)
class Width:
    """Half the width of an interval, from how many placebo runs, and by which rule when these were too few."""

    half: float
    placebos: int
    note: str | None = None


@dataclass(frozen=True, eq=False)
class Ranked:
    """Scores in order. Of 200,000 a meter's own can be left out at once: nothing is sorted again.

    `ordered` and `sizes` (the same without sign) rise; of each the places in `out` and `out_sizes` do not count.
    """

    ordered: list[float]
    sizes: list[float]
    out: tuple[int, ...] = ()
    out_sizes: tuple[int, ...] = ()

    @classmethod
    def of(cls, scores: Iterable[float]) -> Ranked:
        """All of these."""
        known = sorted(scores)
        return cls(known, sorted(abs(score) for score in known))

    def without(self, scores: Iterable[float]) -> Ranked:
        """All but these, which must be among them."""
        own = sorted(scores)
        sizes = sorted(abs(score) for score in own)
        return Ranked(self.ordered, self.sizes, _places(self.ordered, own), _places(self.sizes, sizes))

    @property
    def count(self) -> int:
        """How many count."""
        return len(self.ordered) - len(self.out)

    def score(self, rank: int) -> float:
        """The `rank`-th smallest, from 1 on."""
        return _ranked(self.ordered, self.out, rank)

    def size(self, rank: int) -> float:
        """The `rank`-th smallest without its sign."""
        return _ranked(self.sizes, self.out_sizes, rank)

    def at_least(self, size: float) -> int:
        """How many are at least so far from zero."""
        place = bisect_left(self.sizes, size)
        return len(self.sizes) - place - sum(left >= place for left in self.out_sizes)


def _places(ordered: list[float], own: list[float]) -> tuple[int, ...]:
    """Where sorted values stand among others; equal ones each have a place of their own."""
    places: list[int] = []
    for value in own:
        place = bisect_left(ordered, value)
        places.append(max(place, places[-1] + 1) if places else place)
    return tuple(places)


def _ranked(ordered: list[float], out: tuple[int, ...], rank: int) -> float:
    place = rank - 1
    for left in out:
        place += left <= place
    return ordered[place]


def enough(level: float) -> int:
    """How many placebo runs a conformal interval of this level needs (9 for 90 %)."""
    return math.ceil(round(level / (1 - level), 9))


def rank_of(runs: int, level: float) -> int:
    """Which of so many ordered errors bounds a new one with probability `level`; more than `runs` if none does."""
    return math.ceil(round((runs + 1) * level, 9))


def width(errors: Values, level: float, independent: int | None = None) -> Width:
    """Half the width that holds a new error with probability `level` if it is exchangeable with `errors`.

    The ceil((n + 1) level)-th smallest absolute error (split conformal: Vovk, Gammerman, Shafer 2005; Barber, Candès,
    Ramdas, Tibshirani 2021). `independent` is how many of the errors have no data in common, all unless given: of more
    errors than that, it is the mean of this quantile over all choices of so many. Where runs suffice (19 for 90 %) each
    side also holds its own half of what may go wrong, so that errors that lean to one side do not make savings.

    A quantile of few runs can be narrow by luck, so the width is at least Student's t with that many degrees of freedom
    times the root mean square error; with fewer than `enough(level)` runs the quantile does not exist, and it is this,
    and at least the largest error of that many, and a note says so. With no run at all it is infinite.
    """
    sizes = np.sort(np.abs(errors[np.isfinite(errors)]))
    runs = len(sizes)
    if runs == 0:
        return Width(math.inf, 0, "There is no placebo run, so nothing is known about how far off this design may be.")
    freedom = min(runs, max(1, independent)) if independent is not None else runs
    spread = float(np.sqrt(np.mean(sizes**2))) * _student(0.5 + level / 2, freedom)
    if freedom >= enough(level):
        known = errors[np.isfinite(errors)]
        sides = [sizes] if freedom < enough(0.5 + level / 2) else [sizes, np.sort(known), np.sort(-known)]
        quantiles = [_quantile(side, freedom, level if side is sizes else 0.5 + level / 2) for side in sides]
        return Width(max(spread, *quantiles), runs)
    return Width(
        max(spread, float(_ranked_shares(runs, freedom, freedom) @ sizes)),
        runs,
        f"Only {freedom} independent placebo runs, where {enough(level)} are needed for {level:.0%}: the interval is "
        f"widened by Student's t with {freedom} degrees of freedom.",
    )


def _quantile(ordered: Values, freedom: int, level: float) -> float:
    return float(_ranked_shares(len(ordered), freedom, rank_of(freedom, level)) @ ordered)


@lru_cache(maxsize=256)
def _student(probability: float, freedom: int) -> float:
    from scipy.special import stdtrit  # slow to load, needed only here

    return float(stdtrit(freedom, probability))


@lru_cache(maxsize=256)
def _ranked_shares(runs: int, drawn: int, rank: int) -> Values:
    """How often each of `runs` sorted values is the `rank`-th of `drawn` of them, over all ways to draw."""
    ways = math.comb(runs, drawn)
    return np.array(
        [math.comb(place, rank - 1) * math.comb(runs - 1 - place, drawn - rank) / ways for place in range(runs)]
    )


def p_value(errors: Values, effect: float) -> float | None:
    """The share of runs, the pilot itself included, that show at least this effect in either direction."""
    sizes = np.abs(errors[np.isfinite(errors)])
    if not len(sizes):
        return None
    return float((1 + np.count_nonzero(sizes >= abs(effect))) / (len(sizes) + 1))
