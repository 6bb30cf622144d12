"""Intervals from placebo runs: the same design on meters and years in which nothing was changed.

A placebo run's error is what the method "saves" where there is nothing to save: its whole error, drift from year to
year included. The conformal quantile of such errors (Vovk et al. 2005; Lei et al. 2018; Barber et al. 2021) is an
interval that holds whatever their shape, as long as the pilot's meter is one of their kind.

Two choices make it narrow without making it wrong. Errors are logarithms of actual over predicted: a true saving
shifts them and changes nothing else, so the interval covers any saving as it covers none. And each error is divided by
how unsteady its own meter is, from month to month, in the baseline (each month predicted without itself) and in the
reporting period (about its own mean, so that a saving from the first day on does not count). A meter that wanders gets
a wide interval, a steady one a narrow one, and meters of different kinds become comparable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from vidik.pilots.baselines.counterfactual import Counterfactual, project
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.baselines.scale import scale_findings
from vidik.pilots.baselines.statistics import daily_sums
from vidik.pilots.measurement.grid import DayGrid, span
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.outcome import Interval
from vidik.pilots.uncertainty.conformal import Ranked, enough, rank_of

STEADIEST = 0.05
"""No meter is taken to be steadier than this: years differ by more than months of one year can tell."""
SHORTEST_BLOCK_DAYS = {"M": 7, "W": 4}
FEWEST_BLOCKS = 3
EXPERIENCE = 1.65
"""The furthest bound of 90 % that whole sets of real meters needed (Cambridge, both pairs of years, 75 runs): a few
runs that happen to agree must not make an interval narrower than that."""
ENOUGH_DAYS = 0.5
"""A run counts when at least this share of its reporting period could be compared."""
YEARS_BACK = 30


@dataclass(frozen=True)
class Placebo:
    """One run in which nothing was changed: whose, when, and by how much it errs."""

    name: str
    baseline: Period
    reporting: Period
    fraction: float
    error: float
    """Logarithm of actual over predicted."""
    spread: float
    """By which the error is divided."""

    @property
    def score(self) -> float:
        """The error in units of the meter's own unsteadiness."""
        return self.error / self.spread


def error_of(actual: float, predicted: float) -> float:
    """Logarithm of actual over predicted; NaN where either is not above zero."""
    return math.log(actual / predicted) if actual > 0 and predicted > 0 else math.nan


def spread_of(runs: Sequence[Counterfactual]) -> float:
    """How unsteady a meter is, or several together: baseline, reporting period and floor, added in quadrature."""
    baseline = [_blocks(run.grid, *_baseline_days(run)) for run in runs]
    reporting = [_blocks(run.grid, run.actual_days, run.predicted_days) for run in runs]
    return math.sqrt(STEADIEST**2 + _unsteadiness(baseline) ** 2 + _unsteadiness(reporting) ** 2)


def placebo_of(run: Counterfactual, baseline: Period, reporting: Period) -> Placebo | None:
    """The run as a placebo; None where too little of it can be compared, or its scale was changed."""
    error = error_of(run.actual_total, run.predicted_total)
    if run.days < ENOUGH_DAYS * reporting.days or math.isnan(error) or scale_findings(run, reporting):
        return None
    return Placebo(run.name, baseline, reporting, run.fraction, error, spread_of([run]))


def placebo_runs(
    donors: Iterable[Series],
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
    set_aside_standstill: bool = True,
) -> list[Placebo]:
    """Every donor in the same periods, and with both moved back by whole years.

    Moved periods go as far back as a donor reaches, and none of them touches the reporting period.
    """
    found = []
    for donor in donors:
        for first, second in moved_periods(baseline, reporting, donor):
            run = project(
                donor,
                temperature,
                first,
                second,
                model=model,
                excluded=excluded,
                set_aside_standstill=set_aside_standstill,
            )
            placebo = placebo_of(run, first, second) if run is not None else None
            if placebo is not None:
                found.append(placebo)
    return found


def placebo_fractions(
    donors: Mapping[str, Series],
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
) -> Values:
    """The fraction "saved" by each placebo run: what the power of a plan is made of, before it starts."""
    runs = placebo_runs(donors.values(), temperature, baseline, reporting, model=model, excluded=excluded)
    return np.array([run.fraction for run in runs], dtype=np.float64)


def moved_periods(baseline: Period, reporting: Period, donor: Series) -> list[tuple[Period, Period]]:
    """Both periods, and both moved back by whole years while the donor has data; never into the reporting period."""
    known = span(donor)
    if known is None:
        return []
    pairs = []
    for years in range(YEARS_BACK):
        first, second = _back(baseline, years), _back(reporting, years)
        if first.first < known.first:
            break
        if second.last <= known.last and (years == 0 or second.last < reporting.first):
            pairs.append((first, second))
    return pairs


