"""Entities that history knows: those of now, and those that have only a past (deleted, or brought in from outside).

Of a deleted entity stays what finds and reads its past: its types and scope, and which attributes it had (their types,
datasets and units, never a value). See docs/decisions/0045-what-has-gone-is-found-by-what-it-was.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from vidik.context.store import arrays, corrections, observations, sealed
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import (
    SCOPE,
    Instance,
    bounding_box,
    box_literal,
    history_json,
    instances_of,
    scope_instance,
    tombstone,
)
from vidik.context.store.kinds import kind_of, register
from vidik.kernel.clock import iso, now, to_microseconds
from vidik.kernel.database import Connection

_SETTLED_AT_ONCE: Final = 1000


def _kept(instance: str) -> str:
    members = ", ".join(f"'{name}', {instance} -> '{name}'" for name in ("type", "datasetId", "unitCode"))
    return f"jsonb_strip_nulls(jsonb_build_object({members}))"


REMAINS: Final = (
    "coalesce((SELECT jsonb_object_agg(attribute, CASE jsonb_typeof(stored)"
    f" WHEN 'array' THEN (SELECT jsonb_agg({_kept('instance')}) FROM jsonb_array_elements(stored) AS each (instance))"
    f" ELSE {_kept('stored')} END) FROM jsonb_each(document) AS member (attribute, stored)), '{{}}')"
)
"""As SQL over `document`: what stays of it when its entity is deleted."""


@dataclass(slots=True)
class RememberedEntity:
    """An entity with a history. `present` says that it is also there now; then its document is that of now."""

    key: int
    id: str
    types: list[str]
    scope: list[str] | None
    document: dict[str, Any]
    deleted_at: datetime | None
    """None also of an entity that was never there."""
    present: bool


async def load(connection: Connection, entity_id: str) -> RememberedEntity | None:
    """The entity that history knows under an id; one with only a past is locked until the transaction ends."""
    cursor = await connection.execute(
        "SELECT key, id, types, scope, document, NULL AS deleted_at, true AS present FROM entity JOIN kind USING (kind)"
        " WHERE id = %s",
        [entity_id],
    )
    row = await cursor.fetchone()
    if row is None:
        cursor = await connection.execute(
            "SELECT key, id, types, scope, document, deleted_at, false AS present"
            " FROM entity_gone JOIN kind USING (kind) WHERE id = %s FOR UPDATE OF entity_gone",
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
        "  several = excluded.several, place = excluded.place, modified_at = excluded.modified_at, latest = NULL,"
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


async def settle(connection: Connection) -> None:
    """Note of some entities that have only a past when it ended: queries of later times pass over them.

    Whoever writes into such a past takes the note away, under the same lock.
    """
    cursor = await connection.execute(
        "SELECT key FROM entity_gone WHERE latest IS NULL ORDER BY key LIMIT %s FOR UPDATE SKIP LOCKED",
        [_SETTLED_AT_ONCE],
    )
    keys = [int(row["key"]) for row in await cursor.fetchall()]
    # A statement of its own: it sees what was written before the locks were had.
    await connection.execute(
        "UPDATE entity_gone SET latest = found.latest FROM ("
        " SELECT key, coalesce(max(greatest(newest, packed)), '-infinity') AS latest"
        " FROM unnest(%s) AS gone (key) LEFT JOIN LATERAL (SELECT"
        "  (SELECT max(observed_at) FROM observation WHERE observation.series = series.series) AS newest,"
        "  (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM observation_chunk"
        "   WHERE observation_chunk.series = series.series) AS packed"
        "  FROM series WHERE series.entity = gone.key OFFSET 0) AS known ON true GROUP BY key) AS found"
        " WHERE entity_gone.key = found.key",
        [arrays.bigints(keys)],
    )


async def touch(connection: Connection, key: int) -> None:
    """Note that the past of an entity that has only a past was changed."""
    await connection.execute("UPDATE entity_gone SET modified_at = %s, latest = NULL WHERE key = %s", [now(), key])


async def take_up(connection: Connection, entity_ids: Sequence[str]) -> dict[str, int]:
    """The keys of those of some entities that have only a past: they are about to be there, and take it up.

    That they were deleted is history from then on.
    """
    cursor = await connection.execute(
        "DELETE FROM entity_gone WHERE id = ANY(%s) RETURNING id, key, scope, document, deleted_at",
        [arrays.texts(entity_ids)],
    )
    rows = await cursor.fetchall()
    deleted = [row for row in rows if row["deleted_at"] is not None]
    if deleted:
        await _record_ends(connection, deleted)
    return {row["id"]: int(row["key"]) for row in rows}


async def _record_ends(connection: Connection, deleted: Sequence[Mapping[str, Any]]) -> None:
    """Write into history that entities were deleted, with their attributes and scopes."""
    series = await observations.find_series(connection, sorted(int(row["key"]) for row in deleted))
    found: dict[int, SeriesRows] = {}
    for row in deleted:
        at, moment = to_microseconds(row["deleted_at"]), iso(row["deleted_at"])
        ended: list[tuple[str, Instance]] = [
            (attribute, tombstone(instance, moment))
            for attribute, stored in row["document"].items()
            for instance in instances_of(stored)
            if "type" in instance
        ]
        if row["scope"]:
            ended.append((SCOPE, scope_instance(None, row["scope"], moment)))
        values = [
            (series[name][0], at, None, history_json(instance).decode())
            for attribute, instance in ended
            if (name := (int(row["key"]), attribute, instance.get("datasetId", ""))) in series
        ]
        found |= corrections.rows_of(values, at)
    await corrections.put(connection, found)
