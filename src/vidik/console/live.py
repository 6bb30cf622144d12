"""The live city of one web process: follows changes and alarms, keeps the projection, feeds the hub."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import orjson
import psycopg
import structlog
from psycopg.rows import DictRow

from vidik.console import repository
from vidik.console.catalogue import Catalogue
from vidik.console.feed import alarm_item, letter_item
from vidik.console.hub import Frame, Hub, changes_frame, event, gone_frame
from vidik.console.projection import Asset, Device, Projection, iso_of
from vidik.console.streets import Streets
from vidik.console.work_frames import WorkFrames
from vidik.context.jsonld import names
from vidik.context.store.changes import ChangeBatch, Tailer, newest_position
from vidik.intake.devices.belonging import belonging_of
from vidik.intake.library import ProfileLibrary
from vidik.kernel.clock import now_microseconds, to_microseconds
from vidik.kernel.database import Connection, tenant_schema
from vidik.kernel.errors import Unavailable
from vidik.kernel.identity import authenticator
from vidik.kernel.identity.areas_repository import REACH_CHANNEL
from vidik.kernel.identity.reach import CITYS, Belonging
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks, run_together
from vidik.operations.alarms import repository as operations
from vidik.operations.alarms.view import alarm_view
from vidik.operations.journal import PRESENCE_CHANNEL, WORK_CHANNEL, JournalReader
from vidik.operations.rules.model import AnyRule, SilenceRule
from vidik.operations.rules.service import standing_rules

_log = structlog.get_logger(__name__)

_HEAD_START_SECONDS = 3.0
_TICK_SECONDS = 0.25
_SWEEP_SECONDS = 5.0
_RULES_EVERY_SWEEPS = 6
_LETTER_EVERY_MICROSECONDS = 600_000_000
_LETTERS_A_SWEEP = 5
_WATCHED_SECONDS = 60.0
_SLICE = 500


class LiveCity:
    """What the console shows of the city now."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database
        self._tenant = services.settings.tenant
        self.catalogue = Catalogue(ProfileLibrary(services.settings.data / "profiles").profiles)
        self.projection = Projection(self.catalogue)
        self.hub = Hub()
        self.rules: Mapping[str, AnyRule] = {}
        self._ready = asyncio.Event()
        self._pending: dict[str, dict[str, Any]] = {}
        self._recorded_at = 0
        self._event = 0
        self._journal = JournalReader()
        self._letter = 0
        self._letter_told: dict[str, int] = {}
        self._work = WorkFrames()
        self._has_listened = False
        self._devices_revision = -1
        self.streets = Streets(services.settings)
        # New or renamed entities that nobody was there to see, the oldest first: read in slices, at once when somebody
        # asks.
        self._unread: dict[str, None] = {}
        self._reading = asyncio.Lock()
        self._asked_at = -_WATCHED_SECONDS
        self._wanted = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["LiveCity"]:
        """Follow the city until the end of the block."""
        task = asyncio.create_task(self._run(), name="live city")
        hearers = authenticator(self._services).hearers
        hearers.append(self.hub.doubt)
        try:
            yield self
        finally:
            hearers.remove(self.hub.doubt)
            self.hub.close()
            await end_tasks(task)

    async def ready(self, seconds: float = 10) -> Projection:
        """The projection, once it is complete; raises Unavailable when that takes too long."""
        self._asked_at = time.monotonic()
        self._wanted.set()
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
                await self._catch_up()
        except TimeoutError as error:
            raise Unavailable("The console is still reading the city; please try again.") from error
        return self.projection

    async def _run(self) -> None:
        # A family that starts has better to do than to read a million entities for screens that are dark.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HEAD_START_SECONDS):
                await self._wanted.wait()
        while True:
            try:
                await self._until_it_works(self._load)
                gc.freeze()  # a whole city of objects that stay: the collector need not walk over them again
                self._ready.set()
                await run_together(
                    self._follow_changes(),
                    self._follow_operations(),
                    self._tick(),
                    self._sweep_for_ever(),
                    self._catch_up_for_ever(),
                )
            except Exception:
                # A mistake of ours on one change must not end the live city for good.
                _log.exception("the live city stumbled and reads everything again")
            await asyncio.sleep(1)

    async def _until_it_works(self, attempt: Callable[[], Awaitable[None]]) -> None:
        pause = 0.5
        while True:
            try:
                await attempt()
                return
            except (psycopg.Error, OSError) as error:
                _log.warning("the console cannot read the city, trying again", error=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)

    async def _load(self) -> None:
        async with self._database.transaction(self._tenant) as connection:
            # First how far the streams are, then the state: what comes between is applied twice, which is harmless.
            self.projection.position = await newest_position(connection)
            self._event = await operations.newest_event(connection)
            await self._journal.begin(connection)
            self._letter = max((row["id"] for row in await repository.newest_dead_letters(connection, 1)), default=0)
        async with self._database.transaction(self._tenant) as connection:
            await self._load_rules(connection)
            await self._load_devices(connection)
            now = now_microseconds()
            self._unread.clear()
            gone = set(self.projection.assets)
            async for rows in repository.stream_assets(connection, self.catalogue.type_iris()):
                for row in rows:
                    self.projection.put(row, now)
                    gone.discard(row["id"])
                await asyncio.sleep(0)
            for alarm in await operations.list_alarms(connection, state="open", limit=100_000):
                self._set_alarm(alarm)
        self.hub.begin(self.projection.position)
        self._part_from(gone)

    async def _load_rules(self, connection: Connection) -> None:
        standing = await standing_rules(connection, self._services.settings)
        self.rules = {code: found.rule for code, found in standing.items()}

    async def _load_devices(self, connection: Connection) -> None:
        revision = await repository.devices_revision(connection)
        if revision == self._devices_revision:
            return
        devices: dict[str, Device] = {}
        for row in await repository.devices_of_assets(connection):
            profile = self.catalogue.profiles.get(row["profile"])
            expected = row["expected_interval"] or (profile.expected_interval if profile else None)
            entity_id = row["entity_id"]
            if entity_id is None and profile is not None:
                entity_id = profile.entity_id(row["device_id"], self._services.settings.city)
            if entity_id is not None:
                seconds = expected.total_seconds() if expected else None
                devices[entity_id] = Device(row["device_id"], row["enabled"], seconds)
        self._publish_states(self.projection.set_devices(devices, now_microseconds()))
        self._devices_revision = revision

    async def _follow_changes(self) -> None:
        tailer = Tailer(self._database, self._tenant)
        async for batch in tailer.batches(self.projection.position):
            async with self._reading:
                self._take(batch)
            if self._is_watched:
                await self._catch_up()

    def _take(self, batch: ChangeBatch) -> None:
        recorded_at = to_microseconds(batch.recorded_at)
        changes = batch.single
        if self._is_watched:
            changes = batch.changes_for(self._are_of_assets)
        else:  # what is said of many at once is read when somebody looks
            for alike in batch.alike:
                if self._are_of_assets(alike.types):
                    self._unread.update(dict.fromkeys(alike.entity_ids))
        self._unread.update((change.entity_id, None) for change in changes if self.projection.must_reread(change))
        renewed: list[Asset] = []
        gone: set[str] = set()
        for change in changes:
            if change.operation == "deleted" and change.entity_id in self.projection.assets:
                gone.add(change.entity_id)
                continue
            asset = self.projection.apply(change, recorded_at)
            if asset is None:
                continue
            renewed.append(asset)
            pending = self._pending.setdefault(asset.id, {})
            for iri in change.attributes:
                short = names.compact(iri)
                if short in asset.values:
                    pending[short] = asset.values[short]
        self._publish_states(self.projection.renew(renewed, now_microseconds()))
        self.projection.position = batch.position
        self._recorded_at = recorded_at
        self._part_from(gone)

    def _are_of_assets(self, types: Sequence[str]) -> bool:
        return self.catalogue.asset_type(types) is not None

    @property
    def _is_watched(self) -> bool:
        """Whether a browser follows, or asked a moment ago."""
        return len(self.hub) > 0 or time.monotonic() - self._asked_at < _WATCHED_SECONDS

    async def _catch_up(self) -> None:
        """Read what is unread by now, and wait for what is being read.

        What comes meanwhile is for who asks next: whoever waited for the end of an import would wait in vain.
        """
        for _ in range(1 + len(self._unread) // _SLICE):
            await self._read_slice()

    async def _catch_up_for_ever(self) -> None:
        """Read what is unread a slice a second: an import that nobody watches must not pay for their screens."""
        while True:
            await asyncio.sleep(1)
            if self._unread:
                await self._read_slice()

    async def _read_slice(self) -> None:
        # Nothing is taken from the stream meanwhile: what is deleted then would come back.
        async with self._reading:
            taken = set(islice(self._unread, _SLICE))
            if taken:
                await self._until_it_works(partial(self._reread, taken))
                for entity_id in taken:
                    self._unread.pop(entity_id, None)

    async def _reread(self, entity_ids: set[str]) -> None:
        async with self._database.session(self._tenant) as connection:
            rows = await repository.entity_rows(connection, sorted(entity_ids))
        now = now_microseconds()
        for row in rows:
            asset = self.projection.put(row, now)
            if asset is not None:
                self._pending.setdefault(asset.id, {}).update(asset.values)

    def _part_from(self, gone: set[str]) -> None:
        """Forget deleted assets, here and in every browser."""
        if not gone:
            return
        for entity_id in gone:
            self.projection.assets.pop(entity_id, None)
            self._pending.pop(entity_id, None)
        self.hub.publish(gone_frame(self.projection.position, sorted(gone)))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if self._pending:
                self.hub.publish(self._changes())

    def _changes(self) -> Frame:
        pending, self._pending = self._pending, {}
        changes = []
        for entity_id, attributes in pending.items():
            asset = self.projection.assets.get(entity_id)
            if asset is None:
                continue
            changes.append(
                {
                    "id": entity_id,
                    "state": asset.state,
                    "origin": asset.origin,
                    "observed_at": iso_of(asset.observed_at),
                    "attributes": attributes,
                }
            )
        return changes_frame(self.projection.position, iso_of(self._recorded_at) or "", changes)

    async def _follow_operations(self) -> None:
        while True:
            await self._until_it_works(self._listen_to_operations)

    async def _listen_to_operations(self) -> None:
        connection = await self._database.dedicated(self._tenant)
        async with connection:
            await connection.execute(f"LISTEN {operations.ALARM_CHANNEL}")
            await connection.execute(f"LISTEN {WORK_CHANNEL}")
            await connection.execute(f"LISTEN {PRESENCE_CHANNEL}")
            await connection.execute(f"LISTEN {REACH_CHANNEL}")
            if self._has_listened:  # what was told meanwhile was told to nobody
                self.hub.start_over(self.projection.position)
            self._has_listened = True
            while True:
                await self._take_alarm_events(connection)
                await self._take_work(connection)
                async for heard in connection.notifies(timeout=2.0, stop_after=1):
                    if heard.channel == PRESENCE_CHANNEL:
                        self._pass_presence_on(orjson.loads(heard.payload))
                    elif heard.channel == REACH_CHANNEL and heard.payload == tenant_schema(self._tenant):
                        self.hub.start_over(self.projection.position)

    async def _take_alarm_events(self, connection: Connection) -> None:
        while events := await operations.events_after(connection, self._event):
            rows = await operations.alarm_rows(connection, [found["alarm"] for found in events])
            alarms = {row["id"]: row for row in rows}
            for found in events:
                self._event = found["id"]
                alarm = alarms.get(found["alarm"])
                if alarm is not None:
                    self._publish_alarm(found, alarm)

    async def _take_work(self, connection: Connection) -> None:
        while found := await self._journal.read(connection):
            position = self.projection.position
            for work in found:
                self.hub.publish(self._work.of_work(work, position))

    def _pass_presence_on(self, heard: Mapping[str, Any]) -> None:
        if heard["schema"] == tenant_schema(self._tenant):
            self.hub.publish(self._work.of_presence(heard["said"], self.projection.position))

    def _publish_alarm(self, found: Mapping[str, Any], alarm: Mapping[str, Any]) -> None:
        asset = self._set_alarm(alarm)
        position = self.projection.position
        parts = [event("alarm", {"alarm": alarm_view(alarm), "transition": found["transition"]}, position)]
        item = alarm_item({**alarm, **found, "alarm": alarm["id"]}, self._is_of_silence(alarm["rule"]))
        if item is not None:
            parts.append(event("feed", item, position))
        whose = Belonging.of(alarm)
        self.hub.publish(Frame(position, b"".join(parts), permission="alarms.read", belonging=whose))
        if asset is not None:
            self._publish_states([asset])

    def _set_alarm(self, alarm: Mapping[str, Any]) -> Asset | None:
        of_silence = self._is_of_silence(alarm["rule"])
        return self.projection.set_alarm(alarm, of_silence=of_silence, now=now_microseconds())

    def _is_of_silence(self, code: str) -> bool:
        return isinstance(self.rules.get(code), SilenceRule)

    def _publish_states(self, assets: list[Asset]) -> None:
        if not assets:
            return
        position = self.projection.position
        parts = [event("state", {"id": asset.id, "state": asset.state}, position) for asset in assets]
        self.hub.publish(Frame(position, b"".join(parts)))

    async def _sweep_for_ever(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            sweeps += 1
            self._publish_states(self.projection.sweep(now_microseconds()))
            try:
                async with self._database.session(self._tenant) as connection:
                    await self._load_devices(connection)
                    await self._tell_letters(connection)
                    if sweeps % _RULES_EVERY_SWEEPS == 0:
                        await self._load_rules(connection)
            except (psycopg.Error, OSError) as error:
                _log.warning("the console cannot look at devices", error=str(error))

    async def _tell_letters(self, connection: Connection) -> None:
        """Tell of refused messages: a few at a time, and a device that keeps on only every ten minutes."""
        now = now_microseconds()
        told: list[DictRow] = []
        newest = self._letter
        for row in await repository.newest_dead_letters(connection, 200):
            if row["id"] <= self._letter:
                break
            newest = max(newest, row["id"])
            if (
                len(told) >= _LETTERS_A_SWEEP
                or now - self._letter_told.get(row["device_id"], 0) < _LETTER_EVERY_MICROSECONDS
            ):
                continue
            told.append(row)
            self._letter_told[row["device_id"]] = now
        whose = await belonging_of(connection, [row["device_id"] for row in told]) if told else {}
        position = self.projection.position
        for row in told:
            payload = event("feed", letter_item(row, self.catalogue), position)
            belonging = whose.get(row["device_id"], CITYS)
            self.hub.publish(Frame(position, payload, permission="devices.read", belonging=belonging))
        self._letter = newest
        if len(self._letter_told) > 10_000:
            self._letter_told.clear()
