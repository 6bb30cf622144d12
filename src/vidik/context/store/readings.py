"""Readings of devices into entities (now) and observations (history): the hot path.

A batch is one transaction: history by binary COPY, the newest state by one UPDATE, one change record. What is known
of an entity (key, series, the text around each value) stays in memory, so a value costs a few string operations.

A late reading must not overwrite a newer state. One comparison settles nearly all readings: where everything that a
batch says about an entity is newer than the newest thing the entity has, it is merged in SQL. The rest (late, or two
devices of different clocks on one entity) is compared attribute by attribute under a row lock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from vidik.context.store import arrays, changes, observations, remembered
from vidik.context.store.changes import Change, Rejection
from vidik.context.store.document import LOCATION, Document, bounding_box, box_literal, instances_of
from vidik.context.store.kinds import Types, kind_of, register
from vidik.context.store.phrases import Known, KnownSeries, Phrases, Plan, origin_of
from vidik.kernel.clock import from_microseconds, iso, now, to_microseconds
from vidik.kernel.database import Connection


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
    birth: Callable[[], Document] = dict
    """Makes the attributes that a new entity gets beside the reading (name, location, origin), without times."""


@dataclass(slots=True)
class EntityReading:
    """Values that one message brought, all of one time (microseconds since 1970, UTC)."""

    target: Target
    observed_at: int
    values: dict[str, Any]


@dataclass(slots=True)
class _State:
    """What a batch says about one entity: its readings, and, where there are several, what they come to."""

    target: Target
    known: Known
    plan: Plan | None
    """How the only reading is written; None when there are several, or values that are not numbers."""
    readings: list[EntityReading]
    merged: dict[str, tuple[int, Any]] | None = None

    @property
    def newest(self) -> dict[str, tuple[int, Any]]:
        """Per attribute the newest (observed at, value)."""
        if self.merged is None:
            only = self.readings[0]
            self.merged = {name: (only.observed_at, value) for name, value in only.values.items()}
        return self.merged

    def merge(self, reading: EntityReading) -> None:
        """Take in a further reading of the same entity."""
        newest = self.newest
        for name, value in reading.values.items():
            before = newest.get(name)
            if before is None or reading.observed_at > before[0]:
                newest[name] = (reading.observed_at, value)
        self.readings.append(reading)
        self.plan = None

    def span(self) -> tuple[int, int]:
        """The oldest and the newest time among its values."""
        if self.merged is None:
            return self.readings[0].observed_at, self.readings[0].observed_at
        times = [observed_at for observed_at, _ in self.merged.values()]
        return min(times), max(times)

    def moves(self) -> bool:
        """Whether a reading brings another place of the entity."""
        return any(LOCATION in reading.values for reading in self.readings)


_NUMERIC = frozenset((float, int))
_TIMES_KEPT = 5_000  # a batch: devices that are read together share their time, the next batch has others


class EntityVanished(Exception):
    """An entity that the writer remembers was deleted meanwhile: roll back and write the batch again."""


class ReadingWriter:
    """Writes batches of readings for one tenant. One writer is used by one task at a time."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._phrases = Phrases()
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
            target, observed_at, values = reading.target, reading.observed_at, reading.values
            known = self._known[target.entity_id]
            plan: Plan | None = known.plans[tuple(values)]
            if plan and plan.template.plain and _NUMERIC.issuperset(map(type, values.values())):
                rows.add_numbers(plan.series, observed_at, values.values())
            else:
                _add_rows(rows, known, observed_at, recorded_at, values)
                plan = None
            state = states.get(target.entity_id)
            if state is None:
                states[target.entity_id] = _State(target, known, plan, [reading])
            else:
                state.merge(reading)
        await observations.write(connection, rows, moment)
        late = await self._update(connection, states, moment)
        return [
            change
            for entity_id, state in states.items()
            for change in _changes_of(state, entity_id in created, late.get(entity_id, frozenset()))
        ]

    async def _update(self, connection: Connection, states: dict[str, _State], moment: datetime) -> dict[str, Set[str]]:
        """Bring entities to their newest state; returns, per entity with late values, the late attributes."""
        modified = f'"{iso(moment)}"'
        keys, deltas, lows, highs = [], [], [], []
        for state in states.values():
            if state.moves():
                continue  # its place must move with it: see _update_carefully
            keys.append(state.known.key)
            deltas.append(self._delta_of(state, modified))
            low, high = state.span()
            lows.append(low)
            highs.append(high)
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
                "UPDATE entity SET document = document || %s::jsonb, observed_at = %s, modified_at = %s,"
                " place = %s::box WHERE key = %s",
                [
                    orjson.dumps(delta).decode(),
                    newest,
                    moment,
                    box_literal(bounding_box(document)),
                    row["key"],
                ],
            )
        return late

    def _delta_of(self, state: _State, modified: str) -> str:
        """The JSON object of everything that a batch says about an entity."""
        if state.plan is None:
            return self._delta(state, state.newest, modified)
        only = state.readings[0]
        time = self._time(only.observed_at)
        parts: list[str] = []
        for text, origin in zip(map(repr, only.values.values()), state.plan.origins, strict=True):
            parts += (text, time, origin, modified)
        return state.plan.template.text % tuple(parts)

    def _delta(self, state: _State, values: Mapping[str, tuple[int, Any]], modified: str) -> str:
        """The JSON object of attributes to merge into an entity's document."""
        parts = []
        for name, (observed_at, value) in values.items():
            wording, origin = state.known.series[name][1:]
            text = repr(value) if type(value) is float else orjson.dumps(value).decode()
            parts.append(f"{wording.before}{text}{self._time(observed_at)}{wording.unit}{origin}{modified}}}")
        return "{" + ",".join(parts) + "}"

    def _time(self, microseconds: int) -> str:
        text = self._times.get(microseconds)
        if text is None:
            if len(self._times) > _TIMES_KEPT:
                self._times.clear()
            text = self._times[microseconds] = f',"observedAt":"{iso(from_microseconds(microseconds))}'
        return text

    async def _learn(self, connection: Connection, readings: Sequence[EntityReading], moment: datetime) -> set[str]:
        """Know every entity and series of a batch; makes those that do not exist yet. Returns the new entities."""
        unknown: dict[str, Target] = {}
        shapes: dict[str, set[tuple[str, ...]]] = {}
        for reading in readings:
            known = self._known.get(reading.target.entity_id)
            if known is None or tuple(reading.values) not in known.plans:
                unknown[reading.target.entity_id] = reading.target
                shapes.setdefault(reading.target.entity_id, set()).add(tuple(reading.values))
        if not unknown:
            return set()
        created = await _create_missing(connection, unknown, moment)
        cursor = await connection.execute(
            "SELECT id, key FROM entity WHERE id = ANY(%s)", [arrays.texts(list(unknown))]
        )
        keys = {row["id"]: int(row["key"]) for row in await cursor.fetchall()}
        wanted = {
            (keys[entity_id], attribute, "")
            for entity_id in unknown
            for shape in shapes[entity_id]
            for attribute in shape
        }
        series = await observations.ensure_series(connection, wanted, moment)
        for entity_id, target in unknown.items():
            known = self._known.setdefault(entity_id, Known(keys[entity_id], {}, {}))
            origins: dict[datetime, str] = {}
            for shape in shapes[entity_id]:
                for attribute in shape:
                    number, created_at = series[known.key, attribute, ""]
                    origin = origins.setdefault(created_at, origin_of(target.provided_by, created_at))
                    meta = target.meta.get(attribute, AttributeMeta())
                    wording = self._phrases.wording(attribute, meta.kind, meta.unit_code)
                    known.series[attribute] = KnownSeries(number, wording, origin)
                known.plans[self._phrases.shape(shape)] = self._phrases.plan(
                    [known.series[attribute] for attribute in shape]
                )
        return created


