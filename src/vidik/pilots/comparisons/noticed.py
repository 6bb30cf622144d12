"""What is not routine in units that are compared: another scale, steps, drifts, a changed week. Asked about."""

from __future__ import annotations

from vidik.pilots.baselines.scale import of_another_scale
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.events import find_events
from vidik.pilots.measurement.series import Period, Values
from vidik.pilots.outcome import Finding


def noticed(panel: Panel, expected: Values) -> list[Finding]:
    """Findings of the pilot's units, each against what is `expected` of it (days from the start, units).

    Only the time from the start is looked at: before it, nothing was foreseen.
    """
    days, actual = panel.days[panel.before :], panel.units[panel.before :]
    reporting = Period(days[0].item(), days[-1].item())
    found: list[Finding] = []
    for column, name in enumerate(panel.unit_names):
        measured, foreseen = actual[:, column], expected[:, column]
        found += of_another_scale(name, float(measured.sum()), float(foreseen.sum()), reporting)
        found += find_events(days, measured, foreseen, name)
    return found
