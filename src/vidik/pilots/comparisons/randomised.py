"""On and off weeks drawn by lot before the start: the lot itself says how sure the result is (Fisher 1935)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import Unprocessable
from vidik.pilots.comparisons.assembling import course_of
from vidik.pilots.comparisons.estimators import BY_VERSION
from vidik.pilots.comparisons.hours import hours_by_usual
from vidik.pilots.comparisons.noticed import events_of, other_scales
from vidik.pilots.comparisons.panel import LEAST_DONORS, Panel
from vidik.pilots.comparisons.runs import WEEK, pilot_run, weighted
from vidik.pilots.comparisons.single_series import single_series
from vidik.pilots.measurement.series import Mask, Series, Values
from vidik.pilots.outcome import Finding, Interval, Outcome, UnitOutcome, verdict_of
from vidik.pilots.specification import Specification

MOST_DRAWS = 4_000
WIDEST = 3.0
"""The largest effect that is looked for, as a logarithm: twenty times as much or as little."""


def compare_weeks(
    specification: Specification, panel: Panel, findings: list[Finding], units: Mapping[str, Series]
) -> Outcome:
    """The saving of the weeks that were on, against those that were off.

    Each week is first divided by what the units' baseline (and donors, where there are some) foresee of it, so that a
    holiday does not count. The interval holds every effect that the lots drawn do not contradict (test inversion; the
    draws are all, or a sample of, equally likely choices of weeks; pairs of neighbouring weeks stay pairs when the lot
    was drawn within them). Raises Unprocessable when no week is on, or none off.
    """
    foreseen = _foreseen(panel)
    actual = panel.units[panel.before :]
    weeks, week_of_day = _weeks(panel)
    on = np.isin(weeks, np.array(specification.on_weeks, dtype="datetime64[D]"))
    if on.all() or not on.any():
        raise Unprocessable(
            "On weeks and off weeks are both needed by now to compare them.",
            field="on_weeks",
            code="data-insufficient",
            values={"finding": "weeks-of-one-kind"},
        )
    totals = _sums(actual.sum(axis=1), week_of_day)
    expected = _sums(foreseen.sum(axis=1), week_of_day)
    _refuse_nothing(totals, expected, on)
    draws = _draws(on, specification.seed)
    effect = float(_statistic(totals, expected, on[None, :])[0])
    level = specification.decision.level
    low, high, note = _interval(totals, expected, on, draws, level)
    counterfactual = foreseen * math.exp(_level(totals, expected, ~on))
    treated_days = on[week_of_day]
    without = np.where(treated_days[:, None], counterfactual, actual)
    total = float(actual[treated_days].sum())
    base = total / math.exp(effect)
    # A saving in the logarithm: actual = (1 - fraction) * counterfactual.
    interval = Interval(
        base - base * math.exp(high), base - base * math.exp(low), level, "randomisation", len(draws), note
    )
    as_drawn = np.where(treated_days[:, None], counterfactual * math.exp(effect), counterfactual)
    findings += other_scales(panel, as_drawn)
    if _has_others(panel):
        findings += events_of(panel, as_drawn)
    if note:
        findings.append(Finding("few_weeks", "warning", note, values={"weeks": len(on), "draws": len(draws)}))
    elapsed = np.cumsum(treated_days)
    half = max(interval.high - (base - total), (base - total) - interval.low)
    hours = None
    if specification.estimator > 1:
        ordinary = np.concatenate([np.ones(panel.before, dtype=bool), ~treated_days])
        hours = hours_by_usual(panel, units, counterfactual, ordinary, treated_days, specification.zone)
    share = np.sqrt(elapsed / elapsed[-1])
    band = np.multiply(half, share, out=np.zeros(len(share)), where=share > 0)
    return Outcome(
        verdict=verdict_of(interval, findings),
        unit=specification.units[0].unit,
        actual=total,
        counterfactual=base,
        saving=base - total,
        fraction=1 - math.exp(effect),
        interval=interval,
        guideline_14=None,
        p_value=_p_value(totals, expected, on, draws, 0.0),
        units=[
            UnitOutcome(
                name,
                "drawn weeks",
                float(actual[treated_days, column].sum()),
                float(without[treated_days, column].sum()),
                float((without - actual)[treated_days, column].sum()),
                None,
            )
            for column, name in enumerate(panel.unit_names)
        ],
        course=course_of(panel, actual.sum(axis=1), without.sum(axis=1), band),
        findings=findings,
        days=panel.after,
        hours=hours,
    )


def _refuse_nothing(totals: Values, expected: Values, on: Mask) -> None:
    """Raises Unprocessable where some of the choices of weeks hold nothing (or less): there is no ratio of nothing."""
    few = min(int(on.sum()), int((~on).sum()))
    if any(float(np.sort(weeks)[:few].sum()) <= 0 for weeks in (totals, expected)):
        raise Unprocessable(
            "In some weeks nothing, or less than nothing, was measured or to be expected: weeks cannot be compared.",
            field="units",
            code="data-insufficient",
            values={"finding": "weeks-empty", "weeks": int(((totals <= 0) | (expected <= 0)).sum())},
        )


def week_placebos(specification: Specification, panel: Panel) -> Values:
    """What drawn weeks would have shown within the baseline, where nothing was switched."""
    half = panel.before // 2
    shown = Panel(panel.days, panel.units, panel.donors, panel.unit_names, panel.donor_names, half)
    foreseen = _foreseen(shown)
    weeks, week_of_day = _weeks(shown)
    planned = max(2, specification.reporting.period.days // WEEK)
    random = np.random.default_rng(specification.seed)
    totals = _sums(shown.units[half:].sum(axis=1), week_of_day)
    expected = _sums(foreseen.sum(axis=1), week_of_day)
    fractions = []
    for start in range(0, max(1, len(weeks) - planned + 1), max(1, planned // 4)):
        part = slice(start, start + planned)
        count = len(totals[part])
        share = min(max(1, round(count * len(specification.on_weeks) / planned)), count - 1)
        lots = np.zeros((50, count), dtype=bool)
        for lot in lots:
            lot[random.choice(count, share, replace=False)] = True
        fractions.append(1 - np.exp(_statistic(totals[part], expected[part], lots)))
    return np.concatenate(fractions)


def _foreseen(panel: Panel) -> Values:
    """Foreseen as by the first version throughout: freer weights gained nothing here, the lot corrects the level."""
    design = weighted(BY_VERSION[1], panel) if _has_others(panel) else single_series
    return pilot_run(design, panel).foreseen_by_unit


def _has_others(panel: Panel) -> bool:
    return len(panel.donor_names) >= LEAST_DONORS


def _weeks(panel: Panel) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """The Mondays of the weeks after the start, and the week of each day."""
    days = panel.days[panel.before :]
    mondays = days - ((days.astype(np.int64) + 3) % WEEK).astype("timedelta64[D]")
    weeks, places = np.unique(mondays, return_inverse=True)
    return weeks, places.astype(np.int64)


def _sums(amounts: Values, week_of_day: NDArray[np.int64]) -> Values:
    return np.asarray(np.bincount(week_of_day, weights=amounts), dtype=np.float64)


def _level(totals: Values, expected: Values, which: Mask) -> float:
    return math.log(float(totals[which].sum()) / float(expected[which].sum()))


def _statistic(totals: Values, expected: Values, lots: Mask) -> Values:
    """Log of (on against its expectation) over (off against its own), for each lot (lots, weeks)."""
    on, off = lots.astype(np.float64), (~lots).astype(np.float64)
    return np.asarray(np.log((on @ totals) / (on @ expected)) - np.log((off @ totals) / (off @ expected)))


def _p_value(totals: Values, expected: Values, on: Mask, draws: Mask, effect: float) -> float:
    """The share of draws whose contrast is as large as the one seen, were the true effect this one."""
    without = np.where(on, totals / math.exp(effect), totals)
    seen = abs(float(_statistic(without, expected, on[None, :])[0]))
    return float(np.mean(np.abs(_statistic(without, expected, draws)) >= seen - 1e-12))


def _interval(totals: Values, expected: Values, on: Mask, draws: Mask, level: float) -> tuple[float, float, str | None]:
    """Lowest and highest effect (as logarithm) that the lots do not contradict at this level."""
    effect = float(_statistic(totals, expected, on[None, :])[0])
    if len(draws) * (1 - level) < 1:
        return *_student(totals, expected, on, level), (
            f"Only {len(draws)} choices of weeks were possible, too few for {level:.0%}: the interval is widened by "
            f"Student's t on the weeks themselves."
        )

    def rejected(tried: float) -> bool:
        return _p_value(totals, expected, on, draws, tried) <= 1 - level

    return _edge(rejected, effect, effect - WIDEST), _edge(rejected, effect, effect + WIDEST), None


def _edge(rejected: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where effects begin to be rejected, between one that is not and one that is."""
    if not rejected(outside):
        return math.copysign(math.inf, outside - inside)
    for _ in range(30):
        middle = (inside + outside) / 2
        if rejected(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _student(totals: Values, expected: Values, on: Mask, level: float) -> tuple[float, float]:
    """Welch's interval of the difference of log ratios, never less than the spread of all weeks."""
    from scipy.special import stdtrit  # slow to load, needed only here

    ratios = np.log(totals / expected)
    effect = float(_statistic(totals, expected, on[None, :])[0])
    freedom = max(1, min(int(on.sum()), int((~on).sum())) - 1)
    spread = float(np.std(np.where(on, ratios - ratios[on].mean(), ratios - ratios[~on].mean()))) * math.sqrt(
        len(on) / max(1, len(on) - 2)
    )
    error = spread * math.sqrt(1 / on.sum() + 1 / (~on).sum())
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return (effect - half, effect + half) if len(on) > 2 else (-math.inf, math.inf)


def _draws(on: Mask, seed: int) -> Mask:
    """Every equally likely lot, or a sample of them; within pairs of weeks when each pair has one on and one off."""
    count, chosen = len(on), int(on.sum())
    random = np.random.default_rng(seed)
    if count % 2 == 0 and (on[0::2] != on[1::2]).all():
        pairs = count // 2
        if 2**pairs <= MOST_DRAWS:
            firsts = np.array(list(product((False, True), repeat=pairs)))
        else:
            firsts = np.vstack([on[0::2], random.random((MOST_DRAWS, pairs)) < 0.5])
        lots = np.empty((len(firsts), count), dtype=bool)
        lots[:, 0::2], lots[:, 1::2] = firsts, ~firsts
        return lots
    if math.comb(count, chosen) <= MOST_DRAWS:
        lots = np.zeros((math.comb(count, chosen), count), dtype=bool)
        for row, places in enumerate(combinations(range(count), chosen)):
            lots[row, list(places)] = True
        return lots
    lots = np.zeros((MOST_DRAWS + 1, count), dtype=bool)
    lots[0] = on
    for lot in lots[1:]:
        lot[random.choice(count, chosen, replace=False)] = True
    return lots
