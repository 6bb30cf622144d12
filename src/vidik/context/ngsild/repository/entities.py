"""Reading entities: one by id, or a page of those that a query finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import orjson
import psycopg
import shapely
from psycopg.rows import tuple_row
from psycopg.types.json import set_json_loads
from shapely.geometry import shape

from vidik.context.ngsild.geo import GeoQuery, matches_shapes
from vidik.context.ngsild.problems import bad_data, too_complex
from vidik.context.ngsild.rendering import Stored
from vidik.context.ngsild.repository.conditions import Condition, Search, all_of, box_condition, near_condition
from vidik.context.ngsild.selections import TypeSelection, matches_types, plain_types
from vidik.context.store.document import LOCATION
from vidik.context.store.kinds import all_kinds, kind_of
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import Unavailable

MAXIMUM_CANDIDATES: Final = 250_000
QUERY_SECONDS: Final = 20
_COLUMNS: Final = "id, kind, scope, document, expires_at"
_WITH_TIMES: Final = f"{_COLUMNS}, created_at, modified_at"
_LARGER_THAN_A_POINT: Final = Condition("NOT (place[0] ~= place[1])")
_KINDS_FRESH_SECONDS: Final = 1.0


@dataclass(slots=True)
class Page:
    """One page of a query; `more` says that another follows, `total` is only counted on request."""

    entities: list[Stored]
    more: bool
    total: int | None


class Kinds:
    """The kinds of one tenant in memory: number to types."""

    def __init__(self) -> None:
        self._types: dict[int, tuple[str, ...]] = {}
        self._read_at = -1e9

    async def known(self, connection: Connection, kinds: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        """The types of kinds that rows have, and of others."""
        if any(kind not in self._types for kind in kinds):
            await self._refresh(connection)
        return self._types

    async def select(self, connection: Connection, selection: TypeSelection) -> list[int]:
        """The kinds that a type selection covers; at most a second old for combinations of types never seen."""
        if time.monotonic() - self._read_at > _KINDS_FRESH_SECONDS:
            await self._refresh(connection)
        found = {kind for kind, types in self._types.items() if matches_types(selection, types)}
        # The number of a single type needs no table, so what was written a moment ago is found.
        found.update(kind_of((one,)) for one in plain_types(selection) or ())
        return sorted(found)

    def forget(self) -> None:
        """Read the table again at the next query, because this process has just written."""
        self._read_at = -1e9

    async def _refresh(self, connection: Connection) -> None:
        moment = time.monotonic()
        self._types = dict(await all_kinds(connection))
        self._read_at = moment


class EntityReader:
    """Reads entities of every tenant. One a process; concurrent look-ups by id share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kinds: dict[str, Kinds] = {}
        self._waiting: dict[str, dict[str, asyncio.Future[Stored | None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def kinds(self, tenant: str) -> Kinds:
        """The kinds of a tenant."""
        return self._kinds.setdefault(tenant, Kinds())

    async def get(self, tenant: str, entity_id: str) -> Stored | None:
        """The entity with an id, or None."""
        waiting = self._waiting.get(tenant)
        if waiting is None:
            waiting = self._waiting[tenant] = {}
            task = asyncio.create_task(self._serve(tenant))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        future = waiting.get(entity_id)
        if future is None:
            future = waiting[entity_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(future)

    async def _serve(self, tenant: str) -> None:
        """Answer look-ups in batches until none is left: what arrives during a query is the next one."""
        wanted: dict[str, asyncio.Future[Stored | None]] = {}
        serving = True
        try:
            async with self._database.session(tenant) as connection:
                while serving:
                    # Taken and, when there is nothing more, given up in one step: whoever comes after that starts
                    # a server of his own, and nobody waits on one that is about to end.
                    wanted = self._waiting.pop(tenant)
                    serving = bool(wanted)
                    if serving:
                        self._waiting[tenant] = {}
                        found = await self.load(connection, tenant, list(wanted))
                        for entity_id, future in wanted.items():
                            if not future.done():
                                future.set_result(found.get(entity_id))
        except BaseException as error:
            later = self._waiting.pop(tenant, {}) if serving else {}
            self._fail([*wanted.values(), *later.values()], error)
            if not isinstance(error, Exception):
                raise

    @staticmethod
    def _fail(futures: Sequence[asyncio.Future[Stored | None]], error: BaseException) -> None:
        reason = error if isinstance(error, Exception) else Unavailable("The broker is stopping; please try again.")
        for future in futures:
            if not future.done():
                future.set_exception(reason)
                future.exception()  # a client that went away leaves nobody to take it

    async def load(self, connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, Stored]:
        """The entities that exist among the ids, on a connection of the caller's."""
        rows = await _fetch(
            connection,
            f"SELECT {_WITH_TIMES} FROM entity WHERE id = ANY(%s) AND (expires_at IS NULL OR expires_at > now())",
            [list(ids)],
        )
        return {entity.id: entity for entity in await self._made(connection, tenant, rows)}

    async def _made(self, connection: Connection, tenant: str, rows: Sequence[tuple[Any, ...]]) -> list[Stored]:
        types = await self.kinds(tenant).known(connection, {row[1] for row in rows})
        return [Stored(row[0], types[row[1]], row[2], row[3], row[4], *row[5:7]) for row in rows]

    @asynccontextmanager
    async def session(self, tenant: str) -> AsyncIterator[Connection]:
        """A connection of the tenant for queries of one request."""
        async with self._database.session(tenant) as connection:
            yield connection

    async def page(
        self,
        connection: Connection,
        tenant: str,
        search: Search,
        *,
        limit: int,
        offset: int,
        count: bool = False,
        times: bool = False,
    ) -> Page:
        """A page of what a search finds, ordered by id; `times` also reads when entities were written.

        Raises BadInput for a pattern that is no regular expression, TooComplexQuery for what takes too long.
        """
        reading = _Reading(connection, limit, offset, count, times)
        try:
            # A query that is given up here is cancelled in the database too.
            async with asyncio.timeout(QUERY_SECONDS):
                rows, total = await reading.rows(search)
        except (psycopg.errors.InvalidRegularExpression, psycopg.errors.SyntaxError) as error:
            raise bad_data("A pattern of the query is not a regular expression.", "q") from error
        except TimeoutError as error:
            raise too_complex(f"The query takes longer than {QUERY_SECONDS} seconds; narrow it.") from error
        except psycopg.DataError as error:
            raise bad_data("The query compares with a value that cannot be compared.", "q") from error
        return Page(await self._made(connection, tenant, rows[:limit]), len(rows) > limit, total)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one page is read."""

    connection: Connection
    limit: int
    offset: int
    count: bool
    times: bool

    async def rows(self, search: Search) -> tuple[list[tuple[Any, ...]], int | None]:
        """One row more than the page has, where there is one, and the count of all where it is asked for."""
        if search.geo is None:
            return await self._page(search.conditions(), search)
        geo = search.geo
        if geo.relation == "near" and geo.point is not None and geo.geo_property == LOCATION:
            condition = all_of([search.conditions(), box_condition(geo), near_condition(geo)])
            if not self.count and not self.offset:
                # What stands before the page's end is exact when its rows are points.
                rows = await self._fetch(condition, search)
                if all(row[-1] for row in rows):
                    return rows, None
            elif not await _exists(self.connection, search.table, all_of([condition, _LARGER_THAN_A_POINT])):
                return await self._page(condition, search)
        related = replace(search, keys=await _related(self.connection, search), geo=None)
        return await self._page(related.conditions(), search)

    async def _page(self, condition: Condition, search: Search) -> tuple[list[tuple[Any, ...]], int | None]:
        total = await _count(self.connection, search.table, condition) if self.count else None
        return (await self._fetch(condition, search) if self.limit else []), total

    async def _fetch(self, condition: Condition, search: Search) -> list[tuple[Any, ...]]:
        columns = _WITH_TIMES if self.times else f"{_COLUMNS}, NULL, NULL"
        return await _fetch(
            self.connection,
            f"SELECT {columns}, place IS NULL OR place[0] ~= place[1] FROM {search.table} WHERE {condition.sql}"
            f" ORDER BY {search.order.sql} LIMIT {self.limit + 1:d} OFFSET {self.offset:d}",
            (*condition.parameters, *search.order.parameters),
        )


async def _fetch(connection: Connection, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        set_json_loads(orjson.loads, cursor)
        await cursor.execute(sql, parameters)
        return await cursor.fetchall()


async def _exists(connection: Connection, table: str, condition: Condition) -> bool:
    rows = await _fetch(connection, f"SELECT EXISTS (SELECT FROM {table} WHERE {condition.sql})", condition.parameters)
    return bool(rows[0][0])


async def _count(connection: Connection, table: str, condition: Condition) -> int:
    rows = await _fetch(connection, f"SELECT count(*) FROM {table} WHERE {condition.sql}", condition.parameters)
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
    rows = await _fetch(
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


async def gone_entity(connection: Connection, entity_id: str) -> Stored | None:
    """What is known of an entity that has only a past, deleted or brought in from outside."""
    rows = await _fetch(
        connection,
        "SELECT id, types, scope, document, NULL, created_at, modified_at FROM entity_gone JOIN kind USING (kind)"
        " WHERE id = %s",
        [entity_id],
    )
    return Stored(*rows[0]) if rows else None
