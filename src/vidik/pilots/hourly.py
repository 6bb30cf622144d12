"""The saving of each hour, so that it can be valued by the price of that hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.baselines.counterfactual import Counterfactual
from vidik.pilots.measurement.grid import HOURS, local_hours
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.money.tariff import differs_by_hour
from vidik.pilots.outcome import Finding, Hours
from vidik.pilots.specification import Specification


def hours_of(
    specification: Specification,
    units: Mapping[str, Series],
    runs: Sequence[Counterfactual],
    reporting: Period,
) -> Hours | None:
    """Saving and use of the reporting period's hours, all units together; None where no unit was measured hourly.

    The hours of a day add up to the day as the course has it. What a daily unit saved on a day is spread evenly over
    the 23, 24 or 25 hours of that day.
    """
    if all(units[run.name].is_daily for run in runs):
        return None
    empty = hours_within(reporting, specification.zone)
    saving, use = np.full(len(empty), np.nan), np.full(len(empty), np.nan)
    for run in runs:
        spread = _evenly if units[run.name].is_daily else _by_hours
        for whole, own in zip((saving, use), spread(run, units[run.name], empty), strict=True):
            known = ~np.isnan(own)
            whole[known] = np.nan_to_num(whole[known]) + own[known]
    return Hours(empty.with_values(saving), empty.with_values(use))


def spread_finding(specification: Specification, evenly: Sequence[str]) -> list[Finding]:
    """Says which units' savings are valued as if they fell evenly on all hours, where prices differ by the hour."""
    if not evenly or not differs_by_hour(specification.tariff):
        return []
    names = ", ".join(evenly)
    text = (
        f"{names}: only the saving of each day is known, so it is valued as if it fell evenly on all hours of the day, "
        "though the price differs by the hour."
    )
    return [Finding("spread-evenly", "note", text, values={"units": names, "count": len(evenly)})]


def added_evenly(hours: Hours | None, days: NDArray[np.datetime64], amounts: Values) -> Hours | None:
    """Hours with an amount of each day added to the saving, evenly over that day's known hours."""
    if hours is None:
        return None
    values = hours.saving.values
    row = local_hours(hours.saving) // HOURS - int(days[0].astype("datetime64[D]").astype(np.int64))
    known = ~np.isnan(values) & (row >= 0) & (row < len(days))
    counts = np.bincount(row[known], minlength=len(days))
    added = np.zeros(len(values))
    added[known] = (amounts / np.maximum(counts, 1))[row[known]]
    return Hours(hours.saving.with_values(values + added), hours.use)


def hours_within(period: Period, zone: str) -> Series:
    """Every UTC hour of the period's local days, without values."""
    begin = np.datetime64(period.first - timedelta(days=1), "h")
    wide = Series("saving", begin, np.full((period.days + 2) * HOURS, np.nan), "", zone)
    day = (local_hours(wide) // HOURS).astype("datetime64[D]")
    inside = np.flatnonzero((day >= np.datetime64(period.first)) & (day <= np.datetime64(period.last)))
    return Series("saving", begin + inside[0], wide.values[inside[0] : inside[-1] + 1], "", zone)


def _by_hours(run: Counterfactual, series: Series, empty: Series) -> tuple[Values, Values]:
    """Saving and use of an hourly unit; a day's known hours are scaled up to the whole day as `daily_sums` does."""
    rows, size = run.grid.day_of_step, len(run.grid.rates)
    both = ~(np.isnan(run.actual) | np.isnan(run.predicted))
    scale = np.bincount(rows, minlength=size) / np.maximum(np.bincount(rows[both], minlength=size), 1)
    counted = both & ~np.isnan(run.actual_days)[rows]
    place = ((series.start - empty.start).astype(np.int64) + np.arange(len(series)))[counted]
    inside = (place >= 0) & (place < len(empty))
    found = []
    for values in (run.predicted - run.actual, run.actual):
        own = np.full(len(empty), np.nan)
        own[place[inside]] = (values * scale[rows])[counted][inside]
        found.append(own)
    return found[0], found[1]


def _evenly(run: Counterfactual, series: Series, empty: Series) -> tuple[Values, Values]:
    """Saving and use of a daily unit on the hours of its days."""
    day = local_hours(empty) // HOURS
    length = np.bincount(day - day[0])[day - day[0]]
    row = day - int(series.start.astype(np.int64))
    inside = (row >= 0) & (row < len(series))
    found = []
    for values in (run.predicted_days - run.actual_days, run.actual_days):
        own = np.full(len(empty), np.nan)
        own[inside] = values[row[inside]] / length[inside]
        found.append(own)
    return found[0], found[1]
