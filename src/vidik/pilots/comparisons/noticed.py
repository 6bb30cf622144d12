"""What is not routine in units that are compared: another scale, steps, drifts, a changed week. Asked about."""

from __future__ import annotations

from vidik.pilots.baselines.scale import of_another_scale
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.events import find_events
from vidik.pilots.measurement.series import Period, Values
from vidik.pilots.outcome import Finding


def other_scales(panel: Panel, expected: Values) -> list[Finding]:
    """Units of the pilot that used several times more or less than `expected` (days from the start, units)."""
    days, actual = panel.days[panel.before :], panel.units[panel.before :]
    reporting = Period(days[0].item(), days[-1].item())
    return [
        finding
        for column, name in enumerate(panel.unit_names)
        for finding in of_another_scale(
            name, float(actual[:, column].sum()), float(expected[:, column].sum()), reporting
        )
    ]


def events_of(panel: Panel, expected: Values) -> list[Finding]:
    """Steps, drifts and changed weeks of the pilot's units against what other units foresee, from the start on.

    Not for a series that is foreseen from its own past: there, every season looks like a step.
    """
    days, actual = panel.days[panel.before :], panel.units[panel.before :]
    return [
        finding
        for column, name in enumerate(panel.unit_names)
        for finding in find_events(days, actual[:, column], expected[:, column], name)
    ]
