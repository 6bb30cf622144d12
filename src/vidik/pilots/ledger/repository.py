"""All SQL of the ledger and its extracts; rows can only be added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from psycopg.rows import DictRow

from vidik.kernel.database import Connection

_ENTRY = """
    SELECT entry.id, entry.plan, entry.corrects, entry.canonical, entry.hash, entry.extract, entry.audit_position,
           later.id AS corrected_by
      FROM pilot_ledger entry
      LEFT JOIN pilot_ledger later ON later.corrects = entry.id
"""


def _view(row: DictRow) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(row["canonical"])
    beside = ("id", "plan", "corrects", "corrected_by", "hash", "extract", "audit_position")
    return content | {name: row[name] for name in beside}


async def entries(connection: Connection) -> list[dict[str, Any]]:
    """Every entry, the newest first."""
    return [_view(row) for row in await (await connection.execute(f"{_ENTRY} ORDER BY entry.id DESC")).fetchall()]


async def entry_of(connection: Connection, plan: int) -> dict[str, Any] | None:
    """The entry of a plan that counts, or None."""
    cursor = await connection.execute(f"{_ENTRY} WHERE entry.plan = %s AND later.id IS NULL", [plan])
    row = await cursor.fetchone()
    return _view(row) if row else None


async def decided_plans(connection: Connection) -> set[int]:
    """The plans that have an entry."""
    cursor = await connection.execute("SELECT DISTINCT plan FROM pilot_ledger")
    return {int(row["plan"]) for row in await cursor.fetchall()}


async def is_decided(connection: Connection, plan: int) -> bool:
    """Whether a plan has an entry."""
    return plan in await decided_plans(connection)


async def insert_extract(connection: Connection, sha256: str, content: bytes) -> None:
    """Keep the archive that an entry was computed from."""
    await connection.execute(
        "INSERT INTO pilot_extract (sha256, content) VALUES (%s, %s) ON CONFLICT DO NOTHING", [sha256, content]
    )


async def extract(connection: Connection, sha256: str) -> bytes | None:
    """The archive with a hash, or None."""
    cursor = await connection.execute("SELECT content FROM pilot_extract WHERE sha256 = %s", [sha256], binary=True)
    row = await cursor.fetchone()
    return bytes(row["content"]) if row else None


async def insert_entry(
    connection: Connection, plan: int, corrects: int | None, text: str, hash_: str, extract: str, position: int
) -> int:
    """Enter a verdict for good and return its number."""
    cursor = await connection.execute(
        """
        INSERT INTO pilot_ledger (plan, corrects, canonical, hash, extract, audit_position)
        VALUES (%s, %s, %s, %s, %s, %s)
        RETURNING id
        """,
        [plan, corrects, text, hash_, extract, position],
    )
    row: Mapping[str, Any] | None = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])
