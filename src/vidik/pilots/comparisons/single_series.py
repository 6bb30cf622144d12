"""One series before and after, with nothing to compare it with: the weakest of all designs, and it says so."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.comparisons.estimators import Choice
from vidik.pilots.comparisons.placebos import Placebos
from vidik.pilots.comparisons.runs import LEAST_TRAINING_DAYS, WEEK, Run
from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Finding

Days = NDArray[np.datetime64]

YEAR = np.timedelta64(364, "D")
"""Whole weeks, so that a Monday is compared with a Monday."""
RECENT = np.timedelta64(56, "D")
TESTED = 28
WAYS = ("usual week", "last eight weeks", "year before", "year before and its trend")


def single_series(days: Days, treated: Values, donors: Values, start: int) -> Run:  # noqa: ARG001  a Design is asked alike
    """Foresee a series from its own past: its usual week, its last eight weeks, or the year before.

    Which of them, is chosen by what each would have said of earlier months. `donors` are not looked at: what this
    design cannot see is just what happens to all units.
    """
    total = treated.sum(axis=1)
    foreseen = {way: _foresee(way, days, treated, start) for way in WAYS}
    tried = {way: _miss(way, days, total, start) for way, amounts in foreseen.items() if amounts is not None}
    best = min(tried, key=lambda way: tried[way])
    amounts = foreseen[best]
    mean = float(total[:start].mean())
    known = mean > 0 and tried[best] < math.inf
    scale = max(tried[best] / mean, 1e-6) if known else 1.0
    choice = Choice(best, np.empty(0), scale)
    return Run(total[start:], np.empty(0) if amounts is None else amounts, (choice,) * treated.shape[1], scale)


def weakness(placebos: Placebos) -> Finding:
    """The warning that goes with every result of this design: how far off it was where nothing had happened."""
    text = "There is nothing to compare with: whatever else changed at the same time counts as saving. "
    errors = np.abs([run.fraction for run in placebos.runs])
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        text += "How far off it may be is not known: the baseline is too short to try it."
        return Finding("single_series_weak", "warning", text, values={"runs": 0})
    median, worst = float(np.median(errors)), float(errors.max())
    text += (
        f"Tried {len(errors)} times where nothing had happened, it was off by {median:.1%} in the middle and by "
        f"{worst:.1%} at worst."
    )
    return Finding(
        "single_series_weak", "warning", text, values={"runs": len(errors), "median": median, "worst": worst}
    )


def _foresee(way: str, days: Days, amounts: Values, start: int) -> Values | None:
    """What one way foresees from `start` on (days, units); None where the past does not reach back far enough."""
    past, known, ahead = days[:start], amounts[:start], days[start:]
    recent = past > past[-1] - RECENT
    if way == "usual week":
        return _weekly(past, known, ahead)
    if way == "last eight weeks":
        return _weekly(past[recent], known[recent], ahead)
    year_before = _lookup(past, known, ahead - YEAR)
    if way == "year before" or year_before is None:
        return year_before
    earlier = _lookup(past, known, past[recent] - YEAR)
    if earlier is None or (earlier.sum(axis=0) <= 0).any():
        return None
    return np.asarray(year_before * (known[recent].sum(axis=0) / earlier.sum(axis=0)))


def _weekly(past: Days, amounts: Values, ahead: Days) -> Values:
    weekday = (past.astype(np.int64) + 3) % WEEK
    overall = amounts.mean(axis=0)
    usual = [amounts[weekday == day].mean(axis=0) if (weekday == day).any() else overall for day in range(WEEK)]
    return np.asarray(np.stack(usual)[(ahead.astype(np.int64) + 3) % WEEK])


def _lookup(past: Days, amounts: Values, wanted: Days) -> Values | None:
    """The amounts of the wanted days; a few missing ones get the mean of those found; None if many are missing."""
    found, places, wanted_places = np.intersect1d(past, wanted, return_indices=True)
    if len(found) < 0.9 * len(wanted):
        return None
    if not len(wanted):
        return np.empty((0, amounts.shape[1]))
    values = np.tile(amounts[places].mean(axis=0), (len(wanted), 1))
    values[wanted_places] = amounts[places]
    return values


def _miss(way: str, days: Days, total: Values, start: int) -> float:
    """Root mean square of the mean error over earlier four weeks, each foreseen from what came before it."""
    errors = []
    for tested in range(start - TESTED, max(LEAST_TRAINING_DAYS, start // 2) - 1, -TESTED):
        end = tested + TESTED
        foreseen = _foresee(way, days[:end], total[:end, None], tested)
        if foreseen is not None:
            errors.append(float(np.mean(total[tested:end] - foreseen[:, 0])))
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else math.inf
