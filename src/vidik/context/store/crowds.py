"""Many new entities that are alike: their rows, their history and what the stream says of them, by attribute.

What they have in common is worked out once for all of them, and each value becomes JSON once, for its document and for
history. The same entities written one by one are stored alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, Literal

import orjson

from vidik.context.store import births
from vidik.context.store.changes import Alike, Detail
from vidik.context.store.document import (
    LOCATION,
    NUMBERS,
    Instance,
    box_of_geometry,
    history_value,
    marked,
    microseconds_of,
    unobserved_value,
)
from vidik.context.store.entity_rows import NewEntity
from vidik.context.store.kinds import kind_of
from vidik.context.store.telling import Account, said_value

_NEVER: Final = -(1 << 63)


@dataclass(slots=True)
class Column:
    """One attribute (expanded) of new entities, an item each: what the stream says, the document has, history keeps."""

    attribute: str
    values: list[Any]
    observed: list[int | None]
    """In microseconds since 1970."""
    stored: list[bytes]
    """The instances as JSON, with createdAt and modifiedAt."""
    numbers: list[float | None]
    kept: Sequence[bytes | str | None]
    """The JSON of history; None where the number says all."""

    def only(self, places: Sequence[int]) -> Column:
        """The items at some places."""
        return Column(
            self.attribute,
            [self.values[place] for place in places],
            [self.observed[place] for place in places],
            [self.stored[place] for place in places],
            [self.numbers[place] for place in places],
            [self.kept[place] for place in places],
        )


@dataclass(slots=True)
class Crowd:
    """New entities of the same types with the same attributes, fewer than 1,024 of those, written at a time.

    Each attribute has one instance without datasetId and expiry; the entities have neither scope nor expiry.
    """

    types: list[str]
    ids: list[str]
    columns: list[Column]
    written_at: int
    """In microseconds since 1970."""

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, places: Sequence[int]) -> Crowd:
        """The entities at some places."""
        columns = [column.only(places) for column in self.columns]
        return Crowd(self.types, [self.ids[place] for place in places], columns, self.written_at)

    def documents(self) -> list[bytes]:
        """The document of each entity as JSON."""
        if not self.columns:
            return [b"{}"] * len(self)
        names = [orjson.dumps(column.attribute).replace(b"%", b"%%") + b":%b" for column in self.columns]
        frame = b"{" + b",".join(names) + b"}"
        return [frame % row for row in zip(*[column.stored for column in self.columns], strict=True)]


def alike(attribute: str, kind: str, instances: list[Instance], at: str) -> Column:
    """A column of instances of the same kind that have a value, perhaps observedAt and unitCode, and nothing else."""
    values = [instance["value"] for instance in instances]
    texts = [instance.get("observedAt") for instance in instances]
    units = [instance.get("unitCode") for instance in instances]
    json = list(map(orjson.dumps, values))
    if len(set(texts)) == 1 and len(set(units)) == 1:
        frame, frame_kept = _frames(kind, texts[0], units[0], at)
        stored = [frame % value for value in json]
        kept = [frame_kept % value for value in json]
    else:
        pairs = list(zip(texts, units, strict=True))
        frames = {pair: _frames(kind, *pair, at) for pair in set(pairs)}
        stored = [frames[pair][0] % value for pair, value in zip(pairs, json, strict=True)]
        kept = [frames[pair][1] % value for pair, value in zip(pairs, json, strict=True)]
    times = {text: microseconds_of(text) for text in set(texts) if text}
    observed = [times.get(text) for text in texts]
    if not NUMBERS.isdisjoint(set(map(type, values))):
        numbers = [float(value) if type(value) in NUMBERS else None for value in values]
        kept_or_number: list[bytes | None] = [
            None if number is not None and at is not None and kind == "Property" else body
            for number, body, at in zip(numbers, kept, observed, strict=True)
        ]
        return Column(attribute, values, observed, stored, numbers, kept_or_number)
    return Column(attribute, values, observed, stored, [None] * len(values), kept)


def _frames(kind: str, observed_at: str | None, unit: str | None, at: str) -> tuple[bytes, bytes]:
    """What stands around a value in the document, and in history."""
    head = b'{"type":%b,"value":' % orjson.dumps(kind)
    end = b"}" if unit is None else b',"unitCode":%b}' % orjson.dumps(unit)
    times = {"createdAt": at, "modifiedAt": at} | ({"observedAt": observed_at} if observed_at else {})
    return _frame(head, end[:-1] + b"," + orjson.dumps(times)[1:]), _frame(head, end if observed_at else marked(end))


def _frame(head: bytes, end: bytes) -> bytes:
    return head.replace(b"%", b"%%") + b"%b" + end.replace(b"%", b"%%")


def unlike(attribute: str, instances: list[Instance]) -> Column:
    """A column of instances of any kind, with their createdAt and modifiedAt."""
    texts = [instance.get("observedAt") for instance in instances]
    rows = [history_value(one) if text else unobserved_value(one) for one, text in zip(instances, texts, strict=True)]
    return Column(
        attribute,
        [instance["value"] if "value" in instance else said_value(instance) for instance in instances],
        [microseconds_of(text) if text else None for text in texts],
        list(map(orjson.dumps, instances)),
        [number for number, _ in rows],
        [json for _, json in rows],
    )


def rows_of(crowd: Crowd, keys: Sequence[int]) -> Iterator[NewEntity]:
    """The rows of the entities under these keys."""
    return map(
        NewEntity,
        keys,
        crowd.ids,
        repeat(kind_of(tuple(crowd.types))),
        repeat(None),
        crowd.documents(),
        repeat(False),
        _places(crowd),
        newest(crowd),
        repeat(None),
    )


def _places(crowd: Crowd) -> Iterator[Any]:
    for column in crowd.columns:
        if column.attribute == LOCATION:
            return map(box_of_geometry, column.values)
    return repeat(None)


def newest(crowd: Crowd) -> Iterator[int | None]:
    """The newest observation of each entity, in microseconds since 1970; without an end where there is none."""
    columns = [column.observed for column in crowd.columns if column.observed.count(None) < len(crowd)]
    if not columns:
        return repeat(None)
    if len(columns) == 1:
        return iter(columns[0])
    known = [[_NEVER if at is None else at for at in observed] for observed in columns]
    return (None if at == _NEVER else at for at in map(max, *known))


def tell(told: Account, crowd: Crowd, keys: Sequence[int]) -> None:
    """What new entities under keys that nobody had before tell: their births, history and changes."""
    told.births.setdefault(tuple((column.attribute, "") for column in crowd.columns), []).extend(keys)
    first = [births.first_number(key) for key in keys]
    for place, column in enumerate(crowd.columns):
        record(told, column, [number + place for number in first], crowd.written_at)
    told.alike.append(said_of(crowd, "created"))


def said_of(crowd: Crowd, operation: Literal["created", "updated"]) -> Alike:
    """What the stream says of the attributes of a crowd."""
    return Alike(
        tuple(crowd.types),
        crowd.ids,
        [column.attribute for column in crowd.columns],
        [column.values for column in crowd.columns],
        [column.observed for column in crowd.columns],
        operation,
    )


def record(told: Account, column: Column, series: list[int], written_at: int) -> None:
    """Write one attribute of each entity into history."""
    times = [written_at if at is None else at for at in column.observed]
    if not any(column.kept):
        told.rows.series.extend(series)
        told.rows.observed_at.extend(times)
        told.rows.numbers.extend([number for number in column.numbers if number is not None])
        return
    kept = [json for json in column.kept if json is not None]
    if len(kept) == len(series):
        told.rows.fresh.extend(zip(series, times, repeat(told.recorded_at), column.numbers, kept, strict=False))
        return
    for row in zip(series, times, repeat(told.recorded_at), column.numbers, column.kept, strict=False):
        told.rows.add(*row)


def details_of(crowd: Crowd) -> Iterator[Detail]:
    """The instances around the creation of each entity."""
    for document in map(orjson.loads, crowd.documents()):
        yield Detail({}, {attribute: [instance] for attribute, instance in document.items()}, None)
