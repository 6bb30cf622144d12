"""Intervals of a folder of meters: each from the placebo runs of all others, 100,000 of them as quickly as ten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidik.pilots.measurement.series import Period
from vidik.pilots.measurement.twins import twins_among
from vidik.pilots.outcome import Finding, verdict_of
from vidik.pilots.uncertainty.placebo import Placebo, p_value, placebo_interval, ranked

if TYPE_CHECKING:
    from vidik.pilots.folder import Meter

ENOUGH_PLACEBOS = 19
"""From which on each side of a 90 % interval has a bound of its own; with fewer, the same periods are taken in too."""


def calibrated(meters: Sequence[Meter], pool: Sequence[Meter], test: Period, level: float) -> tuple[list[Meter], str]:
    """Each meter with the interval that the others' placebo runs give it, and in words how they were made.

    A meter's own runs are those of its file, of its name, and of the same meter under another name, which a finding
    "same-meter" tells of. The pool is put in order once.
    """
    everything = [placebo for meter in pool for placebo in meter.placebos]
    earlier = [placebo for placebo in everything if placebo.reporting != test]
    all_scores, earlier_scores = ranked(everything), ranked(earlier)
    own_runs = _own_runs(pool)
    twins = _twins(meters, pool)
    found, counts, took_same = [], [], 0
    for meter in meters:
        if meter.refused is not None:
            found.append(meter)
            continue
        same = twins.get(meter.file.resolve(), [])
        keys: list[str | Path] = [meter.name, meter.file.resolve(), *(one.file.resolve() for one in same)]
        own = {id(placebo): placebo for key in keys for placebo in own_runs[key]}
        own_earlier = [placebo.score for placebo in own.values() if placebo.reporting != test]
        scores = earlier_scores.without(own_earlier)
        if scores.count < ENOUGH_PLACEBOS:
            others = all_scores.without(placebo.score for placebo in own.values())
            took_same += others.count > scores.count
            scores = others
        counts.append(scores.count)
        interval = placebo_interval(meter.actual, meter.counterfactual, meter.spread, scores, level)
        found.append(
            replace(
                meter,
                interval=interval,
                findings=[*meter.findings, *(_same_meter(meter, one) for one in same[:1])],
                verdict=verdict_of(interval, meter.findings),
                p_value=p_value(meter.actual, meter.counterfactual, meter.spread, scores),
            )
        )
    return found, _how(counts, took_same)


def _own_runs(pool: Sequence[Meter]) -> defaultdict[str | Path, list[Placebo]]:
    """The runs of each name and of each file."""
    found: defaultdict[str | Path, list[Placebo]] = defaultdict(list)
    for meter in pool:
        found[meter.file.resolve()] += meter.placebos
        for placebo in meter.placebos:
            found[placebo.name].append(placebo)
    return found


def _twins(meters: Sequence[Meter], pool: Sequence[Meter]) -> dict[Path, list[Meter]]:
    """By file, the meters of other files that are the same meter."""
    every = list({meter.file.resolve(): meter for meter in (*meters, *pool)}.values())
    twins = twins_among(meter.pulse for meter in every)
    return {every[place].file.resolve(): [every[other] for other in others] for place, others in twins.items()}


def _same_meter(meter: Meter, other: Meter) -> Finding:
    text = (
        f"{meter.name} has the same numbers as {other.name}: it is one meter under two names, so neither calibrates "
        "the other. Take one of the files away."
    )
    return Finding("same-meter", "warning", text, meter.name, values={"other": other.name})


def _how(counts: Sequence[int], took_same: int) -> str:
    if not counts or max(counts) == 0:
        return "No placebo runs could be made, so no interval is calibrated: give --calibrate more meters or years."
    many = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    text = (
        f"Each meter's interval comes from {many} placebo runs of the other meters of the calibration folder, never "
        "from its own: fit and test period moved back together by whole years, none of them touching the test period."
    )
    if took_same == len(counts):
        text += " Earlier years gave too few, so the other meters' runs in the same periods were taken in."
    elif took_same:
        text += f" For {took_same} meters they were too few, so the others' runs in the same periods were taken in."
    return text
