"""Bringing a meter in: rows of a file or of the city's memory, as a series without holes, with what was found.

Nothing is repaired in silence: every value that is left out or joined is counted in a finding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.counters import drop_dips, increments
from vidik.pilots.measurement.grid import HOURS, utc_offsets
from vidik.pilots.measurement.guards import guard_amounts, guard_kind, guard_temperature
from vidik.pilots.measurement.named_units import ASSUMED, chosen_unit, named_unit
from vidik.pilots.measurement.series import Series, Values
from vidik.pilots.measurement.stamps import SECONDS_AN_HOUR, Times, parse_times, refuse_unreadable, to_utc
from vidik.pilots.measurement.steps import of_amounts, of_counter, step_of, usual_gap
from vidik.pilots.measurement.table import Table, read_table, to_numbers
from vidik.pilots.outcome import Finding
from vidik.pilots.specification import Repair

Kind = Literal["amount", "counter", "mean"]
ALL_REPAIRS: frozenset[Repair] = frozenset(get_args(Repair))
TIME_NAMES = ("datetime", "timestamp", "date_time", "date time", "time", "date", "vreme", "datum", "ts", "t")
AMOUNT_NAMES = ("kwh", "value", "consumption", "energy", "usage", "load", "power", "mwh", "m3", "potrosnja", "kw")
MEAN_NAMES = ("air_temperature", "temperature", "temp", "t_out", "t_amb", "outdoor", "temperatura", "drybulb", "value")
TEMPERATURE_UNITS = frozenset({"Cel", "CEL", "[degF]", "FAH", "K", "KEL"})
_HOUR_OF_DAY = re.compile(r"h?\d{1,2}([:.h]\d{0,2})?", re.IGNORECASE)
LONGEST_STEPS = 10_000_000


def read_csv(
    data: bytes,
    *,
    column: str | None,
    unit: str | None,
    zone: str,
    kind: Kind,
    name: str = "file",
    time_column: str | None = None,
    repairs: Collection[Repair] = ALL_REPAIRS,
) -> tuple[Series, list[Finding]]:
    """A series from a CSV file (also gzipped); `column` may be left out where one column is plainly meant.

    Times without an offset are wall-clock times of `zone`. `unit` None: as the column's name says, else kWh. Raises
    BadInput, with a sentence for the person, where the file is no table, or has no such column, no time that can be
    read, or steps longer than a day, or where the column's name speaks of another unit.
    """
    table = read_table(data, name)
    time_name, texts = _times_of(table, name, time_column)
    parsed = parse_times(texts)
    if parsed is None:
        raise refuse_unreadable(name, texts[0])
    times, is_utc = parsed
    chosen = _column_of(table, name, column, time_name, kind)
    values, wrong = table.numbers(chosen)
    findings = _unreadable(name, table, times, wrong)
    keep = ~np.isnat(times)
    times, values = times[keep], values[keep]
    if len(times) < 2:
        raise refuse_unreadable(name, texts[0])
    if kind != "mean":
        unit = chosen_unit(name, chosen, unit)
        values, power = _energy(times, values, name, chosen, kind)
        findings += power
    unit = unit or ASSUMED
    if step_of(times) == "day":
        days = times if not is_utc else _to_local(times, zone)
        series, more = _daily(days, values, name=name, unit=unit, zone=zone, kind=kind, repairs=repairs)
        series, guarded = _guarded(series, kind, repairs)
        return series, findings + more + guarded
    if not is_utc:
        times, clock = to_utc(times, zone)
        findings += [replace(finding, subject=name) for finding in clock]
    series, more = to_series(times, values, name=name, unit=unit, zone=zone, kind=kind, repairs=repairs)
    return series, findings + more


def to_series(
    times: Times,
    values: Values,
    *,
    name: str,
    unit: str,
    zone: str,
    kind: Kind,
    repairs: Collection[Repair] = ALL_REPAIRS,
) -> tuple[Series, list[Finding]]:
    """A series from rows at any times (UTC), in any order, uneven, repeated: hourly, or daily where rows are daily.

    Raises BadInput where there are fewer than two rows, or where they are more than a day apart.
    """
    times = times.astype("datetime64[s]")
    known = ~(np.isnan(values) | np.isnat(times))
    times, values = times[known], np.asarray(values, dtype=np.float64)[known]
    if len(times) < 2:
        raise BadInput(f"{name} has fewer than two values.", code="series-empty", values={"name": name})
    if step_of(times) == "day" and kind != "counter":
        local = _to_local(times, zone)
        series, findings = _daily(local, values, name=name, unit=unit, zone=zone, kind=kind, repairs=repairs)
        series, guarded = _guarded(series, kind, repairs)
        return series, findings + guarded
    _guard_span(times, name)
    times, values, findings = _ordered(times, values, name, repairs)
    fill = of_counter if kind == "counter" else of_amounts
    start, steps, more = fill(times, values, name=name, is_mean=kind == "mean", repairs=repairs)
    series, guarded = _guarded(Series(name, start, steps, unit, zone), kind, repairs)
    return series, findings + more + guarded


def _energy(times: Times, values: Values, name: str, column: str, kind: Kind) -> tuple[Values, list[Finding]]:
    """A column of power as amounts of its steps; a finding "power-column" says so. Other columns as they are."""
    named = named_unit(column)
    if kind == "counter" or named is None or not named.is_power:
        return values, []
    moments = np.unique(times.astype("datetime64[s]").astype(np.int64))
    seconds = usual_gap(np.diff(moments))
    text = (
        f"{name}: the column '{column}' is power; each value was counted as the mean of its {seconds / 60:g} minutes."
    )
    found = Finding("power-column", "note", text, name, values={"column": column, "minutes": round(seconds / 60, 2)})
    return values * (seconds / SECONDS_AN_HOUR), [found]


def _guarded(series: Series, kind: Kind, repairs: Collection[Repair]) -> tuple[Series, list[Finding]]:
    if kind == "mean":
        return guard_temperature(series, repairs) if series.unit in TEMPERATURE_UNITS else (series, [])
    if kind == "amount":
        guard_kind(series)
    return guard_amounts(series, repairs)


def _daily(
    local: Times, values: Values, *, name: str, unit: str, zone: str, kind: Kind, repairs: Collection[Repair]
) -> tuple[Series, list[Finding]]:
    """A daily series; the time of day at which a row is written says nothing."""
    known = ~(np.isnan(values) | np.isnat(local))
    days, values = local[known].astype("datetime64[D]"), values[known]
    if len(days) < 2:
        raise BadInput(f"{name} has fewer than two values.", code="series-empty", values={"name": name})
    _guard_span(days.astype("datetime64[s]"), name)
    days, values, findings = _ordered(days, values, name, repairs)
    if kind == "counter":
        stands = drop_dips(values)
        days, values = days[stands], values[stands]
        values, more = increments(values, name=name, repairs=repairs)
        findings += more
        across = np.diff(days.astype(np.int64), prepend=days[0].astype(np.int64)) > 1
        values = np.where(across, np.nan, values)
        # A daily counter's increment up to a reading belongs to the day before it.
        days = days - np.timedelta64(1, "D")
    filled = np.full(int((days[-1] - days[0]).astype(np.int64)) + 1, np.nan)
    filled[(days - days[0]).astype(np.int64)] = values
    return Series(name, days[0], filled, unit, zone), findings


def _ordered(
    times: Times, values: Values, name: str, repairs: Collection[Repair]
) -> tuple[Times, Values, list[Finding]]:
    """Rows in order, one a time. Of repeated times the first row stands; where they differ, that is a warning."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    first = np.ones(len(times), dtype=np.bool_)
    first[1:] = times[1:] != times[:-1]
    repeated = len(times) - int(first.sum())
    if repeated == 0:
        return times, values, []
    group = np.cumsum(first) - 1
    stands = values[first]
    differing = np.unique(group[values != stands[group]])
    conflicts = len(differing)
    if "duplicates" not in repairs:
        stands = stands.copy()
        stands[differing] = np.nan
    text = f"{name}: {repeated} rows repeat a time that was there before" + (
        f", {conflicts} times with another value; the first row stands."
        if conflicts and "duplicates" in repairs
        else f", {conflicts} times with another value, which counts as missing."
        if conflicts
        else " with the same value; each counts once."
    )
    severity: Literal["repaired", "warning"] = "warning" if conflicts else "repaired"
    finding = Finding("duplicates", severity, text, name, values={"rows": repeated, "conflicts": conflicts})
    known = ~np.isnan(stands)
    return times[first][known], stands[known], [finding]


