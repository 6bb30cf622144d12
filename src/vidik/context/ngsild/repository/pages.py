"""Reading one page of a query: the rows by the index, the exact geometry outside the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from psycopg.rows import tuple_row
from shapely.geometry import shape

from vidik.context.ngsild.problems import too_complex
from vidik.context.ngsild.query.geo import GeoQuery, matches_shapes
from vidik.context.ngsild.repository.conditions import (
    BY_ID,
    Condition,
    Search,
    all_of,
    box_condition,
    near_condition,
)
from vidik.context.store.document import LOCATION
from vidik.kernel.database import Connection

MAXIMUM_CANDIDATES: Final = 250_000
MAXIMUM_NEARBY: Final = 5_000
_LARGER_THAN_A_POINT: Final = Condition("NOT (place[0] ~= place[1])")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one page is read; `columns` is what each row has before its last column."""

    connection: Connection
    limit: int
    offset: int
    count: bool
    columns: str

    async def rows(self, search: Search) -> tuple[list[tuple[Any, ...]], int | None]:
        """One row more than the page has, where there is one, and the count of all where it is asked for."""
        if search.geo is None:
            return await self._page(search.conditions(), search)
        geo = search.geo
        if geo.relation == "near" and geo.point is not None and geo.geo_property == LOCATION:
            condition = all_of([search.conditions(), box_condition(geo), near_condition(geo)])
            if not self.count and not self.offset:
                # What stands before the page's end is exact when its rows are points.
                rows = await self._nearby(search, geo) or await self._fetch(condition, search)
                if all(row[-1] for row in rows):
                    return rows, None
            elif not await _exists(self.connection, search.table, all_of([condition, _LARGER_THAN_A_POINT])):
                return await self._page(condition, search)
        related = replace(search, keys=await _related(self.connection, search), geo=None)
        return await self._page(related.conditions(), search)

    async def _page(self, condition: Condition, search: Search) -> tuple[list[tuple[Any, ...]], int | None]:
        total = await _count(self.connection, search.table, condition) if self.count else None
        return (await self._fetch(condition, search) if self.limit else []), total

    async def _nearby(self, search: Search, geo: GeoQuery) -> list[tuple[Any, ...]]:
        """The page by the index of places alone, which knows the ids: only what may stand on it is read from the table.

        Empty where there is nothing near, or so much that walking through all of a kind is quicker.
        """
        if search.table != "entity" or search.order is not BY_ID:
            return []
        known = all_of([search.kind_condition(), box_condition(geo), near_condition(geo)])
        condition = search.conditions()
        return await fetch(
            self.connection,
            f"WITH nearby AS MATERIALIZED (SELECT id FROM entity WHERE {known.sql} LIMIT {MAXIMUM_NEARBY + 1})"
            " SELECT one.* FROM (SELECT id AS found FROM nearby ORDER BY id) AS ordered CROSS JOIN LATERAL"
            f" (SELECT {self.columns}, place[0] ~= place[1] FROM entity WHERE id = found AND {condition.sql}) AS one"
            f" WHERE (SELECT count(*) FROM nearby) <= {MAXIMUM_NEARBY}"
            f" ORDER BY found LIMIT {self.limit + 1:d}",
            (*known.parameters, *condition.parameters),
        )

    async def _fetch(self, condition: Condition, search: Search) -> list[tuple[Any, ...]]:
        return await fetch(
            self.connection,
            f"SELECT {self.columns}, place IS NULL OR place[0] ~= place[1] FROM {search.table} WHERE {condition.sql}"
            f" ORDER BY {search.order.sql} LIMIT {self.limit + 1:d} OFFSET {self.offset:d}",
            (*condition.parameters, *search.order.parameters),
        )


async def fetch(connection: Connection, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement as tuples."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(sql, parameters)
        return await cursor.fetchall()


async def _exists(connection: Connection, table: str, condition: Condition) -> bool:
    rows = await fetch(connection, f"SELECT EXISTS (SELECT FROM {table} WHERE {condition.sql})", condition.parameters)
    return bool(rows[0][0])


async def _count(connection: Connection, table: str, condition: Condition) -> int:
    rows = await fetch(connection, f"SELECT count(*) FROM {table} WHERE {condition.sql}", condition.parameters)
    return int(rows[0][0])


async def _related(connection: Connection, search: Search) -> list[int]:
    """Keys of the entities whose exact geometry stands in the relation."""
    geo = search.geo
    assert geo is not None  # noqa: S101  the caller asks only then
    condition = all_of([search.conditions(), box_condition(geo)])
    if geo.geo_property == LOCATION:
        columns = "key, (place[0])[0], (place[0])[1], CASE WHEN NOT (place[0] ~= place[1]) THEN document -> %s END"
    else:
        columns = "key, NULL::float8, NULL::float8, document -> %s"
    rows = await fetch(
        connection,
        f"SELECT {columns} FROM {search.table} WHERE {condition.sql} LIMIT {MAXIMUM_CANDIDATES + 1}",
        [geo.geo_property, *condition.parameters],
    )
    if len(rows) > MAXIMUM_CANDIDATES:
        raise too_complex(f"The query looks at more than {MAXIMUM_CANDIDATES} entities; narrow it.")
    return await asyncio.to_thread(_filter, geo, rows) if len(rows) > 2000 else _filter(geo, rows)


def _filter(geo: GeoQuery, rows: list[tuple[Any, ...]]) -> list[int]:
    keys: list[int] = []
    shapes: list[Any] = []
    points = [row for row in rows if row[1] is not None and row[3] is None]
    for row in rows:
        if row[3] is not None and (geometry := _default_geometry(row[3])) is not None:
            keys.append(row[0])
            shapes.append(shape(geometry))
    every = np.array(shapes, dtype=object)
    if points:
        drawn = shapely.points([row[1] for row in points], [row[2] for row in points])
        every = np.concatenate((np.asarray(drawn, dtype=object), every))
        keys = [row[0] for row in points] + keys
    return [key for key, matched in zip(keys, matches_shapes(geo, every), strict=True) if matched]


def _default_geometry(attribute: Any) -> dict[str, Any] | None:
    for instance in attribute if isinstance(attribute, list) else [attribute]:
        if "datasetId" not in instance and instance.get("type") == "GeoProperty":
            geometry: dict[str, Any] = instance["value"]
            return geometry
    return None
