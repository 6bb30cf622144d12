"""Entity maps in the tenant's schema."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection


@dataclass(slots=True)
class EntityMap:
    """The entities that a query considers, in its order."""

    id: str
    ids: list[str | None]
    """None stands where an entity no longer fitted the query, so that the places of the others stay."""
    holders: dict[str, list[str]]
    """Of an entity, who has it: registrations, and "@none" for this broker. Missing is this broker alone."""
    expires_at: datetime
    linked: dict[str, str] = field(default_factory=dict)
    """By registration, the map that its source has made of its own: over that it was read."""


async def get(connection: Connection, map_id: str) -> EntityMap | None:
    """The map with an id, if its time has not passed."""
    cursor = await connection.execute(
        "SELECT id, ids, holders, expires_at, linked FROM entity_map WHERE id = %s AND expires_at > now()", [map_id]
    )
    row = await cursor.fetchone()
    return None if row is None else EntityMap(**row)


async def add(connection: Connection, entity_map: EntityMap, most: int) -> None:
    """Keep a map; expired ones go, and beyond `most` those that would go next."""
    await connection.execute(
        "DELETE FROM entity_map WHERE expires_at <= now() OR id IN"
        " (SELECT id FROM entity_map ORDER BY expires_at DESC, id OFFSET %s)",
        [most - 1],
    )
    await connection.execute(
        "INSERT INTO entity_map (id, ids, holders, created_at, expires_at, linked) VALUES (%s, %s, %s, now(), %s, %s)",
        [entity_map.id, entity_map.ids, Jsonb(entity_map.holders), entity_map.expires_at, Jsonb(entity_map.linked)],
    )


async def extend(connection: Connection, map_id: str, expires_at: datetime) -> bool:
    """Give a map another end; False where there is none."""
    cursor = await connection.execute(
        "UPDATE entity_map SET expires_at = %s WHERE id = %s AND expires_at > now()", [expires_at, map_id]
    )
    return cursor.rowcount > 0


async def remove(connection: Connection, map_id: str, gone: Collection[str]) -> None:
    """Take entities out of a map."""
    await connection.execute(
        "UPDATE entity_map SET holders = holders - %(gone)s::text[], ids = ARRAY("
        " SELECT CASE WHEN one = ANY(%(gone)s) THEN NULL ELSE one END"
        " FROM unnest(ids) WITH ORDINALITY AS every (one, place) ORDER BY place) WHERE id = %(id)s",
        {"gone": list(gone), "id": map_id},
    )


async def delete(connection: Connection, map_id: str) -> bool:
    """Delete a map; False where there is none."""
    cursor = await connection.execute("DELETE FROM entity_map WHERE id = %s AND expires_at > now()", [map_id])
    return cursor.rowcount > 0


async def delete_expired(connection: Connection) -> None:
    """Delete the maps whose time has passed."""
    await connection.execute("DELETE FROM entity_map WHERE expires_at <= now()")
