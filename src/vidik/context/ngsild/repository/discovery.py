"""Which types and attributes a tenant's entities have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vidik.kernel.database import Connection

_PRESENT = "(expires_at IS NULL OR expires_at > now())"


@dataclass(slots=True)
class AttributeUse:
    """An attribute (expanded): how many entities have it, as what, and of which types."""

    name: str
    entities: int = 0
    attribute_types: list[str] = field(default_factory=list)
    entity_types: list[str] = field(default_factory=list)


async def types_present(connection: Connection) -> list[str]:
    """The (expanded) types of which there is an entity, in order; reads the index only."""
    cursor = await connection.execute(
        "SELECT DISTINCT unnest(types) AS type FROM kind"
        f" WHERE EXISTS (SELECT FROM entity WHERE entity.kind = kind.kind AND {_PRESENT})"
        " ORDER BY type"
    )
    return [row["type"] for row in await cursor.fetchall()]


async def count_of_type(connection: Connection, entity_type: str) -> int:
    """How many entities have a type."""
    cursor = await connection.execute(
        "SELECT count(*) AS count FROM entity"
        f" WHERE kind = ANY(SELECT kind FROM kind WHERE %s = ANY(types)) AND {_PRESENT}",
        [entity_type],
    )
    row = await cursor.fetchone()
    return int(row["count"]) if row else 0


async def attributes_present(
    connection: Connection, *, entity_type: str | None = None, attribute: str | None = None
) -> list[AttributeUse]:
    """The attributes that entities have, in order of their names: of all, of one type, or one attribute alone.

    Reads every document that it asks of.
    """
    conditions, parameters = [_PRESENT], dict[str, Any]()
    if entity_type is not None:
        conditions.append("entity.kind = ANY(SELECT kind FROM kind WHERE %(type)s = ANY(types))")
        parameters["type"] = entity_type
    if attribute is not None:
        conditions.append("document ? %(attribute)s")
        parameters["attribute"] = attribute
    only = "WHERE used.name = %(attribute)s" if attribute is not None else ""
    cursor = await connection.execute(
        "SELECT used.name, sum(count)::bigint AS count, array_agg(DISTINCT used.type) AS attribute_types,"
        " array_agg(DISTINCT kind) AS kinds FROM ("
        "  SELECT kind, each.key AS name, count(*) AS count,"
        "   coalesce(each.value ->> 'type', each.value -> 0 ->> 'type') AS type"
        "  FROM entity, jsonb_each(document) AS each"
        f"  WHERE {' AND '.join(conditions)} GROUP BY 1, 2, 4"
        f" ) AS used {only} GROUP BY used.name ORDER BY used.name",
        parameters,
    )
    rows = await cursor.fetchall()
    cursor = await connection.execute("SELECT kind, types FROM kind")
    types = {row["kind"]: row["types"] for row in await cursor.fetchall()}
    return [
        AttributeUse(
            row["name"],
            row["count"],
            sorted(row["attribute_types"]),
            sorted({one for kind in row["kinds"] for one in types.get(kind, ())}),
        )
        for row in rows
    ]
