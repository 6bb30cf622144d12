"""Intervals of a folder of meters: each from the placebo runs of all others, 100,000 of them as quickly as ten."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vidik.pilots.folders.meter import Meter
from vidik.pilots.folders.shelf import Shelf
from vidik.pilots.measurement.series import Period
from vidik.pilots.measurement.twins import Pulses, twins_among
from vidik.pilots.outcome import Finding, verdict_of
from vidik.pilots.uncertainty.conformal import Ranked
from vidik.pilots.uncertainty.placebo import Placebo, p_value, placebo_interval

ENOUGH_PLACEBOS = 19
"""From which on each side of a 90 % interval has a bound of its own; with fewer, the same periods are taken in too."""


class Pool:
    """What is kept of every meter while the others are still computed: the scores of its runs, its name, its weeks.

    Meters stand in the order in which they are added: those that are judged first, then those that only calibrate.
    `test` is the period in which they are judged.
    """

    def __init__(self, test: Period) -> None:
        self._test = test
        self._scores = array("d")
        self._earlier = bytearray()
        self._ends = array("Q", [0])
        self.names: list[str] = []
        self._pulses = Pulses()

    def add(self, name: str, placebos: Sequence[Placebo], pulse: bytes) -> None:
        """One more meter, with the runs by which it calibrates the others (none, if it does not)."""
        self._scores.extend(placebo.score for placebo in placebos)
        self._earlier.extend(placebo.reporting != self._test for placebo in placebos)
        self._ends.append(len(self._scores))
        self.names.append(name)
        self._pulses.add(pulse)

    def runs(self, place: int) -> list[tuple[float, bool]]:
        """Of one meter, the score of each run and whether it was of an earlier period than the one judged."""
        first, end = self._ends[place], self._ends[place + 1]
        return [(self._scores[run], bool(self._earlier[run])) for run in range(first, end)]

    def ranked(self, *, earlier_only: bool) -> Ranked:
        """The scores of all runs in order, or of those of earlier periods."""
        if not earlier_only:
            return Ranked.of(self._scores)
        return Ranked.of(np.asarray(self._scores)[np.frombuffer(self._earlier, dtype=np.bool_)])

    def namesakes(self) -> dict[int, list[int]]:
        """Of each meter that has any, the others of the same name: one file written twice, or copied elsewhere."""
        often = {name for name, count in Counter(self.names).items() if count > 1}
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self.names):
            if name in often:
                places[name].append(place)
        return {one: [other for other in some if other != one] for some in places.values() for one in some}

    def twins(self) -> dict[int, list[int]]:
        """Of each meter that has any, the others that are the same meter under another name."""
        return twins_among(self._pulses.weeks())


def calibrated(meters: Sequence[Meter], pool: Pool, level: float) -> tuple[Sequence[Meter], str]:
    """Each meter with the interval that the others' placebo runs give it, and in words how they were made.

    A meter's own runs are those of its file, of its name, and of the same meter under another name, which a finding
    "same-meter" tells of. The pool, whose first meters are these, is put in order once.
    """
    all_scores, earlier_scores = pool.ranked(earlier_only=False), pool.ranked(earlier_only=True)
    twins, namesakes = pool.twins(), pool.namesakes()
    found, counts, took_same = Shelf["Meter"](), array("Q"), 0
    for place, meter in enumerate(meters):
        if meter.refused is not None:
            found.append(meter)
            continue
        same = twins.get(place, [])
        own = [run for one in {place, *same, *namesakes.get(place, [])} for run in pool.runs(one)]
        scores = earlier_scores.without(score for score, earlier in own if earlier)
        if scores.count < ENOUGH_PLACEBOS:
            others = all_scores.without(score for score, _ in own)
            took_same += others.count > scores.count
            scores = others
        counts.append(scores.count)
        interval = placebo_interval(meter.actual, meter.counterfactual, meter.spread, scores, level)
        found.append(
            replace(
                meter,
                interval=interval,
                findings=[*meter.findings, *(_same_meter(meter.name, pool.names[one]) for one in same[:1])],
                verdict=verdict_of(interval, meter.findings),
                p_value=p_value(meter.actual, meter.counterfactual, meter.spread, scores),
            )
        )
    return found, _how(counts, took_same)


def _same_meter(name: str, other: str) -> Finding:
    text = (
        f"{name} has the same numbers as {other}: it is one meter under two names, so neither calibrates "
        "the other. Take one of the files away."
    )
    return Finding("same-meter", "warning", text, name, values={"other": other})


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
