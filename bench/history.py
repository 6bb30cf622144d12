"""Stored size of a closed day, and how fast a week of one series is read, packed and as rows."""

import time
from datetime import timedelta

import numpy as np
import psycopg

from bench.report import Figure, Report
from bench.server import TENANT, database
from vidik.context.store import history, packing
from vidik.context.store.rows import COLUMNS, copy_buffer
from vidik.kernel.clock import from_microseconds, now, to_microseconds
from vidik.kernel.database import Connection, Database

SERIES = 150
POINTS_A_DAY = 1429  # a week of 10,000 points: one a minute
DAYS = 7
READS = 200


def fill(url: str, midnight: int) -> None:
    """A week of readings as devices make them: times and arrivals with jitter, values with one decimal."""
    generator = np.random.default_rng(42)
    day = 86_400_000_000
    with psycopg.connect(url, autocommit=True, options=f"-c search_path=tenant_{TENANT},platform,public") as connection:
        for number in range(1, SERIES + 1):
            count = POINTS_A_DAY * DAYS
            times = midnight + np.arange(count) * (day // POINTS_A_DAY) + generator.integers(0, 2_000_000, count)
            walk = np.round(60 + np.cumsum(generator.normal(0, 0.2, count)), 1)
            buffer = copy_buffer(np.full(count, number), times, walk, midnight + DAYS * day)
            copying = f"COPY observation ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
            with connection.cursor() as cursor, cursor.copy(copying) as copy:
                copy.write(buffer)


async def median_ms(connection: Connection, what: str, midnight: int) -> float:
    """The median of many reads of different series, in milliseconds."""
    start, end = from_microseconds(midnight), from_microseconds(midnight) + timedelta(days=DAYS)
    took = []
    for turn in range(READS):
        number = 1 + turn % SERIES
        began = time.perf_counter()
        if what == "series":
            rows = await history.read(connection, [number], start, end)
            assert len(rows[number]) == POINTS_A_DAY * DAYS
        else:
            hours = await history.hourly(connection, number, start, end)
            assert len(hours.mean) == 24 * DAYS
        took.append((time.perf_counter() - began) * 1000)
    return float(np.median(took))


async def run(report: Report) -> None:
    """Fill a week, measure its size as rows, pack it, measure size and reads."""
    midnight = to_microseconds((now() - timedelta(days=20)).replace(hour=0, minute=0, second=0, microsecond=0))
    with database() as url:
        fill(url, midnight)
        store = Database(url)
        await store.open()
        values = SERIES * POINTS_A_DAY * DAYS
        async with store.session(TENANT) as connection:
            before = await _size(connection, "observation_other")
            await connection.execute("ANALYZE")
            open_ms = await median_ms(connection, "series", midnight)
        began = time.perf_counter()
        packed = await packing.pack_closed_days(store, TENANT, now().date())
        pack_seconds = time.perf_counter() - began
        assert packed == values
        async with store.session(TENANT) as connection:
            await connection.execute("VACUUM ANALYZE observation_chunk")
            await connection.execute("VACUUM ANALYZE observation_hour")
            after = await _size(connection, "observation_chunk")
            hours = await _size(connection, "observation_hour")
            series_ms = await median_ms(connection, "series", midnight)
            hourly_ms = await median_ms(connection, "hours", midnight)
        await store.close()
    report.add(
        Figure(
            "stored size of a closed day",
            after / values,
            "MB a million values",
            goal=10,
            higher_is_better=False,
            details={
                "as rows": f"{before / values:.0f} MB a million values",
                "hourly rollups beside it": f"{hours / values:.1f} MB a million values",
                "packing": f"{packed / pack_seconds:,.0f} values a second",
            },
        )
    )
    for name, took in (
        ("one series, a week of 10k points, from packed days", series_ms),
        ("the same from rows still open", open_ms),
        ("hourly means of it, from packed days", hourly_ms),
    ):
        report.add(Figure(name, took, "ms", goal=5, higher_is_better=False))


async def _size(connection: Connection, table: str) -> int:
    cursor = await connection.execute("SELECT pg_total_relation_size(%s::text::regclass) AS size", [table])
    row = await cursor.fetchone()
    assert row is not None
    return int(row["size"])
