"""Packs closed days: rows become chunks and hourly rollups, then the day's partition is dropped.

A day is packed once it is `history_packed_after_days` old. A late reading of a packed day lands in the default
partition and is merged into the chunk the next time. The rows leave and the chunk appears in one transaction, so a
reader sees each observation in exactly one of the two places.
"""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

from vidik.context.store import chunks, history, partitions
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import from_microseconds
from vidik.kernel.database import Connection, Database

_ROWS_AT_ONCE = 200_000
_LOCK = 0x56_5041_434B  # "V PACK"


async def pack_closed_days(database: Database, tenant: str, before: date) -> int:
    """Pack every day before a date (UTC) that still has rows; returns how many rows were packed."""
    packed = 0
    async with database.session(tenant) as connection:
        days = [day for day in await partitions.existing(connection) if day < before]
    for day in days:
        packed += await _pack_partition(database, tenant, day)
    async for day in _strays(database, tenant, before):
        packed += await _pack_strays(database, tenant, day)
    return packed


async def hold_off(connection: Connection) -> None:
    """Keep days from being packed until this transaction ends; those who correct history share it."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared(%s, hashtext(current_schema()))", [_LOCK & 0x7FFFFFFF]
    )


async def rewrite_day(connection: Connection, series: int, day: date, rows: SeriesRows) -> None:
    """Put other rows in the place of a packed day of one series, and its rollups; no rows take the day away."""
    start = _midnight(day)
    await connection.execute(
        "DELETE FROM observation_hour WHERE series = %s AND hour >= %s AND hour < %s",
        [series, start, start + timedelta(days=1)],
    )
    if not len(rows):
        await connection.execute("DELETE FROM observation_chunk WHERE series = %s AND day = %s", [series, day])
        return
    await _write_chunks(connection, day, {series: rows})


async def _alone(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_LOCK & 0x7FFFFFFF])


async def _strays(database: Database, tenant: str, before: date) -> AsyncIterator[date]:
    """Closed days that have rows in the default partition, oldest first."""
    after = datetime.min.replace(tzinfo=UTC)
    while True:
        async with database.session(tenant) as connection:
            cursor = await connection.execute(
                "SELECT min(observed_at) AS moment FROM observation_other WHERE observed_at >= %s", [after]
            )
            row = await cursor.fetchone()
        moment: datetime | None = row["moment"] if row else None
        if moment is None or moment.date() >= before:
            return
        yield moment.date()
        after = _midnight(moment.date()) + timedelta(days=1)


async def _pack_partition(database: Database, tenant: str, day: date) -> int:
    name = partitions.partition_name(day)
    async with database.transaction(tenant) as connection:
        await _alone(connection)
        # Writers of this (long closed) day wait; they go to the default partition once it is dropped.
        await connection.execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
        packed = await _pack_table(connection, name, day)
        await connection.execute(f"DROP TABLE {name}")
    return packed


async def _pack_strays(database: Database, tenant: str, day: date) -> int:
    start = _midnight(day)
    async with database.transaction(tenant) as connection:
        await _alone(connection)
        await connection.execute(
            "CREATE TEMPORARY TABLE observation_packing (LIKE observation) ON COMMIT DROP",
        )
        await connection.execute(
            "WITH gone AS (DELETE FROM observation_other WHERE observed_at >= %s AND observed_at < %s RETURNING *)"
            " INSERT INTO observation_packing SELECT * FROM gone",
            [start, start + timedelta(days=1)],
        )
        return await _pack_table(connection, "observation_packing", day)


async def _pack_table(connection: Connection, table: str, day: date) -> int:
    """Pack all rows of a table that holds one day, some series at a time, so that memory stays bounded."""
    cursor = await connection.execute(f"SELECT series, count(*) AS count FROM {table} GROUP BY series ORDER BY series")
    packed, some, rows = 0, list[int](), 0
    counts = await cursor.fetchall()
    for place, row in enumerate(counts):
        some.append(row["series"])
        rows += row["count"]
        if rows >= _ROWS_AT_ONCE or place == len(counts) - 1:
            packed += await _pack_series(connection, day, await history.collect(connection, table, some))
            some, rows = [], 0
    return packed


async def _pack_series(connection: Connection, day: date, fresh: dict[int, SeriesRows]) -> int:
    """Merge fresh rows of one day into its chunks and rollups."""
    if not fresh:
        return 0
    cursor = await connection.execute(
        "SELECT series, data FROM observation_chunk WHERE series = ANY(%s) AND day = %s FOR UPDATE",
        [list(fresh), day],
        binary=True,
    )
    packed = {row["series"]: chunks.unpack(row["data"]) for row in await cursor.fetchall()}
    merged = {
        number: chunks.merge([packed[number], rows]) if number in packed else rows for number, rows in fresh.items()
    }
    await _write_chunks(connection, day, merged)
    return sum(len(rows) for rows in fresh.values())


async def _write_chunks(connection: Connection, day: date, merged: dict[int, SeriesRows]) -> None:
    await connection.execute(
        "INSERT INTO observation_chunk (series, day, count, data)"
        " SELECT series, %s, count, data FROM unnest(%s::bigint[], %s::int[], %s::bytea[]) AS new (series, count, data)"
        " ON CONFLICT (series, day) DO UPDATE SET count = excluded.count, data = excluded.data",
        [day, list(merged), [len(rows) for rows in merged.values()], [chunks.pack(rows) for rows in merged.values()]],
    )
    await _roll_up(connection, merged)


async def _roll_up(connection: Connection, merged: dict[int, SeriesRows]) -> None:
    owners: list[int] = []
    columns: list[list[object]] = [[], [], [], [], []]
    for number, rows in merged.items():
        buckets = history.aggregate(rows, history.HOUR)
        owners.extend([number] * len(buckets.starts))
        columns[0].extend(from_microseconds(start) for start in buckets.starts.tolist())
        for column, values in zip(
            columns[1:], (buckets.count, buckets.sum, buckets.minimum, buckets.maximum), strict=True
        ):
            column.extend(values.tolist())
    await connection.execute(
        "INSERT INTO observation_hour (series, hour, count, sum, minimum, maximum)"
        " SELECT * FROM unnest(%b::bigint[], %b::timestamptz[], %b::int[], %b::float8[], %b::float8[], %b::float8[])"
        " ON CONFLICT (series, hour) DO UPDATE SET count = excluded.count, sum = excluded.sum,"
        " minimum = excluded.minimum, maximum = excluded.maximum",
        [owners, *columns],
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