def _guard_span(times: Times, name: str) -> None:
    first, last = times.min(), times.max()
    if (last - first).astype("timedelta64[h]").astype(np.int64) > LONGEST_STEPS:
        raise BadInput(
            f"{name} reaches from {first} to {last}: a time in it must be wrong.",
            field="datetime",
            code="times-wild",
            values={"name": name, "first": str(first)[:10], "last": str(last)[:10]},
        )


def _to_local(times: Times, zone: str) -> Times:
    hours = times.astype("datetime64[h]").astype(np.int64)
    start = int(hours.min())
    offsets = utc_offsets(start, int(hours.max()) - start + 1, zone)
    local: Times = times + (offsets[hours - start] * 3600).astype("timedelta64[s]")
    return local


def _times_of(table: Table, name: str, time_column: str | None) -> tuple[str, Sequence[str]]:
    """The column of times, and its texts; a column of dates and one of hours are read together."""
    lower = {field.casefold(): field for field in reversed(list(table.columns))}
    if time_column is not None:
        if time_column.casefold() not in lower:
            raise _no_column(name, time_column, table, "datetime")
        field = lower[time_column.casefold()]
        return field, table.columns[field]
    date, hour = lower.get("date") or lower.get("datum"), lower.get("time") or lower.get("hour") or lower.get("vreme")
    if date and hour and "datetime" not in lower and "timestamp" not in lower:
        joined = [f"{day} {_hour(text)}" for day, text in zip(table.columns[date], table.columns[hour], strict=True)]
        if parse_times(joined[:500]) is not None:
            return date, joined
    candidates = [lower[known] for known in TIME_NAMES if known in lower]
    candidates += [field for field in table.columns if field not in candidates]
    for field in candidates:
        if parse_times(table.columns[field][:500]) is not None:
            return field, table.columns[field]
    first = next(iter(table.columns.values()))
    raise refuse_unreadable(name, first[0])


