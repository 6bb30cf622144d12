"""Delivers what is owed to the subscriptions of one tenant: at least once, and in order for each subscription."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from vidik.context.subscriptions import repository
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.notification import compose
from vidik.context.subscriptions.registry import Registry
from vidik.context.subscriptions.repository import Owed, Tally
from vidik.context.subscriptions.schedule import Line, Schedule
from vidik.context.subscriptions.senders import Senders
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks, run_together

IDLE_SECONDS: Final = 1.0
TOGETHER: Final = 100
"""As many entities go into one notification when more than one waits."""
WRITE_DOWN_SECONDS: Final = 0.01
REFUSALS: Final = 5
"""As often a receiver may refuse the content of a notification, before it is given up."""
_CONTENT_REFUSED: Final = frozenset((400, 413, 414, 415, 422))

_log = get_logger("vidik.subscriptions")


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What one notification says, and everything that is no longer owed with it."""

    owed: list[Owed]
    positions: list[int]


class Deliverer:
    """The worker's endless work for one tenant."""

    def __init__(self, services: Services, tenant: str) -> None:
        self._database = services.database
        self._tenant = tenant
        self._named = None if tenant == services.settings.tenant else tenant
        self._registry = Registry.of(services)
        self._known = self._registry.tenant(tenant)
        self._senders = Senders.of(services)
        self._schedule = Schedule()
        self._seen = 0
        self._sends: set[asyncio.Task[None]] = set()
        self._settled: list[int] = []
        self._tallies: dict[int, Tally] = {}
        self._to_write = asyncio.Event()
        self._paused: set[int] = set()

    async def run(self) -> None:
        """Deliver for ever."""
        try:
            await run_together(self._dispatch(), self._write_down())
        finally:
            await end_tasks(*self._sends)
            # What is not written down is delivered again: allowed, but unkind at every stop.
            async with asyncio.timeout(2.0):
                await self._settle()

    async def _dispatch(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._next_turn()
                pause = 0.5
            except (psycopg.OperationalError, PoolTimeout) as error:
                _log.warning("owed notifications cannot be read now", error=str(error).strip())
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
            await self._wait()

    async def _wait(self) -> None:
        next_time = self._schedule.next_time()
        seconds = IDLE_SECONDS if next_time is None else min(max(next_time - time.monotonic(), 0.001), IDLE_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._known.wake.wait()
        except TimeoutError:
            self._senders.sweep()
        self._known.wake.clear()

    async def _next_turn(self) -> None:
        """Look at what is new, and send what is due."""
        await self._registry.prepare(self._tenant, self._database)
        async with self._database.session(self._tenant) as connection:
            revision = self._known.revision
            begins = self._seen == 0
            # Before the subscriptions: whose is owed something in the transaction that makes it is then known too.
            fresh, self._seen = await repository.owed_after(connection, self._seen)
            await self._registry.refresh(self._tenant, connection)
            if begins:
                self._known.owed |= fresh
            at = time.monotonic()
            if revision != self._known.revision:
                fresh |= dict.fromkeys(self._paused, 0)
                self._paused.clear()
            for key in fresh:
                self._schedule.owe(key, self._origin_of, at)
            lines = self._schedule.pick(at)
            if not lines:
                return
            parcels = await self._parcels(connection, lines)
        for line in lines:
            parcel = parcels.get(line.key)
            subscription = self._known.by_key.get(line.key)
            if subscription is None:
                self._schedule.drop(line)
                continue
            if parcel is None:
                self._schedule.rest(line, self._origin_of, at)
                continue
            task = asyncio.create_task(self._send(line, subscription, parcel))
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)

    async def _parcels(self, connection: Connection, lines: Sequence[Line]) -> dict[int, _Parcel]:
        moment = now()
        wanted: dict[int, tuple[Line, Subscription]] = {}
        gone: list[int] = []
        for line in lines:
            subscription = self._known.by_key.get(line.key)
            if subscription is None:
                if line.key in self._known.unread:
                    self._paused.add(line.key)
                else:
                    gone.append(line.key)
            elif not subscription.is_active:
                self._paused.add(line.key)
            elif not subscription.is_listening(moment):
                gone.append(line.key)
            else:
                wanted[line.key] = line, subscription
        if gone:
            await repository.forget_owed(connection, gone)
            for key in gone:
                self._known.owed.pop(key, None)
        rows = await repository.next_owed(
            connection,
            [
                (key, line.sent_to, 10 * TOGETHER if subscription.throttling_seconds else TOGETHER)
                for key, (line, subscription) in wanted.items()
            ],
        )
        return {key: _parcel(*wanted[key], owed) for key, owed in rows.items()}

    def _origin_of(self, key: int) -> str:
        subscription = self._known.by_key.get(key)
        return "" if subscription is None else subscription.endpoint.origin

    async def _send(self, line: Line, subscription: Subscription, parcel: _Parcel) -> None:
        endpoint = subscription.endpoint
        sent_at = now()
        status, problem = 0, ""
        try:
            status = await self._senders.send(endpoint, compose(self._named, subscription, parcel.owed, sent_at))
        except Exception as error:
            # Whatever it is, it concerns this endpoint, and the line must go on. Never the error's text: it may hold
            # the endpoint's address with a user's password.
            problem = type(error).__name__
        tally = Tally(sent=1, last_notification=sent_at)
        if 200 <= status < 300:
            tally.last_success = sent_at
            self._deliver(line, subscription, parcel)
        else:
            tally.failed, tally.last_failure = 1, now()
            self._fail(line, subscription, parcel, status, problem)
        self._note(line.key, tally)
        self._known.wake.set()

    def _fail(self, line: Line, subscription: Subscription, parcel: _Parcel, status: int, problem: str) -> None:
        cooldown = subscription.endpoint.cooldown_seconds
        _log.info("a notification failed", subscription=subscription.id, status=status, problem=problem)
        line.group_to = parcel.positions[-1]
        if not status:
            self._schedule.unreachable(line, time.monotonic(), cooldown)
        elif status in _CONTENT_REFUSED and line.failures + 1 >= REFUSALS:
            _log.warning("a notification was refused for good", subscription=subscription.id, status=status)
            self._deliver(line, subscription, parcel)
        else:
            self._schedule.refused(line, time.monotonic(), cooldown)

    def _note(self, key: int, tally: Tally) -> None:
        former = self._tallies.get(key)
        self._tallies[key] = tally if former is None else former.and_then(tally)
        self._to_write.set()

    def _deliver(self, line: Line, subscription: Subscription, parcel: _Parcel) -> None:
        line.sent_to = parcel.positions[-1]
        self._settled += parcel.positions
        left = self._known.owed.get(line.key, 0) - len(parcel.positions)
        if left > 0:
            self._known.owed[line.key] = left
        else:
            self._known.owed.pop(line.key, None)
            self._known.kept.pop(line.key, None)
        self._schedule.done(line, self._origin_of, time.monotonic(), wait_seconds=subscription.throttling_seconds)

    async def _write_down(self) -> None:
        """Cross out what was delivered, as much as there is at a time."""
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            await self._settle()
            await asyncio.sleep(WRITE_DOWN_SECONDS)

    async def _settle(self) -> None:
        positions, self._settled = self._settled, []
        tallies, self._tallies = self._tallies, {}
        merged, self._known.merged = self._known.merged, {}
        for key, number in merged.items():
            tallies[key] = Tally(merged=number).and_then(tallies.get(key, Tally()))
        try:
            async with self._database.transaction(self._tenant) as connection:
                await repository.settle(connection, positions, tallies)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("delivered notifications cannot be crossed out now", error=str(error).strip())
            self._settled = positions + self._settled
            for key, tally in tallies.items():
                self._tallies[key] = tally.and_then(self._tallies.get(key, Tally()))
            self._to_write.set()
            await asyncio.sleep(1.0)


def _parcel(line: Line, subscription: Subscription, owed: list[Owed]) -> _Parcel:
    """What of the owed goes into one notification: an entity once, except that a failed one is tried as it was."""
    group = [one for one in owed if one.position <= line.group_to] if line.group_to else []
    group = group or owed
    positions = [one.position for one in group]
    if subscription.about == "registrations":
        line.has_more = line.has_more or len(owed) > 1
        return _Parcel(group[:1], positions[:1])
    if subscription.throttling_seconds:
        newest = {one.entity_id: one for one in group}
        line.has_more = line.has_more or len(group) < len(owed) or len(owed) >= 10 * TOGETHER
        return _Parcel(sorted(newest.values(), key=lambda one: one.position), positions)
    together: list[Owed] = []
    for one in group:
        if any(one.entity_id == other.entity_id for other in together):
            break
        together.append(one)
    line.has_more = line.has_more or len(together) < len(owed) or len(owed) >= TOGETHER
    return _Parcel(together, positions[: len(together)])
