"""What is not routine in units that are compared: another scale, steps, drifts, a changed week. Asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.baselines.scale import of_another_scale
from vidik.pilots.comparisons.estimators import Choice
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.runs import usual_by_weekday, weekdays_of, weekly_means
from vidik.pilots.events import find_events
from vidik.pilots.measurement.series import Period, Values
from vidik.pilots.outcome import Finding

MOST_COURSES = 3
WEEKS_A_COURSE = 10
"""Of what the other units share in the baseline, so many courses are taken off each unit before it is looked at."""
LEAST_OTHERS = 3
LAG = 4
"""Weeks, within which a unit's following is learned."""
MATERIAL = 0.01
"""A donor is asked about where its change would move what is foreseen by at least this share."""


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


def baseline_events_of(panel: Panel, choices: tuple[Choice, ...]) -> list[Finding]:
    """Steps, drifts and changed weeks of units and donors before the start, against what all others share.

    What changed in one unit alone distorts the weights that are learned there, and its level with them. A donor is
    named only where it weighs enough in what is foreseen (`choices`, one for each unit of the pilot).
    """
    days, amounts = panel.days[: panel.before], np.hstack([panel.units, panel.donors])[: panel.before]
    names, treated = (*panel.unit_names, *panel.donor_names), len(panel.unit_names)
    if len(names) <= LEAST_OTHERS:
        return []
    weights = np.mean([np.abs(choice.weights) for choice in choices], axis=0)
    means, usual = amounts.mean(axis=0), usual_by_weekday(amounts, weekdays_of(days))[weekdays_of(days)]
    moves = (amounts - usual) / np.where(means == 0, 1.0, means)
    weeks = weekly_means(days, moves)
    found = []
    for column, name in enumerate(names):
        expected = usual[:, column] + means[column] * _shared(moves, weeks, column)
        events = find_events(days, amounts[:, column], expected, name)
        if column >= treated:
            weight = float(weights[column - treated])
            events = [one for one in events if weight * abs(float(one.values["size"])) >= MATERIAL]
        found += events
    return found


def _shared(moves: Values, weeks: Values, column: int) -> NDArray[np.float64]:
    """How far a unit follows, day by day, the few courses that all others have in common (by least squares)."""
    others, own = np.delete(weeks, column, axis=1), weeks[:, column]
    count = min(MOST_COURSES, others.shape[1] // 2, max(1, len(weeks) // WEEKS_A_COURSE))
    _, _, courses = np.linalg.svd(others - others.mean(axis=0), full_matrices=False)
    by_week = others @ courses[:count].T
    # Learned from what changes within four weeks: from levels, half a yearly wave would pass for a step, and hide it.
    changes, own_changes = by_week[LAG:] - by_week[:-LAG], own[LAG:] - own[:-LAG]
    follows, *_ = np.linalg.lstsq(changes, own_changes, rcond=None)
    return np.asarray(np.delete(moves, column, axis=1) @ courses[:count].T @ follows, dtype=np.float64)