def _hour(text: str) -> str:
    plain = text.strip()
    return f"{int(plain):02d}:00" if plain.isdigit() and len(plain) <= 2 else plain


def _column_of(table: Table, name: str, column: str | None, time_name: str, kind: Kind) -> str:
    """The column of values: the one named, or the one that is plainly meant."""
    others = [field for field in table.columns if field != time_name]
    if column is not None:
        for field in others:
            if field == column or field.casefold() == column.casefold():
                return field
        raise _no_column(name, column, table, "column")
    numeric = [field for field in others if _is_numeric(table, field)]
    if len(numeric) == 1:
        return numeric[0]
    known = MEAN_NAMES if kind == "mean" else AMOUNT_NAMES
    for exact in (True, False):
        for wanted in known:
            found = [
                field
                for field in numeric
                if (field.casefold() == wanted if exact else field.casefold().startswith(wanted))
            ]
            if found:
                return found[0]
    if not numeric:
        text = f"{name} has no column of numbers beside {time_name}."
        raise BadInput(text, field="column", code="no-numbers", values={"name": name, "time": time_name})
    if sum(_HOUR_OF_DAY.fullmatch(field) is not None for field in numeric) >= HOURS:
        raise BadInput(
            f"{name} has a column for each hour of the day. Write a row for each hour: date, time, value.",
            field="column",
            code="hours-in-columns",
            values={"name": name},
        )
    raise BadInput(
        f"{name} has several columns of numbers ({', '.join(numeric[:12])}): say which by its name.",
        field="column",
        code="column-unclear",
        values={"name": name, "columns": ", ".join(numeric[:12])},
    )


def _is_numeric(table: Table, field: str) -> bool:
    texts = table.columns[field]
    stride = max(1, len(texts) // 500)
    values, wrong = to_numbers(texts[::stride], table.decimal_comma)
    return bool((~np.isnan(values)).sum() > wrong)


def _no_column(name: str, column: str, table: Table, field: str) -> BadInput:
    columns = ", ".join(list(table.columns)[:20])
    return BadInput(
        f"{name} has no column '{column}'; it has {columns}.",
        field=field,
        code="no-column",
        values={"name": name, "column": column, "columns": columns},
    )


def _unreadable(name: str, table: Table, times: Times, wrong: int) -> list[Finding]:
    bad_times = int(np.isnat(times).sum())
    found = []
    for count, code, what in (
        (table.short, "rows-short", "rows have fewer fields than the first line names"),
        (bad_times, "times-unreadable", "rows have a time that cannot be read"),
        (wrong, "values-unreadable", "values are no numbers"),
    ):
        if count:
            text = f"{name}: {count} {what}; they count as missing."
            found.append(Finding(code, "warning", text, name, values={"rows": count}))
    return found
