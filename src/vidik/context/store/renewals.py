"""New states of many entities that are there, and alike: held, written, kept and told by attribute.

What a batch says of entities that it finds as it would leave them (the same attributes, one instance each) needs no
merging one by one: each value becomes JSON once, and series, history and the stream are worked out for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
from psycopg import sql
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
    shape: int | None
    """The number of the shape of the series that it was born with."""
    document: Document | None
    """None where it was asked for by a `Frame`."""
    fits: bool = False
    """Whether it has the attributes of the frame and no others, one instance each."""
    observed: tuple[str | None, ...] = ()
    """When the attributes that the frame names were observed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What must be known of entities whose attributes are all replaced: their documents need not be read for it."""

    attributes: list[str]
    observed: list[str]
    """Those of which an observation is written."""


@dataclass(slots=True)
class Renewal:
    """What is written of plain entities that are there, each of the types of the crowd.

    `crowd` has what is new of each attribute: where the entity has that already, it has one instance without
    datasetId. `documents` are the whole new ones; None where they are the crowd's.
    """

    crowd: Crowd
    held: list[Held]
    frame: Frame | None = None
    documents: list[Document] | None = None


async def is_followed(connection: Connection) -> bool:
    """Whether anybody has subscribed to entities: then what was there before a change is told."""
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM subscription WHERE about = 'entities') AS found")
    row = await cursor.fetchone()
    return row is not None and bool(row["found"])


async def hold(connection: Connection, entity_ids: Sequence[str], frame: Frame | None = None) -> dict[str, Held]:
    """The entities that exist among the ids, locked in the order of their keys."""
    if frame is None:
        shown: sql.Composable = sql.SQL("document, false")
        asked: list[Any] = []
    else:
        shown = sql.SQL("NULL, NOT several AND document ?& %s AND document - %s::text[] = '{{}}'{}").format(
            sql.SQL("").join([sql.SQL(", document #>> %s")] * len(frame.observed))
        )
        names = arrays.texts(frame.attributes)
        asked = [names, names, *(arrays.texts([name, "observedAt"]) for name in frame.observed)]
    statement = sql.SQL(
        "SELECT id, key, kind, scope IS NULL AND expires_at IS NULL, shape, {}"
        " FROM entity LEFT JOIN entity_series ON entity_series.entity = entity.key"
        " WHERE id = ANY(%s) AND (expires_at IS NULL OR expires_at > now()) ORDER BY key FOR UPDATE OF entity"
    ).format(shown)
    async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(statement, [*asked, arrays.texts(entity_ids)])
        return {row[0]: Held._make((*row[1:7], row[7:])) for row in await cursor.fetchall()}


async def save(connection: Connection, renewal: Renewal, told: Account, moment: datetime) -> None:
    """Write new states, and note what history and the stream shall say of them."""
    crowd = renewal.crowd
    series = await _series(connection, renewal, moment)
    formers = await _formers(connection, renewal)
    for column, numbers in zip(crowd.columns, series, strict=True):
        _record(told, column, numbers, renewal, formers)
    await _update(connection, renewal, moment)
    told.alike.append(crowds.said_of(crowd, "updated"))


def details_of(renewal: Renewal) -> Iterator[Detail | None]:
    """The instances around each change; None where nobody had subscribed when they could still be read."""
    attributes = [column.attribute for column in renewal.crowd.columns]
    documents = renewal.documents or map(orjson.loads, renewal.crowd.documents())
    for held, document in zip(renewal.held, documents, strict=True):
        former = held.document
        if former is None:
            yield None
            continue
        before = {name: [former[name]] for name in attributes if name in former}
        yield Detail(before, {name: [document[name]] for name in attributes}, None)


async def _update(connection: Connection, renewal: Renewal, moment: datetime) -> None:
    crowd = renewal.crowd
    if renewal.documents is None:
        documents, newest = crowd.documents(), list(islice(crowds.newest(crowd), len(crowd)))
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
    """The boxes of the entities, '' where one has none; None where it is known that none has moved."""
    for column in renewal.crowd.columns:
        if column.attribute == LOCATION:
            former = [(one.document or {}).get(LOCATION) for one in renewal.held]
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


async def _formers(connection: Connection, renewal: Renewal) -> Mapping[int, Document]:
    """The documents, by key, of the entities of which an observation of the same time is written."""
    if renewal.frame is None:
        return {one.key: one.document for one in renewal.held if one.document is not None}
    repeats: set[int] = set()
    for column in renewal.crowd.columns:
        if column.attribute in renewal.frame.observed:
            same = zip(renewal.held, column.observed, _times_before(renewal, column.attribute), strict=True)
            repeats.update(one.key for one, at, before in same if at is not None and at == before)
    if not repeats:
        return {}
    cursor = await connection.execute(
        "SELECT key, document FROM entity WHERE key = ANY(%s)", [arrays.bigints(sorted(repeats))]
    )
    return {row["key"]: row["document"] for row in await cursor.fetchall()}


def _times_before(renewal: Renewal, attribute: str) -> list[int | None]:
    """When an attribute of each entity was observed that its present holds, in microseconds since 1970."""
    frame = renewal.frame
    if frame is None:
        texts = [_instance(one.document, attribute).get("observedAt") for one in renewal.held]
    else:
        place = frame.observed.index(attribute)
        texts = [one.observed[place] for one in renewal.held]
    return [microseconds_of(text) if text else None for text in texts]


def _record(
    told: Account, column: Column, series: list[int], renewal: Renewal, formers: Mapping[int, Document]
) -> None:
    """Write one attribute of each entity into history, but what is there already."""
    written_at = renewal.crowd.written_at
    if column.observed.count(None) == len(series):
        crowds.record(told, column, series, written_at)
        return
    before = _times_before(renewal, column.attribute)
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
        former = _instance(formers.get(renewal.held[place].key), column.attribute)
        if before[place] != at or not _says(former, number, json):
            told.late.append((series[place], at, number, json.decode() if isinstance(json, bytes) else json))


def _instance(document: Document | None, attribute: str) -> Instance:
    stored = None if document is None else document.get(attribute)
    return stored if isinstance(stored, dict) else {}


def _says(instance: Instance, number: float | None, json: bytes | str | None) -> bool:
    """Whether history keeps an instance as this number and JSON."""
    of_instance = history_value(instance)
    if of_instance[0] != number or json is None or of_instance[1] is None:
        return of_instance == (number, json)
    return bool(orjson.loads(of_instance[1]) == orjson.loads(json))
