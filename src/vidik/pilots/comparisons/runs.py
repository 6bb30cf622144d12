"""One run of a design: learn before, foresee after. The pilot itself and each of its placebos are such runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.comparisons.estimators import Choice, Method, Mixture, choose, mix
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.measurement.series import Values

WEEK = 7
LEAST_WEEKS = 8
"""With fewer weeks of baseline the weights are learned from days."""
LEAST_TRAINING_DAYS = 56
MOST_SPACE_RUNS = 60
MOST_DATES = 6


@dataclass(frozen=True, eq=False)
class Run:
    """What a design foresaw for a set of units taken together, and what came.

    `actual` is the amount of all units, one a day, after the (true or pretended) start; `foreseen_by_unit` is (days,
    units). `scale` is the error of a week that the choice had not seen, relative to the units' mean: how well these
    units can be foreseen at all.
    """

    actual: Values
    foreseen_by_unit: Values
    choices: tuple[Choice, ...]
    scale: float

    @property
    def foreseen(self) -> Values:
        """The amounts foreseen, of all units, one a day."""
        return np.asarray(self.foreseen_by_unit.sum(axis=1))

    @property
    def fraction(self) -> float:
        """The saving as a fraction of what was foreseen."""
        foreseen = float(self.foreseen.sum())
        return 1 - float(self.actual.sum()) / foreseen if foreseen > 0 else math.nan

    @property
    def path(self) -> Values:
        """The same from the start to each day."""
        foreseen = np.cumsum(self.foreseen)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(foreseen > 0, 1 - np.cumsum(self.actual) / foreseen, np.nan)


Design = Callable[[NDArray[np.datetime64], Values, Values, int], Run]
"""Takes days, treated units and donors (days, columns), and the place of the start among the days."""


def weighted(method: Method, panel: Panel) -> Design:
    """The design that foresees units by weights of donors; several methods are mixed as this panel's baseline says.

    The pilot and its placebos share the mixture: it looks at all units alike, and at nothing after the start but
    donors.
    """
    amounts = np.hstack([panel.units, panel.donors])
    before, after = _learned(panel.days, amounts, panel.before)
    treated = panel.units.shape[1]
    return partial(_weighted, mix(method, before, after[:, treated:], treated))


def _weighted(mixture: Mixture, days: NDArray[np.datetime64], treated: Values, donors: Values, start: int) -> Run:
    weekdays = weekdays_of(days)
    donor_means = donors[:start].mean(axis=0)
    donor_means = np.where(donor_means == 0, 1.0, donor_means)
    moves = (donors[start:] - usual_by_weekday(donors[:start], weekdays[:start])[weekdays[start:]]) / donor_means
    usual = usual_by_weekday(treated[:start], weekdays[:start])
    donor_weeks, donor_weeks_after = _learned(days, donors, start)
    unit_weeks, _ = _learned(days[:start], treated[:start], start)
    choices = []
    foreseen = np.empty((len(days) - start, treated.shape[1]))
    misses = []
    for column in range(treated.shape[1]):
        choice = choose(mixture, donor_weeks, donor_weeks_after, unit_weeks[:, column])
        mean = float(treated[:start, column].mean())
        foreseen[:, column] = usual[weekdays[start:], column] + mean * (moves @ choice.weights)
        choices.append(choice)
        misses.append(choice.held_out * mean)
    total = float(treated[:start].sum(axis=1).mean())
    scale = math.sqrt(sum(miss**2 for miss in misses)) / total if total > 0 else math.inf
    return Run(treated[start:].sum(axis=1), foreseen, tuple(choices), max(scale, 1e-6))


def _learned(days: NDArray[np.datetime64], amounts: Values, start: int) -> tuple[Values, Values]:
    """Mean days of the weeks before and after the start, each weekday's usual difference taken off."""
    weekdays = weekdays_of(days)
    usual = usual_by_weekday(amounts[:start], weekdays[:start])
    level = amounts - usual[weekdays] + amounts[:start].mean(axis=0)
    length = _length(days[:start])
    return (
        _means(days[:start], level[:start], days[start - 1], length),
        _means(days[start:], level[start:], days[start - 1], length),
    )


