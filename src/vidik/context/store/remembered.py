"""Entities that history knows: those of now, and those that have only a past (deleted, or brought in from outside)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vidik.context.store import arrays, sealed
from vidik.context.store.document import bounding_box, box_literal
from vidik.context.store.kinds import kind_of, register
from vidik.kernel.clock import now
from vidik.kernel.database import Connection


@dataclass(slots=True)
class RememberedEntity:
    """An entity with a history. `present` says that it is also there now; then its document is that of now."""

    key: int
    id: str
    types: list[str]
    scope: list[str] | None
    document: dict[str, Any]
    present: bool


async def load(connection: Connection, entity_id: str) -> RememberedEntity | None:
    """The entity that history knows under an id; one with only a past is locked until the transaction ends."""
    cursor = await connection.execute(
        "SELECT key, id, types, scope, document, true AS present FROM entity JOIN kind USING (kind) WHERE id = %s",
        [entity_id],
    )
    row = await cursor.fetchone()
    if row is None:
        cursor = await connection.execute(
            "SELECT key, id, types, scope, document, false AS present FROM entity_gone JOIN kind USING (kind)"
            " WHERE id = %s FOR UPDATE OF entity_gone",
            [entity_id],
        )
        row = await cursor.fetchone()
    return None if row is None else RememberedEntity(**row)


async def keep(
    connection: Connection, entity_id: str, types: Sequence[str], scope: list[str] | None, document: dict[str, Any]
) -> int:
    """Keep what is known of an entity that has only a past; returns its key."""
    await register(connection, [tuple(types)])
    moment = now()
    document = sealed.published(types, document)
    cursor = await connection.execute(
        "INSERT INTO entity_gone (key, id, kind, scope, document, several, place, created_at, modified_at)"
        " VALUES (nextval('entity_key_seq'), %s, %s, %s, (%s::jsonb[])[1], %s, %s::box, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, scope = excluded.scope, document = excluded.document,"
        "  several = excluded.several, place = excluded.place, modified_at = excluded.modified_at, deleted_at = NULL,"
        "  created_at = coalesce(entity_gone.created_at, excluded.created_at)"
        " RETURNING key",
        [
            entity_id,
            kind_of(tuple(types)),
            scope,
            arrays.documents([orjson.dumps(document).decode()]),
            any(isinstance(attribute, list) for attribute in document.values()),
            box_literal(bounding_box(document)),
            moment,
            moment,
        ],
    )
    row = await cursor.fetchone()
    return int(row["key"]) if row else 0


async def forget(connection: Connection, key: int) -> None:
    """Forget an entity that has only a past."""
    await connection.execute("DELETE FROM entity_gone WHERE key = %s", [key])
