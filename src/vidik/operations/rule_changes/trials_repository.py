"""SQL of trials of rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection

_LEFT_BEHIND = timedelta(minutes=10)
"""A trial that nobody has touched for so long is taken up again: its worker is gone."""
_KEPT = timedelta(days=30)
_TRIAL = "SELECT id, definition, begins_at, ends_at, state, done, of_steps, result, asked_by, asked_at FROM rule_trial"


async def count_values(connection: Connection, series: Sequence[int], begin: datetime, end: datetime) -> int:
    """Return about how many values series have between two times; packed days count whole."""
    cursor = await connection.execute(
        """
        SELECT (SELECT count(*) FROM observation
                 WHERE series = ANY(%(series)s) AND observed_at >= %(begin)s AND observed_at < %(end)s)
             + (SELECT coalesce(sum(count), 0) FROM observation_chunk
                 WHERE series = ANY(%(series)s) AND day >= %(begin)s::date AND day <= %(end)s::date) AS values
        """,
        {"series": list(series), "begin": begin, "end": end},
    )
    row = await cursor.fetchone()
    return int(row["values"]) if row else 0


async def insert(
    connection: Connection, definition: Mapping[str, Any], begin: datetime, end: datetime, person: str, moment: datetime
) -> UUID:
    """Write a trial that waits for the worker and return its number; forget those of long ago."""
    await connection.execute("DELETE FROM rule_trial WHERE asked_at < %s", [moment - _KEPT])
    cursor = await connection.execute(
        """
        INSERT INTO rule_trial (definition, begins_at, ends_at, state, asked_by, asked_at)
        VALUES (%s, %s, %s, 'waiting', %s, %s)
        RETURNING id
        """,
        [Jsonb(dict(definition)), begin, end, person, moment],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    number: UUID = row["id"]
    return number


async def find(connection: Connection, number: UUID) -> DictRow | None:
    """Return one trial."""
    cursor = await connection.execute(f"{_TRIAL} WHERE id = %s", [number])
    return await cursor.fetchone()


async def take(connection: Connection, moment: datetime) -> DictRow | None:
    """Take the oldest trial that waits or was left behind; None when there is none."""
    cursor = await connection.execute(
        """
        UPDATE rule_trial
           SET state = 'running', touched_at = %s, done = 0
         WHERE id = (
            SELECT id
              FROM rule_trial
             WHERE state = 'waiting' OR (state = 'running' AND touched_at < %s)
             ORDER BY asked_at
             LIMIT 1
               FOR UPDATE SKIP LOCKED
         )
        RETURNING id, definition, begins_at, ends_at
        """,
        [moment, moment - _LEFT_BEHIND],
    )
    return await cursor.fetchone()


async def advance(connection: Connection, number: UUID, done: int, of_steps: int, moment: datetime) -> None:
    """Say how many days of a trial are done."""
    await connection.execute(
        "UPDATE rule_trial SET done = %s, of_steps = %s, touched_at = %s WHERE id = %s",
        [done, of_steps, moment, number],
    )


async def finish(connection: Connection, number: UUID, result: Mapping[str, Any], moment: datetime) -> None:
    """Write what a trial found; a result with `error` says why it found nothing."""
    await connection.execute(
        "UPDATE rule_trial SET state = %s, result = %s, finished_at = %s WHERE id = %s",
        ["failed" if "error" in result else "done", Jsonb(dict(result)), moment, number],
    )


async def past_requests(connection: Connection, codes: Sequence[str], begin: datetime, end: datetime) -> list[DictRow]:
    """Return citizens' requests of some service codes sent between two times, with when each ended (None: not yet)."""
    cursor = await connection.execute(
        """
        SELECT r.entity_id, r.service_code, r.longitude, r.latitude, r.requested_at, r.exercise_id,
               CASE WHEN i.id IS NOT NULL THEN i.closed_at
                    WHEN r.decision IS NOT NULL THEN r.decided_at
                    WHEN r.status = 'closed' THEN r.changed_at END AS ended_at,
               entity.document
          FROM citizen_request r
          JOIN entity_whole AS entity ON entity.id = r.entity_id
          LEFT JOIN incident_link l ON l.kind = 'request' AND l.target = r.entity_id AND l.unlinked_at IS NULL
          LEFT JOIN incident i ON i.id = l.incident
         WHERE r.service_code = ANY(%s) AND r.requested_at >= %s AND r.requested_at < %s AND r.exercise_id IS NULL
         ORDER BY r.requested_at, r.entity_id
        """,
        [list(codes), begin, end],
    )
    return await cursor.fetchall()