def pilot_run(design: Design, panel: Panel) -> Run:
    """The pilot itself."""
    return design(panel.days, panel.units, panel.donors, panel.before)


def space_runs(design: Design, panel: Panel, seed: int) -> list[Run]:
    """The pilot pretended on donors, as many at a time as the pilot treats, at its own dates."""
    return _on_donors(design, panel.days, panel.donors, panel.before, panel.units.shape[1], seed)


def time_runs(design: Design, panel: Panel, starts: list[int], length: int, seed: int) -> list[Run]:
    """The pilot pretended at earlier dates, on its own units and on donors, with `length` days to foresee."""
    runs = []
    for start in starts:
        shown = slice(0, start + length)
        days, units, donors = panel.days[shown], panel.units[shown], panel.donors[shown]
        runs.append(design(days, units, donors, start))
        runs += _on_donors(design, days, donors, start, units.shape[1], seed)
    return runs


def _on_donors(
    design: Design, days: NDArray[np.datetime64], donors: Values, start: int, treated: int, seed: int
) -> list[Run]:
    return [
        design(days, donors[:, chosen], np.delete(donors, chosen, axis=1), start)
        for chosen in _sets(donors.shape[1], treated, seed)
    ]


def moved_starts(before: int, length: int) -> list[int]:
    """Where a pilot could have begun within the baseline, latest first: what is foreseen does not overlap."""
    least = max(LEAST_TRAINING_DAYS, before // 2)
    return [start for k in range(1, MOST_DATES + 1) if (start := before - k * length) >= least]


def independent_sets(donors: int, treated: int) -> int:
    """How many sets of units, as large as the pilot's, have no unit in common; less one, as they share their donors."""
    return max(0, donors // treated - 1) if donors > treated else 0


def _sets(donors: int, treated: int, seed: int) -> list[tuple[int, ...]]:
    """Sets of donors as large as the pilot: each donor alone, or drawn so that all come equally often."""
    if donors <= treated:
        return []
    if treated == 1:
        return [(donor,) for donor in range(donors)]
    random = np.random.default_rng(seed)
    per_round = donors // treated
    rounds = max(1, min(MOST_SPACE_RUNS // per_round, 10))
    drawn = []
    for _ in range(rounds):
        order = random.permutation(donors)
        for place in range(per_round):
            drawn.append(tuple(sorted(order[place * treated : (place + 1) * treated].tolist())))
    return list(dict.fromkeys(drawn))


def usual_by_weekday(amounts: Values, weekdays: NDArray[np.int64]) -> Values:
    """The mean amount of each weekday (7, columns); of all days where a weekday does not occur."""
    usual = np.empty((WEEK, amounts.shape[1]))
    overall = amounts.mean(axis=0)
    for weekday in range(WEEK):
        there = weekdays == weekday
        usual[weekday] = amounts[there].mean(axis=0) if there.any() else overall
    return usual


def weekly_means(days: NDArray[np.datetime64], amounts: Values) -> Values:
    """The mean day of each week, counted back from the last day; the days themselves when there are few weeks.

    A week with fewer than four days is left out.
    """
    return _means(days, amounts, days[-1], _length(days))


def _length(days: NDArray[np.datetime64]) -> int:
    return WEEK if int((days[-1] - days[0]).astype(np.int64)) + 1 >= LEAST_WEEKS * WEEK else 1


def _means(days: NDArray[np.datetime64], amounts: Values, last: np.datetime64, length: int) -> Values:
    """Means of weeks (weeks, columns), of which one ends on the day `last`."""
    if not len(days):
        return amounts
    _, weeks = np.unique(-((last - days).astype(np.int64) // length), return_inverse=True)
    counts = np.bincount(weeks)
    means = np.stack([np.bincount(weeks, weights=column) / counts for column in amounts.T], axis=1)
    return np.asarray(means[counts >= min(4, length)])


def weekdays_of(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.asarray((days.astype(np.int64) + 3) % WEEK)
