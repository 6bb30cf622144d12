"""A second opinion by OpenDSM (the CalTRACK methods of LF Energy), where the extra `crosscheck` is installed."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import numpy as np

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.grid import day_grid
from vidik.pilots.measurement.series import Period, Series, Values


def require() -> None:
    """Raises BadInput where OpenDSM is not installed, with the way to install it."""
    if find_spec("opendsm") is None:
        raise BadInput(
            "OpenDSM is not installed: pip install 'vidik[crosscheck]'.", field="cross_check", code="no-opendsm"
        )


def cross_check(series: Series, temperature: Series, fit: Period, test: Period) -> dict[str, float | str | None]:
    """OpenDSM's daily model over the same periods: counterfactual, saving and its fraction, in the series' unit.

    Its own refusal (CalTRACK disqualifies a meter) becomes the sentence `refused`. Raises BadInput where it is not
    installed.
    """
    require()
    import pandas
    from opendsm import eemeter

    logging.getLogger("eemeter").setLevel(logging.ERROR)

    def frame(period: Period) -> Any:
        days, use = _days(series, period)
        _, warmth = _days(temperature, period, mean=True)
        index = pandas.DatetimeIndex(days).tz_localize(series.zone)
        fahrenheit = warmth * 9 / 5 + 32
        return pandas.DataFrame({"observed": use, "temperature": fahrenheit}, index=index)

    try:
        before = eemeter.DailyBaselineData(frame(fit), is_electricity_data=False)
        model = eemeter.DailyModel().fit(before, ignore_disqualification=True)
        after = frame(test)
        predicted = model.predict(
            eemeter.DailyReportingData(after, is_electricity_data=False), ignore_disqualification=True
        )["predicted"].to_numpy()
    except Exception as error:  # whatever a second opinion stumbles over must not end the first
        return {"refused": f"{type(error).__name__}: {error}"[:300]}
    actual = after["observed"].to_numpy()
    known = ~(np.isnan(actual) | np.isnan(predicted[: len(actual)]))
    used, expected = float(actual[known].sum()), float(predicted[: len(actual)][known].sum())
    return {
        "model": "opendsm daily",
        "counterfactual": expected,
        "saving": expected - used,
        "saving_fraction": (expected - used) / expected if expected > 0 else None,
        "refused": None,
    }


def _days(series: Series, period: Period, *, mean: bool = False) -> tuple[Any, Values]:
    """Local days of the period that the series has, and their sums (or means); NaN where an hour is missing."""
    grid = day_grid(series)
    rows = grid.within(period)
    values = grid.rates[rows].mean(axis=1) if mean else grid.daily(series.values)[rows]
    return grid.days[rows], np.asarray(values, dtype=np.float64)
