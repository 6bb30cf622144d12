"""Snapshots in the tenant's schema, and the schema that each has for what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.snapshots.model import Snapshot
from vidik.context.store import arrays, births, chunks, sealed
from vidik.context.store.document import bounding_box, box_literal, newest_observation
from vidik.context.store.kinds import kind_of
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Connection, tenant_schema
from vidik.kernel.migrate import head

_COLUMNS: Final = "id, place, body, status, priority, created_at, modified_at, expires_at, last_used_at"
# In an order in which they can be filled.
_TABLES: Final = (
    "kind",
    "entity",
    "entity_gone",
    "entity_words",  # empty until somebody writes into the snapshot
    "attribute_expiry",
    "attribute_series",
    "series_shape",
    "entity_series",
    "observation",
    "observation_chunk",
    "observation_hour",
    "change",
    "change_cursor",
    "subscription",  # always empty; whoever writes an entity asks whether anybody subscribed
    "entity_map",
)
_FAR: Final = 2**62


async def get(connection: Connection, snapshot_id: str, *, for_update: bool = False) -> Snapshot | None:
    """The snapshot with an id, if its time has not passed and this release can read it."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM snapshot WHERE id = %s AND expires_at > now() AND revision = %s"
        + (" FOR UPDATE" if for_update else ""),
        [snapshot_id, head("tenant")],
    )
    row = await cursor.fetchone()
    return None if row is None else Snapshot(**row)


