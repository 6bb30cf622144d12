"""The subscriptions of each tenant in the worker's memory, kept as fresh as the transaction that asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild.broker import Broker
from vidik.context.subscriptions import repository, words
from vidik.context.subscriptions.index import Index
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.parsing import parse_subscription
from vidik.context.subscriptions.repository import Row
from vidik.context.subscriptions.words import Former
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services

READ_AGAIN_SECONDS: Final = 60.0

_log = get_logger("vidik.subscriptions")


@dataclass(slots=True)
class Known:
    """What this process knows of one tenant's subscriptions."""

    by_key: dict[int, Subscription] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    timed: set[int] = field(default_factory=set)
    """Keys of those that are notified at intervals; changes do not concern them."""
    revision: int = 0
    owed: dict[int, int] = field(default_factory=dict)
    """About how many notifications are owed to each; those to which none are owed are not in it."""
    kept: dict[int, int] = field(default_factory=dict)
    """How many were left when a queue was last shortened: it is looked at again when it has doubled."""
    merged: dict[int, int] = field(default_factory=dict)
    """How many owed notifications gave way to newer ones since the deliverer last wrote it down."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a transaction that owes notifications has been committed."""
    former: list[Former] = field(default_factory=list)
    """What some of them asked for when changes were made that are still to be judged."""
    judged: int = 0
    """The position of the newest change that the consumer has judged."""
    unread: dict[int, Row] = field(default_factory=dict)
    """Subscriptions whose @context cannot be had now."""
    readable: set[int] = field(default_factory=set)
    """Keys of those of them whose @context has come since."""
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_again_at: float = 0.0
    """When (monotonic) the @contexts of `unread` are asked for again."""
    news: _News | None = None
    """What the next refresh will find new."""

    def put(self, subscription: Subscription) -> None:
        """Take in a subscription, new or changed."""
        self.drop(subscription.key)
        self.by_key[subscription.key] = subscription
        if subscription.interval_seconds is not None:
            self.timed.add(subscription.key)
        elif subscription.about == "entities":
            self.index.add(subscription)

    def drop(self, key: int) -> None:
        """Let go of a subscription."""
        former = self.by_key.pop(key, None)
        if former is not None:
            self.index.remove(former)
            self.timed.discard(key)


@dataclass(frozen=True, slots=True)
class _News:
    """What was new at a revision, and the keys of those whose @context could not be had."""

    revision: int
    rows: list[Row]
    unavailable: set[int]


