"""Reading history: rows of open days and chunks of packed ones as one series, ordered by time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.rows import POSTGRES_EPOCH
from vidik.kernel.clock import from_microseconds, to_microseconds
from vidik.kernel.database import Connection

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Series:
    """One attribute (and dataset) of one entity, as history knows it."""

    number: int
    entity_id: str
    attribute: str
    dataset: str
    created_at: datetime


@dataclass(slots=True)
class Buckets:
    """Aggregates of a series by time bucket: parallel arrays, one item a bucket that has values.

    `starts` are microseconds since 1970 (UTC).
    """

    starts: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    sum: npt.NDArray[np.float64]
    minimum: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Arithmetic mean of each bucket."""
        mean: npt.NDArray[np.float64] = self.sum / self.count
        return mean


async def series_of(
    connection: Connection, entity_ids: Sequence[str], attributes: Sequence[str] | None = None
) -> list[Series]:
    """The series of entities (also of deleted ones), of some attributes or of all."""
    cursor = await connection.execute(
        "SELECT series, owner.id, attribute, dataset, known.created_at"
        " FROM (SELECT key, id FROM entity WHERE id = ANY(%(ids)s)"
        "  UNION ALL SELECT key, id FROM entity_gone WHERE id = ANY(%(ids)s)) AS owner"
        # OFFSET keeps it a question an entity: of a join the planner makes a hash of all series that there are.
        " CROSS JOIN LATERAL (SELECT * FROM series WHERE series.entity = owner.key OFFSET 0) AS known"
        " WHERE %(attributes)s::text[] IS NULL OR attribute = ANY(%(attributes)s)"
        " ORDER BY series",
        {"ids": list(entity_ids), "attributes": None if attributes is None else list(attributes)},
    )
    return [
        Series(row["series"], row["id"], row["attribute"], row["dataset"], row["created_at"])
        for row in await cursor.fetchall()
    ]


async def read(
    connection: Connection,
    series: Sequence[int],
    start: datetime | None = None,
    end: datetime | None = None,
    last: int | None = None,
) -> dict[int, SeriesRows]:
    """Observations with start <= observed at < end of each series, ordered by time.

    `last` keeps the newest so many of each series and reads only as far back as that needs.
    """
    if last is not None:
        return await _read_last(connection, series, start, end, last)
    low = to_microseconds(start) if start else np.iinfo(np.int64).min
    high = to_microseconds(end) if end else np.iinfo(np.int64).max
    parts: dict[int, list[SeriesRows]] = defaultdict(list)
    for number, data in await _chunks(connection, series, start, end):
        parts[number].append(chunks.between(chunks.unpack(data), low, high))
    for number, rows in (await collect(connection, "observation", series, start, end)).items():
        parts[number].append(rows)
    return {number: chunks.merge(parts[number]) if number in parts else chunks.empty() for number in series}


async def hourly(connection: Connection, series: int, start: datetime, end: datetime) -> Buckets:
    """Hourly aggregates of a series for whole hours in [start, end): rollups of packed days, rows of open ones."""
    cursor = await connection.execute(
        "SELECT (extract(epoch FROM hour) * 1000000)::bigint AS start, count, sum, minimum, maximum"
        " FROM observation_hour WHERE series = %s AND hour >= %s AND hour < %s ORDER BY hour",
        [series, start, end],
        binary=True,
    )
    rolled = await cursor.fetchall()
    packed = Buckets(
        np.array([row["start"] for row in rolled], np.int64),
        np.array([row["count"] for row in rolled], np.int64),
        np.array([row["sum"] for row in rolled], np.float64),
        np.array([row["minimum"] for row in rolled], np.float64),
        np.array([row["maximum"] for row in rolled], np.float64),
    )
    rows = (await collect(connection, "observation", [series], start, end)).get(series, chunks.empty())
    return _join(packed, aggregate(rows, HOUR))


def aggregate(rows: SeriesRows, bucket: int, origin: int = 0) -> Buckets:
    """Aggregates of the numbers of a series by buckets of `bucket` microseconds counted from `origin`."""
    numeric = ~np.isnan(rows.numbers)
    times, numbers = rows.times[numeric], rows.numbers[numeric]
    if not len(times):
        nothing = np.empty(0, np.float64)
        return Buckets(np.empty(0, np.int64), np.empty(0, np.int64), nothing, nothing, nothing)
    starts = (times - origin) // bucket * bucket + origin
    edges = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    return Buckets(
        starts[edges],
        np.diff(np.append(edges, len(starts))),
        np.add.reduceat(numbers, edges),
        np.minimum.reduceat(numbers, edges),
        np.maximum.reduceat(numbers, edges),
    )


def _join(first: Buckets, second: Buckets) -> Buckets:
    if not len(second.starts):
        return first
    starts, place = np.unique(np.concatenate((first.starts, second.starts)), return_inverse=True)
    count = np.zeros(len(starts), np.int64)
    total = np.zeros(len(starts), np.float64)
    minimum = np.full(len(starts), np.inf)
    maximum = np.full(len(starts), -np.inf)
    np.add.at(count, place, np.concatenate((first.count, second.count)))
    np.add.at(total, place, np.concatenate((first.sum, second.sum)))
    np.minimum.at(minimum, place, np.concatenate((first.minimum, second.minimum)))
    np.maximum.at(maximum, place, np.concatenate((first.maximum, second.maximum)))
    return Buckets(starts, count, total, minimum, maximum)


