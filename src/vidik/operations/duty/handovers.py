"""SQL of the duty log and of handovers; what was signed stands, in the database too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from vidik.kernel.audit import canonical
from vidik.kernel.database import Connection

_HANDOVER = """
    SELECT id, desk, begins_at, ends_at, note, facts, hash, drawn_up_at, outgoing_login, outgoing, incoming_login,
           incoming, signed_at
      FROM handover
"""


def hash_of(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the canonical JSON that two people sign, and its SHA-256 (hex)."""
    text = canonical(content)
    return text.decode(), hashlib.sha256(text).hexdigest()


async def write_note(
    connection: Connection, at: datetime, desk: str, person: str, text: str, moment: datetime, client_id: UUID | None
) -> tuple[DictRow, bool]:
    """Add a line to the duty log; returns it, and whether it is new: the same client's number again gives the first."""
    cursor = await connection.execute(
        """
        INSERT INTO duty_log (at, recorded_at, desk, person, text, client_id)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (client_id) DO NOTHING
        RETURNING id, at, recorded_at, desk, person, text
        """,
        [at, moment, desk, person, text, client_id],
    )
    new = await cursor.fetchone()
    if new is not None:
        return new, True
    cursor = await connection.execute(
        "SELECT id, at, recorded_at, desk, person, text FROM duty_log WHERE client_id = %s", [client_id]
    )
    known = await cursor.fetchone()
    assert known is not None  # noqa: S101  (inserted now or before, and never removed)
    return known, False


async def newest_notes(connection: Connection, limit: int, before: int | None) -> list[DictRow]:
    """Return lines of the duty log, newest first."""
    cursor = await connection.execute(
        """
        SELECT id, at, recorded_at, desk, person, text
          FROM duty_log
         WHERE %s::bigint IS NULL OR id < %s
         ORDER BY id DESC
         LIMIT %s
        """,
        [before, before, limit],
    )
    return await cursor.fetchall()


async def insert(connection: Connection, values: Mapping[str, Any]) -> int | None:
    """Write a handover that the out-going person signs; None when the client has sent it before."""
    cursor = await connection.execute(
        """
        INSERT INTO handover (desk, begins_at, ends_at, note, facts, hash, drawn_up_at, outgoing_login, outgoing,
                              client_id)
        VALUES (%(desk)s, %(begins_at)s, %(ends_at)s, %(note)s, %(facts)s, %(hash)s, %(at)s, %(login)s, %(person)s,
                %(client_id)s)
        ON CONFLICT (client_id) DO NOTHING
        RETURNING id
        """,
        values,
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def find(connection: Connection, handover: int, *, lock: bool = False) -> DictRow | None:
    """Return one handover, locked until the transaction ends if asked for."""
    ending = "FOR UPDATE" if lock else ""
    return await (await connection.execute(f"{_HANDOVER} WHERE id = %s {ending}", [handover])).fetchone()


async def of_client(connection: Connection, client_id: UUID) -> DictRow | None:
    """Return the handover that a client has sent before."""
    return await (await connection.execute(f"{_HANDOVER} WHERE client_id = %s", [client_id])).fetchone()


async def newest(connection: Connection, limit: int) -> list[DictRow]:
    """Return handovers, newest first."""
    return await (await connection.execute(f"{_HANDOVER} ORDER BY id DESC LIMIT %s", [limit])).fetchall()


async def sign(connection: Connection, handover: int, login: str, person: str, moment: datetime) -> None:
    """Write the in-coming person's signature."""
    await connection.execute(
        "UPDATE handover SET incoming_login = %s, incoming = %s, signed_at = %s WHERE id = %s",
        [login, person, moment, handover],
    )
