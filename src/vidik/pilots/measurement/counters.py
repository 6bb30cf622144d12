"""Readings of a counter that only grows, into what was counted: dropouts, resets and rollovers told apart."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Mask, Values
from vidik.pilots.outcome import Finding
from vidik.pilots.specification import Repair

ROLLOVER_FROM = 0.9
"""A counter that falls from above this share of a power of ten to below a tenth of it has rolled over."""
MOST_FALLS, ENOUGH_READINGS = 0.2, 50
"""A counter that falls more often than this is none."""
SPIKE_FACTOR = 50.0
"""A reading is a spike when it and the way back both are this many times the usual largest step."""


def drop_dips(readings: Values) -> Mask:
    """Which readings stand: not those below an earlier one to which the counter soon comes back (a lost connection).

    Also a first stretch of zeros does not stand when what follows jumps to a counter that has long been running.
    """
    stands = ~np.isnan(readings)
    places = np.flatnonzero(stands)
    if len(places) < 2:
        return stands
    values = readings[places]
    # From the end: the least of all later readings that are above zero; from the front: the greatest so far.
    positive = values > 0
    if positive.any() and not positive.all():
        after = np.minimum.accumulate(np.where(positive, values, np.inf)[::-1])[::-1]
        before = np.maximum.accumulate(np.where(positive, values, -np.inf))
        returns = np.isfinite(after) & np.isfinite(before) & (after >= before * 0.999)
        leading = (~np.logical_or.accumulate(positive)) & (after > 10 * _usual_step(values[positive]))
        stands[places[~positive & (returns | leading | ~np.isfinite(after))]] = False
    return stands


def increments(readings: Values, *, name: str, repairs: Collection[Repair]) -> tuple[Values, list[Finding]]:
    """What was counted between each reading and the one before (NaN first, and where it cannot be known).

    Readings are in order; NaN ones must have been left out. A fall to near zero from just
    below a power of ten is a rollover and is bridged; any other fall is a reset, from which counting begins anew.
    """
    findings: list[Finding] = []
    steps = np.full(len(readings), np.nan)
    if len(readings) < 2:
        return steps, findings
    steps[1:] = np.diff(readings)
    usual = _usual_step(readings)
    spikes = _spikes(readings, usual)
    if len(spikes):
        findings.append(
            Finding(
                "counter-spike",
                "repaired" if "outliers" in repairs else "warning",
                f"{name}: {len(spikes)} readings of the counter jump up and come back at once; they were left out.",
                name,
                values={"readings": len(spikes)},
            )
        )
        kept = np.setdiff1d(np.arange(len(readings)), spikes)
        steps[:] = np.nan
        steps[kept[1:]] = np.diff(readings[kept])
    falls = np.flatnonzero(steps < 0)
    if len(falls) > MOST_FALLS * len(steps) and len(steps) >= ENOUGH_READINGS:
        raise BadInput(
            f"{name} falls {len(falls)} times: these are amounts, not readings of a counter. Read it as amounts.",
            field="kind",
            code="amount-as-counter",
            values={"name": name, "falls": len(falls)},
        )
    rolled = resets = 0
    for place in falls:
        before = float(readings[place] - steps[place])
        modulus = 10.0 ** np.ceil(np.log10(before)) if before > 1 else 0.0
        if modulus and before >= ROLLOVER_FROM * modulus and readings[place] < 0.1 * modulus:
            rolled += 1
            steps[place] = steps[place] + modulus if "rollover" in repairs else np.nan
        else:
            resets += 1
            fresh = readings[place]
            steps[place] = fresh if "reset" in repairs and 0 <= fresh <= 5 * usual else np.nan
    for count, code, repair, what in (
        (rolled, "rollover", "rollover", "rolled over to zero"),
        (resets, "reset", "reset", "was set back"),
    ):
        if count:
            allowed = repair in repairs
            findings.append(
                Finding(
                    f"counter-{code}",
                    "repaired" if allowed else "warning",
                    f"{name}: the counter {what} {_times(count)}; "
                    + ("what it counted was joined." if allowed else "the step across it counts as missing."),
                    name,
                    values={"times": count},
                )
            )
    return steps, findings


def _spikes(readings: Values, usual: float) -> NDArray[np.int64]:
    """Places of single readings far above both neighbours, which agree with each other."""
    if len(readings) < 3 or usual <= 0:
        return np.array([], dtype=np.int64)
    up, down = readings[1:-1] - readings[:-2], readings[1:-1] - readings[2:]
    across = np.abs(readings[2:] - readings[:-2])
    limit = SPIKE_FACTOR * usual
    return np.flatnonzero((up > limit) & (down > limit) & (across < limit)) + 1


def _usual_step(readings: Values) -> float:
    """The size of a large but ordinary step: the 99th percentile of the steps upwards."""
    steps = np.diff(readings)
    steps = steps[steps > 0]
    return float(np.quantile(steps, 0.99)) if len(steps) else 0.0


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
