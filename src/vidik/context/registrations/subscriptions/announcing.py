"""Owes notifications to those who subscribed to registrations (ETSI GS CIM 009, clause 5.11.7).

What is owed is written down in the transaction that changes a registration or a subscription; the worker delivers it,
like every other notification.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import orjson
from cachetools import LRUCache

from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild.broker import Broker
from vidik.context.registrations.sources import own_properties, repository
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.subscriptions.watching import Reason, Watch, reason_of, relevant, told, watch_of
from vidik.context.store import changes
from vidik.context.subscriptions import repository as subscriptions
from vidik.context.subscriptions.consumer import KEPT_AT_MOST, KEPT_IN_ORDER, SubscriptionConsumer
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.registry import READ_AGAIN_SECONDS, read
from vidik.context.subscriptions.repository import Owed, Row
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services

REGISTRATIONS_A_NOTIFICATION: Final = 500

_WATCHES_REMEMBERED: Final = 10_000
_watches: LRUCache[tuple[int, str], tuple[Row, Watch]] = LRUCache(_WATCHES_REMEMBERED)
_unread: LRUCache[tuple[int, str], tuple[Row, float]] = LRUCache(_WATCHES_REMEMBERED)
"""Those whose @context could not be had, and when (monotonic) it is asked for again."""

_Kept = TypeVar("_Kept")

_log = get_logger("vidik.federation")


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a registration may concern a subscription: its filters are still to be looked at."""

    watch: Watch
    registration: Registration
    stored: Json


async def hold(connection: Connection) -> None:
    """Let no registration change until the transaction ends, so that a new subscription hears of each just once."""
    await repository.hold(connection)


async def prepare(services: Services, tenant: str) -> None:
    """Have at hand what `changed` asks about: an @context may come from another server, and that takes seconds.

    Comes before the transaction that holds the registrations.
    """
    async with services.database.session(tenant) as connection:
        rows = await subscriptions.every(connection, "registrations")
    contexts = Broker.of(services).contexts
    await asyncio.gather(*(_watch(row, contexts) for row in rows if _is_to_be_read(row)))


async def changed(
    connection: Connection, contexts: ContextResolver, former: Registration | None, new: Registration | None
) -> None:
    """Owe a registration's change to everybody whom it concerns; None is of one not there before, or not any more.

    The transaction holds the registrations (`repository.lock`), so that what `prepare` could not read is left alone.
    """
    rows = await subscriptions.every(connection, "registrations")
    readable = [row for row in rows if _remembered(_unread, row) is None]
    watches = [one for row in readable if (one := await _listening(row, contexts)) is not None]
    moment = now()
    before = {} if former is None else await _relevant(connection, contexts, watches, [former], _told_last(former))
    after = {} if new is None else await _relevant(connection, contexts, watches, [new], moment)
    owed = []
    for watch in watches:
        key = watch.subscription.key
        was, is_now = before.get(key, []), after.get(key, [])
        reason = reason_of(was[0].stored if was else None, is_now[0].stored if is_now else None)
        if reason is not None:
            part = (is_now or was)[0]
            owed.append(Owed(key, part.registration.id, moment, _payload([part], reason)))
    await owe(connection, owed)


async def lapse(services: Services, tenant: str) -> None:
    """Delete the registrations that have expired, and owe that to subscribers."""
    async with services.database.session(tenant) as connection:
        if not await repository.any_expired(connection, now()):
            return
    await prepare(services, tenant)
    async with services.database.transaction(tenant) as connection:
        if await repository.any_expired(connection, now()):
            await repository.lock(connection)
            await end_expired(connection, Broker.of(services).contexts)


async def end_expired(connection: Connection, contexts: ContextResolver) -> None:
    """Delete the registrations that have expired, and owe that to subscribers (clause 5.9.2.4).

    The transaction holds the registrations (`repository.lock`).
    """
    for one in await repository.take_expired(connection, now()):
        await changed(connection, contexts, one, None)


async def welcome(connection: Connection, contexts: ContextResolver, row: Row) -> None:
    """Owe to a subscription, new or changed, everything that matches; nothing where nothing does without an interval.

    The transaction holds the registrations (`hold`).
    """
    watch = await _listening(row, contexts)
    if watch is not None:
        moment = now()
        payloads = await _everything(connection, contexts, watch)
        await owe(connection, [Owed(row.key, "", moment, payload) for payload in payloads])


