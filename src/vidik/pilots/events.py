"""Non-routine events in what was measured against what was expected: steps, slow drifts, a changed week.

They are found to be asked about, never to be silently taken into the result (IPMVP Core Concepts 2022, non-routine
events). All work on weekly shares of the expectation, so that one bad day is no event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Finding

WEEK = 7
LEAST_WEEKS = 4
"""How long a step must last, at least, and what must be known on either side of it."""
LEAST_SIZE = 0.10
"""Changes below this share of the expectation are not asked about."""
CRITICAL = 4.5
"""By how many standard errors a change must stand out: 3.5 for the largest of all dates at 1 % (Andrews 1993), and some
more because the memory of the residuals is itself estimated."""
CRITICAL_WITHIN = 5.5
"""The same for a stretch that ends again: there are many more of these to try."""
LOW = 0.2
"""Weeks with less expected than this share of the middle week are not looked at: there, shares are noise."""
STANDSTILL = -0.9
"""Weeks with hardly anything used: a plant at rest or a dead meter. Other checks say so; here they would hide all."""
MOST_EVENTS = 6


@dataclass(frozen=True, eq=False)
class _Weeks:
    first: NDArray[np.datetime64]
    last: NDArray[np.datetime64]
    shares: Values
    profiles: Values
    """(weeks, 7) share of the expectation by weekday, less that of the week."""


def find_events(
    days: Sequence[date] | NDArray[np.datetime64],
    actual: ArrayLike,
    counterfactual: ArrayLike,
    subject: str | None = None,
    *,
    start: date | None = None,
) -> list[Finding]:
    """Events in the course of one meter, oldest first: codes `step`, `slow_drift` and `weekly_pattern_changed`.

    `days` are local dates, ascending; `actual` and `counterfactual` amounts of these days (NaN where unknown). `values`
    of a finding hold `size`, the change as a fraction of the expectation (positive is more use). Days before and from
    `start` are searched apart: what changes there is the pilot's own effect, not an event.
    """
    dates = np.asarray(days, dtype="datetime64[D]")
    measured, expected = np.asarray(actual, dtype=np.float64), np.asarray(counterfactual, dtype=np.float64)
    parts = [np.ones(len(dates), dtype=bool)]
    if start is not None:
        parts = [dates < np.datetime64(start), dates >= np.datetime64(start)]
    findings = []
    for part in parts:
        weeks = _weeks(dates[part], measured[part], expected[part])
        findings += _level_events(weeks, subject)
        findings += _pattern_events(weeks, subject)
    return sorted(findings, key=lambda finding: finding.first or date.min)


def _weeks(days: NDArray[np.datetime64], actual: Values, expected: Values) -> _Weeks:
    known = np.isfinite(actual) & np.isfinite(expected)
    days, actual, expected = days[known], actual[known], expected[known]
    empty = np.empty(0)
    nothing = _Weeks(days[:0], days[:0], empty, np.empty((0, WEEK)))
    if len(days) < 2 * LEAST_WEEKS * WEEK:
        return nothing
    numbers = days.astype(np.int64)
    weekday = (numbers + 3) % WEEK
    _, week = np.unique((numbers + 3) // WEEK, return_inverse=True)
    count = np.bincount(week)
    expectation, amount = np.bincount(week, weights=expected), np.bincount(week, weights=actual)
    daily = expectation / count
    full = (count >= 5) & (daily > LOW * np.median(daily))
    if full.sum() < 2 * LEAST_WEEKS or not np.median(daily) > 0:
        return nothing
    shares = np.divide(amount, expectation, out=np.zeros(len(count)), where=expectation > 0) - 1
    full &= shares > STANDSTILL
    if full.sum() < 2 * LEAST_WEEKS:
        return nothing
    profiles = np.full((len(count), WEEK), np.nan)
    profiles[week, weekday] = (actual - expected * (1 + shares[week])) / np.where(daily[week] > 0, daily[week], np.nan)
    first = np.array([days[week == number].min() for number in range(len(count))])
    last = np.array([days[week == number].max() for number in range(len(count))])
    return _Weeks(first[full], last[full], shares[full], profiles[full])


def _level_events(weeks: _Weeks, subject: str | None) -> list[Finding]:
    """Steps and drifts, the strongest first, each part between them searched again."""
    shares = _without_spikes(weeks.shares)
    findings: list[Finding] = []
    open_parts = [(0, len(shares))]
    while open_parts and len(findings) < MOST_EVENTS:
        low, high = open_parts.pop()
        if high - low < 2 * LEAST_WEEKS:
            continue
        part = shares[low:high]
        first, last, size, strength, left = _strongest_step(part)
        drift, drift_strength, drift_left = _drift(part)
        if drift_left <= left * 1.05 and drift_strength >= CRITICAL and abs(drift) >= LEAST_SIZE:
            findings.append(_finding("slow_drift", weeks, low, high - 1, drift, subject))
            continue
        stays = last == len(part)
        if strength < (CRITICAL if stays else CRITICAL_WITHIN) or abs(size) < LEAST_SIZE:
            continue
        around = float(np.delete(part, slice(first, last)).mean())
        # Of the level around, and not of what was expected: where that lay far off, a fall would be one of over 100 %.
        findings.append(_finding("step", weeks, low + first, low + last - 1, size / (1 + around), subject))
        open_parts += [(low, low + first), (low + first, low + last), (low + last, high)]
    return findings


def _strongest_step(shares: Values) -> tuple[int, int, float, float, float]:
    """First week and the week after the last of the stretch that differs most from the rest, by how much, by how many
    standard errors, and the squares that are left.

    A step that stays ends with the part; one that ends earlier lies within (circular binary segmentation: Olshen,
    Venkatraman, Lucito, Wigler 2004, Biostatistics 5).
    """
    count = len(shares)
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    first, last = np.triu_indices(count + 1, LEAST_WEEKS)
    inside = last - first
    outside = count - inside
    # A stretch from the very start is the same split as the one that follows it.
    allowed = (outside >= LEAST_WEEKS) & (first >= LEAST_WEEKS) & ((last == count) | (count - last >= LEAST_WEEKS))
    first, last, inside, outside = first[allowed], last[allowed], inside[allowed], outside[allowed]
    if not len(first):
        return 0, count, 0.0, 0.0, math.inf
    means = (sums[last] - sums[first]) / inside
    others = (sums[-1] - sums[last] + sums[first]) / outside
    gain = (means - others) ** 2 * inside * outside / count
    best = int(np.argmax(gain))
    level = np.full(count, others[best])
    level[first[best] : last[best]] = means[best]
    residuals = shares - level
    size = float(means[best] - others[best])
    error = _standard_error(residuals, 1 / inside[best] + 1 / outside[best])
    return int(first[best]), int(last[best]), size, abs(size) / error, float((residuals**2).sum())


def _drift(shares: Values) -> tuple[float, float, float]:
    """Change along a straight line from end to end, by how many standard errors, and the squares that are left."""
    count = len(shares)
    time = np.arange(count) - (count - 1) / 2
    slope = float(time @ shares / (time @ time))
    residuals = shares - shares.mean() - slope * time
    error = _standard_error(residuals, (count - 1) ** 2 / float(time @ time))
    return slope * (count - 1), abs(slope) * (count - 1) / error, float((residuals**2).sum())


def _standard_error(residuals: Values, shares_of_variance: float) -> float:
    """Of a contrast with this variance were residuals independent; their memory of the week before makes it larger."""
    count = len(residuals)
    spread = float(residuals @ residuals) / max(1, count - 3)
    memory = float(residuals[1:] @ residuals[:-1]) / max(float(residuals @ residuals), 1e-12)
    # Estimates from few weeks are too low (Kendall 1954).
    memory = min(0.9, max(0.0, memory + (1 + 4 * memory) / count))
    return max(math.sqrt(spread * shares_of_variance * (1 + memory) / (1 - memory)), 1e-6)


def _without_spikes(shares: Values) -> Values:
    """Single weeks far from their neighbours take the neighbours' middle value: a holiday is not a step."""
    if len(shares) < 5:
        return shares
    padded = np.pad(shares, 2, mode="reflect")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    away = np.abs(shares - middle)
    return np.where(away > 6 * max(float(np.median(away)), 1e-9), middle, shares)