async def _chunks(
    connection: Connection, series: Sequence[int], start: datetime | None, end: datetime | None
) -> list[tuple[int, bytes]]:
    cursor = await connection.execute(
        "SELECT series, data FROM observation_chunk WHERE series = ANY(%s)"
        " AND (%s::date IS NULL OR day >= %s::date) AND (%s::date IS NULL OR day <= %s::date)"
        " ORDER BY series, day",
        [list(series), start and start.date(), start and start.date(), end and end.date(), end and end.date()],
        binary=True,
    )
    return [(row["series"], row["data"]) for row in await cursor.fetchall()]


async def collect(
    connection: Connection,
    table: str,
    series: Sequence[int],
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[int, SeriesRows]:
    """The rows of one table of observations, by series and ordered by time; series without rows are left out."""
    # Bounds are left out rather than compared with NULL, so that the planner can prune partitions.
    bounds = (" AND observed_at >= %(start)s" if start else "") + (" AND observed_at < %(end)s" if end else "")
    # Columns come as the bytes that NumPy reads, without an object a value on the way.
    cursor = await connection.execute(
        "SELECT series,"
        " string_agg(timestamptz_send(observed_at), '') AS times,"
        " string_agg(timestamptz_send(recorded_at), '') AS recorded,"
        " string_agg(float8send(coalesce(number, 'NaN')), '') AS numbers,"
        " string_agg(timestamptz_send(observed_at), '') FILTER (WHERE json IS NOT NULL) AS json_times,"
        " array_agg(json::text) FILTER (WHERE json IS NOT NULL) AS json"
        " FROM (SELECT series, observed_at, recorded_at, number, json"
        f"  FROM {table} WHERE series = ANY(%(series)s){bounds} ORDER BY series, observed_at) AS ordered"
        " GROUP BY series",
        {"series": list(series), "start": start, "end": end},
        binary=True,
    )
    return {row["series"]: _rows_of(row) for row in await cursor.fetchall()}


def _rows_of(row: Mapping[str, Any]) -> SeriesRows:
    times = _moments(row["times"])
    # A time stands only once in a series, so it tells a value's place.
    places = np.searchsorted(times, _moments(row["json_times"])).tolist() if row["json"] else []
    numbers = np.frombuffer(row["numbers"], ">f8").astype(np.float64)
    return SeriesRows(times, _moments(row["recorded"]), numbers, dict(zip(places, row["json"] or (), strict=True)))


def _moments(raw: bytes) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 of timestamps as PostgreSQL sends them."""
    return np.frombuffer(raw, ">i8").astype(np.int64) + POSTGRES_EPOCH


async def _read_last(
    connection: Connection, series: Sequence[int], start: datetime | None, end: datetime | None, last: int
) -> dict[int, SeriesRows]:
    result: dict[int, SeriesRows] = {}
    for number in series:
        rows = await _newest_open_rows(connection, number, start, end, last)
        oldest = int(rows.times[0]) if len(rows) >= last else None
        cursor = await connection.execute(
            "SELECT day, count FROM observation_chunk WHERE series = %s"
            " AND (%s::date IS NULL OR day >= %s::date) AND (%s::date IS NULL OR day <= %s::date)"
            " ORDER BY day DESC",
            [number, start and start.date(), start and start.date(), end and end.date(), end and end.date()],
        )
        parts, found = [rows], len(rows) if oldest is None else 0
        for chunk in await cursor.fetchall():
            day = chunk["day"]
            if oldest is not None and day < from_microseconds(oldest).date():
                break
            # One day more than the count asks for: the first may lie partly outside [start, end).
            if oldest is None and found >= last + len(rows):
                break
            parts.append(await _chunk(connection, number, day, start, end))
            found += len(parts[-1])
        merged = chunks.merge(parts)
        result[number] = chunks.between(merged, int(merged.times[-last]), 2**62) if len(merged) > last else merged
    return result


async def _chunk(
    connection: Connection, series: int, day: object, start: datetime | None, end: datetime | None
) -> SeriesRows:
    cursor = await connection.execute(
        "SELECT data FROM observation_chunk WHERE series = %s AND day = %s", [series, day], binary=True
    )
    row = await cursor.fetchone()
    rows = chunks.unpack(row["data"]) if row else chunks.empty()
    return chunks.between(rows, to_microseconds(start) if start else -(2**62), to_microseconds(end) if end else 2**62)


async def _newest_open_rows(
    connection: Connection, series: int, start: datetime | None, end: datetime | None, last: int
) -> SeriesRows:
    bounds = (" AND observed_at >= %(start)s" if start else "") + (" AND observed_at < %(end)s" if end else "")
    cursor = await connection.execute(
        "SELECT observed_at, recorded_at, number, json::text AS json FROM observation"
        f" WHERE series = %(series)s{bounds} ORDER BY observed_at DESC LIMIT %(last)s",
        {"series": series, "start": start, "end": end, "last": last},
        binary=True,
    )
    rows = list(reversed(await cursor.fetchall()))
    return SeriesRows(
        np.array([to_microseconds(row["observed_at"]) for row in rows], np.int64),
        np.array([to_microseconds(row["recorded_at"]) for row in rows], np.int64),
        np.array([np.nan if row["number"] is None else row["number"] for row in rows], np.float64),
        {index: row["json"] for index, row in enumerate(rows) if row["json"] is not None},
    )