class Registry:
    """Every tenant's subscriptions. One a process."""

    def __init__(self, contexts: ContextResolver) -> None:
        self._contexts = contexts
        self._tenants: dict[str, Known] = {}

    @classmethod
    def of(cls, services: Services) -> Registry:
        """The registry of this process; made at the first request."""
        if not services.has(cls):
            services.put(cls(Broker.of(services).contexts))
        return services.get(cls)

    def tenant(self, tenant: str) -> Known:
        """What is known of a tenant, as of the last refresh."""
        known = self._tenants.get(tenant)
        if known is None:
            known = self._tenants[tenant] = Known()
        return known

    async def prepare(self, tenant: str, database: Database) -> None:
        """Have the @contexts of what is new at hand before the transaction that refreshes.

        Another server may take seconds for one, and the transaction holds the consumer's cursor meanwhile.
        """
        known = self.tenant(tenant)
        async with known.preparing:
            async with database.session(tenant) as connection:
                newest = await repository.revision(connection)
                is_news = newest != known.revision and (known.news is None or newest != known.news.revision)
                rows = await repository.changed_since(connection, known.revision) if is_news else []
            again: dict[int, Row] = {}
            if known.unread and time.monotonic() >= known.read_again_at:
                again = dict(known.unread)
                known.read_again_at = time.monotonic() + READ_AGAIN_SECONDS
            unavailable = await self._unavailable([*rows, *again.values()])
            known.readable |= again.keys() - unavailable
            if is_news:
                known.news = _News(newest, rows, unavailable)

    async def _unavailable(self, rows: Sequence[Row]) -> set[int]:
        """Fetch what these need and is not there; returns the keys of those for which something cannot be had."""
        wanted = {
            orjson.dumps(local): local
            for row in rows
            for local in (row.context, row.body.get("jsonldContext"))
            if self._contexts.remembered(local) is None
        }
        if not wanted:
            return set()
        answers = await asyncio.gather(*(self._is_there(local) for local in wanted.values()))
        missing = {key for key, is_there in zip(wanted, answers, strict=True) if not is_there}
        return {
            row.key
            for row in rows
            if any(orjson.dumps(local) in missing for local in (row.context, row.body.get("jsonldContext")))
        }

    async def _is_there(self, local: Any) -> bool:
        try:
            await self._contexts.resolve(local)
        except VidikError:
            return False
        return True

    async def refresh(self, tenant: str, connection: Connection) -> Known:
        """What is known of a tenant, brought to what this transaction sees; `prepare` comes before the transaction."""
        known = self.tenant(tenant)
        # Consumer and deliverer ask side by side: an older answer must not be put over a newer one.
        async with known.refreshing:
            await self._refresh(known, connection)
        return known

    async def _refresh(self, known: Known, connection: Connection) -> None:
        newest = await repository.revision(connection)
        rows = {key: row for key, row in known.unread.items() if key in known.readable}
        known.readable.clear()
        unavailable: set[int] = set()
        if newest != known.revision:
            news = known.news
            if news is None or news.revision != newest:  # somebody subscribed since `prepare`
                news = _News(newest, await repository.changed_since(connection, known.revision), set())
            rows |= {row.key: row for row in news.rows}
            unavailable, known.news = news.unavailable, None
        for key, row in rows.items():
            if key in unavailable:
                _put_off(known, row, "its @context cannot be had")
            else:
                await self._read(known, key, row)
        if newest != known.revision:
            there = await repository.keys(connection)
            for key in [key for key in known.by_key if key not in there]:
                known.drop(key)
            known.unread = {key: row for key, row in known.unread.items() if key in there}
            known.former = [one async for one in self._former(known, connection)]
        known.revision = newest

    async def _read(self, known: Known, key: int, row: Row) -> None:
        try:
            subscription = await read(row, self._contexts)
        except VidikError as error:
            _put_off(known, row, error.detail)
            return
        known.unread.pop(key, None)
        known.put(subscription)

    async def _former(self, known: Known, connection: Connection) -> AsyncIterator[Former]:
        for until, row in await words.every(connection):
            current = known.by_key.get(row.key)
            if current is None:
                continue
            try:
                subscription = await read(row, self._contexts)
            except VidikError as error:
                _log.warning("what a subscription was cannot be read", subscription=row.id, reason=error.detail)
                continue
            subscription.endpoint = current.endpoint  # whom it is sent to now, in the form that it takes
            yield words.former(until, subscription)


def _put_off(known: Known, row: Row, reason: str) -> None:
    if row.key not in known.unread:
        _log.warning("a subscription cannot be read now", subscription=row.id, reason=reason)
    if not known.unread:
        known.read_again_at = time.monotonic() + READ_AGAIN_SECONDS
    known.unread[row.key] = row


async def read(row: Row, contexts: ContextResolver) -> Subscription:
    """A stored subscription as it is meant; raises VidikError where its @context cannot be had."""
    context = await contexts.resolve(row.context)
    notified = row.body.get("jsonldContext")
    spoken = None if notified is None else await contexts.resolve(notified)
    subscription = parse_subscription(row.body, context, spoken)
    subscription.key, subscription.since, subscription.about = row.key, row.since, row.about
    subscription.is_active, subscription.expires_at = row.is_active, row.expires_at
    return subscription
