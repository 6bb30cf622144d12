"""What a meter cannot have measured: outages, stuck registers, negative amounts, jumps of scale, broken sensors.

A guard takes values away (they count as missing) or leaves them; it never puts a value in the place of another. Each
says in a finding what it did, and only does it where the repair is allowed.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Mask, Series, Values
from vidik.pilots.measurement.temperature_units import guard_one_unit
from vidik.pilots.outcome import Finding
from vidik.pilots.specification import Repair

ENOUGH_STEPS, MOSTLY, FEW_FALLS = 100, 0.3, 0.1
"""A counter rises in this share of its steps, and falls (a rollover, a reset each midnight) once in ten rises at most;
of 48 meters of Cambridge none falls less than 0.94 times as often as it rises."""
RARE = 0.05
"""A value is odd only where it makes up less than this share."""
ZERO_HOURS, ZERO_DAYS = 3, 2
STUCK_HOURS, STUCK_DAYS = 24, 7
STUCK_SENSOR_HOURS, ZERO_SENSOR_HOURS = 24, 6
TIMES_LONGER = 4
"""Than the 99th percentile of its runs: a meter of coarse resolution repeats itself for hours."""
OUTLIER_FACTOR = 5.0
"""Times the 99.5th percentile."""
FEW_NEGATIVES = 0.02
SENTINEL_APART = 12.0
"""Degrees between a code for "broken" and the nearest temperature that was measured."""
COLDEST, WARMEST = -70.0, 60.0


def guard_kind(series: Series) -> None:
    """Raises BadInput where what should be amounts hardly ever falls, as only a counter does."""
    if looks_like_counter(series.values):
        raise BadInput(
            f"{series.name} hardly ever falls: these are readings of a counter, not amounts. Read it as a counter.",
            field="kind",
            code="counter-as-amount",
            values={"name": series.name},
        )


def looks_like_counter(values: Values) -> bool:
    """Whether raw readings go up and up, but for a rollover or a reset now and then, as only a counter's do."""
    steps = np.diff(values[~np.isnan(values)])
    rises, falls = int((steps > 0).sum()), int((steps < 0).sum())
    return len(steps) >= ENOUGH_STEPS and rises > MOSTLY * len(steps) and falls <= FEW_FALLS * rises


def guard_amounts(series: Series, repairs: Collection[Repair]) -> tuple[Series, list[Finding]]:
    """An energy or count series without what its meter cannot have measured."""
    values = series.values.copy()
    findings: list[Finding] = []
    unit = "days" if series.is_daily else "hours"
    name = series.name
    known = values[~np.isnan(values)]
    if len(known) >= ENOUGH_STEPS and known.min() == known.max():
        text = f"{name} shows the same value all the time: look whether it measures anything."
        findings.append(Finding("constant", "warning", text, name, values={"value": float(known[0])}))
    _reported(
        values, values < 0, "negative", "outliers", f"{unit} are negative", name, repairs, findings, most=FEW_NEGATIVES
    )
    _reported(
        values,
        _outages(values, series.is_daily),
        "outage",
        "stuck",
        f"{unit} of runs of zeros, in a meter that is hardly ever at zero",
        name,
        repairs,
        findings,
    )
    _reported(
        values,
        _stuck(values, STUCK_DAYS if series.is_daily else STUCK_HOURS),
        "stuck",
        "stuck",
        f"{unit} repeat one value for longer than this meter ever does",
        name,
        repairs,
        findings,
    )
    _reported(
        values,
        _outliers(values),
        "outliers",
        "outliers",
        f"{unit} are more than {OUTLIER_FACTOR:.0f} times as high as nearly all others",
        name,
        repairs,
        findings,
    )
    return series.with_values(values), findings


