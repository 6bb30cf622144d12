"""Rows of history behind a measurement, and counting what came beside them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from tests.family import RunningVidik

from vidik.context.store.partitions import partition_name
from vidik.context.store.rows import COLUMNS, copy_buffer

FIRST_LAID_SERIES = 10_000_000_000
INTERVAL_SECONDS = 10
ROWS_A_COPY = 500_000


def lay_history(vidik: RunningVidik, rows: int) -> int:
    """Fill today's partition with other series, a value every 10 s since midnight (UTC), as after a busy day.

    Returns the size of the partition with its index, in bytes. Series after series, because that builds the index
    several times as fast as value after value.
    """
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = int(midnight.timestamp()) * 1_000_000
    values = max(int((now - midnight).total_seconds()), 600) // INTERVAL_SECONDS
    times = start + np.arange(values) * INTERVAL_SECONDS * 1_000_000
    series_count = max(rows // values, 1)
    series_a_copy = max(ROWS_A_COPY // values, 1)
    generator = np.random.default_rng(7)
    copying = f"COPY observation ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
    with vidik.connect() as connection:
        for first in range(0, series_count, series_a_copy):
            count = min(series_a_copy, series_count - first)
            series = np.repeat(FIRST_LAID_SERIES + first + np.arange(count), values)
            shifts = generator.integers(0, INTERVAL_SECONDS * 1_000_000, count)
            numbers = np.round(generator.random(count * values) * 100, 1)
            buffer = copy_buffer(series, (times + shifts[:, None]).ravel(), numbers, start)
            with connection.cursor() as cursor, cursor.copy(copying) as copy:
                copy.write(buffer)
        connection.execute("ANALYZE observation")
        connection.execute("CHECKPOINT")
        return _size(connection, partition_name(now.date()))


def _size(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute("SELECT pg_total_relation_size(%s::text::regclass)", [table]).fetchone()
    assert row is not None
    return int(row[0])


def count_stored(vidik: RunningVidik) -> int:
    """Values in history that were not laid."""
    with vidik.connect() as connection:
        row = connection.execute("SELECT count(*) FROM observation WHERE series < %s", [FIRST_LAID_SERIES]).fetchone()
    assert row is not None
    return int(row[0])
