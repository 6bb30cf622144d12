"""The pipeline behind every door: messages in, one transaction a batch, an answer only after the commit.

While the database writes one batch the next one is decoded. A batch closes at 5,000 messages or 30 ms after its
first one, so that commits are shared under load and quick in calm. The queue is bounded; a full pipeline asks the
doors to stop reading, and what is not on disk is not acknowledged.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from vidik.context.store import partitions
from vidik.intake import deadletters
from vidik.intake.decoding import Decoded, Decoder, Devices, dead_letter
from vidik.intake.devices import HealthRow, flush_health
from vidik.intake.disk import DiskGuard
from vidik.intake.library import ProfileLibrary
from vidik.intake.message import Message, Outcome
from vidik.intake.storing import Storer, sentence
from vidik.kernel.clock import from_microseconds
from vidik.kernel.database import Database
from vidik.kernel.tasks import begin_endless, end_tasks

__all__ = ["Message", "Outcome", "Pipeline"]

BATCH_MESSAGES = 5_000
BATCH_SECONDS = 0.03
CAPACITY_MESSAGES = 20_000
CAPACITY_BYTES = 32 * 1024 * 1024
HOUSEKEEPING_SECONDS = 3.0
_DECODE_AT_ONCE = 250

Done = Callable[[Outcome], None]

_log = structlog.get_logger(__name__)
_MESSAGES = Counter("vidik_intake_messages", "Messages by door and outcome, after the commit.", ["door", "outcome"])
_VALUES = Counter("vidik_intake_readings", "Readings stored.")
_WAITING = Gauge("vidik_intake_waiting_messages", "Messages received and not yet on disk.", multiprocess_mode="livesum")


class Pipeline:
    """Decodes and stores messages for one tenant in this process.

    `offer` never blocks; doors look at `full` and wait for `room`.
    """

    def __init__(
        self,
        database: Database,
        tenant: str,
        devices: Devices,
        *,
        city: str,
        profiles: Path | None,
        disk: DiskGuard | None = None,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._devices = devices
        self._library = ProfileLibrary(profiles)
        self._disk = disk
        self._decoder = Decoder(devices, self._library.profiles, city)
        self._storer = Storer(database, tenant)
        self._queue: deque[tuple[Message, Done]] = deque()
        self._bytes = 0
        self._in_flight = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._storing: asyncio.Task[None] | None = None
        self._health: dict[str, HealthRow] = {}
        self._partitions_made_on: date | None = None

    @property
    def full(self) -> bool:
        """True while the doors should stop reading."""
        return self.refusing is not None or len(self._queue) >= CAPACITY_MESSAGES or self._bytes >= CAPACITY_BYTES

    @property
    def refusing(self) -> str | None:
        """Why no message is taken at all just now, as a sentence; None when they are."""
        return self._disk.refusing if self._disk else None

    async def room(self) -> None:
        """Return when there is room again."""
        await self._room.wait()

    @property
    def waiting(self) -> int:
        """Messages received and not yet on disk."""
        return len(self._queue) + self._in_flight

    @property
    def library(self) -> ProfileLibrary:
        """The device profiles that this pipeline decodes with."""
        return self._library

    def offer(self, message: Message, done: Done) -> None:
        """Take a message; `done` is called on the event loop after the commit, or with FAILED."""
        if self._closing or len(self._queue) >= 2 * CAPACITY_MESSAGES:
            done(Outcome.FAILED)
            return
        self._queue.append((message, done))
        self._bytes += len(message.payload)
        self._arrived.set()
        if self.full:
            self._room.clear()

    async def submit(self, message: Message) -> Outcome:
        """Take a message and return once it is on disk (or refused for good)."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        self.offer(message, done)
        return await future

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Pipeline"]:
        """Run the pipeline; at the end it stores what it has taken, then stops."""
        tasks = [
            begin_endless(self._run(), "intake pipeline"),
            begin_endless(self._keep_house(), "intake housekeeping"),
        ]
        try:
            await self._prepare_partitions()
            yield self
        finally:
            self._closing = True
            self._arrived.set()
            tasks[1].cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(tasks[0]), timeout=10)
            await end_tasks(*tasks, *([self._storing] if self._storing is not None else []))
            for _, done in self._queue:
                done(Outcome.FAILED)
            with contextlib.suppress(psycopg.Error, OSError):
                await self._flush_health()
            await self._storer.close()

    async def _run(self) -> None:
        while True:
            batch = await self._collect(wait=self._storing is None or self._storing.done())
            decoded = await self._decode([message for message, _ in batch])
            if self._storing is not None:
                await self._storing
                self._storing = None
            if batch:
                storing = self._store_and_answer(decoded, [done for _, done in batch])
                self._storing = asyncio.create_task(storing, name="intake store")
            elif self._closing:
                return

    async def _collect(self, *, wait: bool) -> list[tuple[Message, Done]]:
        """The next batch; empty when nothing came (and nothing was to be waited for)."""
        if not self._queue and wait and not self._closing:
            self._arrived.clear()
            await self._arrived.wait()
        if not self._queue and not wait:
            return []
        if len(self._queue) < BATCH_MESSAGES and not self._closing:
            await asyncio.sleep(BATCH_SECONDS)
        size = min(len(self._queue), BATCH_MESSAGES)
        batch = [self._queue.popleft() for _ in range(size)]
        self._bytes -= sum(len(message.payload) for message, _ in batch)
        self._in_flight += size
        self._say_room()
        _WAITING.set(self.waiting)
        return batch

    def _say_room(self) -> None:
        if self.full:
            self._room.clear()
        else:
            self._room.set()

    async def _decode(self, messages: Sequence[Message]) -> list[Decoded]:
        decoded: list[Decoded] = []
        for start in range(0, len(messages), _DECODE_AT_ONCE):
            decoded.extend(map(self._decode_one, messages[start : start + _DECODE_AT_ONCE]))
            await asyncio.sleep(0)  # let the doors breathe
        return decoded

    def _decode_one(self, message: Message) -> Decoded:
        try:
            return self._decoder.decode(message)
        except Exception:
            # A profile that fails on some input must cost that one message, not the door.
            _log.exception("a message broke its decoder", device=message.device_id, topic=message.topic)
            return Decoded(message, letter=dead_letter(message, "the message could not be decoded"))

    async def _store_and_answer(self, decoded: list[Decoded], answers: list[Done]) -> None:
        outcomes = [Outcome.FAILED] * len(decoded)
        try:
            outcomes = await self._storer.store(decoded)
            for one in decoded:
                self._note_health(one)
        except Exception:
            _log.exception("a batch could not be stored and is not acknowledged", messages=len(decoded))
        finally:
            self._in_flight -= len(answers)
            for outcome, done in zip(outcomes, answers, strict=True):
                _answer(done, outcome)
        _count(decoded, outcomes)

    def _note_health(self, decoded: Decoded) -> None:
        message = decoded.message
        if self._devices.get(message.device_id) is None:
            return
        seen = from_microseconds(message.received_at)
        row = self._health.get(message.device_id)
        if row is None:
            row = self._health[message.device_id] = HealthRow(message.device_id, seen, message.door)
        if seen >= row.last_seen:
            row.last_seen, row.door = seen, message.door
        row.messages += 1
        if decoded.letter is not None:
            row.rejected += 1
            row.last_rejected = seen
        for reading in decoded.readings:
            observed = from_microseconds(reading.observed_at)
            row.last_observed = max(row.last_observed or observed, observed)

    async def _flush_health(self) -> None:
        rows, self._health = self._health, {}
        if not rows:
            return
        async with self._database.transaction(self._tenant) as connection:
            await flush_health(connection, list(rows.values()))

    async def _prepare_partitions(self) -> None:
        today = datetime.now(UTC).date()
        if today == self._partitions_made_on:
            return
        async with self._database.session(self._tenant) as connection:
            await partitions.prepare(connection, today)
        self._partitions_made_on = today

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            if self._disk is not None:
                self._disk.look()
                self._say_room()
            try:
                await self._flush_health()
                await self._prepare_partitions()
                if self._library.reload_if_changed():
                    self._decoder.use(self._library.profiles)
            except (psycopg.Error, OSError) as error:
                _log.warning("intake housekeeping waits for the database", error=sentence(error))


def _answer(done: Done, outcome: Outcome) -> None:
    try:
        done(outcome)
    except Exception:
        _log.exception("a door failed to take an answer")


def _count(decoded: Sequence[Decoded], outcomes: Sequence[Outcome]) -> None:
    letters = [one.letter for one in decoded if one.letter is not None]
    deadletters.count(letters)
    _VALUES.inc(sum(len(one.readings) for one in decoded))
    doors: dict[tuple[str, Outcome], int] = {}
    for one, outcome in zip(decoded, outcomes, strict=True):
        key = (one.message.door, outcome)
        doors[key] = doors.get(key, 0) + 1
    for (door, outcome), number in doors.items():
        _MESSAGES.labels(door, outcome.value).inc(number)