def _add_rows(
    rows: observations.ObservationRows, known: Known, observed_at: int, recorded_at: int, values: Mapping[str, Any]
) -> None:
    """History's rows of a reading that is more than plain numbers."""
    for name, value in values.items():
        series = known.series[name]
        kind = series.wording.kind
        number = float(value) if type(value) in _NUMERIC else None
        if number is not None and kind == "Property":
            rows.add(series.number, observed_at, recorded_at, number, None)
        else:
            json = orjson.dumps({"type": kind, "value": value}).decode()
            rows.add(series.number, observed_at, recorded_at, number, json)


async def _create_missing(connection: Connection, targets: Mapping[str, Target], moment: datetime) -> set[str]:
    cursor = await connection.execute("SELECT id FROM entity WHERE id = ANY(%s)", [arrays.texts(list(targets))])
    there = {row["id"] for row in await cursor.fetchall()}
    missing = [target for entity_id, target in targets.items() if entity_id not in there]
    if not missing:
        return set()
    await register(connection, [target.types for target in missing])
    stamp = iso(moment)
    documents = [
        {name: {**instance, "createdAt": stamp, "modifiedAt": stamp} for name, instance in target.birth().items()}
        for target in missing
    ]
    cursor = await connection.execute(
        "INSERT INTO entity (key, id, kind, document, place, created_at, modified_at)"
        " SELECT coalesce(gone.key, nextval('entity_key_seq')), new.id, new.kind,"
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
    await remembered.take_up(connection, [row["id"] for row in rows])
    return {row["id"] for row in rows}


def _is_newer(attribute: Any, observed_at: int) -> bool:
    """Whether a value of this time is newer than what an entity's attribute (default instance) has.

    A value without observedAt was stated, not observed, and gives way to any observation.
    """
    for instance in instances_of(attribute) if attribute else ():
        if "datasetId" not in instance and "observedAt" in instance:
            return observed_at > to_microseconds(datetime.fromisoformat(instance["observedAt"]))
    return True


def _changes_of(state: _State, created: bool, late: Set[str]) -> list[Change]:
    """What the stream says of an entity: the fresh values of each reading in the order of their times.

    Rules must see every reading, however many a batch holds (a backlog after an outage, a quick replay). An entity
    about which nothing is fresh makes one late change.
    """
    entity_id, types = state.target.entity_id, state.target.types
    found: list[Change] = []
    for reading in sorted(state.readings, key=_observed_at) if len(state.readings) > 1 else state.readings:
        fresh: dict[str, tuple[Any, int | None]] = {
            name: (value, reading.observed_at) for name, value in reading.values.items() if name not in late
        }
        if fresh:
            found.append(Change(entity_id, types, "created" if created and not found else "updated", fresh))
    if found:
        return found
    everything: dict[str, tuple[Any, int | None]] = {name: (value, at) for name, (at, value) in state.newest.items()}
    return [Change(entity_id, types, "late", everything)]


def _observed_at(reading: EntityReading) -> int:
    return reading.observed_at
