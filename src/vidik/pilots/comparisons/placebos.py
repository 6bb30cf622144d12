"""Runs of a design where nothing happened, and what they say of how far off it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.runs import Design, Run, independent_sets, moved_starts, space_runs, time_runs
from vidik.pilots.measurement.series import Values
from vidik.pilots.uncertainty.conformal import Width, p_value, width


@dataclass(frozen=True, eq=False)
class Placebos:
    """Placebo runs of a pilot. `independent` is how many have no unit and day in common with one another."""

    runs: list[Run]
    independent: int

    def scores(self) -> Values:
        """Each run's error, in multiples of what its own units are known to miss by."""
        return np.array([run.fraction / run.scale for run in self.runs])

    def fractions(self, scale: float) -> Values:
        """Each run's error as it would be for units that are known to miss by `scale`."""
        return self.scores() * scale

    def width(self, pilot: Run, level: float) -> Width:
        """Half the width of the pilot's interval, as a fraction of what was foreseen."""
        found = width(self.scores(), level, self.independent)
        return Width(found.half * pilot.scale, found.placebos, found.note)

    def p_value(self, pilot: Run) -> float | None:
        """The share of runs with at least the pilot's effect, relative to what its units are known to miss by."""
        return p_value(self.scores(), pilot.fraction / pilot.scale)

    def band(self, pilot: Run, level: float) -> Values:
        """Half the width of the band of the cumulative saving on each day, as a fraction of what was foreseen."""
        days = len(pilot.actual)
        paths = np.full((len(self.runs), days), np.nan)
        for row, run in enumerate(self.runs):
            known = min(days, len(run.actual))
            paths[row, :known] = run.path[:known] / run.scale
        return np.array([width(paths[:, day], level, self.independent).half for day in range(days)]) * pilot.scale


LEAST_SETS = 2
"""With fewer independent sets of donors as large as the pilot, moved dates are tried, too."""


def placebos_of(design: Design, panel: Panel, seed: int) -> Placebos:
    """In space: the pilot pretended on donors, at its own dates and after the whole baseline.

    These are the runs most like the pilot: they meet the same weather, holidays and shocks (Abadie, Diamond,
    Hainmueller 2010). Moved dates have less baseline to learn from and err more: added only where donors are few.
    """
    sets = independent_sets(panel.donors.shape[1], panel.units.shape[1])
    runs = space_runs(design, panel, seed)
    if sets >= LEAST_SETS:
        return Placebos(runs, sets)
    starts = moved_starts(panel.before, panel.after)
    runs = runs + time_runs(design, panel, starts, panel.after, seed)
    return Placebos(runs, sets + len(starts) * (sets + 1))


def baseline_placebos(design: Design, panel: Panel, days: int, seed: int) -> Placebos:
    """Only what may be known before the start: moved dates within the baseline.

    Where the baseline is too short for the `days` of the reporting period, shorter periods are foreseen.
    """
    length = min(days, panel.before // 3)
    sets = independent_sets(panel.donors.shape[1], panel.units.shape[1])
    starts = moved_starts(panel.before, length)
    return Placebos(time_runs(design, panel, starts, length, seed), len(starts) * (sets + 1))
