"""SQL of rules: what they remember, how far they have come, what a city changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection


async def checkpoint(connection: Connection) -> tuple[int, int]:
    """Return (position, rules revision), locked until the transaction ends."""
    cursor = await connection.execute("SELECT position, rules_revision FROM rule_checkpoint FOR UPDATE")
    row = await cursor.fetchone()
    return (int(row["position"]), int(row["rules_revision"])) if row else (0, 0)


async def move_checkpoint(connection: Connection, position: int) -> None:
    """Say how far the rules' memory has come."""
    await connection.execute("UPDATE rule_checkpoint SET position = %s", [position])


async def rules_changed(connection: Connection) -> None:
    """Tell the worker that it must read the rules again."""
    await connection.execute("UPDATE rule_checkpoint SET rules_revision = rules_revision + 1")


async def read_memory(connection: Connection) -> dict[str, bytes]:
    """Return everything that the rules remember, by entity."""
    cursor = await connection.execute("SELECT entity_id, memory FROM rule_memory")
    return {row["entity_id"]: bytes(row["memory"]) for row in await cursor.fetchall()}


async def write_memory(connection: Connection, memory: Mapping[str, bytes], forgotten: Iterable[str]) -> None:
    """Write what the rules remember of some entities, and forget others."""
    if memory:
        await connection.execute(
            """
            INSERT INTO rule_memory (entity_id, memory)
            SELECT * FROM unnest(%s::text[], %s::bytea[])
                ON CONFLICT (entity_id) DO UPDATE SET memory = EXCLUDED.memory
            """,
            [list(memory), list(memory.values())],
        )
    gone = list(forgotten)
    if gone:
        await connection.execute("DELETE FROM rule_memory WHERE entity_id = ANY(%s)", [gone])


async def read_overrides(connection: Connection) -> list[DictRow]:
    """Return what a city changed of its rules: code, definition, changed_by, changed_at."""
    cursor = await connection.execute(
        "SELECT code, definition, changed_by, changed_at FROM rule_override ORDER BY code"
    )
    return await cursor.fetchall()


async def remove_override(connection: Connection, code: str) -> None:
    """Forget what a city changed of one rule."""
    await connection.execute("DELETE FROM rule_override WHERE code = %s", [code])


async def write_override(
    connection: Connection, code: str, definition: Mapping[str, Any], person: str, at: datetime
) -> None:
    """Write what a city changed of one rule."""
    await connection.execute(
        """
        INSERT INTO rule_override (code, definition, changed_by, changed_at)
        VALUES (%s, %s, %s, %s)
            ON CONFLICT (code) DO UPDATE
           SET definition = EXCLUDED.definition, changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at
        """,
        [code, Jsonb(dict(definition)), person, at],
    )
