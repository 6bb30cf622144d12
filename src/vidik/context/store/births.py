"""The series that an entity is born with: one row an entity, however many attributes it has.

Most entities of a city are like thousands of others: what their attributes are is said once, as a shape, and the
numbers of their series follow from the entity's key. (A row and two index entries for each series cost as much as
the entity itself.) Series that come later have rows of their own; the view `series` shows both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import orjson
from cachetools import LRUCache
from psycopg import sql

from vidik.context.store import arrays
from vidik.kernel.database import Connection

FIRST_NUMBER: Final = 1 << 60
"""Series with lower numbers have rows of their own."""
LARGEST_SHAPE: Final = 1024

Shape = tuple[tuple[str, str], ...]
"""(expanded attribute name, dataset id or '') of each series, in the order of their numbers."""


def first_number(key: int) -> int:
    """The number of the first series that an entity of this key is born with; the others follow it."""
    return FIRST_NUMBER + key * LARGEST_SHAPE


@lru_cache(maxsize=4096)
def shape_number(shape: Shape) -> int:
    """The number (signed 64 bits) of a shape: a hash, so that no process must ask for it."""
    digest = hashlib.sha256(orjson.dumps(shape)).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def register(connection: Connection, births: Mapping[Shape, Sequence[int]], created_at: datetime) -> None:
    """Keep with which series entities were born: their keys by shape, at most `LARGEST_SHAPE` series each."""
    if not births:
        return
    shapes = sorted(births, key=shape_number)  # always in one order: no deadlocks
    await connection.execute(
        "WITH known AS ("
        " INSERT INTO series_shape (shape, attributes, datasets)"
        " SELECT new.shape, ARRAY(SELECT jsonb_array_elements_text(new.attributes)),"
        "  ARRAY(SELECT jsonb_array_elements_text(new.datasets))"
        " FROM unnest(%s, %s, %s) AS new (shape, attributes, datasets) ON CONFLICT DO NOTHING)"
        " INSERT INTO entity_series (entity, shape, created_at)"
        " SELECT entity, shape, %s FROM unnest(%s, %s) AS new (entity, shape)",
        [
            arrays.bigints([shape_number(shape) for shape in shapes]),
            arrays.documents([orjson.dumps([attribute for attribute, _ in shape]) for shape in shapes]),
            arrays.documents([orjson.dumps([dataset for _, dataset in shape]) for shape in shapes]),
            created_at,
            arrays.bigints([key for shape in shapes for key in births[shape]]),
            arrays.bigints([number for shape in shapes for number in [shape_number(shape)] * len(births[shape])]),
        ],
    )


_shapes: Final[LRUCache[int, Shape]] = LRUCache(4096)
"""Shapes by number, those that this process met: a number is a hash, so it means the same for every tenant."""


async def shapes_of(connection: Connection, numbers: Collection[int]) -> dict[int, Shape]:
    """The shapes of these numbers; only those are asked for that this process has not met yet."""
    found = {number: shape for number in numbers if (shape := _shapes.get(number)) is not None}
    missing = [number for number in numbers if number not in found]
    if missing:
        cursor = await connection.execute(
            "SELECT shape, attributes, datasets FROM series_shape WHERE shape = ANY(%s)", [arrays.bigints(missing)]
        )
        for row in await cursor.fetchall():
            shape = tuple(zip(row["attributes"], row["datasets"], strict=True))
            found[row["shape"]] = _shapes[row["shape"]] = shape
    return found


def view_of_series(schema: sql.Identifier) -> sql.Composed:
    """The statement that makes the view of all series in a schema that has their tables."""
    return sql.SQL(
        "CREATE VIEW {schema}.series AS"
        " SELECT series, entity, attribute, dataset, created_at FROM {schema}.attribute_series UNION ALL"
        " SELECT {first} + entity * {largest} + place - 1, entity, attribute, dataset, created_at"
        " FROM {schema}.entity_series JOIN {schema}.series_shape USING (shape)"
        " CROSS JOIN LATERAL unnest(attributes, datasets) WITH ORDINALITY AS member (attribute, dataset, place)"
    ).format(schema=schema, first=sql.Literal(FIRST_NUMBER), largest=sql.Literal(LARGEST_SHAPE))


async def forget(connection: Connection, series: Sequence[int]) -> None:
    """Forget series; those that an entity was born with beside them get rows of their own."""
    await connection.execute("DELETE FROM attribute_series WHERE series = ANY(%s)", [list(series)])
    keys = sorted({(number - FIRST_NUMBER) // LARGEST_SHAPE for number in series if number >= FIRST_NUMBER})
    if not keys:
        return
    await connection.execute(
        "INSERT INTO attribute_series (series, entity, attribute, dataset, created_at) OVERRIDING SYSTEM VALUE"
        " SELECT series, entity, attribute, dataset, created_at FROM series"
        " WHERE entity = ANY(%(keys)s) AND series >= %(first)s AND series <> ALL(%(series)s)"
        " AND EXISTS (SELECT FROM entity_series born WHERE born.entity = series.entity)",
        {"keys": keys, "first": FIRST_NUMBER, "series": list(series)},
    )
    await connection.execute("DELETE FROM entity_series WHERE entity = ANY(%s)", [keys])
