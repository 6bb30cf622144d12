"""Writing observations: series are found or made, rows are copied in, repeats are harmless."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from psycopg import errors

from vidik.context.store import arrays
from vidik.context.store.rows import COLUMNS, JsonRow, copy_buffer
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Connection

SeriesName = tuple[int, str, str]
"""(entity key, expanded attribute name, dataset id or '')."""


class ObservationRows:
    """Rows of one batch, collected value by value; plain numbers apart, because they copy fastest."""

    __slots__ = ("json_rows", "numbers", "observed_at", "seen", "series")

    def __init__(self) -> None:
        self.series: list[int] = []
        self.observed_at: list[int] = []
        self.numbers: list[float] = []
        self.json_rows: list[JsonRow] = []
        self.seen: set[tuple[int, int]] = set()

    def add(self, series: int, observed_at: int, recorded_at: int, number: float | None, json: str | None) -> None:
        """Add a value; a second one of the same series and time is a repeat and left out."""
        key = (series, observed_at)
        if key in self.seen:
            return
        self.seen.add(key)
        if json is None and number is not None:
            self.series.append(series)
            self.observed_at.append(observed_at)
            self.numbers.append(number)
        else:
            self.json_rows.append((series, observed_at, recorded_at, number, json or "null"))

    def __len__(self) -> int:
        return len(self.series) + len(self.json_rows)


async def write(connection: Connection, rows: ObservationRows, recorded_at: datetime) -> None:
    """Append rows to history, inside the caller's transaction.

    Copies straight into the table (measured: twice as fast as staging and ON CONFLICT). Where a row is already
    there, the copy is undone to a savepoint and done again through a staging table that leaves repeats out.
    """
    if not rows:
        return
    buffer = copy_buffer(rows.series, rows.observed_at, rows.numbers, to_microseconds(recorded_at), rows.json_rows)
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


async def _copy(connection: Connection, table: str, buffer: bytes) -> None:
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        await copy.write(buffer)


async def find_series(connection: Connection, entity_keys: Sequence[int]) -> dict[SeriesName, tuple[int, datetime]]:
    """Every series of some entities: name to (series, created at)."""
    cursor = await connection.execute(
        "SELECT series, entity, attribute, dataset, created_at FROM series WHERE entity = ANY(%s)",
        [arrays.bigints(entity_keys)],
        binary=True,
    )
    return {
        (row["entity"], row["attribute"], row["dataset"]): (row["series"], row["created_at"])
        for row in await cursor.fetchall()
    }


async def ensure_series(
    connection: Connection, names: Collection[SeriesName], created_at: datetime
) -> dict[SeriesName, tuple[int, datetime]]:
    """The series of these names; those that are missing are made."""
    found = await find_series(connection, _keys(names))
    missing = sorted(name for name in names if name not in found)
    if missing:
        await connection.execute(
            "INSERT INTO series (entity, attribute, dataset, created_at)"
            " SELECT entity, attribute, dataset, %s FROM unnest(%s, %s, %s)"
            " AS new (entity, attribute, dataset) ON CONFLICT DO NOTHING",
            [
                created_at,
                arrays.bigints([name[0] for name in missing]),
                arrays.texts([name[1] for name in missing]),
                arrays.texts([name[2] for name in missing]),
            ],
        )
        found = await find_series(connection, _keys(names))
    return found


def _keys(names: Iterable[SeriesName]) -> list[int]:
    return sorted({name[0] for name in names})
