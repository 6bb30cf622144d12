"""Writing observations: series are found or made, rows are copied in, repeats are harmless."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np
from psycopg import errors

from vidik.context.store import arrays, births
from vidik.context.store.rows import COLUMNS, JsonRow, copy_buffer
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Connection

_FEW = 256

SeriesName = tuple[int, str, str]
"""(entity key, expanded attribute name, dataset id or '')."""


class ObservationRows:
    """Rows of one batch; plain numbers apart, because they copy fastest."""

    __slots__ = ("fresh", "json_rows", "numbers", "observed_at", "series")

    def __init__(self) -> None:
        self.series: list[int] = []
        self.observed_at: list[int] = []
        self.numbers: list[float] = []
        self.json_rows: dict[tuple[int, int], JsonRow] = {}
        self.fresh: list[JsonRow] = []
        """More than numbers, of series that have nothing else."""

    def add_numbers(self, series: Sequence[int], observed_at: int, numbers: Iterable[float]) -> None:
        """Add plain numbers of several series, all of one time."""
        self.series.extend(series)
        self.observed_at.extend([observed_at] * len(series))
        self.numbers.extend(numbers)

    def add(
        self, series: int, observed_at: int, recorded_at: int, number: float | None, json: str | bytes | None
    ) -> None:
        """Add any value."""
        if json is None and number is not None:
            self.series.append(series)
            self.observed_at.append(observed_at)
            self.numbers.append(number)
        else:
            name = (series, observed_at)
            if name not in self.json_rows:
                self.json_rows[name] = (series, observed_at, recorded_at, number, json or "null")

    def __len__(self) -> int:
        return len(self.series) + len(self.json_rows) + len(self.fresh)

    def with_json(self) -> list[JsonRow]:
        """The rows that are more than a number."""
        return [*self.json_rows.values(), *self.fresh]

    def copy_buffer(self, recorded_at: datetime) -> bytes:
        """The rows as one binary COPY; of two values of the same series and time the first stands."""
        series = np.asarray(self.series, np.int64)
        observed_at = np.asarray(self.observed_at, np.int64)
        numbers = np.asarray(self.numbers, np.float64)
        order = np.lexsort((observed_at, series))
        repeats = (np.diff(series[order]) == 0) & (np.diff(observed_at[order]) == 0)
        if repeats.any():
            keep = np.sort(order[np.concatenate(([True], ~repeats))])
            series, observed_at, numbers = series[keep], observed_at[keep], numbers[keep]
        return copy_buffer(series, observed_at, numbers, to_microseconds(recorded_at), self.with_json())


async def write(connection: Connection, rows: ObservationRows, recorded_at: datetime) -> None:
    """Append rows to history, inside the caller's transaction.

    A few (and whatever is written in a pipeline, which knows no COPY) are inserted by one statement: that is slower
    by the row, and saves five ways to the server. More are
    copied straight into the table (measured: twice as fast as staging and ON CONFLICT). Where a row is already
    there, the copy is undone to a savepoint and done again through a staging table that leaves repeats out.
    """
    if not rows:
        return
    if len(rows) <= _FEW or connection.pgconn.pipeline_status:
        await _insert(connection, rows, recorded_at)
        return
    buffer = rows.copy_buffer(recorded_at)
    try:
        async with connection.transaction():
            await _copy(connection, "observation", buffer)
    except errors.UniqueViolation:
        await connection.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS observation_staged"
            " (observed_at timestamptz, recorded_at timestamptz, number float8, series bigint, json jsonb)"
            " ON COMMIT DELETE ROWS"
        )
        await _copy(connection, "observation_staged", buffer)
        await connection.execute(
            f"INSERT INTO observation ({COLUMNS}) SELECT {COLUMNS} FROM observation_staged ON CONFLICT DO NOTHING"
        )
        await connection.execute("DELETE FROM observation_staged")


async def _insert(connection: Connection, rows: ObservationRows, recorded_at: datetime) -> None:
    others = rows.with_json()
    await connection.execute(
        f"INSERT INTO observation ({COLUMNS}) SELECT observed_at, %s, number, series, json"
        " FROM unnest(%s, %s, %s, %s) AS new (observed_at, number, series, json) ON CONFLICT DO NOTHING",
        [
            recorded_at,
            arrays.moments([*rows.observed_at, *(row[1] for row in others)]),
            arrays.optional_floats([*rows.numbers, *(row[3] for row in others)]),
            arrays.bigints([*rows.series, *(row[0] for row in others)]),
            arrays.optional_documents([*(None for _ in rows.numbers), *(row[4] for row in others)]),
        ],
    )


async def _copy(connection: Connection, table: str, buffer: bytes) -> None:
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        await copy.write(buffer)


async def find_series(connection: Connection, entity_keys: Sequence[int]) -> dict[SeriesName, tuple[int, datetime]]:
    """Every series of some entities: name to (series, created at)."""
    # One statement, so that no series is missed while those of a birth become rows of their own. What an entity was
    # born with is asked by shape: a row an entity instead of one a series, each with its attribute's whole address.
    cursor = await connection.execute(
        "SELECT entity, created_at, series AS number, attribute, dataset FROM attribute_series"
        " WHERE entity = ANY(%(keys)s) UNION ALL"
        " SELECT entity, created_at, shape, NULL, NULL FROM entity_series WHERE entity = ANY(%(keys)s)",
        {"keys": arrays.bigints(entity_keys)},
        binary=True,
    )
    rows = await cursor.fetchall()
    shapes = await births.shapes_of(connection, {row["number"] for row in rows if row["attribute"] is None})
    found: dict[SeriesName, tuple[int, datetime]] = {}
    for row in rows:
        entity, created_at, number, attribute, dataset = row.values()
        if attribute is not None:
            found[entity, attribute, dataset] = number, created_at
            continue
        for series, (attribute, dataset) in enumerate(shapes[number], births.first_number(entity)):
            found[entity, attribute, dataset] = series, created_at
    return found


async def ensure_series(
    connection: Connection, names: Collection[SeriesName], created_at: datetime
) -> dict[SeriesName, tuple[int, datetime]]:
    """The series of these names; those that are missing are made."""
    if not names:
        return {}
    found = await find_series(connection, _keys(names))
    missing = sorted(name for name in names if name not in found)
    if missing:
        cursor = await connection.execute(
            "INSERT INTO attribute_series (entity, attribute, dataset, created_at)"
            " SELECT entity, attribute, dataset, %s FROM unnest(%s, %s, %s)"
            " AS new (entity, attribute, dataset) ON CONFLICT DO NOTHING"
            " RETURNING series, entity, attribute, dataset",
            [
                created_at,
                arrays.bigints([name[0] for name in missing]),
                arrays.texts([name[1] for name in missing]),
                arrays.texts([name[2] for name in missing]),
            ],
            binary=True,
        )
        made = await cursor.fetchall()
        if len(made) < len(missing):  # somebody else made some of them meanwhile
            return await find_series(connection, _keys(names))
        found.update({(row["entity"], row["attribute"], row["dataset"]): (row["series"], created_at) for row in made})
    return found


def _keys(names: Iterable[SeriesName]) -> list[int]:
    return sorted({name[0] for name in names})
