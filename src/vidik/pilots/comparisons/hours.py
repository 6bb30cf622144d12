"""The saving of each hour in a comparison, so that it can be valued by the price of that hour.

Weights are learned from weeks and the saving is judged by days; both stay as they are. The same weights tell of each
hour what it would have had: the unit's usual hour of that weekday, moved as the donors moved in that very hour. Lamps
that burn longer in winter do so for donors too, so the season is in it. Drawn weeks and single series have no donors
of each hour: theirs would have been as on the unit's ordinary days of the same month and weekday, at the level that
was foreseen of all. The hours of a day add up to the day.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.runs import WEEK, Run
from vidik.pilots.hourly import hours_within
from vidik.pilots.measurement.grid import HOURS, day_grid, local_hours
from vidik.pilots.measurement.series import Mask, Period, Series, Values
from vidik.pilots.outcome import Hours

Weekdays = NDArray[np.int64]
MONTHS = 12
ENOUGH_OF_A_MONTH = 14
"""Ordinary days of the same month of the year (in any year); with fewer all of them tell the hours."""


def hours_of_comparison(
    panel: Panel, pilot: Run, units: Mapping[str, Series], donors: Mapping[str, Series], zone: str
) -> Hours | None:
    """Saving and use of the reporting period's hours, all units together; None where a unit or donor is daily.

    Days that the panel left out have no hours.
    """
    if any(units[name].is_daily for name in panel.unit_names) or any(
        donors[name].is_daily for name in panel.donor_names
    ):
        return None
    start, weekdays = panel.before, (panel.days.astype(np.int64) + 3) % WEEK
    use = np.zeros((panel.after, HOURS))
    expected = np.zeros_like(use)
    for name in panel.unit_names:
        amounts = _by_hour(units[name], panel.days)
        use += np.nan_to_num(amounts[start:])
        expected += np.nan_to_num(_usual(amounts[:start], weekdays[:start])[weekdays[start:]])
    # How far the units of the pilot follow each donor, all together.
    means = panel.units[:start].mean(axis=0)
    weights = np.sum([mean * choice.weights for mean, choice in zip(means, pilot.choices, strict=True)], axis=0)
    for column, name in enumerate(panel.donor_names):
        amounts = _by_hour(donors[name], panel.days)
        moves = amounts[start:] - _usual(amounts[:start], weekdays[:start])[weekdays[start:]]
        mean = float(panel.donors[:start, column].mean())
        expected += np.nan_to_num(moves) * float(weights[column]) / (mean or 1.0)
    return _on_hours(panel, zone, (expected - use, pilot.foreseen - pilot.actual), (use, pilot.actual))


def hours_by_usual(
    panel: Panel, units: Mapping[str, Series], foreseen: Values, ordinary: Mask, on: Mask, zone: str
) -> Hours | None:
    """Saving and use of the reporting period's hours; None where a unit is daily.

    `foreseen` is (days from the start, units), `on` the days of these on which something was done, `ordinary` the
    panel's days on which nothing was.
    """
    if any(units[name].is_daily for name in panel.unit_names):
        return None
    start, weekdays = panel.before, (panel.days.astype(np.int64) + 3) % WEEK
    months = panel.days.astype("datetime64[M]").astype(np.int64) % MONTHS
    use = np.zeros((panel.after, HOURS))
    expected = np.zeros_like(use)
    for column, name in enumerate(panel.unit_names):
        amounts = _by_hour(units[name], panel.days)
        hours = np.zeros_like(use)
        use += np.nan_to_num(amounts[start:])
        for month in np.unique(months[start:]):
            some = ordinary & (months == month)
            some = some if some.sum() >= ENOUGH_OF_A_MONTH else ordinary
            rows = months[start:] == month
            hours[rows] = _usual(amounts[some], weekdays[some])[weekdays[start:][rows]]
        # One factor for all days: that of each day would take a winter's long evening for use that came besides.
        whole = float(hours[on].sum())
        expected += hours * (float(foreseen[on, column].sum()) / whole if whole > 0 else 1.0)
    saving = np.where(on[:, None], expected - use, 0.0)
    used = panel.units[start:].sum(axis=1)
    return _on_hours(panel, zone, (saving, np.where(on, foreseen.sum(axis=1) - used, 0.0)), (use, used))


def _by_hour(series: Series, days: NDArray[np.datetime64]) -> Values:
    """Amounts of the local hours of these days (days, 24)."""
    grid = day_grid(series)
    rows = (days - grid.first).astype(np.int64)
    found = np.full((len(days), HOURS), np.nan)
    there = (rows >= 0) & (rows < len(grid.rates))
    found[there] = grid.rates[rows[there]]
    return found


def _usual(amounts: Values, weekdays: Weekdays) -> Values:
    """The mean of each hour of each weekday (7, 24); of all days where a weekday does not occur."""
    found = np.empty((WEEK, HOURS))
    for weekday in range(WEEK):
        some = amounts[weekdays == weekday]
        some = some if len(some) else amounts
        known = ~np.isnan(some)
        found[weekday] = np.where(known, some, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return found


def _on_hours(panel: Panel, zone: str, saving: tuple[Values, Values], use: tuple[Values, Values]) -> Hours:
    """Amounts of local hours (days, 24), and of days as they were judged, on the UTC hours of the period.

    The hours are moved evenly so that each day is as it was judged.
    """
    days = panel.days[panel.before :]
    empty = hours_within(Period(days[0].item(), days[-1].item()), zone)
    local = local_hours(empty)
    row_of_day = np.full(int((days[-1] - days[0]).astype(np.int64)) + 1, -1)
    row_of_day[(days - days[0]).astype(np.int64)] = np.arange(len(days))
    row, hour = row_of_day[local // HOURS - int(days[0].astype(np.int64))], local % HOURS
    known = row >= 0
    counts = np.bincount(row[known], minlength=len(days))
    found = []
    for amounts, judged in (saving, use):
        steps = amounts[row, hour]
        off = judged - np.bincount(row[known], weights=steps[known], minlength=len(days))
        found.append(empty.with_values(np.where(known, steps + (off / np.maximum(counts, 1))[row], np.nan)))
    return Hours(found[0], found[1])