def bounds(scores: Ranked, level: float) -> tuple[float, float, str | None]:
    """Least and greatest score of one more run like these, with `level`, and a note where they are too few.

    Both ends take the further of two conformal quantiles: of the sizes of the scores (two-sided), and of their own
    side alone, so that where nothing was saved at most half of 1 - level comes out as "saved" even if errors lean to
    one side. The latter needs 2 / (1 - level) - 1 runs, the former level / (1 - level); with fewer, the largest score
    is doubled but never below `EXPERIENCE`, and the note says what the runs support. Without any, the bounds are
    infinite.
    """
    count = scores.count
    if count == 0:
        return -math.inf, math.inf, "There are no placebo runs, so nothing can be said about the error."
    rank = rank_of(count, level)
    largest = scores.size(count)
    if rank > count:
        need = enough(level)
        note = (
            f"{count} placebo runs are too few for {level:.0%}, which needs {need}: they support "
            f"{count / (count + 1):.0%}. Twice the largest error was taken, and no less than others' experience."
        )
        half = max(2 * largest, EXPERIENCE)
        return -half, half, note
    both = scores.size(rank)
    one_sided = rank_of(count, (1 + level) / 2)
    if one_sided > count:
        note = f"{count} placebo runs are too few to bound each side by itself; the larger of both sides was taken."
        return -max(both, largest), max(both, largest), note
    return min(-both, scores.score(count + 1 - one_sided)), max(both, scores.score(one_sided)), None


def placebo_interval(actual: float, predicted: float, spread: float, scores: Ranked, level: float) -> Interval:
    """Where the saving lies, in the unit of `actual`, given scores of placebo runs of the same design."""
    low, high, note = bounds(scores, level)
    return Interval(
        predicted * _exp(low * spread) - actual,
        predicted * _exp(high * spread) - actual,
        level,
        "placebo",
        placebos=scores.count,
        note=note,
    )


def p_value(actual: float, predicted: float, spread: float, scores: Ranked) -> float | None:
    """The share of runs, this one among them, that err at least as much in either direction; None without placebos."""
    error = error_of(actual, predicted)
    if not scores.count or math.isnan(error):
        return None
    return (1 + scores.at_least(abs(error / spread))) / (scores.count + 1)


def ranked(placebos: Iterable[Placebo]) -> Ranked:
    """The scores of placebo runs, in order."""
    return Ranked.of(placebo.score for placebo in placebos)


def _exp(exponent: float) -> float:
    return math.exp(exponent) if exponent < 700 else math.inf


def _back(period: Period, years: int) -> Period:
    return Period(_same_day(period.first, years), _same_day(period.last, years))


def _same_day(day: date, years: int) -> date:
    """The day so many years before; 28 February for a 29th that is not there."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _baseline_days(run: Counterfactual) -> tuple[Values, Values]:
    return daily_sums(run.grid, run.actual, run.grid.steps(run.fitted.held_out), run.baseline_rows)


def _blocks(grid: DayGrid, actual: Values, predicted: Values) -> dict[int, tuple[float, float]]:
    """Sums of actual and predicted by calendar month, or by week where there are fewer than three months."""
    known = ~(np.isnan(actual) | np.isnan(predicted))
    for unit, shortest in SHORTEST_BLOCK_DAYS.items():
        numbers = grid.days[known].astype(f"datetime64[{unit}]").astype(np.int64)
        found = {}
        for number in np.unique(numbers):
            own = np.flatnonzero(known)[numbers == number]
            if len(own) >= shortest:
                found[int(number)] = (float(actual[own].sum()), float(predicted[own].sum()))
        if len(found) >= FEWEST_BLOCKS:
            return found
    return found


def _unsteadiness(meters: Sequence[dict[int, tuple[float, float]]]) -> float:
    """How far the blocks' ratios of actual to predicted lie about the ratio of all, weighted by what was predicted."""
    keys = sorted(set().union(*meters)) if meters else []
    actual = np.array([sum(meter[key][0] for meter in meters if key in meter) for key in keys])
    predicted = np.array([sum(meter[key][1] for meter in meters if key in meter) for key in keys])
    positive = predicted > 0
    actual, predicted = actual[positive], predicted[positive]
    if len(actual) < 2 or actual.sum() <= 0:
        return 0.0
    ratio = actual.sum() / predicted.sum()
    return float(np.sqrt(np.sum(predicted * (actual / predicted / ratio - 1) ** 2) / predicted.sum()))
