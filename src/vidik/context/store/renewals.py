"""New states of many entities that are there, and alike: held, written, kept and told by attribute.

What a batch says of entities that it finds as it would leave them (the same attributes, one instance each) needs no
merging one by one: each value becomes JSON once, and series, history and the stream are worked out for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from psycopg.rows import tuple_row

from vidik.context.store import arrays, births, crowds, observations
from vidik.context.store.changes import Detail
from vidik.context.store.crowds import Column, Crowd
from vidik.context.store.document import (
    LOCATION,
    Document,
    Instance,
    box_literal,
    box_of_geometry,
    history_value,
    microseconds_of,
    newest_observation,
)
from vidik.context.store.telling import Account
from vidik.kernel.database import Connection


class Held(NamedTuple):
    """An entity that is there, as far as its batch must know it before writing."""

    key: int
    kind: int
    plain: bool
    """Whether it has neither scope nor expiry."""
    document: Document
    shape: int | None
    """The number of the shape of the series that it was born with."""


@dataclass(slots=True)
class Renewal:
    """What is written of plain entities that are there, each of the types of the crowd.

    `crowd` has what is new of each attribute: where the entity has that already, it has one instance without
    datasetId. `documents` are the whole new ones; None where they are the crowd's.
    """

    crowd: Crowd
    held: list[Held]
    documents: list[Document] | None = None


async def hold(connection: Connection, entity_ids: Sequence[str]) -> dict[str, Held]:
    """The entities that exist among the ids, locked in the order of their keys."""
    async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(
            "SELECT id, key, kind, scope IS NULL AND expires_at IS NULL, document, shape"
            " FROM entity LEFT JOIN entity_series ON entity_series.entity = entity.key"
            " WHERE id = ANY(%s) AND (expires_at IS NULL OR expires_at > now()) ORDER BY key FOR UPDATE OF entity",
            [arrays.texts(entity_ids)],
        )
        return {row[0]: Held._make(row[1:]) for row in await cursor.fetchall()}


async def save(connection: Connection, renewal: Renewal, told: Account, moment: datetime) -> None:
    """Write new states, and note what history and the stream shall say of them."""
    await _update(connection, renewal, moment)
    crowd = renewal.crowd
    series = await _series(connection, renewal, moment)
    for column, numbers in zip(crowd.columns, series, strict=True):
        _record(told, column, numbers, renewal.held, crowd.written_at)
    told.alike.append(crowds.said_of(crowd, "updated"))


def details_of(renewal: Renewal) -> Iterator[Detail]:
    """The instances around each change."""
    attributes = [column.attribute for column in renewal.crowd.columns]
    documents = renewal.documents or map(orjson.loads, renewal.crowd.documents())
    for held, document in zip(renewal.held, documents, strict=True):
        before = {name: [held.document[name]] for name in attributes if name in held.document}
        yield Detail(before, {name: [document[name]] for name in attributes}, None)


async def _update(connection: Connection, renewal: Renewal, moment: datetime) -> None:
    crowd = renewal.crowd
    if renewal.documents is None:
        documents, newest = crowd.documents(), list(crowds.newest(crowd))
    else:
        documents = list(map(orjson.dumps, renewal.documents))
        newest = list(map(newest_observation, renewal.documents))
    columns = [
        arrays.bigints([one.key for one in renewal.held]),
        arrays.documents(documents),
        arrays.optional_moments(newest),
    ]
    places = _places(renewal)
    if places is None:
        source = "unnest(%s, %s, %s) AS new (key, document, observed_at)"
    else:
        columns.append(arrays.texts(places))
        source = "unnest(%s, %s, %s, %s) AS new (key, document, observed_at, place)"
    await connection.execute(
        "UPDATE entity SET document = new.document, modified_at = %s, observed_at = new.observed_at"
        + (", place = nullif(new.place, '')::box" if places is not None else "")
        + f" FROM {source} WHERE entity.key = new.key",
        [moment, *columns],
    )


def _places(renewal: Renewal) -> list[str] | None:
    """The boxes of the entities, '' where one has none; None where none has moved."""
    for column in renewal.crowd.columns:
        if column.attribute == LOCATION:
            former = [one.document.get(LOCATION) for one in renewal.held]
            if all(one and one.get("value") == value for one, value in zip(former, column.values, strict=True)):
                return None
            return [box_literal(box_of_geometry(value)) or "" for value in column.values]
    return None


async def _series(connection: Connection, renewal: Renewal, moment: datetime) -> list[list[int]]:
    """For each attribute the series of each entity; those that are missing are made."""
    keys = [one.key for one in renewal.held]
    attributes = [column.attribute for column in renewal.crowd.columns]
    born = [one.shape for one in renewal.held]
    shapes = await births.shapes_of(connection, {shape for shape in born if shape is not None})
    places = {shape: {name: place for place, name in enumerate(names)} for shape, names in shapes.items()}
    missing = []
    found: list[list[int]] = []
    for attribute in attributes:
        name = (attribute, "")
        at = {shape: of_shape.get(name) for shape, of_shape in places.items()}
        numbers = []
        for key, shape in zip(keys, born, strict=True):
            place = None if shape is None else at[shape]
            if place is None:
                missing.append((key, *name))
            numbers.append(0 if place is None else births.first_number(key) + place)
        found.append(numbers)
    if missing:
        others = await observations.ensure_series(connection, missing, moment)
        for attribute, numbers in zip(attributes, found, strict=True):
            for place, key in enumerate(keys):
                numbers[place] = numbers[place] or others[key, attribute, ""][0]
    return found


def _record(told: Account, column: Column, series: list[int], held: Sequence[Held], written_at: int) -> None:
    """Write one attribute of each entity into history, but what is there already."""
    former = [_instance(one.document.get(column.attribute)) for one in held]
    before = [microseconds_of(one["observedAt"]) if "observedAt" in one else None for one in former]
    news = [at is None or (old is not None and at > old) for at, old in zip(column.observed, before, strict=True)]
    if all(news):
        crowds.record(told, column, series, written_at)
        return
    places = [place for place, is_news in enumerate(news) if is_news]
    crowds.record(told, column.only(places), [series[place] for place in places], written_at)
    for place, at in enumerate(column.observed):
        if news[place] or at is None:
            continue
        number, json = column.numbers[place], column.kept[place]
        if before[place] != at or not _says(former[place], number, json):
            told.late.append((series[place], at, number, json.decode() if isinstance(json, bytes) else json))


def _instance(stored: Any) -> Instance:
    return stored if isinstance(stored, dict) else {}


def _says(instance: Instance, number: float | None, json: bytes | str | None) -> bool:
    """Whether history keeps an instance as this number and JSON."""
    of_instance = history_value(instance)
    if of_instance[0] != number or json is None or of_instance[1] is None:
        return of_instance == (number, json)
    return bool(orjson.loads(of_instance[1]) == orjson.loads(json))
