"""Notifications at intervals (clause 5.8.6): what matches now, whether it changed or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import orjson
import psycopg
from psycopg_pool import PoolTimeout

from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.http.exchange import GEO_JSON, LD_JSON, context_of_answer
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.repository.entities import EntityReader
from vidik.context.ngsild.representation.linked import Node, with_linked
from vidik.context.ngsild.representation.rendering import Json, Stored, render
from vidik.context.store import changes
from vidik.context.subscriptions import repository
from vidik.context.subscriptions.consumer import SubscriptionConsumer
from vidik.context.subscriptions.content import as_feature
from vidik.context.subscriptions.model import Selector, Subscription
from vidik.context.subscriptions.registry import Registry
from vidik.context.subscriptions.repository import Owed
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services

LOOK_SECONDS: Final = 0.25
ENTITIES_A_NOTIFICATION: Final = 500
MAXIMUM_ENTITIES: Final = 50_000

_log = get_logger("vidik.subscriptions")

OfRegistrations = Callable[[Connection, ContextResolver, Subscription], Awaitable[list[str]]]
"""What a subscription to registrations is told when its time has come, as payloads of notifications."""


class Intervals:
    """Owes a notification to each subscription with a timeInterval whose time has come. One a tenant."""

    def __init__(self, services: Services, tenant: str, of_registrations: OfRegistrations) -> None:
        self._of_registrations = of_registrations
        self._database = services.database
        self._tenant = tenant
        self._known = Registry.of(services).tenant(tenant)
        self._reader = Broker.of(services).reader
        self._contexts = Broker.of(services).contexts
        self._due: dict[int, tuple[float, datetime]] = {}
        """Per subscription its interval and when it is notified next."""

    async def run(self) -> None:
        """Watch the clock for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._known.timed:
                self._due.clear()
                continue
            try:
                await self._meet_new()
                for subscription in self._whose_time_has_come():
                    await self._notify(subscription)
            except (psycopg.OperationalError, PoolTimeout) as error:
                _log.warning("notifications at intervals have to wait", error=str(error).strip())
                await asyncio.sleep(1.0)

    async def _meet_new(self) -> None:
        intervals = {key: self._known.by_key[key].interval_seconds or 0.0 for key in self._known.timed}
        # Nobody waits longer than an interval: a clock that was ahead and is right again has set times far ahead.
        moment = now()
        self._due = {
            key: due
            for key, due in self._due.items()
            if intervals.get(key) == due[0] and due[1] <= moment + timedelta(seconds=due[0])
        }
        new = [key for key in intervals if key not in self._due]
        if not new:
            return
        async with self._database.session(self._tenant) as connection:
            last = await repository.last_intervals(connection, new)
        for key in new:
            self._due[key] = intervals[key], min(last.get(key) or moment, moment) + timedelta(seconds=intervals[key])

    def _whose_time_has_come(self) -> list[Subscription]:
        moment = now()
        found = []
        for key, (interval, due) in self._due.items():
            if due > moment:
                continue
            # A worker that was away does not make up for every interval it missed.
            following = due + timedelta(seconds=interval)
            self._due[key] = interval, following if following > moment else moment + timedelta(seconds=interval)
            subscription = self._known.by_key.get(key)
            if subscription is not None and subscription.is_listening(moment):
                found.append(subscription)
        return found

    async def _notify(self, subscription: Subscription) -> None:
        try:
            async with self._database.transaction(self._tenant) as connection:
                moment = now()
                payloads = await self._payloads(connection, subscription)
                # Positions must be in commit order: whoever owes holds the consumer's cursor until it commits.
                await changes.cursor_of(connection, SubscriptionConsumer.name)
                if payloads:
                    owed = [Owed(subscription.key, "", moment, payload) for payload in payloads]
                    await repository.replace_owed(connection, subscription.key, owed)
                await repository.note_interval(connection, subscription.key, moment)
        except VidikError as error:
            _log.warning("a subscription's query fails", subscription=subscription.id, reason=error.detail)
            return
        self._known.wake.set()

    async def _payloads(self, connection: Connection, subscription: Subscription) -> list[str]:
        if subscription.about == "registrations":
            return await self._of_registrations(connection, self._contexts, subscription)
        return [page async for page in _pages(connection, self._tenant, self._reader, subscription)]


async def _pages(
    connection: Connection, tenant: str, reader: EntityReader, subscription: Subscription
) -> AsyncIterator[str]:
    """What matches a subscription now, as payloads of so many entities."""
    told: set[str] = set()
    for selector in subscription.selectors or (Selector(),):
        search = await _search(connection, tenant, reader, subscription, selector)
        for offset in range(0, MAXIMUM_ENTITIES, ENTITIES_A_NOTIFICATION):
            page = await reader.page(
                connection, tenant, search, limit=ENTITIES_A_NOTIFICATION, offset=offset, times=True
            )
            fresh = [one for one in page.entities if one.id not in told]
            told.update(one.id for one in fresh)
            if fresh:
                bodies = [
                    body for one in fresh for body in await bodies_of(connection, tenant, reader, subscription, one)
                ]
                yield ",".join(orjson.dumps(body).decode() for body in bodies)
            if not page.more:
                break


async def _search(
    connection: Connection, tenant: str, reader: EntityReader, subscription: Subscription, selector: Selector
) -> Search:
    kinds = None
    if selector.types is not None:
        kinds = await reader.kinds(tenant).select(connection, selector.types)
    return Search(
        kinds=kinds,
        ids=None if selector.id is None else [selector.id],
        id_pattern=selector.id_pattern,
        q=subscription.query,
        scopes=subscription.scopes,
        geo=subscription.geo,
        context=subscription.query_context,
    )


async def bodies_of(
    connection: Connection, tenant: str, reader: EntityReader, subscription: Subscription, entity: Stored
) -> list[Json]:
    """What a subscription is told of an entity as it is: of itself, and of linked ones where asked for."""
    body = render(entity, subscription.view)
    if subscription.endpoint.accept == GEO_JSON:
        return [as_feature(body, entity, subscription)]
    bodies = [body]
    if subscription.join is not None:
        load = partial(reader.load, connection, tenant)
        bodies = await with_linked(load, [Node(entity, subscription.view, body)], subscription.join)
    if subscription.endpoint.accept == LD_JSON:
        for one in bodies:
            one["@context"] = context_of_answer(subscription.context)
    return bodies
