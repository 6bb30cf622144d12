"""All SQL of what procedures say: drafts and published versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach, named

Source = Literal["package", "city"]
_LOCK = 0x564C_5052  # "VLPR"
_VERSION = """
    SELECT code, version, state, source, definition, note, published_at, published_by, ended_at, ended_by, reason
      FROM procedure_version
"""
_DRAFT = "SELECT code, definition, based_on, version, changed_by, changed_at FROM procedure_draft"


async def lock(connection: Connection) -> None:
    """Be the only one who writes drafts and versions until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_LOCK])


async def summaries(connection: Connection, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return of every procedure its newest version (None of none), its draft's version, and its runs within reach."""
    within, parameters = named(reach.condition(people="people"))
    cursor = await connection.execute(
        f"""
        WITH newest AS (
            SELECT DISTINCT ON (code) code, version, state, source, definition, published_at, published_by
              FROM procedure_version
             ORDER BY code, version DESC
        )
        SELECT coalesce(newest.code, draft.code) AS code, newest.version, coalesce(newest.state, 'draft') AS state,
               coalesce(newest.source, 'city') AS source, coalesce(newest.definition, draft.definition) AS definition,
               newest.published_at, newest.published_by, draft.version AS draft_version,
               draft.changed_at AS draft_changed_at, draft.changed_by AS draft_changed_by,
               (SELECT count(*) FROM procedure_run r
                 WHERE r.procedure = coalesce(newest.code, draft.code) AND r.state = 'running'
                   AND r.incident IN (SELECT id FROM incident WHERE {within})) AS running
          FROM newest
          FULL JOIN procedure_draft draft ON draft.code = newest.code
         ORDER BY 1
        """,
        parameters,
    )
    return await cursor.fetchall()


async def published(connection: Connection) -> list[DictRow]:
    """Return every published version, by code."""
    return await (await connection.execute(f"{_VERSION} WHERE state = 'published' ORDER BY code")).fetchall()


async def versions(connection: Connection, code: str) -> list[DictRow]:
    """Return all versions of a procedure, newest first."""
    return await (await connection.execute(f"{_VERSION} WHERE code = %s ORDER BY version DESC", [code])).fetchall()


async def version(connection: Connection, code: str, number: int) -> DictRow | None:
    """Return one version."""
    query = f"{_VERSION} WHERE code = %s AND version = %s"
    return await (await connection.execute(query, [code, number])).fetchone()


async def newest(connection: Connection, code: str) -> DictRow | None:
    """Return the newest version of a procedure."""
    query = f"{_VERSION} WHERE code = %s ORDER BY version DESC LIMIT 1"
    return await (await connection.execute(query, [code])).fetchone()


async def draft(connection: Connection, code: str) -> DictRow | None:
    """Return the draft of a procedure."""
    return await (await connection.execute(f"{_DRAFT} WHERE code = %s", [code])).fetchone()


async def write_draft(
    connection: Connection,
    code: str,
    definition: Mapping[str, Any],
    *,
    based_on: int | None,
    person: str,
    moment: datetime,
) -> DictRow:
    """Write a draft, new or over the one before, under a version of its own."""
    cursor = await connection.execute(
        """
        INSERT INTO procedure_draft (code, definition, based_on, changed_by, changed_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (code) DO UPDATE
           SET definition = excluded.definition,
               version = nextval('procedure_draft_version'),
               changed_by = excluded.changed_by,
               changed_at = excluded.changed_at
        RETURNING code, definition, based_on, version, changed_by, changed_at
        """,
        [code, Jsonb(dict(definition)), based_on, person, moment],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return row


async def delete_draft(connection: Connection, code: str) -> None:
    """Throw a draft away."""
    await connection.execute("DELETE FROM procedure_draft WHERE code = %s", [code])


async def end_published(
    connection: Connection,
    code: str,
    state: Literal["replaced", "withdrawn"],
    *,
    person: str,
    moment: datetime,
    reason: str | None = None,
) -> None:
    """End the published version of a procedure, if it has one."""
    await connection.execute(
        """
        UPDATE procedure_version SET state = %s, ended_at = %s, ended_by = %s, reason = %s
         WHERE code = %s AND state = 'published'
        """,
        [state, moment, person, reason, code],
    )


async def insert_version(
    connection: Connection,
    code: str,
    definition: Mapping[str, Any],
    *,
    source: Source,
    note: str,
    person: str,
    moment: datetime,
) -> int:
    """Publish a version, the next in number; returns the number. No other version may be published."""
    cursor = await connection.execute(
        """
        INSERT INTO procedure_version (code, version, state, source, definition, note, published_at, published_by)
        SELECT %(code)s, coalesce(max(version), 0) + 1, 'published', %(source)s, %(definition)s, %(note)s, %(at)s,
               %(by)s
          FROM procedure_version
         WHERE code = %(code)s
        RETURNING version
        """,
        {
            "code": code,
            "source": source,
            "definition": Jsonb(dict(definition)),
            "note": note,
            "at": moment,
            "by": person,
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["version"])


async def existing_entities(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return which of some entities exist."""
    cursor = await connection.execute("SELECT id FROM entity WHERE id = ANY(%s)", [list(ids)])
    return {row["id"] for row in await cursor.fetchall()}


async def devices_of(connection: Connection, ids: Sequence[str]) -> dict[str, DictRow]:
    """Return the device (device_id) that takes commands for each of some entities, if any does."""
    cursor = await connection.execute(
        """
        SELECT DISTINCT ON (entity_id) entity_id, device_id
          FROM device
         WHERE entity_id = ANY(%s) AND enabled
         ORDER BY entity_id, device_id
        """,
        [list(ids)],
    )
    return {row["entity_id"]: row for row in await cursor.fetchall()}
