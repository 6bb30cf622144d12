"""Rows at uneven times into regular steps of an hour."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.counters import drop_dips, increments
from vidik.pilots.measurement.series import Values
from vidik.pilots.measurement.stamps import SECONDS_AN_HOUR, Times
from vidik.pilots.outcome import Finding
from vidik.pilots.specification import Repair

HOUR, DAY = SECONDS_AN_HOUR, 24 * SECONDS_AN_HOUR
ENOUGH_OF_AN_HOUR = 0.75
"""An hour of shorter steps is known when at least this share of them is; its sum is scaled up."""
LONGEST_BRIDGE = 3 * HOUR
"""A counter's readings further apart than this leave their hours unknown: nobody knows which hour used what."""
LOST_SHARE, APART_DAYS, LEAST_DAYS = 0.25, 10, 14
"""A day is affected when more than this share of its count is in gaps; a stretch has so many such days near another."""
LOST_OF_ALL = 0.005
"""A summer's drops do not matter: a stretch counts from this share of everything that was counted."""


def step_of(times: Times) -> Literal["hour", "day"]:
    """Whether rows are hourly (or finer, or uneven) or daily. Raises BadInput where they are further apart."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    gaps = np.diff(seconds)
    if (gaps <= 0).any():
        gaps = np.diff(np.unique(seconds))
    usual = usual_gap(gaps)
    if usual > 1.5 * DAY:
        raise BadInput(
            f"The rows are {usual / DAY:.0f} days apart; hourly or daily values are needed.",
            field="datetime",
            code="steps-too-long",
            values={"days": round(usual / DAY)},
        )
    return "day" if usual > 12 * HOUR else "hour"


def usual_gap(gaps: NDArray[np.int64]) -> float:
    """Seconds from row to row: the most common gap or the middle one, whichever is smaller (rows may be missing)."""
    if len(gaps) == 0:
        return 0.0
    if (gaps == gaps[0]).all():
        return float(gaps[0])
    sizes, counts = np.unique(gaps, return_counts=True)
    return float(min(sizes[counts.argmax()], np.median(gaps)))


def of_amounts(
    times: Times, values: Values, *, name: str, is_mean: bool, repairs: Collection[Repair]
) -> tuple[np.datetime64, Values, list[Finding]]:
    """Amounts (or means) of short steps, into hours from the first to the last; ordered, without repetition.

    Raises BadInput where steps are longer than an hour but shorter than a day: their hours are not known.
    """
    seconds = times.astype("datetime64[s]").astype(np.int64)
    gaps = np.diff(seconds)
    usual = round(usual_gap(gaps)) or HOUR
    if usual > 1.5 * HOUR and not is_mean:
        raise BadInput(
            f"{name} has a value every {usual / HOUR:.0f} hours; hourly or daily values are needed.",
            field="datetime",
            code="steps-unsuited",
            values={"name": name, "hours": round(usual / HOUR)},
        )
    hours = seconds // HOUR
    place = hours - hours[0]
    length = int(place[-1]) + 1
    counts = np.bincount(place, minlength=length)
    sums = np.bincount(place, weights=values, minlength=length)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / counts
    start = np.datetime64(int(hours[0]), "h")
    if is_mean:
        joined = _bridged(means, max(3, round(usual / HOUR) + 1))
        bridged = int((np.isnan(means) & ~np.isnan(joined)).sum())
        if bridged == 0 or usual > 1.5 * HOUR:
            return start, joined, []
        text = f"{name}: {bridged} hours without a value, in gaps of up to three hours, were bridged by straight lines."
        return start, joined, [Finding("means-bridged", "repaired", text, name, values={"hours": bridged})]
    if usual >= HOUR:
        clashes = int((counts > 1).sum())
        found = []
        if clashes:
            text = f"{name}: in {clashes} hours there is more than one value; they were added."
            found.append(Finding("hours-shared", "warning", text, name, values={"hours": clashes}))
        return start, np.where(counts > 0, sums, np.nan), found
    a_full_hour = HOUR / usual
    enough = counts >= ENOUGH_OF_AN_HOUR * a_full_hour
    scaled = enough & (counts < np.floor(a_full_hour))
    amounts = np.where(enough, np.where(scaled, means * a_full_hour, sums), np.nan)
    found = []
    if scaled.any():
        allowed = "short_gaps" in repairs
        amounts = amounts if allowed else np.where(scaled, np.nan, amounts)
        text = f"{name}: {int(scaled.sum())} hours lack some of their steps and " + (
            "were scaled up from the others." if allowed else "count as missing."
        )
        found.append(
            Finding("short-gaps", "repaired" if allowed else "warning", text, name, values={"hours": int(scaled.sum())})
        )
    return start, amounts, found


def of_counter(
    times: Times, values: Values, *, name: str, is_mean: bool, repairs: Collection[Repair]
) -> tuple[np.datetime64, Values, list[Finding]]:
    """Readings of a counter at any times, into what each hour counted: readings are joined by straight lines.

    Hours between readings more than three hours apart stay unknown.
    """
    del is_mean
    findings: list[Finding] = []
    stands = drop_dips(values)
    dropped = int((~stands).sum())
    if dropped:
        text = f"{name}: {dropped} readings of the counter fall to zero and come back; they were left out."
        findings.append(Finding("counter-dropouts", "warning", text, name, values={"readings": dropped}))
    times, values = times[stands], values[stands]
    if len(times) < 2:
        text = f"{name} has fewer than two readings of the counter that stand."
        raise BadInput(text, code="series-empty", values={"name": name})
    seconds = times.astype("datetime64[s]").astype(np.int64)
    counted, more = increments(values, name=name, repairs=repairs)
    findings += more
    lost = np.isnan(counted)
    lost[0] = False
    total = np.cumsum(np.where(np.isnan(counted), 0.0, counted))
    first, last = -(-int(seconds[0]) // HOUR), int(seconds[-1]) // HOUR
    if last <= first:
        raise BadInput(f"{name} does not span a whole hour.", code="series-empty", values={"name": name})
    edges = np.arange(first, last + 1) * HOUR
    amounts = np.diff(np.interp(edges, seconds, total))
    reach = LONGEST_BRIDGE if "short_gaps" in repairs else int(1.5 * HOUR)
    apart = np.diff(seconds)
    for place in np.flatnonzero((apart > reach) | lost[1:]):
        begin, end = seconds[place] // HOUR - first, -(-seconds[place + 1] // HOUR) - first
        amounts[max(begin, 0) : max(end, 0)] = np.nan
    findings += _unaccounted(first, amounts, np.diff(np.interp(edges, seconds, total)), name)
    bridged = int(((apart > 1.5 * HOUR) & (apart <= reach)).sum())
    if bridged:
        text = f"{name}: {bridged} gaps of up to three hours between readings were bridged evenly."
        findings.append(Finding("short-gaps", "repaired", text, name, values={"gaps": bridged}))
    return np.datetime64(first, "h"), amounts, findings


def _unaccounted(first_hour: int, amounts: Values, straight: Values, name: str) -> list[Finding]:
    """Stretches in which a good part of what the counter shows fell into gaps: a change in metering, not in use.

    Whoever compared what is known there with another season would see a step that never was. It is asked about like any
    other event that is not routine (IPMVP Core Concepts 2022).
    """
    hours = first_hour + np.arange(len(amounts))
    day = hours // 24
    origin = int(day[0])
    counted = np.bincount(day - origin, weights=straight)
    lost = np.bincount(day - origin, weights=np.where(np.isnan(amounts), straight, 0.0))
    affected = np.flatnonzero((lost > LOST_SHARE * counted) & (counted > 0))
    found = []
    for stretch in np.split(affected, np.flatnonzero(np.diff(affected) > APART_DAYS) + 1):
        if len(stretch) < LEAST_DAYS:
            continue
        begin, end = int(stretch[0]), int(stretch[-1])
        share = float(lost[begin : end + 1].sum() / counted[begin : end + 1].sum())
        if share < LOST_SHARE or lost[begin : end + 1].sum() < LOST_OF_ALL * counted.sum():
            continue
        first, last = (np.datetime64(origin + number, "D").item() for number in (begin, end))
        text = (
            f"{name}: from {first} to {last} the meter dropped out on {len(stretch)} of {end - begin + 1} days, and "
            f"{share:.0%} of what its counter shows for that time fell into the gaps. Comparing what is known there "
            "with other times would show a step of that size. What happened?"
        )
        found.append(
            Finding(
                "metering-step", "warning", text, name, first, last, {"size": -round(share, 4), "days": len(stretch)}
            )
        )
    return found


def _bridged(means: Values, longest: int) -> Values:
    """Means with gaps of up to `longest` hours joined by straight lines: weather changes slowly."""
    known = np.flatnonzero(~np.isnan(means))
    if len(known) < 2:
        return means
    joined = np.interp(np.arange(len(means)), known, means[known])
    before = np.searchsorted(known, np.arange(len(means)), side="right") - 1
    after = np.minimum(before + 1, len(known) - 1)
    gap = known[after] - known[np.maximum(before, 0)] - 1
    return np.where(np.isnan(means) & (gap <= longest), joined, means)
