"""Correcting history: values put in the place of others, or taken out, wherever their day is kept.

History is append-only for devices and the API's present. Whoever manages temporal representations (ETSI GS CIM 009,
clauses 5.6.11 to 5.6.16) may also correct it: rows of open days are overwritten, the chunk of a packed day is written
again with its rollups. A shared lock keeps the packing job off the days meanwhile; writers of readings never take it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from vidik.context.store import arrays, births, chunks, history, packing
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import from_microseconds
from vidik.kernel.database import Connection


async def put(connection: Connection, rows: Mapping[int, SeriesRows]) -> None:
    """Write values of series, also over those of the same times; part of the caller's transaction."""
    await packing.hold_off(connection)
    packed = await _packed_days(connection, rows)
    touched = {series for series, _ in packed}
    open_rows = [(series, values) for series, values in rows.items() if series not in touched]
    for series in touched:
        for day, part in _by_day(rows[series]):
            kept = packed.get((series, day))
            if kept is None:
                open_rows.append((series, part))
            else:
                await packing.rewrite_day(connection, series, day, chunks.merge([part, kept]))
    await _upsert(connection, open_rows)


def rows_of(values: Sequence[tuple[int, int, float | None, str | None]], recorded_at: int) -> dict[int, SeriesRows]:
    """Values as rows of their series: (series, time, number, JSON); of two of one time the later one stands."""
    by_series: dict[int, dict[int, tuple[float | None, str | None]]] = {}
    for series, at, number, json in values:
        by_series.setdefault(series, {})[at] = number, json
    return {series: _rows(sorted(found.items()), recorded_at) for series, found in by_series.items()}


def _rows(values: Sequence[tuple[int, tuple[float | None, str | None]]], recorded_at: int) -> SeriesRows:
    plain = [number is not None and json is None for _, (number, json) in values]
    return SeriesRows(
        np.asarray([at for at, _ in values], np.int64),
        np.full(len(values), recorded_at, np.int64),
        np.asarray([np.nan if number is None else number for _, (number, _) in values], np.float64),
        {place: json or "null" for place, (_, (_, json)) in enumerate(values) if not plain[place]},
    )


async def remove(connection: Connection, series: int, moment: int) -> bool:
    """Take one value (its time in microseconds since 1970) out of a series; False where there is none."""
    await packing.hold_off(connection)
    cursor = await connection.execute(
        "DELETE FROM observation WHERE series = %s AND observed_at = %s", [series, from_microseconds(moment)]
    )
    if cursor.rowcount:
        return True
    day = from_microseconds(moment).date()
    kept = (await _packed_days(connection, {series: _moments([moment])})).get((series, day))
    if kept is None or moment not in kept.times:
        return False
    await packing.rewrite_day(connection, series, day, _without(kept, moment))
    return True


async def remove_all(connection: Connection, series: Sequence[int], *, forget: bool) -> None:
    """Take every value out of some series; `forget` also takes the series themselves."""
    await packing.hold_off(connection)
    for table in ("observation", "observation_chunk", "observation_hour"):
        await connection.execute(f"DELETE FROM {table} WHERE series = ANY(%s)", [list(series)])
    if forget:
        await births.forget(connection, series)


async def any_value(connection: Connection, series: Sequence[int]) -> bool:
    """Whether history holds anything of some series."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM observation_chunk WHERE series = ANY(%(series)s))"
        " OR EXISTS (SELECT FROM observation WHERE series = ANY(%(series)s)) AS found",
        {"series": list(series)},
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


def _by_day(rows: SeriesRows) -> list[tuple[date, SeriesRows]]:
    parts: list[tuple[date, SeriesRows]] = []
    at = 0
    while at < len(rows):
        day = from_microseconds(int(rows.times[at])).date()
        end = datetime.combine(day, time(), UTC) + timedelta(days=1)
        part = chunks.between(rows, int(rows.times[at]), int(end.timestamp()) * 1_000_000)
        parts.append((day, part))
        at += len(part)
    return parts


async def _packed_days(connection: Connection, rows: Mapping[int, SeriesRows]) -> dict[tuple[int, date], SeriesRows]:
    """What is packed of the days of these rows."""
    if not rows:
        return {}
    days = np.unique(np.concatenate([values.times for values in rows.values()]) // history.DAY)
    cursor = await connection.execute(
        "SELECT series, day, data FROM observation_chunk WHERE series = ANY(%s) AND day = ANY(%s)"
        " ORDER BY series, day FOR UPDATE",
        [list(rows), [from_microseconds(int(day) * history.DAY).date() for day in days]],
        binary=True,
    )
    return {(row["series"], row["day"]): chunks.unpack(row["data"]) for row in await cursor.fetchall()}


async def _upsert(connection: Connection, rows: Sequence[tuple[int, SeriesRows]]) -> None:
    """Write values of days that are not packed: all in one statement, however many series they belong to."""
    if not rows:
        return
    numbers = [None if np.isnan(number) else float(number) for _, values in rows for number in values.numbers]
    await connection.execute(
        "INSERT INTO observation (series, observed_at, recorded_at, number, json)"
        " SELECT series, observed_at, recorded_at, number, json"
        " FROM unnest(%s, %s, %s, %s, %s) AS new (series, observed_at, recorded_at, number, json)"
        " ON CONFLICT (series, observed_at) DO UPDATE"
        " SET recorded_at = excluded.recorded_at, number = excluded.number, json = excluded.json",
        [
            arrays.bigints([series for series, values in rows for _ in range(len(values))]),
            arrays.moments([at for _, values in rows for at in values.times.tolist()]),
            arrays.moments([at for _, values in rows for at in values.recorded.tolist()]),
            arrays.optional_floats(numbers),
            arrays.optional_documents([values.json.get(place) for _, values in rows for place in range(len(values))]),
        ],
    )


def _without(rows: SeriesRows, moment: int) -> SeriesRows:
    return chunks.merge([chunks.between(rows, -(2**62), moment), chunks.between(rows, moment + 1, 2**62)])


def _moments(times: Sequence[int]) -> SeriesRows:
    moments = np.asarray(times, np.int64)
    return SeriesRows(moments, moments, np.zeros(len(moments)), {})
