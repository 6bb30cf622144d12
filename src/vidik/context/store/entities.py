"""Entities as rows: read, write, delete; every write leaves history and one change record in the same transaction.

This is the path of the API, where a whole new document is known. Readings of devices take `readings.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

import numpy as np
import orjson
from psycopg import errors

from vidik.context.store import arrays, changes, expiry, remembered, renewals, sealed, telling
from vidik.context.store.changes import Change, Detail
from vidik.context.store.crowds import Crowd, details_of, rows_of, tell
from vidik.context.store.document import bounding_box, box_literal, instances_of, newest_observation
from vidik.context.store.entity_rows import COLUMNS, NewEntity, copy_buffer
from vidik.context.store.kinds import kind_of, register
from vidik.context.store.renewals import Renewal
from vidik.context.store.states import EntityRow, EntityWrite
from vidik.context.store.telling import Keys
from vidik.kernel.clock import now, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict

_FEW: Final = 128
"""So many new entities are inserted by one statement, which says of which of them there is one already."""


async def load(connection: Connection, entity_ids: Sequence[str], *, for_update: bool = False) -> dict[str, EntityRow]:
    """The entities that exist among the ids; `for_update` locks them, in the order of their keys.

    They are whole, with what is sealed: for who writes them or works on them, never for a door that shows entities.
    """
    cursor = await connection.execute(
        "SELECT key, id, types, scope, document, entity.created_at, modified_at, observed_at, expires_at,"
        "  entity.xmin::text AS xmin FROM entity JOIN kind USING (kind)"
        " WHERE id = ANY(%s)"
        " AND (expires_at IS NULL OR expires_at > now())"
        " ORDER BY key" + (" FOR UPDATE OF entity" if for_update else ""),
        [arrays.texts(entity_ids)],
    )
    found = {row["id"]: EntityRow(**row) for row in await cursor.fetchall()}
    await sealed.complete(connection, found.values())
    return found


async def save(
    connection: Connection,
    writes: Sequence[EntityWrite],
    crowds: Sequence[Crowd] = (),
    renewed: Sequence[Renewal] = (),
) -> None:
    """Store new states, crowds of new entities and of those that are there, with their history and one change record.

    Raises Conflict when an entity that should be new is already there (nothing of the call is kept then).
    """
    if not writes and not crowds and not renewed:
        return
    moment = now()
    await sealed.put_aside(connection, writes)
    kinds = [tuple(one.types) for one in writes if one.before is None or one.types != one.before.types]
    await register(connection, [*kinds, *(tuple(crowd.types) for crowd in crowds)])
    gone = await _take_up(connection, [one.entity_id for one in writes if one.before is None], crowds)
    writes, crowds = _apart(writes, crowds, gone)
    keys, born = await _insert(connection, [write for write in writes if write.before is None], crowds, gone, moment)
    fresh = frozenset(keys.values()).difference(gone.values())
    known = Keys(keys | {write.entity_id: write.before.key for write in writes if write.before}, fresh)
    await _update(connection, [write for write in writes if write.before is not None], moment)
    told = telling.account(writes, known, moment)
    for crowd, numbers in zip(crowds, born, strict=True):
        tell(told, crowd, numbers)
    for renewal in renewed:
        await renewals.save(connection, renewal, told, moment)
    await telling.record(connection, told, moment)
    await expiry.note(connection, told.expiring)

    def details() -> list[Detail | None]:
        newcomers = (detail for crowd in crowds for detail in details_of(crowd))
        return [*map(_detail_of, writes), *newcomers, *chain.from_iterable(map(renewals.details_of, renewed))]

    await changes.append(connection, moment, told.changes, details=details, alike=told.alike)


def _detail_of(write: EntityWrite) -> Detail:
    stored = {} if write.before is None else write.before.document
    before = {name: instances_of(stored[name]) for name in write.changed if name in stored}
    return Detail(before, write.changed, write.scope)


async def delete(connection: Connection, entity_ids: Sequence[str]) -> set[str]:
    """Delete entities (their history stays); returns the ids that were there."""
    cursor = await connection.execute(
        "WITH gone AS (DELETE FROM entity WHERE id = ANY(%s) RETURNING *),"
        " kept AS (INSERT INTO entity_gone (key, id, kind, scope, document, created_at, modified_at, deleted_at)"
        # Not now(): whoever changed the entity while this waited for it did so before.
        f"  SELECT key, id, kind, scope, {remembered.REMAINS}, created_at, modified_at, clock_timestamp() FROM gone),"
        " silent AS (DELETE FROM entity_words WHERE id IN (SELECT id FROM gone))"
        " SELECT id, types, scope, document, gone.created_at, modified_at FROM gone JOIN kind USING (kind)",
        [list(entity_ids)],
    )
    rows = await cursor.fetchall()
    await changes.append(connection, now(), [_deletion(row) for row in rows])
    return {row["id"] for row in rows}


def _deletion(row: Mapping[str, Any]) -> Change:
    before = {attribute: instances_of(stored) for attribute, stored in row["document"].items()}
    detail = Detail(before, {}, row["scope"], row["created_at"], row["modified_at"])
    return Change(row["id"], tuple(row["types"]), "deleted", {}, detail)


async def delete_expired(connection: Connection) -> int:
    """Delete entities past their expiresAt; returns how many."""
    cursor = await connection.execute("SELECT id FROM entity WHERE expires_at <= now() LIMIT 10000")
    return len(await delete(connection, [row["id"] for row in await cursor.fetchall()]))


async def make_way(connection: Connection, entity_ids: Sequence[str]) -> bool:
    """Delete those of some entities that are past their expiresAt; returns whether there were any.

    Nobody sees them any more, but until the worker comes by their ids are taken.
    """
    cursor = await connection.execute(
        "SELECT id FROM entity WHERE id = ANY(%s) AND expires_at <= now()", [arrays.texts(entity_ids)]
    )
    return bool(await delete(connection, [row["id"] for row in await cursor.fetchall()]))


async def _take_up(connection: Connection, entity_ids: Sequence[str], crowds: Sequence[Crowd]) -> dict[str, int]:
    """The keys of entities that were there before: they take up their history.

    A conflict later on takes this back with everything else.
    """
    every = [*entity_ids, *(entity_id for crowd in crowds for entity_id in crowd.ids)]
    return await remembered.take_up(connection, every) if every else {}


def _apart(
    writes: Sequence[EntityWrite], crowds: Sequence[Crowd], gone: Mapping[str, int]
) -> tuple[Sequence[EntityWrite], Sequence[Crowd]]:
    """The same with those of the crowds that were there before among the single ones."""
    if not gone:
        return writes, crowds
    single, left = list(writes), []
    for crowd in crowds:
        again = crowd.only([place for place, entity_id in enumerate(crowd.ids) if entity_id in gone])
        for entity_id, document in zip(again.ids, map(orjson.loads, again.documents()), strict=True):
            changed = {attribute: [instance] for attribute, instance in document.items()}
            single.append(EntityWrite(entity_id, crowd.types, None, document, None, changed, None))
        left.append(crowd.only([place for place, entity_id in enumerate(crowd.ids) if entity_id not in gone]))
    return single, [crowd for crowd in left if crowd.ids]


async def _insert(
    connection: Connection,
    writes: Sequence[EntityWrite],
    crowds: Sequence[Crowd],
    gone: Mapping[str, int],
    moment: datetime,
) -> tuple[dict[str, int], list[list[int]]]:
    """Insert new entities; returns the keys of single ones and of crowds. Raises Conflict when one is already there."""
    count = len(writes) + sum(map(len, crowds))
    if not count:
        return {}, []
    if not crowds and (count <= _FEW or connection.pgconn.pipeline_status):
        return await _insert_few(connection, writes, gone, moment), []
    return await _copy_many(connection, writes, crowds, gone, moment)


async def _insert_few(
    connection: Connection, writes: Sequence[EntityWrite], gone: Mapping[str, int], moment: datetime
) -> dict[str, int]:
    ids = [write.entity_id for write in writes]
    cursor = await connection.execute(
        "INSERT INTO entity (key, id, kind, scope, document, several, place, created_at, modified_at, observed_at,"
        "  expires_at)"
        " SELECT coalesce(new.key, nextval('entity_key_seq')), new.id, new.kind,"
        "  (SELECT array_agg(value) FROM jsonb_array_elements_text(new.scope)), new.document, new.several,"
        "  nullif(new.place, '')::box, %s, %s, new.observed_at, new.expires_at"
        " FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        "  AS new (key, id, kind, scope, document, several, place, observed_at, expires_at)"
        " ON CONFLICT (id) DO NOTHING RETURNING key, id",
        [
            moment,
            moment,
            arrays.optional_bigints([gone.get(one) for one in ids]),
            arrays.texts(ids),
            *_columns(writes),
        ],
        binary=True,
    )
    keys = {row["id"]: row["key"] for row in await cursor.fetchall()}
    for one in ids:
        if one not in keys:
            raise Conflict(f"The entity {one} already exists; update it, or choose another id.", field="id")
    return keys


async def _copy_many(
    connection: Connection,
    writes: Sequence[EntityWrite],
    crowds: Sequence[Crowd],
    gone: Mapping[str, int],
    moment: datetime,
) -> tuple[dict[str, int], list[list[int]]]:
    """Insert new entities by COPY: a batch costs PostgreSQL less so, and its conflicts are conflicts of the whole."""
    numbers = iter(await _draw_keys(connection, len(writes) + sum(map(len, crowds))))
    keys = {write.entity_id: gone.get(write.entity_id) or next(numbers) for write in writes}
    born = [list(islice(numbers, len(crowd))) for crowd in crowds]
    rows = [
        NewEntity(
            keys[write.entity_id],
            write.entity_id,
            kind_of(tuple(write.types)),
            write.scope,
            orjson.dumps(write.document),
            list in map(type, write.document.values()),
            bounding_box(write.document),
            newest_observation(write.document),
            to_microseconds(write.expires_at) if write.expires_at else None,
        )
        for write in writes
    ]
    alike = chain.from_iterable(map(rows_of, crowds, born))
    try:
        async with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY entity ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            await copy.write(copy_buffer(chain(rows, alike), moment))
    except errors.UniqueViolation as error:
        raise Conflict("An entity of the batch already exists; somebody else has created it.", field="id") from error
    return keys, born


async def _draw_keys(connection: Connection, count: int) -> list[int]:
    cursor = await connection.execute(
        "SELECT string_agg(int8send(nextval('entity_key_seq')), '') AS keys FROM generate_series(1, %s::int)",
        [count],
        binary=True,
    )
    row = await cursor.fetchone()
    keys: list[int] = np.frombuffer(row["keys"], ">i8").tolist() if row else []
    return keys


async def _update(connection: Connection, writes: Sequence[EntityWrite], moment: datetime) -> None:
    if not writes:
        return
    await connection.execute(
        "UPDATE entity SET kind = new.kind,"
        "  scope = (SELECT array_agg(value) FROM jsonb_array_elements_text(new.scope)),"
        "  document = new.document, several = new.several, place = nullif(new.place, '')::box, modified_at = %s,"
        "  observed_at = new.observed_at, expires_at = new.expires_at"
        " FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s)"
        "  AS new (id, kind, scope, document, several, place, observed_at, expires_at)"
        " WHERE entity.id = new.id",
        [moment, arrays.texts([write.entity_id for write in writes]), *_columns(writes)],
    )


def _columns(writes: Sequence[EntityWrite]) -> list[Any]:
    return [
        arrays.bigints([kind_of(tuple(write.types)) for write in writes]),
        arrays.documents([orjson.dumps(write.scope) if write.scope else b"[]" for write in writes]),
        arrays.documents([orjson.dumps(write.document) for write in writes]),
        arrays.booleans([list in map(type, write.document.values()) for write in writes]),
        arrays.texts([box_literal(bounding_box(write.document)) or "" for write in writes]),
        arrays.optional_moments([newest_observation(write.document) for write in writes]),
        arrays.optional_moments([to_microseconds(one.expires_at) if one.expires_at else None for one in writes]),
    ]