def guard_temperature(series: Series, repairs: Collection[Repair]) -> tuple[Series, list[Finding]]:
    """A temperature series without codes of broken sensors and without stretches in which it stands still.

    Raises BadInput where it goes over from one unit to another.
    """
    guard_one_unit(series)
    values = series.values.copy()
    findings: list[Finding] = []
    if _looks_fahrenheit(values):
        findings.append(
            Finding(
                "temperature-unit",
                "warning",
                f"{series.name}: the temperatures look like degrees Fahrenheit or kelvin. The models do not "
                "depend on the unit; degrees in the report do.",
                series.name,
            )
        )
    else:
        impossible = (values < COLDEST) | (values > WARMEST) | _sentinels(values)
        _reported(
            values,
            impossible,
            "sensor-broken",
            "outliers",
            "values are codes of a broken sensor, no temperatures",
            series.name,
            repairs,
            findings,
        )
    if not series.is_daily:
        still = _stuck(values, STUCK_SENSOR_HOURS, nonzero=False) | (_runs(values == 0, ZERO_SENSOR_HOURS))
        _reported(
            values,
            still,
            "sensor-stuck",
            "stuck",
            "hours of a sensor that stands still",
            series.name,
            repairs,
            findings,
        )
    return series.with_values(values), findings


def _reported(
    values: Values,
    odd: Mask,
    code: str,
    repair: Repair,
    what: str,
    name: str,
    repairs: Collection[Repair],
    findings: list[Finding],
    *,
    most: float = 1.0,
) -> None:
    """Take the odd values away where that is allowed and they are not too many, and say so."""
    odd = odd & ~np.isnan(values)
    count, known = int(odd.sum()), int((~np.isnan(values)).sum())
    if count == 0:
        return
    allowed = repair in repairs and count <= most * known
    if allowed:
        values[odd] = np.nan
    ending = "they count as missing." if allowed else "they were left as they are."
    findings.append(
        Finding(
            code,
            "repaired" if allowed else "warning",
            f"{name}: {count} {what}; {ending}",
            name,
            values={"count": count, "share": round(count / known, 4)},
        )
    )


def _outages(values: Values, daily: bool) -> Mask:
    zero = values == 0
    known = int((~np.isnan(values)).sum())
    if known == 0 or zero.sum() >= RARE * known:
        return np.zeros(len(values), dtype=np.bool_)
    return _runs(zero, ZERO_DAYS if daily else ZERO_HOURS)


def _stuck(values: Values, shortest: int, *, nonzero: bool = True) -> Mask:
    """Runs of one repeated value, longer than the meter's resolution explains."""
    same = np.zeros(len(values), dtype=np.bool_)
    same[1:] = values[1:] == values[:-1]
    if nonzero:
        same &= values != 0
    lengths, starts = _run_lengths(same)
    if len(lengths) == 0:
        return same
    long = lengths + 1 >= max(shortest, TIMES_LONGER * float(np.quantile(lengths, 0.99)) if len(lengths) > 50 else 0)
    stuck = np.zeros(len(values), dtype=np.bool_)
    for start, length in zip(starts[long], lengths[long], strict=True):
        stuck[start - 1 : start + length] = True
    return stuck if stuck.sum() < 0.5 * len(values) else np.zeros(len(values), dtype=np.bool_)


def _outliers(values: Values) -> Mask:
    known = values[~np.isnan(values)]
    high = float(np.quantile(known, 0.995)) if len(known) > 200 else 0.0
    if high <= 0:
        return np.zeros(len(values), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        odd: Mask = values > OUTLIER_FACTOR * high
    return odd


def _sentinels(values: Values) -> Mask:
    """Values far below or above all others, as sensors give that have lost their probe."""
    distinct = np.unique(values[~np.isnan(values)])
    odd = np.zeros(len(values), dtype=np.bool_)
    if len(distinct) < 10:
        return odd
    for edge, next_one in ((distinct[0], distinct[1]), (distinct[-1], distinct[-2])):
        if abs(edge - next_one) > SENTINEL_APART:
            odd |= values == edge
    return odd


def _looks_fahrenheit(values: Values) -> bool:
    known = values[~np.isnan(values)]
    known = known[(known > -35) | (known < -45)]
    return len(known) > 0 and float(np.quantile(known, 0.9)) > 50


def _runs(flags: Mask, shortest: int) -> Mask:
    lengths, starts = _run_lengths(flags)
    found = np.zeros(len(flags), dtype=np.bool_)
    for start, length in zip(starts[lengths >= shortest], lengths[lengths >= shortest], strict=True):
        found[start : start + length] = True
    return found


def _run_lengths(flags: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts = np.flatnonzero(edges == 1)
    return np.flatnonzero(edges == -1) - starts, starts
