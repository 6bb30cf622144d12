"""SQL of vital signs: what a city changed, the layout, the samples."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('vidik vital signs'), hashtext(current_schema()))"


async def lock(connection: Connection) -> None:
    """Let nobody else change signs or their layout until the transaction ends."""
    await connection.execute(_LOCK)


async def changed_signs(connection: Connection) -> list[DictRow]:
    """Return what the city changed of its signs, and those that it made: key, definition, version, by whom, when."""
    cursor = await connection.execute(
        "SELECT key, definition, version, changed_by, changed_at FROM vital_sign ORDER BY key"
    )
    return await cursor.fetchall()


async def write_sign(
    connection: Connection, key: str, definition: Mapping[str, Any] | None, version: int, by: str, at: datetime
) -> None:
    """Write what a sign says now; None lets the package's stand again, and forgets one that the city made."""
    await connection.execute(
        """
        INSERT INTO vital_sign (key, definition, version, changed_by, changed_at)
        VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (key) DO UPDATE
           SET definition = EXCLUDED.definition, version = EXCLUDED.version, changed_by = EXCLUDED.changed_by,
               changed_at = EXCLUDED.changed_at
        """,
        [key, Jsonb(dict(definition)) if definition is not None else None, version, by, at],
    )


async def layout(connection: Connection) -> DictRow | None:
    """Return the city's layout, or None while it has none of its own."""
    cursor = await connection.execute("SELECT strip, page, hidden, version, changed_by, changed_at FROM vital_layout")
    return await cursor.fetchone()


async def write_layout(
    connection: Connection, lists: Mapping[str, Sequence[str]], version: int, by: str, at: datetime
) -> None:
    """Write the city's layout."""
    await connection.execute(
        """
        INSERT INTO vital_layout (strip, page, hidden, version, changed_by, changed_at)
        VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (single) DO UPDATE
           SET strip = EXCLUDED.strip, page = EXCLUDED.page, hidden = EXCLUDED.hidden, version = EXCLUDED.version,
               changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at
        """,
        [list(lists["strip"]), list(lists["page"]), list(lists["hidden"]), version, by, at],
    )


async def write_samples(
    connection: Connection, sign: str, source: str, samples: Sequence[tuple[datetime, float | None, int]]
) -> None:
    """Keep values (time, value, of how many). A value that cannot be worked out any more stays as it was kept."""
    await connection.execute(
        """
        INSERT INTO vital_sample AS kept (sign, at, value, counted, source)
        SELECT %(sign)s, at, value, counted, %(source)s
          FROM unnest(%(at)s::timestamptz[], %(values)s::float8[], %(counted)s::int[]) AS new (at, value, counted)
            ON CONFLICT (sign, at) DO UPDATE
           SET value = EXCLUDED.value, counted = EXCLUDED.counted, source = EXCLUDED.source
         WHERE kept.source <> EXCLUDED.source OR EXCLUDED.value IS NOT NULL
        """,
        {
            "sign": sign,
            "source": source,
            "at": [at for at, _, _ in samples],
            "values": [value for _, value, _ in samples],
            "counted": [counted for _, _, counted in samples],
        },
    )


async def samples_since(connection: Connection, since: datetime) -> list[DictRow]:
    """Return every sample after a time, oldest first: sign, source, at, value, counted."""
    cursor = await connection.execute(
        "SELECT sign, source, at, value, counted FROM vital_sample WHERE at > %s ORDER BY sign, at", [since]
    )
    return await cursor.fetchall()


async def means_since(
    connection: Connection, sign: str, source: str, since: datetime, step: timedelta
) -> list[DictRow]:
    """Return the mean of the samples of one sign in each step since a time, oldest first: at, value."""
    cursor = await connection.execute(
        """
        SELECT date_bin(%(step)s, at, %(since)s) AS at, avg(value) AS value
          FROM vital_sample
         WHERE sign = %(sign)s AND source = %(source)s AND at >= %(since)s
         GROUP BY 1
         ORDER BY 1
        """,
        {"sign": sign, "source": source, "since": since, "step": step},
    )
    return await cursor.fetchall()


async def forget_samples(connection: Connection, before: datetime) -> None:
    """Forget samples of before a time."""
    await connection.execute("DELETE FROM vital_sample WHERE at < %s", [before])
