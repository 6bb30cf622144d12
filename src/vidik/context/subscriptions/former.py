"""What readings of devices took the place of, for subscriptions that show changes (ETSI GS CIM 009, clause 5.2.14).

The writer of readings does not look at what it replaces. History has it: the value before a reading is the newest one
observed before it. Only who asked to be shown changes makes anybody look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from vidik.context.ngsild.repository.pages import fetch
from vidik.context.ngsild.temporal.representation import shown_number
from vidik.context.store import arrays, history
from vidik.context.store.document import UNOBSERVED, Instance
from vidik.context.subscriptions.matching import Happening
from vidik.kernel.clock import from_microseconds
from vidik.kernel.database import Connection

_Reading = tuple[Happening, str, int, int]
"""A change, an attribute of it, the number of its series and when it was observed (microseconds)."""


async def add_former(connection: Connection, found: Iterable[Happening]) -> None:
    """Note in changes that readings made what each attribute was before."""
    told = {id(one): one for one in found if one.change.detail is None and one.change.operation == "updated"}.values()
    if not told:
        return
    names = {name for one in told for name in one.change.attributes}
    series = await history.series_of(connection, list({one.change.entity_id for one in told}), sorted(names))
    numbers = {(one.entity_id, one.attribute): one.number for one in series if not one.dataset}
    readings = [
        (one, name, numbers[one.change.entity_id, name], observed_at)
        for one in told
        for name, (_, observed_at) in one.change.attributes.items()
        if observed_at is not None and (one.change.entity_id, name) in numbers
    ]
    for reading, value in zip(readings, await _values_before(connection, readings), strict=True):
        former = _instance(value) if value is not None else await _packed(connection, reading)
        if former is not None:
            reading[0].before[reading[1]] = [former]


async def _values_before(connection: Connection, readings: list[_Reading]) -> list[tuple[Any, Any] | None]:
    """The newest open row before each reading: number and JSON."""
    rows = await fetch(
        connection,
        "SELECT former.number, former.json::text, former.observed_at IS NOT NULL"
        " FROM unnest(%s, %s) WITH ORDINALITY AS asked (series, observed_at, place)"
        " LEFT JOIN LATERAL (SELECT number, json, observed_at FROM observation"
        "  WHERE series = asked.series AND observed_at < asked.observed_at"
        "  ORDER BY observed_at DESC LIMIT 1) AS former ON true"
        " ORDER BY asked.place",
        [arrays.bigints([one[2] for one in readings]), arrays.moments([one[3] for one in readings])],
    )
    return [(row[0], row[1]) if row[2] else None for row in rows]


async def _packed(connection: Connection, reading: _Reading) -> Instance | None:
    """The value before a reading where its day is packed."""
    number = reading[2]
    rows = (await history.read(connection, [number], end=from_microseconds(reading[3]), last=1))[number]
    return _instance((float(rows.numbers[-1]), rows.json.get(len(rows) - 1))) if len(rows) else None


def _instance(value: tuple[Any, str | None]) -> Instance | None:
    number, text = value
    if text is None:
        return {"type": "Property", "value": shown_number(number)}
    instance = orjson.loads(text)
    if not isinstance(instance, dict) or "deletedAt" in instance:
        return None
    return {name: one for name, one in instance.items() if name != UNOBSERVED}
