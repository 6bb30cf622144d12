"""Whether there are enough data: CalTRACK 2.0 (2.2.1 to 2.2.4), and below that what cannot be computed at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import numpy as np

from vidik.pilots.measurement.grid import DayGrid
from vidik.pilots.measurement.series import Mask, Period, Values
from vidik.pilots.outcome import Finding

FULL_BASELINE_DAYS = 365
KNOWN_SHARE = 0.9
"""CalTRACK 2.0, 2.2.1.2: at least 90 % of the days of baseline and reporting period have use and temperature."""
LEAST_DAYS = 60
LEAST_SHARE = 0.5


def known_days(grid: DayGrid) -> Mask:
    """Days of which at least half of the hours are known."""
    return np.asarray((~np.isnan(grid.rates)).sum(axis=1) * 2 >= grid.hours)


def judge_sufficiency(
    name: str, grid: DayGrid, temperature: Values | None, baseline: Period, reporting: Period
) -> list[Finding]:
    """Findings on both periods; one that is "refused" means that nothing should be computed from this meter.

    `temperature` has a value a day of the grid (NaN unknown), None where the model has none.
    """
    known = known_days(grid)
    found: list[Finding] = []
    for period, code, words in ((baseline, "baseline", "baseline"), (reporting, "reporting", "reporting period")):
        rows = grid.within(period)
        count, share = int((known & rows).sum()), float((known & rows).sum()) / period.days
        values: dict[str, float | int | str] = {"days": count, "of": period.days, "share": round(share, 3)}
        if count == 0:
            text = f"{name} has no data in the {words}, {period.first} to {period.last}."
            found.append(Finding(f"{code}-empty", "refused", text, name, period.first, period.last, values))
            continue
        if share < LEAST_SHARE or (code == "baseline" and count < LEAST_DAYS):
            text = f"{name} has data on {count} of the {period.days} days of the {words}: too few" + (
                f"; a baseline needs at least {LEAST_DAYS} days, and half of its own." if code == "baseline" else "."
            )
            found.append(Finding(f"{code}-too-short", "refused", text, name, period.first, period.last, values))
            continue
        if share < KNOWN_SHARE:
            text = f"{name} has data on {_percent(share)} of the days of the {words}; CalTRACK 2.0 asks for 90 %."
            found.append(Finding(f"{code}-gaps", "warning", text, name, period.first, period.last, values))
        if temperature is not None:
            warm = float((~np.isnan(temperature[rows])).sum()) / period.days
            if warm < KNOWN_SHARE:
                refused = warm < LEAST_SHARE
                text = f"The temperature is known on {_percent(warm)} of the days of the {words} of {name}; " + (
                    "half of them are needed." if refused else "CalTRACK 2.0 asks for 90 %."
                )
                severity: Literal["refused", "warning"] = "refused" if refused else "warning"
                found.append(
                    Finding(f"{code}-temperature", severity, text, name, period.first, period.last,
                            {"share": round(warm, 3)})
                )  # fmt: skip
    if baseline.days < FULL_BASELINE_DAYS and not _same_season(baseline, reporting):
        text = (
            f"The baseline of {name} is {baseline.days} days long and does not hold every season of the reporting "
            "period; CalTRACK 2.0 asks for 365 days."
        )
        found.append(Finding("baseline-season", "warning", text, name, baseline.first, baseline.last))
    return found


def missing_of(
    name: str, grid: DayGrid, values: Values, baseline: Period, reporting: Period, excluded: Sequence[Period] = ()
) -> list[Finding]:
    """What has no value in the two periods: how much, and the longest run of days that lack something.

    `values` are the steps of the series that the grid was made of. Nothing is put in their place.
    """
    in_grid = grid.steps_known(values)
    found = []
    for period, code, words in ((baseline, "baseline", "baseline"), (reporting, "reporting", "reporting period")):
        days = np.arange(np.datetime64(period.first), np.datetime64(period.last) + 1)
        counts = np.ones(len(days), dtype=bool)
        for some in excluded:
            counts &= (days < np.datetime64(some.first)) | (days > np.datetime64(some.last))
        rows = (days - grid.first).astype(np.int64)
        inside = (rows >= 0) & (rows < len(grid.rates))
        steps, known = (np.zeros(len(days), dtype=np.int64) for _ in range(2))
        steps[~inside] = grid.hours
        steps[inside], known[inside] = (part[rows[inside]] for part in in_grid)
        missing = np.where(counts, steps - known, 0)
        count = int(missing.sum())
        if count == 0:
            continue
        lacking = np.flatnonzero(missing)
        longest = max(np.split(lacking, np.flatnonzero(np.diff(lacking) > 1) + 1), key=len)
        first, last = days[longest[0]].item(), days[longest[-1]].item()
        step = "hours" if grid.hours > 1 else "days"
        text = (
            f"{name}: {count} of the {int(steps[counts].sum())} {step} of the {words} have no value; the longest gap "
            f"lies between {first} and {last}. Nothing was put in their place."
        )
        numbers: dict[str, float | int | str] = {"missing": count, "of": int(steps[counts].sum())}
        found.append(Finding(f"{code}-missing", "note", text, name, first, last, numbers))
    return found


def _percent(share: float) -> str:
    """Rounded down: what is not enough must not read as if it were."""
    return f"{math.floor(share * 100)}%"


def _same_season(baseline: Period, reporting: Period) -> bool:
    """Whether every day of the year of the reporting period is within two weeks of one of the baseline."""
    ours = {day.month * 2 + (day.day > 15) for day in _fortnights(reporting)}
    theirs = {day.month * 2 + (day.day > 15) for day in _fortnights(baseline)}
    return ours <= theirs


def _fortnights(period: Period) -> list[date]:
    return [period.first + timedelta(days=number) for number in range(0, period.days, 5)] + [period.last]