def _pattern_events(weeks: _Weeks, subject: str | None) -> list[Finding]:
    """The date, if any, from which amounts fall on other days of the week than before."""
    count = len(weeks.shares)
    if count < 4 * LEAST_WEEKS:
        return []
    spread = np.nanmedian(np.abs(weeks.profiles - np.nanmedian(weeks.profiles, axis=0)), axis=0)
    clipped = np.clip(
        np.nan_to_num(weeks.profiles),
        np.nanmedian(weeks.profiles, axis=0) - 6 * spread,
        np.nanmedian(weeks.profiles, axis=0) + 6 * spread,
    )
    sums = np.vstack([np.zeros(WEEK), np.cumsum(clipped, axis=0)])
    splits = np.arange(LEAST_WEEKS, count - LEAST_WEEKS + 1)
    before = sums[splits] / splits[:, None]
    after = (sums[-1] - sums[splits]) / (count - splits)[:, None]
    moved = np.abs(after - before).sum(axis=1) / 2 / WEEK
    best = int(np.argmax(moved * np.sqrt(splits * (count - splits) / count)))
    split = int(splits[best])
    residuals = clipped - np.where(np.arange(count)[:, None] < split, before[best], after[best])
    errors = np.array([_standard_error(column, 1 / split + 1 / (count - split)) for column in residuals.T])
    strength = float(np.sqrt((((after[best] - before[best]) / errors) ** 2).mean()))
    size = float(moved[best])
    if strength < CRITICAL or size < LEAST_SIZE / 2:
        return []
    return [_finding("weekly_pattern_changed", weeks, split, count - 1, size, subject)]


def _finding(code: str, weeks: _Weeks, first: int, last: int, size: float, subject: str | None) -> Finding:
    begins, ends = weeks.first[first].astype(object), weeks.last[last].astype(object)
    who = subject or "The use"
    direction = "more" if size > 0 else "less"
    text = {
        "step": f"{who}: from {begins} to {ends}, {abs(size):.0%} {direction} than expected, against the time around.",
        "slow_drift": f"{who}: a slow drift between {begins} and {ends} to {abs(size):.0%} {direction} than expected.",
        "weekly_pattern_changed": f"{who}: since {begins}, {size:.0%} of a week's amount falls on other weekdays.",
    }[code]
    values: dict[str, float | int | str] = {"size": round(size, 4)}
    return Finding(code, "warning", text + " What happened?", subject, begins, ends, values)
