"""Reading entities: one by id, or a page of those that a query finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg

from vidik.context.ngsild.problems import bad_data, too_complex
from vidik.context.ngsild.query.selections import TypeSelection, matches_types, plain_types
from vidik.context.ngsild.repository.conditions import REMEMBERED, Search
from vidik.context.ngsild.repository.pages import Reading, fetch
from vidik.context.ngsild.representation.fragments import Shelf
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.store import expiry
from vidik.context.store.kinds import all_kinds, kind_of
from vidik.kernel.clock import now
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import Unavailable

AnswerT = TypeVar("AnswerT")
QUERY_SECONDS: Final = 20
_COLUMNS: Final = "id, kind, scope, document, expires_at"
_WITH_TIMES: Final = f"{_COLUMNS}, created_at, modified_at"
_REMEMBERED: Final = f"{_WITH_TIMES}, deleted_at"
_WITHOUT_TIMES: Final = f"{_COLUMNS}, NULL, NULL"
_VERSION: Final = "key || ' ' || xmin::text || ' ' || ctid::text"
_KINDS_FRESH_SECONDS: Final = 1.0
_ENDS_FRESH_SECONDS: Final = 1.0

_Wanted = dict[str, list["asyncio.Future[Stored | None]"]]
"""Who waits for which entity."""


@dataclass(slots=True)
class Page:
    """One page of a query; `more` says that another follows, `total` is only counted on request."""

    entities: list[Stored]
    more: bool
    total: int | None


@dataclass(slots=True)
class RenderedPage:
    """One page of a query, each entity as JSON (b"" where the view shows nothing of it)."""

    fragments: list[bytes]
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


class Ends:
    """When the next attribute of one tenant expires; of what other processes write at most a second old."""

    def __init__(self) -> None:
        self._next: datetime | None = None
        self._read_at = -1e9
        self._noted = -1

    async def is_any_due(self, connection: Connection) -> bool:
        """Whether there is an attribute that has expired and that nobody has deleted yet."""
        if self._noted != expiry.noted or time.monotonic() - self._read_at > _ENDS_FRESH_SECONDS:
            self._noted, self._read_at = expiry.noted, time.monotonic()
            self._next = await expiry.next_due(connection)
        return self._next is not None and self._next <= now()


class EntityReader:
    """Reads entities of every tenant. One a process; concurrent look-ups by id share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kinds: dict[str, Kinds] = {}
        self._ends: dict[str, Ends] = {}
        self._waiting: dict[str, _Wanted] = {}
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
        # A future each, even for the same entity: a client that goes away cancels its own.
        future: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        waiting.setdefault(entity_id, []).append(future)
        return await future

    async def _serve(self, tenant: str) -> None:
        """Answer look-ups in batches until none is left: what arrives during a query is the next one."""
        wanted: _Wanted = {}
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
                        for entity_id, futures in wanted.items():
                            for future in futures:
                                if not future.done():
                                    future.set_result(found.get(entity_id))
        except BaseException as error:
            later = self._waiting.pop(tenant, {}) if serving else {}
            self._fail([one for owed in (wanted, later) for futures in owed.values() for one in futures], error)
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
        rows = await fetch(
            connection,
            f"SELECT {_WITH_TIMES}, xmin::text FROM entity"
            " WHERE id = ANY(%s) AND (expires_at IS NULL OR expires_at > now())",
            [list(ids)],
        )
        types = await self.kinds(tenant).known(connection, {row[1] for row in rows})
        return {row[0]: Stored(row[0], types[row[1]], *row[2:]) for row in rows}

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
        search = await self._heeding_ends(connection, tenant, search)
        is_past = search.table == REMEMBERED
        columns = _REMEMBERED if is_past else _WITH_TIMES if times else _WITHOUT_TIMES
        rows, total = await answered(Reading(connection, limit, offset, count, columns).rows(search))
        found = await self._made(connection, tenant, rows[:limit])
        if is_past:
            for entity, row in zip(found, rows, strict=False):
                entity.deleted_at = row[7]
        return Page(found, len(rows) > limit, total)

    async def rendered(
        self,
        connection: Connection,
        tenant: str,
        search: Search,
        shelf: Shelf,
        *,
        limit: int,
        offset: int,
        count: bool = False,
        times: bool = False,
    ) -> RenderedPage:
        """A page as `page` reads it, rendered; what the shelf has in the row's version is not read again."""
        search = await self._heeding_ends(connection, tenant, search)
        columns = _WITH_TIMES if times else _WITHOUT_TIMES
        if shelf.worth_asking:
            reading = Reading(connection, limit, offset, count, f"{_VERSION}, key")
            rows, total = await answered(reading.rows(search))
            found = await self._completed(connection, tenant, shelf, rows[:limit], columns)
            if found is not None:
                return RenderedPage(found, len(rows) > limit, total)
        reading = Reading(connection, limit, offset, count, f"{columns}, {_VERSION}")
        rows, total = await answered(reading.rows(search))
        made = await self._made(connection, tenant, rows[:limit])
        fragments = [
            shelf.put(row[7], entity) if (known := shelf.get(row[7])) is None else known
            for row, entity in zip(rows, made, strict=False)
        ]
        return RenderedPage(fragments, len(rows) > limit, total)

    async def _heeding_ends(self, connection: Connection, tenant: str, search: Search) -> Search:
        """The same search, which looks at what has expired where there is any: hardly ever, so others cost nothing."""
        if search.table == REMEMBERED or (search.q is None and search.attributes is None and search.geo is None):
            return search
        is_any_due = await self._ends.setdefault(tenant, Ends()).is_any_due(connection)
        return replace(search, is_any_due=True) if is_any_due else search

    async def _completed(
        self, connection: Connection, tenant: str, shelf: Shelf, rows: Sequence[tuple[Any, ...]], columns: str
    ) -> list[bytes] | None:
        """The fragments of rows of versions and keys; None when one has changed since it was found."""
        known = {row[0]: shelf.get(row[0]) for row in rows}
        missing = [row[1] for row in rows if known[row[0]] is None]
        if missing:
            fresh = await fetch(connection, f"SELECT {columns}, {_VERSION} FROM entity WHERE key = ANY(%s)", [missing])
            for row, entity in zip(fresh, await self._made(connection, tenant, fresh), strict=True):
                if row[7] in known:
                    known[row[7]] = shelf.put(row[7], entity)
        found = [fragment for fragment in known.values() if fragment is not None]
        return found if len(found) == len(rows) else None


