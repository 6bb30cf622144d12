"""Entities as rows: read, write, delete; every write leaves history and one change record in the same transaction.

This is the path of the API, where a whole new document is known. Readings of devices take `readings.py`.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from vidik.context.store import arrays, changes, corrections, expiry, observations
from vidik.context.store.changes import Change, Detail
from vidik.context.store.document import (
    SCOPE,
    Document,
    Instance,
    bounding_box,
    history_value,
    instances_of,
    microseconds_of,
    newest_observation,
    scope_instance,
    unobserved_value,
)
from vidik.context.store.kinds import kind_of, register
from vidik.context.store.observations import SeriesName
from vidik.kernel.clock import iso, now, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict

_VALUES: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")


@dataclass(slots=True)
class EntityRow:
    """An entity as it is stored: expanded names, NGSI-LD instances (see ARCHITECTURE, the city's memory)."""

    key: int
    id: str
    types: list[str]
    scope: list[str] | None
    document: Document
    created_at: datetime
    modified_at: datetime
    observed_at: datetime | None
    expires_at: datetime | None
    xmin: str
    """The transaction that wrote this version of the row."""

    @property
    def version(self) -> str:
        """Which of its states it is."""
        return version_of(self.xmin, self.modified_at)


@dataclass(slots=True)
class EntityWrite:
    """A whole new state of an entity.

    `document` is complete, with createdAt and modifiedAt already set in its instances. `changed` holds what history
    and the change stream shall say: attribute to its new instances; a deleted one as `{"type": …, "deletedAt": …}`.
    `before` is the row that was loaded for update, None for a new entity.
    """

    entity_id: str
    types: list[str]
    scope: list[str] | None
    document: Document
    expires_at: datetime | None
    changed: dict[str, list[Instance]]
    before: EntityRow | None


def version_of(xmin: str, modified_at: datetime) -> str:
    """A name that no other committed state of the same entity has.

    Transaction numbers come again after four thousand million, and clocks are set back: not both at once.
    """
    return f"{int(xmin):x}.{to_microseconds(modified_at):x}"


async def load(connection: Connection, entity_ids: Sequence[str], *, for_update: bool = False) -> dict[str, EntityRow]:
    """The entities that exist among the ids; `for_update` locks them, in the order of their keys."""
    cursor = await connection.execute(
        "SELECT key, id, types, scope, document, entity.created_at, modified_at, observed_at, expires_at,"
        "  entity.xmin::text AS xmin FROM entity JOIN kind USING (kind)"
        " WHERE id = ANY(%s)"
        " AND (expires_at IS NULL OR expires_at > now())"
        " ORDER BY key" + (" FOR UPDATE OF entity" if for_update else ""),
        [arrays.texts(entity_ids)],
    )
    return {row["id"]: EntityRow(**row) for row in await cursor.fetchall()}


async def save(connection: Connection, writes: Sequence[EntityWrite]) -> None:
    """Store new states with their history and one change record.

    Raises Conflict when an entity that should be new is already there (nothing of the call is kept then).
    """
    if not writes:
        return
    moment = now()
    await register(
        connection, [tuple(one.types) for one in writes if one.before is None or one.types != one.before.types]
    )
    keys = {write.entity_id: write.before.key for write in writes if write.before is not None}
    born = await _insert(connection, [write for write in writes if write.before is None], moment)
    keys |= born.keys
    await _update(connection, [write for write in writes if write.before is not None], moment)
    await _record_history(connection, writes, keys, born.fresh, moment)
    await expiry.note(connection, _turns(writes))
    await changes.append(connection, moment, [_change_of(write) for write in writes])


def _turns(writes: Sequence[EntityWrite]) -> list[tuple[str, int]]:
    """Entities with attributes that expire, of those of which something with an end was written, and when."""
    expiring = [
        write
        for write in writes
        if any(expiry.EXPIRES_AT in instance for instances in write.changed.values() for instance in instances)
    ]
    times = [(write.entity_id, expiry.next_expiry(write.document)) for write in expiring]
    return [(entity_id, moment) for entity_id, moment in times if moment is not None]


async def delete(connection: Connection, entity_ids: Sequence[str]) -> set[str]:
    """Delete entities (their history stays); returns the ids that were there."""
    cursor = await connection.execute(
        "WITH gone AS (DELETE FROM entity WHERE id = ANY(%s) RETURNING *),"
        " kept AS (INSERT INTO entity_gone (key, id, kind, deleted_at) SELECT key, id, kind, now() FROM gone)"
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


@dataclass(slots=True)
class _Keys:
    """The keys of new entities; `fresh` are those under whose key there was nothing before."""

    keys: dict[str, int]
    fresh: frozenset[int]


async def _insert(connection: Connection, writes: Sequence[EntityWrite], moment: datetime) -> _Keys:
    if not writes:
        return _Keys({}, frozenset())
    ids = [write.entity_id for write in writes]
    # One that was there before takes up its history; a conflict below takes this back with everything else.
    cursor = await connection.execute(
        "DELETE FROM entity_gone WHERE id = ANY(%s) RETURNING id, key", [arrays.texts(ids)]
    )
    gone = {row["id"]: int(row["key"]) for row in await cursor.fetchall()}
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
    for write in writes:
        if write.entity_id not in keys:
            raise Conflict(f"The entity {write.entity_id} already exists; update it, or choose another id.", field="id")
    return _Keys(keys, frozenset(keys.values()).difference(gone.values()))


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


def box_literal(box: tuple[float, float, float, float] | None) -> str | None:
    """PostgreSQL's text form of a box (west, south, east, north)."""
    return None if box is None else f"({box[2]},{box[3]}),({box[0]},{box[1]})"


async def _record_history(
    connection: Connection,
    writes: Sequence[EntityWrite],
    keys: Mapping[str, int],
    fresh: Set[int],
    moment: datetime,
) -> None:
    recorded_at = to_microseconds(moment)
    rows = observations.ObservationRows()
    born, known = _instances(writes, keys, fresh)
    for write in writes:
        scope_before = None if write.before is None else write.before.scope
        if (write.scope or None) == (scope_before or None):
            continue
        key, of_scope = keys[write.entity_id], scope_instance(write.scope, scope_before, iso(moment))
        if key in fresh:
            born.append(((key, SCOPE, ""), of_scope))
        else:
            known.append(((key, SCOPE, ""), of_scope, {}))
    numbers = await observations.make_series(connection, [name for name, _ in born], moment)
    for number, (_, instance) in zip(numbers, born, strict=True):
        rows.add(number, *_history_of(instance, recorded_at))
    series = await observations.ensure_series(connection, {name for name, _, _ in known}, moment)
    late = []
    for name, instance, former in known:
        number, _ = series[name]
        at, _, value, json = told = _history_of(instance, recorded_at)
        if "observedAt" in instance and not _is_news(instance, at, former.get(name[2])):
            late.append((number, at, value, json))
        else:
            rows.add(number, *told)
    await observations.write(connection, rows, moment)
    if late:
        # What is there of the same time gives way, so that the present and its past say the same.
        await corrections.put(connection, corrections.rows_of(late, recorded_at))


_Born = list[tuple[SeriesName, Instance]]
_Known = list[tuple[SeriesName, Instance, dict[str, Instance]]]
"""With the instances that the attribute had before."""


def _instances(writes: Sequence[EntityWrite], keys: Mapping[str, int], fresh: Set[int]) -> tuple[_Born, _Known]:
    """What history shall say: of entities that nobody else can know yet, and of all others."""
    born: _Born = []
    known: _Known = []
    for write in writes:
        key = keys[write.entity_id]
        if key in fresh:
            for attribute, instances in write.changed.items():
                born += [((key, attribute, one.get("datasetId", "")), one) for one in instances]
            continue
        for attribute, instances in write.changed.items():
            former = _observed_before(write, attribute)
            known += [((key, attribute, one.get("datasetId", "")), one, former) for one in instances]
    return born, known


def _history_of(instance: Instance, recorded_at: int) -> tuple[int, int, float | None, str | None]:
    """A row of history without its series: (observed at, recorded at, number, json)."""
    time = instance.get("observedAt") or instance.get("deletedAt")
    if time:
        return microseconds_of(time), recorded_at, *history_value(instance)
    time = instance.get("modifiedAt")
    return microseconds_of(time) if time else recorded_at, recorded_at, *unobserved_value(instance)


def _observed_before(write: EntityWrite, attribute: str) -> dict[str, Instance]:
    """The instances that an attribute had before a write, by their datasetId."""
    stored = None if write.before is None else write.before.document.get(attribute)
    return {} if stored is None else {one.get("datasetId", ""): one for one in instances_of(stored)}


def _is_news(instance: Instance, at: int, former: Instance | None) -> bool:
    """Whether an observation is newer than the one before it, or says the same once more."""
    observed_at = None if former is None else former.get("observedAt")
    if former is None or observed_at is None:
        return False
    before = microseconds_of(observed_at)
    return at > before or (at == before and history_value(instance) == history_value(former))


def _change_of(write: EntityWrite) -> Change:
    attributes: dict[str, tuple[Any, int | None]] = {}
    for attribute, instances in write.changed.items():
        for instance in instances:
            if "datasetId" in instance and len(instances) > 1:
                continue
            observed_at = instance.get("observedAt")
            attributes[attribute] = (_value_of(instance), microseconds_of(observed_at) if observed_at else None)
    operation: Literal["created", "updated"] = "created" if write.before is None else "updated"
    return Change(write.entity_id, tuple(write.types), operation, attributes, _detail_of(write))


def _detail_of(write: EntityWrite) -> Detail:
    stored = {} if write.before is None else write.before.document
    before = {name: instances_of(stored[name]) for name in write.changed if name in stored}
    return Detail(before, write.changed, write.scope)


def _value_of(instance: Instance) -> Any:
    for member in _VALUES:
        if member in instance:
            return instance[member]
    return None