async def every(connection: Connection) -> list[Snapshot]:
    """All snapshots whose time has not passed; the one that would have to go first comes first."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM snapshot WHERE expires_at > now() AND revision = %s"
        " ORDER BY priority, last_used_at, id",
        [head("tenant")],
    )
    return [Snapshot(**row) for row in await cursor.fetchall()]


async def add(connection: Connection, snapshot: Snapshot) -> bool:
    """Keep a new snapshot and make its empty tables; False where there is one of that id."""
    await _forget_expired(connection, snapshot.id)
    cursor = await connection.execute(
        f"INSERT INTO snapshot ({_COLUMNS}, revision) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO NOTHING",
        [
            snapshot.id,
            snapshot.place,
            Jsonb(snapshot.body),
            snapshot.status,
            snapshot.priority,
            snapshot.created_at,
            snapshot.modified_at,
            snapshot.expires_at,
            snapshot.last_used_at,
            head("tenant"),
        ],
    )
    if not cursor.rowcount:
        return False
    schema = _schema(snapshot)
    await connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    for table in _TABLES:
        await connection.execute(
            sql.SQL("CREATE TABLE {}.{} (LIKE {} INCLUDING ALL)").format(
                schema, sql.Identifier(table), sql.Identifier(table)
            )
        )
    await connection.execute(
        sql.SQL(
            "CREATE VIEW {schema}.entity_remembered AS"
            " SELECT key, id, kind, scope, document, several, place, created_at, modified_at, expires_at,"
            "  NULL::timestamptz AS deleted_at, NULL::timestamptz AS latest FROM {schema}.entity UNION ALL"
            " SELECT key, id, kind, scope, document, several, place, created_at, modified_at, NULL, deleted_at, latest"
            " FROM {schema}.entity_gone"
        ).format(schema=schema)
    )
    await connection.execute(births.view_of_series(schema))
    return True


async def update(connection: Connection, snapshot: Snapshot) -> None:
    """Store what has changed of a snapshot."""
    await connection.execute(
        "UPDATE snapshot SET body = %s, status = %s, priority = %s, modified_at = %s, expires_at = %s WHERE id = %s",
        [
            Jsonb(snapshot.body),
            snapshot.status,
            snapshot.priority,
            snapshot.modified_at,
            snapshot.expires_at,
            snapshot.id,
        ],
    )


async def use(connection: Connection, snapshot_id: str, moment: datetime) -> None:
    """Note that a snapshot was used; at most once a minute, because reading should not write."""
    await connection.execute(
        "UPDATE snapshot SET last_used_at = %(moment)s"
        " WHERE id = %(id)s AND last_used_at < %(moment)s - interval '1 minute'",
        {"moment": moment, "id": snapshot_id},
    )


async def delete(connection: Connection, snapshot: Snapshot) -> None:
    """Delete a snapshot and everything in it."""
    await connection.execute("DELETE FROM snapshot WHERE id = %s", [snapshot.id])
    await _drop(connection, snapshot.place)


async def delete_expired(connection: Connection) -> None:
    """Delete the snapshots whose time has passed, and those of another release, whose tables were others."""
    await _forget_expired(connection, None)


async def _forget_expired(connection: Connection, snapshot_id: str | None) -> None:
    cursor = await connection.execute(
        "DELETE FROM snapshot WHERE (expires_at <= now() OR revision <> %s) AND (%s::text IS NULL OR id = %s)"
        " RETURNING place",
        [head("tenant"), snapshot_id, snapshot_id],
    )
    for row in await cursor.fetchall():
        await _drop(connection, row["place"])


async def _drop(connection: Connection, place: str) -> None:
    schema = sql.Identifier(tenant_schema(f"snapshot:{place}"))
    await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))


def _schema(snapshot: Snapshot) -> sql.Identifier:
    return sql.Identifier(tenant_schema(snapshot.tenant))


async def clone(connection: Connection, source: Snapshot, target: Snapshot) -> None:
    """Copy everything of one snapshot into another, whose tables are empty."""
    for table in _TABLES:
        await connection.execute(
            sql.SQL("INSERT INTO {}.{} OVERRIDING SYSTEM VALUE SELECT * FROM {}.{}").format(
                _schema(target), sql.Identifier(table), _schema(source), sql.Identifier(table)
            )
        )
    await count_on(connection, target)


async def copy_entities(connection: Connection, target: Snapshot, ids: Sequence[str]) -> None:
    """Copy entities of the tenant as they are at this moment."""
    await connection.execute(
        sql.SQL(
            "INSERT INTO {}.entity (key, id, kind, scope, document, several, place, created_at, modified_at,"
            "  observed_at, expires_at)"
            " SELECT key, id, kind, scope, document, several, place, created_at, modified_at, observed_at, expires_at"
            " FROM entity WHERE id = ANY(%s) ON CONFLICT DO NOTHING"
        ).format(_schema(target)),
        [list(ids)],
    )


async def add_entities(connection: Connection, target: Snapshot, entities: Sequence[Stored], moment: datetime) -> None:
    """Put entities in that were put together from several sources."""
    kinds = {kind_of(tuple(one.types)): sorted(one.types) for one in entities}
    for kind, types in kinds.items():
        await connection.execute(
            sql.SQL("INSERT INTO {}.kind (kind, types) VALUES (%s, %s) ON CONFLICT DO NOTHING").format(_schema(target)),
            [kind, types],
        )
    for one in entities:
        document = sealed.published(one.types, one.document)
        await connection.execute(
            sql.SQL(
                "INSERT INTO {}.entity (id, kind, scope, document, several, place, created_at, modified_at,"
                "  observed_at, expires_at)"
                " VALUES (%s, %s, %s, (%s::jsonb[])[1], %s, %s::box, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
            ).format(_schema(target)),
            [
                one.id,
                kind_of(tuple(one.types)),
                one.scope,
                arrays.documents([orjson.dumps(document).decode()]),
                any(isinstance(attribute, list) for attribute in document.values()),
                box_literal(bounding_box(document)),
                one.created_at or moment,
                one.modified_at or moment,
                newest_observation(document),
                one.expires_at,
            ],
        )


async def copy_past(
    connection: Connection, target: Snapshot, ids: Sequence[str], start: datetime | None, end: datetime | None
) -> None:
    """Copy the history of entities with start <= observed < end; those not in the snapshot have only a past."""
    schema = _schema(target)
    wanted = {"ids": list(ids), "start": start, "end": end}
    await connection.execute(
        sql.SQL(
            "INSERT INTO {schema}.entity_gone (key, id, kind, scope, document, several, place, created_at, modified_at,"
            "  deleted_at)"
            " SELECT key, id, kind, scope, document, several, place, created_at, modified_at, deleted_at"
            " FROM entity_remembered WHERE id = ANY(%(ids)s)"
            " AND NOT EXISTS (SELECT FROM {schema}.entity WHERE id = entity_remembered.id)"
            " ON CONFLICT DO NOTHING"
        ).format(schema=schema),
        wanted,
    )
    await connection.execute(
        sql.SQL(
            "INSERT INTO {}.attribute_series (series, entity, attribute, dataset, created_at) OVERRIDING SYSTEM VALUE"
            " SELECT series, entity, attribute, dataset, created_at FROM series"
            " WHERE entity IN (SELECT key FROM entity_remembered WHERE id = ANY(%(ids)s)) ON CONFLICT DO NOTHING"
        ).format(schema),
        wanted,
    )
    ours = sql.SQL(
        "series IN (SELECT series FROM {schema}.series JOIN entity_remembered ON key = entity WHERE id = ANY(%(ids)s))"
    ).format(schema=schema)
    await connection.execute(
        sql.SQL(
            "INSERT INTO {}.observation (observed_at, recorded_at, number, series, json)"
            " SELECT observed_at, recorded_at, number, series, json FROM observation"
            " WHERE {} AND (%(start)s::timestamptz IS NULL OR observed_at >= %(start)s)"
            " AND (%(end)s::timestamptz IS NULL OR observed_at < %(end)s) ON CONFLICT DO NOTHING"
        ).format(schema, ours),
        wanted,
    )
    await _copy_chunks(connection, schema, ours, wanted)


async def _copy_chunks(
    connection: Connection, schema: sql.Identifier, ours: sql.Composable, wanted: dict[str, Any]
) -> None:
    """Copy packed days: whole where they lie inside the range, the parts of the days at its ends."""
    cursor = await connection.execute(
        sql.SQL(
            "WITH found AS (SELECT series, day, count, data,"
            "  (%(start)s::timestamptz IS NULL OR day > %(start)s::date)"
            "  AND (%(end)s::timestamptz IS NULL OR day < %(end)s::date) AS whole"
            "  FROM observation_chunk WHERE {}"
            "  AND (%(start)s::timestamptz IS NULL OR day >= %(start)s::date)"
            "  AND (%(end)s::timestamptz IS NULL OR day <= %(end)s::date)),"
            " copied AS (INSERT INTO {}.observation_chunk (series, day, count, data)"
            "  SELECT series, day, count, data FROM found WHERE whole ON CONFLICT DO NOTHING)"
            " SELECT series, day, data FROM found WHERE NOT whole"
        ).format(ours, schema),
        wanted,
        binary=True,
    )
    low = -_FAR if wanted["start"] is None else to_microseconds(wanted["start"])
    high = _FAR if wanted["end"] is None else to_microseconds(wanted["end"])
    for row in await cursor.fetchall():
        part = chunks.between(chunks.unpack(row["data"]), low, high)
        if len(part):
            await connection.execute(
                sql.SQL(
                    "INSERT INTO {}.observation_chunk (series, day, count, data) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT DO NOTHING"
                ).format(schema),
                [row["series"], row["day"], len(part), chunks.pack(part)],
            )


async def copy_kinds(connection: Connection, target: Snapshot) -> None:
    """Copy what the numbers of kinds mean."""
    await connection.execute(
        sql.SQL("INSERT INTO {}.kind SELECT kind, types FROM kind ON CONFLICT DO NOTHING").format(_schema(target))
    )


async def count_on(connection: Connection, target: Snapshot) -> None:
    """Let new rows of a filled snapshot have numbers beyond those that it has."""
    schema = _schema(target)
    await connection.execute(
        sql.SQL(
            "SELECT setval(pg_get_serial_sequence(%(name)s || '.entity', 'key'), greatest("
            "  coalesce((SELECT max(key) FROM {schema}.entity), 0),"
            "  coalesce((SELECT max(key) FROM {schema}.entity_gone), 0)) + 1),"
            " setval(pg_get_serial_sequence(%(name)s || '.attribute_series', 'series'),"
            "  (SELECT coalesce(max(series), 0) + 1 FROM {schema}.attribute_series WHERE series < %(born)s)),"
            " setval(pg_get_serial_sequence(%(name)s || '.change', 'position'),"
            "  (SELECT coalesce(max(position), 0) + 1 FROM {schema}.change))"
        ).format(schema=schema),
        {"name": tenant_schema(target.tenant), "born": births.FIRST_NUMBER},
    )