async def everything(connection: Connection, contexts: ContextResolver, subscription: Subscription) -> list[str]:
    """What a subscription is told at intervals: everything that matches now, as payloads of notifications."""
    row = await subscriptions.get(connection, subscription.id, "registrations")
    watch = None if row is None else await _listening(row, contexts)
    return [] if watch is None else await _everything(connection, contexts, watch)


async def _everything(connection: Connection, contexts: ContextResolver, watch: Watch) -> list[str]:
    found = await _relevant(connection, contexts, [watch], await repository.every(connection), now())
    parts = found.get(watch.subscription.key, [])
    if not parts and watch.subscription.interval_seconds is not None:
        # At intervals there is a notification "regardless of any changes", and be it that nothing matches.
        return [_payload([], "newlyMatching")]
    return [
        _payload(parts[start : start + REGISTRATIONS_A_NOTIFICATION], "newlyMatching")
        for start in range(0, len(parts), REGISTRATIONS_A_NOTIFICATION)
    ]


async def _listening(row: Row, contexts: ContextResolver) -> Watch | None:
    """What a stored subscription asks; None where it is paused, has expired or cannot be read now."""
    watch = await _watch(row, contexts)
    return watch if watch is not None and watch.subscription.is_listening(now()) else None


async def _watch(row: Row, contexts: ContextResolver) -> Watch | None:
    known = _remembered(_watches, row)
    if known is not None:
        return known
    try:
        watch = watch_of(await read(row, contexts), row.body)
    except VidikError as error:
        _log.warning("a subscription cannot be read now", subscription=row.id, reason=error.detail)
        _unread[row.key, row.id] = row, time.monotonic() + READ_AGAIN_SECONDS
        return None
    _watches[row.key, row.id] = row, watch
    _unread.pop((row.key, row.id), None)
    return watch


def _is_to_be_read(row: Row) -> bool:
    again_at = _remembered(_unread, row)
    return _remembered(_watches, row) is None if again_at is None else time.monotonic() >= again_at


def _remembered(kept: LRUCache[tuple[int, str], tuple[Row, _Kept]], row: Row) -> _Kept | None:
    """What was kept of a subscription, if it is still written as it was: tenants share numbers and ids."""
    known = kept.get((row.key, row.id))
    if known is None or (known[0].body, known[0].context) != (row.body, row.context):
        return None
    return known[1]


def _told_last(registration: Registration) -> datetime:
    """The moment of which subscribers have heard of a registration: before it expired."""
    if registration.expires_at is None:
        return now()
    return min(now(), registration.expires_at - timedelta(microseconds=1))


async def _relevant(
    connection: Connection,
    contexts: ContextResolver,
    watches: Sequence[Watch],
    registrations: Sequence[Registration],
    moment: datetime,
) -> dict[int, list[_Part]]:
    """Per subscription what of some registrations concerned it at a moment."""
    parts = [
        _Part(watch, one, stored)
        for watch in watches
        for one in registrations
        if (stored := relevant(watch, one, contexts.core, moment)) is not None
    ]
    fits = await own_properties.fit(
        connection, [(one.registration, one.watch.filters, one.watch.words) for one in parts]
    )
    found: dict[int, list[_Part]] = {}
    for part, is_fitting in zip(parts, fits, strict=True):
        if is_fitting:
            found.setdefault(part.watch.subscription.key, []).append(part)
    return found


def _payload(parts: Sequence[_Part], reason: Reason) -> str:
    data = [told(one.watch, one.registration, one.stored) for one in parts]
    return orjson.dumps({"data": data, "triggerReason": reason}).decode()


async def owe(connection: Connection, owed: Sequence[Owed]) -> None:
    """Owe notifications to subscriptions, in the transaction in which their reason became true."""
    if not owed:
        return
    # Positions must be in commit order: whoever owes holds the consumer's cursor until it commits.
    await changes.cursor_of(connection, SubscriptionConsumer.name)
    await subscriptions.owe(connection, owed)
    waiting = await subscriptions.waiting(connection, [one.subscription for one in owed])
    for key, number in waiting.items():
        if number > KEPT_IN_ORDER:
            await subscriptions.merge_owed(connection, key, KEPT_IN_ORDER, KEPT_AT_MOST)
    await changes.wake(connection, now())  # the deliverer would else look in a second
