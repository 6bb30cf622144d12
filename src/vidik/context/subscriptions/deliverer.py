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
from vidik.context.subscriptions.http_sender import Answer
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
TOGETHER_BYTES: Final = 1 << 20
"""Nothing is added to a notification that has so many, as they are stored: entities may be large."""
WRITE_DOWN_SECONDS: Final = 0.01
REFUSALS: Final = 5
"""As often a receiver may refuse the content of a notification about one entity, before it is given up."""
LINGERS_AFTER_SECONDS: Final = 1.0
"""A notification under way for so long takes no place from others."""
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
        self._fresh: set[int] = set()
        """Subscriptions to which something is owed that the schedule has not heard of."""
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
        lines: list[Line] = []
        at = time.monotonic()
        try:
            async with self._database.session(self._tenant) as connection:
                await self._take_in(connection, at)
                lines = self._schedule.pick(at)
                parcels = await self._parcels(connection, lines) if lines else {}
        except BaseException:
            # Who was picked is busy, and nobody else would ever end its turn.
            for line in lines:
                self._schedule.put_back(line, self._origin_of, at)
            raise
        for line in lines:
            self._begin(line, parcels.get(line.key), at)

    async def _take_in(self, connection: Connection, at: float) -> None:
        """Learn of what is owed newly, and of subscriptions that have changed."""
        revision = self._known.revision
        begins = self._seen == 0
        # Before the subscriptions: whose is owed something in the transaction that makes it is then known too.
        fresh, self._seen = await repository.owed_after(connection, self._seen)
        self._fresh |= fresh.keys()
        if begins:
            self._known.owed |= fresh
        await self._registry.refresh(self._tenant, connection)
        self._resume(at, have_changed=revision != self._known.revision)
        throttled = await self._throttled(connection, at)
        for key in self._fresh:
            self._schedule.owe(key, self._origin_of, at, not_before=throttled.get(key, 0.0))
        self._fresh.clear()

    async def _throttled(self, connection: Connection, at: float) -> dict[int, float]:
        """Until when those wait that were notified before this process began: a restart ends no throttling."""
        seconds = {
            key: subscription.throttling_seconds
            for key in self._fresh
            if (subscription := self._known.by_key.get(key)) is not None
            and subscription.throttling_seconds
            and key not in self._schedule.lines
        }
        if not seconds:
            return {}
        moment, last = now(), await repository.last_successes(connection, list(seconds))
        # The clock may have been set since: nobody waits longer than the throttling.
        passed = {key: max(0.0, (moment - one).total_seconds()) for key, one in last.items() if one is not None}
        return {key: at + max(0.0, seconds[key] - passed[key]) for key in passed}

    def _resume(self, at: float, *, have_changed: bool) -> None:
        """Go on with subscriptions that are no longer paused, that can be read now, or that go elsewhere."""
        back = self._paused if have_changed else {key for key in self._paused if self._is_active(key)}
        self._fresh |= back
        self._paused -= back
        if not have_changed:
            return
        for line in self._schedule.lines.values():
            subscription = self._known.by_key.get(line.key)
            if subscription is not None and line.is_queued and line.address not in ("", subscription.endpoint.uri):
                line.address = ""
                self._schedule.readdress(line, self._origin_of, at)

    def _is_active(self, key: int) -> bool:
        subscription = self._known.by_key.get(key)
        return subscription is not None and subscription.is_active

    def _begin(self, line: Line, parcel: _Parcel | None, at: float) -> None:
        subscription = self._known.by_key.get(line.key)
        if subscription is None:
            self._schedule.drop(line)
        elif parcel is None:
            self._schedule.rest(line, self._origin_of, at)
        elif line.origin != subscription.endpoint.origin:
            self._schedule.put_back(line, self._origin_of, at)  # its receiver is another one since it was queued
        else:
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
            TOGETHER_BYTES,
        )
        return {key: _parcel(*wanted[key], owed) for key, owed in rows.items()}

    def _origin_of(self, key: int) -> str:
        subscription = self._known.by_key.get(key)
        return "" if subscription is None else subscription.endpoint.origin

    async def _send(self, line: Line, subscription: Subscription, parcel: _Parcel) -> None:
        endpoint = subscription.endpoint
        line.address = endpoint.uri
        sent_at = now()
        answer, problem = Answer(0), ""
        lingers = asyncio.get_running_loop().call_later(LINGERS_AFTER_SECONDS, self._linger, line)
        try:
            answer = await self._senders.send(endpoint, compose(self._named, subscription, parcel.owed, sent_at))
        except Exception as error:
            # Whatever it is, it concerns this endpoint, and the line must go on. Never the error's text: it may hold
            # the endpoint's address with a user's password.
            problem = type(error).__name__
        finally:
            lingers.cancel()
        tally = Tally(sent=1, last_notification=sent_at)
        if 200 <= answer.status < 300:
            tally.last_success = sent_at
            self._deliver(line, subscription, parcel)
        else:
            tally.failed, tally.last_failure = 1, now()
            self._fail(line, subscription, parcel, answer, problem)
        self._note(line.key, tally)
        self._known.wake.set()

    def _linger(self, line: Line) -> None:
        self._schedule.linger(line)
        self._known.wake.set()

    def _fail(self, line: Line, subscription: Subscription, parcel: _Parcel, answer: Answer, problem: str) -> None:
        cooldown, status = subscription.endpoint.cooldown_seconds, answer.status
        _log.info(
            "a notification failed",
            subscription=subscription.id,
            status=status,
            problem=problem,
            asks_to_wait_seconds=round(answer.wait_seconds),
        )
        line.group_to = parcel.positions[-1]
        if not status:
            self._schedule.unreachable(line, time.monotonic(), cooldown)
            return
        if status in _CONTENT_REFUSED:
            if len(parcel.owed) > 1:
                # Perhaps for one of its entities only, or for their number: half of it is tried next.
                line.group_to, line.failures = parcel.positions[len(parcel.positions) // 2 - 1], 0
            elif line.failures + 1 >= REFUSALS:
                _log.warning("a notification was refused for good", subscription=subscription.id, status=status)
                self._deliver(line, subscription, parcel)
                return
        self._schedule.refused(line, time.monotonic(), cooldown, asked_seconds=answer.wait_seconds)

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
    # As many characters may have been the limit of bytes: then there may be more.
    line.has_more = line.has_more or 4 * sum(len(one.payload) for one in owed) >= TOGETHER_BYTES
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
