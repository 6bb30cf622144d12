"""Stretches of days in another unit: kilowatt-hours written as megawatt-hours for a while, or from some day on.

A plant that is switched off falls as far, so four things must come together: the level jumps from one day to the next
by just what units differ by, it stays there, something is used on most days, and days differ from one another as much
as they do otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Finding

FACTORS = (277.8, 1_000.0, 1_163.0, 3_600.0, 1_000_000.0)
"""GJ in kWh; Wh, kWh, MWh, litres and m3; Gcal in kWh; kWh in kJ; Wh in MWh."""
APART = float(np.log(FACTORS[0])) / 2
"""From this distance on, as a logarithm, two levels are not the same unit."""
NEAR = 0.5
"""How far, as a logarithm, the ratio of both sides may be from a factor: two weeks of spring differ by half."""
SIDE, LEAST = 14, 4
"""Days looked at on either side of a jump, and how many of them must be known."""
MOST_UNSTEADY = 5.0
"""Times as unsteady as the other side, at most: a plant at rest shows only noise."""
MOSTLY = 0.75
"""Share of the days on either side on which something was used, at least: routes rest on Sundays."""
FLAT = 0.02
"""Changes from day to day below this share say that nothing is measured."""


LEFT_OUT = " These days are left out, and no saving is declared until somebody has looked."
TOO_FEW = " Without these days too few remain."


@dataclass(frozen=True)
class UnitChange:
    """A stretch of rows (first, last) that is `factor` times as high as the rest; below one where it is lower."""

    first: int
    last: int
    factor: float


def unit_changes(amounts: Values) -> list[UnitChange]:
    """Stretches in another unit among amounts of days (NaN unknown), in order; the longer part is taken for right."""
    known = np.flatnonzero(amounts > 0)
    if len(known) < 2 * LEAST:
        return []
    logs = np.log(amounts[known])
    measured = np.concatenate([[0], np.cumsum(~np.isnan(amounts))])
    jumps = [
        place
        for place in (int(place) for place in np.flatnonzero(np.abs(np.diff(logs)) > APART) + 1)
        if _is_change(logs, place) and _is_used(measured, known, place)
    ]
    if not jumps:
        return []
    stretches = list(pairwise([0, *jumps, len(known)]))
    levels = [float(np.median(logs[begin:end])) for begin, end in stretches]
    usual = max(zip(stretches, levels, strict=True), key=lambda one: one[0][1] - one[0][0])[1]
    found = []
    for (begin, end), level in zip(stretches, levels, strict=True):
        if abs(level - usual) < APART:
            continue
        own, beside = logs[begin:end][:SIDE], logs[max(begin - SIDE, 0) : begin]
        if begin == 0:
            own, beside = logs[begin:end][-SIDE:], logs[end : end + SIDE]
        factor = float(np.exp(np.median(own) - np.median(beside)))
        found.append(UnitChange(int(known[begin]), int(known[end - 1]), factor))
    return found


def unit_findings(name: str, days: NDArray[np.datetime64], amounts: Values) -> list[Finding]:
    """A finding "unit-changed", from its first to its last day, about each stretch of days in another unit."""
    found = []
    for change in unit_changes(amounts):
        first, last = days[change.first].item(), days[change.last].item()
        factor = max(change.factor, 1 / change.factor)
        text = (
            f"{name}: from {first} to {last} it shows about {factor:,.0f} times "
            f"{'more' if change.factor > 1 else 'less'} than on the days beside: its unit was changed.{LEFT_OUT}"
        )
        values: dict[str, float | int | str] = {
            "factor": round(factor, 1),
            "days": int((~np.isnan(amounts[change.first : change.last + 1])).sum()),
        }
        found.append(Finding("unit-changed", "warning", text, name, first, last, values))
    return found


def as_refusal(finding: Finding) -> Finding:
    """The same finding where too little is left without its days."""
    return replace(finding, severity="refused", text=finding.text.replace(LEFT_OUT, TOO_FEW))


def _is_change(logs: Values, place: int) -> bool:
    """Whether the level jumps here by what units differ by, and goes on as lively as before."""
    before, after = logs[max(place - SIDE, 0) : place], logs[place : place + SIDE]
    if min(len(before), len(after)) < LEAST:
        return False
    size = abs(float(np.median(after) - np.median(before)))
    if min(abs(size - np.log(factor)) for factor in FACTORS) > NEAR:
        return False
    moves = [float(np.median(np.abs(np.diff(side)))) for side in (before, after)]
    return max(moves) <= MOST_UNSTEADY * max(min(moves), FLAT)


def _is_used(measured: NDArray[np.int64], known: NDArray[np.int64], place: int) -> bool:
    """Whether something was used on most days on either side: a plant at rest counts a little now and then."""
    for days in (known[max(place - SIDE, 0) : place], known[place : place + SIDE]):
        if len(days) < MOSTLY * (measured[days[-1] + 1] - measured[days[0]]):
            return False
    return True
