"""Readings of devices into entities (now) and observations (history): the hot path.

A batch is one transaction: history by binary COPY, the newest state by one UPDATE, one change record. What is known
of an entity (key, series, the text around each value) stays in memory, so a value costs a few string operations.

A late reading must not overwrite a newer state. One comparison settles nearly all readings: where everything that a
batch says about an entity is newer than the newest thing the entity has, it is merged in SQL. The rest (late, or two
devices of different clocks on one entity) is compared attribute by attribute under a row lock.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from vidik.context.jsonld import names
from vidik.context.store import arrays, changes, observations
from vidik.context.store.changes import Change, Rejection
from vidik.context.store.document import LOCATION, Document, bounding_box, instances_of
from vidik.context.store.entities import box_literal
from vidik.context.store.kinds import Types, kind_of, register
from vidik.kernel.clock import from_microseconds, iso, now, to_microseconds
from vidik.kernel.database import Connection

PROVIDED_BY = names.expand_attribute("providedBy")


class AttributeMeta(NamedTuple):
    """What a profile says of an attribute: its NGSI-LD type and UN/CEFACT unit code."""

    kind: str = "Property"
    unit_code: str | None = None


@dataclass(slots=True)
class Target:
    """The entity that a device's readings are about; one object a device, made once."""

    entity_id: str
    types: Types
    meta: Mapping[str, AttributeMeta]
    provided_by: str
    birth: Document = field(default_factory=dict)
    """Attributes that a new entity gets beside the reading (name, location, origin), without times."""


@dataclass(slots=True)
class EntityReading:
    """Values that one message brought, all of one time (microseconds since 1970, UTC)."""

    target: Target
    observed_at: int
    values: dict[str, Any]


class _Series(NamedTuple):
    number: int
    before: str
    """The instance's JSON up to the value."""
    after: str
    """…and from observedAt's closing quote on, up to modifiedAt."""
    plain: bool
    kind: str


@dataclass(slots=True)
class _Known:
    """What this process remembers of an entity."""

    key: int
    series: dict[str, _Series]


@dataclass(slots=True)
class _State:
    """What a batch says about one entity: per attribute the newest (observed at, value)."""

    target: Target
    known: _Known
    newest: dict[str, tuple[int, Any]]


class EntityVanished(Exception):
    """An entity that the writer remembers was deleted meanwhile: roll back and write the batch again."""


