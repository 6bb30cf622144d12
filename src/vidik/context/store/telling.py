"""What a save has to tell: rows of history, the change record, which attributes expire. Each instance is seen once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from vidik.context.store import births, corrections, expiry, observations
from vidik.context.store.births import Shape
from vidik.context.store.changes import Alike, Change
from vidik.context.store.document import (
    SCOPE,
    Instance,
    history_value,
    instances_of,
    microseconds_of,
    scope_instance,
    unobserved_value,
)
from vidik.context.store.observations import ObservationRows, SeriesName
from vidik.context.store.states import EntityWrite
from vidik.kernel.clock import from_microseconds, iso, to_microseconds
from vidik.kernel.database import Connection

_VALUES: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the entities of a save; `fresh` are those under which there was nothing before."""

    keys: dict[str, int]
    fresh: Set[int]


@dataclass(slots=True)
class Account:
    """What a save tells, and to whom."""

    recorded_at: int
    rows: ObservationRows = field(default_factory=ObservationRows)
    births: dict[Shape, list[int]] = field(default_factory=dict)
    """New entities (keys) by the series that they are born with: nobody else can know those, so none is looked up."""
    known: list[tuple[SeriesName, Instance, Instance | None]] = field(default_factory=list)
    """What is to be written into series that may be there, each with the instance that was valid before."""
    changes: list[Change] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)
    """What is said of crowds."""
    late: list[tuple[int, int, float | None, str | None]] = field(default_factory=list)
    """What takes the place of what history may have: (series, time, number, JSON)."""
    expiring: list[tuple[str, int]] = field(default_factory=list)
    """Entities with attributes that expire, of those of which something with an end was written, and when."""


def account(writes: Sequence[EntityWrite], keys: Keys, moment: datetime) -> Account:
    """Everything that new states of entities have to tell."""
    told = Account(to_microseconds(moment))
    for write in writes:
        key = keys.keys[write.entity_id]
        if key in keys.fresh and sum(map(len, write.changed.values())) < births.LARGEST_SHAPE:
            said = _tell_birth(told, write, key)
        else:
            said = _tell_change(told, write, key)
        operation: Literal["created", "updated"] = "created" if write.before is None else "updated"
        told.changes.append(Change(write.entity_id, tuple(write.types), operation, said))
    return told


_Said = dict[str, tuple[Any, int | None]]


def _tell_birth(told: Account, write: EntityWrite, key: int) -> _Said:
    """What a new entity tells; returns what the stream says of its attributes."""
    said: _Said = {}
    names: list[tuple[str, str]] = []
    number = births.first_number(key)
    add = told.rows.add
    expires = False
    for attribute, instances in write.changed.items():
        for instance in instances:
            dataset = instance.get("datasetId", "")
            names.append((attribute, dataset))
            observed_at = instance.get("observedAt")
            at = microseconds_of(observed_at) if observed_at else None
            if at is None:
                add(number, *_history_of(instance, told.recorded_at))
            else:
                add(number, at, told.recorded_at, *history_value(instance))
            number += 1
            if not dataset or len(instances) == 1:
                said[attribute] = (instance["value"] if "value" in instance else said_value(instance), at)
            if expiry.EXPIRES_AT in instance:
                expires = True
    if write.scope:
        add(number, *_history_of(_scope_of(write, told.recorded_at), told.recorded_at))
        names.append((SCOPE, ""))
    told.births.setdefault(tuple(names), []).append(key)
    if expires:
        _note_expiry(told, write)
    return said


def _tell_change(told: Account, write: EntityWrite, key: int) -> _Said:
    """What a change of an entity tells; returns what the stream says of its attributes."""
    said: _Said = {}
    expires = False
    for attribute, instances in write.changed.items():
        former = _instances_before(write, attribute)
        for instance in instances:
            dataset = instance.get("datasetId", "")
            told.known.append(((key, attribute, dataset), instance, former.get(dataset)))
            expires = expires or expiry.EXPIRES_AT in instance
            if not dataset or len(instances) == 1:
                said[attribute] = _said_of(instance)
    scope_before = None if write.before is None else write.before.scope
    if (write.scope or None) != (scope_before or None):
        told.known.append(((key, SCOPE, ""), _scope_of(write, told.recorded_at), None))
    if expires:
        _note_expiry(told, write)
    return said


def _scope_of(write: EntityWrite, recorded_at: int) -> Instance:
    before = None if write.before is None else write.before.scope
    return scope_instance(write.scope, before, iso(from_microseconds(recorded_at)))


def _note_expiry(told: Account, write: EntityWrite) -> None:
    moment = expiry.next_expiry(write.document)
    if moment is not None:
        told.expiring.append((write.entity_id, moment))


def _said_of(instance: Instance) -> tuple[Any, int | None]:
    observed_at = instance.get("observedAt")
    value = instance["value"] if "value" in instance else said_value(instance)
    return value, microseconds_of(observed_at) if observed_at else None


def said_value(instance: Instance) -> Any:
    """What the stream says of an instance: its value, whatever the member is called."""
    for member in _VALUES:
        if member in instance:
            return instance[member]
    return None


async def record(connection: Connection, told: Account, moment: datetime) -> None:
    """Write what is told to history."""
    await births.register(connection, told.births, moment)
    series = await observations.ensure_series(connection, {name for name, _, _ in told.known}, moment)
    for name, instance, former in told.known:
        number, _ = series[name]
        at, _, value, json = row = _history_of(instance, told.recorded_at)
        if "observedAt" in instance and not _is_news(instance, at, former):
            told.late.append((number, at, value, json))
        else:
            told.rows.add(number, *row)
    await observations.write(connection, told.rows, moment)
    if told.late:
        # What is there of the same time gives way, so that the present and its past say the same.
        await corrections.put(connection, corrections.rows_of(told.late, told.recorded_at))


def _history_of(instance: Instance, recorded_at: int) -> tuple[int, int, float | None, str | None]:
    """A row of history without its series: (observed at, recorded at, number, json)."""
    time = instance.get("observedAt") or instance.get("deletedAt")
    if time:
        return microseconds_of(time), recorded_at, *history_value(instance)
    time = instance.get("modifiedAt")
    return microseconds_of(time) if time else recorded_at, recorded_at, *unobserved_value(instance)


def _instances_before(write: EntityWrite, attribute: str) -> dict[str, Instance]:
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