async def answered(work: Awaitable[AnswerT]) -> AnswerT:
    """What a query's work gives; raises BadInput for what cannot be compared, TooComplexQuery for what takes long."""
    try:
        # A query that is given up here is cancelled in the database too.
        async with asyncio.timeout(QUERY_SECONDS):
            return await work
    except (psycopg.errors.InvalidRegularExpression, psycopg.errors.SyntaxError) as error:
        raise bad_data("A pattern of the query is not a regular expression.", "q") from error
    except TimeoutError as error:
        raise too_complex(f"The query takes longer than {QUERY_SECONDS} seconds; narrow it.") from error
    except psycopg.DataError as error:
        raise bad_data("The query compares with a value that cannot be compared.", "q") from error


async def gone_entity(connection: Connection, entity_id: str) -> Stored | None:
    """What is known of an entity that has only a past: deleted, expired or brought in from outside."""
    told = "id, types, scope, document, NULL, created_at, modified_at, NULL"
    rows = await fetch(
        connection,
        f"SELECT {told}, deleted_at FROM entity_gone JOIN kind USING (kind) WHERE id = %s"
        f" UNION ALL SELECT {told}, NULL FROM entity JOIN kind USING (kind) WHERE id = %s",
        [entity_id, entity_id],
    )
    return Stored(*rows[0]) if rows else None