class ReadingWriter:
    """Writes batches of readings for one tenant. One writer is used by one task at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._times: dict[int, str] = {}

    async def write(
        self, connection: Connection, readings: Sequence[EntityReading], rejections: Sequence[Rejection] = ()
    ) -> None:
        """Store a batch inside the caller's transaction, whose last statement this must be.

        Raises EntityVanished when an entity was deleted since the writer met it. After any rollback the caller
        must `forget` the batch's entities: what was made for them is not there.
        """
        moment = now()
        batch = await self._store(connection, readings, moment) if readings else []
        await changes.append(connection, moment, batch, rejections)

    def forget(self, entity_ids: Iterable[str]) -> None:
        """Drop what is remembered of some entities."""
        for entity_id in entity_ids:
            self._known.pop(entity_id, None)

    async def _store(self, connection: Connection, readings: Sequence[EntityReading], moment: datetime) -> list[Change]:
        created = await self._learn(connection, readings, moment)
        recorded_at = to_microseconds(moment)
        rows = observations.ObservationRows()
        states: dict[str, _State] = {}
        for reading in readings:
            target = reading.target
            state = states.get(target.entity_id)
            if state is None:
                state = states[target.entity_id] = _State(target, self._known[target.entity_id], {})
            observed_at = reading.observed_at
            newest = state.newest
            series_of = state.known.series
            for name, value in reading.values.items():
                series = series_of[name]
                if series.plain and type(value) in (float, int):
                    rows.add(series.number, observed_at, recorded_at, value, None)
                else:
                    number = float(value) if type(value) in (float, int) else None
                    member = {"type": series.kind, "value": value}
                    rows.add(series.number, observed_at, recorded_at, number, orjson.dumps(member).decode())
                before = newest.get(name)
                if before is None or observed_at > before[0]:
                    newest[name] = (observed_at, value)
        await observations.write(connection, rows, moment)
        late = await self._update(connection, states, moment)
        return [
            _change_of(state, entity_id in created, late.get(entity_id, frozenset()))
            for entity_id, state in states.items()
        ]

    async def _update(self, connection: Connection, states: dict[str, _State], moment: datetime) -> dict[str, Set[str]]:
        """Bring entities to their newest state; returns, per entity with late values, the late attributes."""
        modified = f'"{iso(moment)}"'
        simple = {key: state for key, state in states.items() if LOCATION not in state.newest}
        keys, deltas, lows, highs = [], [], [], []
        for state in simple.values():
            keys.append(state.known.key)
            deltas.append(self._delta(state, state.newest, modified))
            times = [observed_at for observed_at, _ in state.newest.values()]
            lows.append(min(times))
            highs.append(max(times))
        cursor = await connection.execute(
            "UPDATE entity SET document = document || new.delta, observed_at = new.high, modified_at = %s"
            " FROM unnest(%s, %s, %s, %s)"
            "  AS new (key, delta, low, high)"
            " WHERE entity.key = new.key AND NOT entity.several"
            "  AND (entity.observed_at IS NULL OR entity.observed_at < new.low)",
            [moment, arrays.bigints(keys), arrays.documents(deltas), arrays.moments(lows), arrays.moments(highs)],
        )
        if cursor.rowcount == len(states):
            return {}
        return await self._update_carefully(connection, states, moment)

    async def _update_carefully(
        self, connection: Connection, states: dict[str, _State], moment: datetime
    ) -> dict[str, Set[str]]:
        """Compare attribute by attribute, under a lock, the entities that the simple UPDATE passed over."""
        by_key = {state.known.key: entity_id for entity_id, state in states.items()}
        cursor = await connection.execute(
            "SELECT key, document, observed_at FROM entity WHERE key = ANY(%s) AND modified_at <> %s"
            " ORDER BY key FOR UPDATE",
            [list(by_key), moment],
        )
        rows = await cursor.fetchall()
        if len(rows) < len(states):
            cursor = await connection.execute("SELECT key FROM entity WHERE key = ANY(%s)", [list(by_key)])
            there = {row["key"] for row in await cursor.fetchall()}
            if len(there) < len(states):
                raise EntityVanished
        late: dict[str, Set[str]] = {}
        for row in rows:
            entity_id = by_key[row["key"]]
            state = states[entity_id]
            fresh = {
                name: value for name, value in state.newest.items() if _is_newer(row["document"].get(name), value[0])
            }
            if len(fresh) < len(state.newest):
                late[entity_id] = state.newest.keys() - fresh.keys()
            if not fresh:
                continue
            delta: Document = orjson.loads(self._delta(state, fresh, f'"{iso(moment)}"'))
            for name in delta:
                if isinstance(row["document"].get(name), list):
                    delta[name] = [i for i in row["document"][name] if "datasetId" in i] + [delta[name]]
            document: Document = row["document"] | delta
            high = from_microseconds(max(observed_at for observed_at, _ in fresh.values()))
            newest = max(high, row["observed_at"]) if row["observed_at"] else high
            await connection.execute(
                "UPDATE entity SET document = document || %s::jsonb, observed_at = %s, modified_at = %s, place = %s::box"
                " WHERE key = %s",
                [
                    orjson.dumps(delta).decode(),
                    newest,
                    moment,
                    box_literal(bounding_box(document)),
                    row["key"],
                ],
            )
        return late

    def _delta(self, state: _State, values: Mapping[str, tuple[int, Any]], modified: str) -> str:
        """The JSON object of attributes to merge into an entity's document."""
        parts = []
        for name, (observed_at, value) in values.items():
            series = state.known.series[name]
            text = repr(value) if type(value) is float else orjson.dumps(value).decode()
            parts.append(f"{series.before}{text}{self._time(observed_at)}{series.after}{modified}}}")
        return "{" + ",".join(parts) + "}"

    def _time(self, microseconds: int) -> str:
        text = self._times.get(microseconds)
        if text is None:
            if len(self._times) > 50_000:
                self._times.clear()
            text = self._times[microseconds] = f',"observedAt":"{iso(from_microseconds(microseconds))}'
        return text

    async def _learn(self, connection: Connection, readings: Sequence[EntityReading], moment: datetime) -> set[str]:
        """Know every entity and series of a batch; makes those that do not exist yet. Returns the new entities."""
        unknown: dict[str, Target] = {}
        attributes: dict[str, set[str]] = {}
        for reading in readings:
            known = self._known.get(reading.target.entity_id)
            if known is None or not reading.values.keys() <= known.series.keys():
                unknown[reading.target.entity_id] = reading.target
                attributes.setdefault(reading.target.entity_id, set()).update(reading.values)
        if not unknown:
            return set()
        created = await _create_missing(connection, unknown, moment)
        cursor = await connection.execute(
            "SELECT id, key FROM entity WHERE id = ANY(%s)", [arrays.texts(list(unknown))]
        )
        keys = {row["id"]: int(row["key"]) for row in await cursor.fetchall()}
        wanted = {(keys[entity_id], attribute, "") for entity_id in unknown for attribute in attributes[entity_id]}
        series = await observations.ensure_series(connection, wanted, moment)
        for entity_id, target in unknown.items():
            known = self._known.setdefault(entity_id, _Known(keys[entity_id], {}))
            for attribute in attributes[entity_id]:
                number, created_at = series[known.key, attribute, ""]
                known.series[attribute] = _series(target, attribute, number, created_at)
        return created


