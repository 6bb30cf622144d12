"""By which clock people live, where nobody said: meters often write the same standard time all year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vidik.pilots.baselines.counterfactual import project
from vidik.pilots.measurement.series import Period, Series

CLOCKS = {"Europe/London": 0, "America/New_York": -5, "Australia/Sydney": 10}
"""One zone for each rule of summer time in wide use, and its standard time's distance from UTC, hours."""
GAIN, AGREEING = 0.003, 0.6
"""A rule is believed when it makes the held-out error of the middle meter smaller by this share, and of so many."""
SAMPLE = 12


def by_clock(series: Series, zone: str) -> Series:
    """A series read as UTC, as the standard time of `zone` instead: in summer its days begin an hour earlier."""
    if series.is_daily or zone not in CLOCKS:
        return series
    return replace(series, start=series.start - np.timedelta64(CLOCKS[zone], "h"), zone=zone)


def find_clock(meters: Sequence[Series], temperature: Series | None, baseline: Period) -> str:
    """The zone whose summer time makes the meters' baselines (read as UTC) most regular; "UTC" where none does.

    Only the baseline is looked at. Daily series tell nothing.
    """
    hourly = [meter for meter in meters if not meter.is_daily][:SAMPLE]
    if not hourly:
        return "UTC"
    plain = _errors(hourly, temperature, baseline)
    best, best_gain = "UTC", GAIN
    for zone in CLOCKS:
        moved = [by_clock(meter, zone) for meter in hourly]
        errors = _errors(moved, by_clock(temperature, zone) if temperature is not None else None, baseline)
        known = ~np.isnan(errors) & (plain > 0)
        gains = 1 - errors[known] / plain[known]
        if len(gains) and np.median(gains) > best_gain and (gains > 0).mean() >= AGREEING:
            best, best_gain = zone, float(np.median(gains))
    return best


def _errors(
    meters: Sequence[Series], temperature: Series | None, baseline: Period
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    runs = [project(meter, temperature, baseline, baseline) for meter in meters]
    return np.array([run.fitted.error if run is not None else np.nan for run in runs], dtype=np.float64)