def _series(target: Target, attribute: str, number: int, created_at: datetime) -> _Series:
    meta = target.meta.get(attribute, AttributeMeta())
    unit = f'"unitCode":{orjson.dumps(meta.unit_code).decode()},' if meta.unit_code else ""
    provider = orjson.dumps({"type": "Relationship", "object": target.provided_by}).decode()
    return _Series(
        number=number,
        before=f'{orjson.dumps(attribute).decode()}:{{"type":"{meta.kind}","value":',
        after=f'",{unit}"{PROVIDED_BY}":{provider},"createdAt":"{iso(created_at)}","modifiedAt":',
        plain=meta.kind == "Property",
        kind=meta.kind,
    )


async def _create_missing(connection: Connection, targets: Mapping[str, Target], moment: datetime) -> set[str]:
    cursor = await connection.execute("SELECT id FROM entity WHERE id = ANY(%s)", [arrays.texts(list(targets))])
    there = {row["id"] for row in await cursor.fetchall()}
    missing = [target for entity_id, target in targets.items() if entity_id not in there]
    if not missing:
        return set()
    await register(connection, [target.types for target in missing])
    stamp = iso(moment)
    documents = [
        {name: {**instance, "createdAt": stamp, "modifiedAt": stamp} for name, instance in target.birth.items()}
        for target in missing
    ]
    cursor = await connection.execute(
        "INSERT INTO entity (key, id, kind, document, place, created_at, modified_at)"
        " SELECT coalesce(gone.key, nextval(pg_get_serial_sequence('entity', 'key'))), new.id, new.kind,"
        "  new.document, nullif(new.place, '')::box, %s, %s - interval '1 microsecond'"
        " FROM unnest(%s, %s, %s, %s) AS new (id, kind, document, place)"
        " LEFT JOIN entity_gone gone ON gone.id = new.id"
        " ON CONFLICT (id) DO NOTHING RETURNING id, key",
        [
            moment,
            moment,
            arrays.texts([target.entity_id for target in missing]),
            arrays.bigints([kind_of(target.types) for target in missing]),
            arrays.documents([orjson.dumps(document).decode() for document in documents]),
            arrays.texts([box_literal(bounding_box(document)) or "" for document in documents]),
        ],
    )
    rows = await cursor.fetchall()
    await connection.execute("DELETE FROM entity_gone WHERE key = ANY(%s)", [[row["key"] for row in rows]])
    return {row["id"] for row in rows}


def _is_newer(attribute: Any, observed_at: int) -> bool:
    """Whether a value of this time is newer than what an entity's attribute (default instance) has.

    A value without observedAt was stated, not observed, and gives way to any observation.
    """
    for instance in instances_of(attribute) if attribute else ():
        if "datasetId" not in instance and "observedAt" in instance:
            return observed_at > to_microseconds(datetime.fromisoformat(instance["observedAt"]))
    return True


def _change_of(state: _State, created: bool, late: Set[str]) -> Change:
    """What the stream says of an entity: its fresh values, or, when there is none, the late ones."""
    fresh: dict[str, tuple[Any, int | None]] = {
        name: (value, at) for name, (at, value) in state.newest.items() if name not in late
    }
    if not fresh:
        everything: dict[str, tuple[Any, int | None]] = {
            name: (value, at) for name, (at, value) in state.newest.items()
        }
        return Change(state.target.entity_id, state.target.types, "late", everything)
    return Change(state.target.entity_id, state.target.types, "created" if created else "updated", fresh)
