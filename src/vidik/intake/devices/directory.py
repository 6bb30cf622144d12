"""Every device in memory: the doors ask for each message, so an answer must cost a dictionary look-up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg.rows import tuple_row

from vidik.intake.devices.records import DeviceRecord, hash_secret, secret_matches
from vidik.kernel.database import Connection, Database
from vidik.kernel.scripts import fold
from vidik.kernel.tasks import begin_endless, end_tasks

_log = structlog.get_logger(__name__)

REFRESH_SECONDS = 30.0
_RETRY_SECONDS = 2.0
_BATCH = 2000

_REVISION = "SELECT revision, removed_at_revision FROM device_registry"
_CHANGED = """
    SELECT device_id, profile, entity_id, gateway_id, name, organisation, origin, expected_interval, secret_hash,
           enabled, place
      FROM device
     WHERE revision > %s AND revision <= %s
"""


class DeviceDirectory:
    """The in-memory copy of a tenant's devices, woken by LISTEN vidik_device and refreshed every 30 s.

    While the database is away it goes on answering from what it knew.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self._devices: dict[str, DeviceRecord] = {}
        self._by_secret: dict[bytes, str] = {}
        self._folded: dict[str, tuple[DeviceRecord, str]] = {}
        self._revision = -1
        self._task: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()
        self.on_change: list[Callable[[set[str]], None]] = []
        """Called with the ids of devices that are new, changed or went."""
        self.on_credential_end: list[Callable[[set[str]], None]] = []
        """Called with the ids of devices whose old credential no longer counts (to end their connections)."""

    async def start(self) -> None:
        """Load every device and begin to follow changes."""
        await self.refresh()
        self._task = begin_endless(self._follow(), "device directory")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            await end_tasks(self._task)
            self._task = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["DeviceDirectory"]:
        """Start, and close at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.close()

    def __len__(self) -> int:
        return len(self._devices)

    def get(self, device_id: str) -> DeviceRecord | None:
        """The record of a device, or None when nobody registered it."""
        return self._devices.get(device_id)

    def authenticate(self, username: str, password: str) -> DeviceRecord | None:
        """The enabled device or gateway that this credential belongs to, or None."""
        record = self._devices.get(username)
        if record is None or not secret_matches(record, password):
            return None
        return record

    def by_secret(self, secret: str) -> DeviceRecord | None:
        """The enabled device or gateway whose secret this is (HTTP push names no user), or None."""
        device_id = self._by_secret.get(hash_secret(secret))
        record = self._devices.get(device_id) if device_id is not None else None
        return record if record is not None and record.enabled else None

    def may_write(self, principal_id: str, device_id: str) -> bool:
        """Whether a device or gateway may bring readings of a device: its own, or those behind it."""
        device = self._devices.get(device_id)
        if device is None or not device.enabled:
            return False
        if device_id == principal_id:
            return True
        if device.gateway_id != principal_id:
            return False
        gateway = self._devices.get(principal_id)
        return gateway is not None and gateway.enabled

    def search(self, words: str) -> list[str]:
        """Ids of the devices whose id, name or entity id holds the words, in whatever Serbian script."""
        wanted = fold(words)
        found = []
        for record in self._devices.values():
            known = self._folded.get(record.device_id)
            if known is None or known[0] is not record:
                text = fold(f"{record.device_id}\n{record.name}\n{record.entity_id or ''}")
                known = self._folded[record.device_id] = (record, text)
            if wanted in known[1]:
                found.append(record.device_id)
        return found

    async def refresh(self) -> None:
        """Take in what changed since the last time; costs one small query when nothing did."""
        async with self._refreshing, self._database.transaction(self._tenant) as connection:
            await self._take_in(connection)

    async def _take_in(self, connection: Connection) -> None:
        # Both queries must see one moment, or a device removed between them would stay.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = await (await connection.execute(_REVISION)).fetchone()
        if row is None or row["revision"] == self._revision:
            return
        everything = row["removed_at_revision"] > self._revision
        found: dict[str, DeviceRecord] = {}
        words: dict[Any, Any] = {}  # ten thousand devices have a few profiles, owners and intervals: each kept once
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_CHANGED, [-1 if everything else self._revision, row["revision"]])
            while rows := await cursor.fetchmany(_BATCH):
                for fields in rows:
                    shared: list[Any] = [words.setdefault(field, field) for field in fields[:-1]] + [*fields[-1:]]
                    record = DeviceRecord(*shared)
                    found[record.device_id] = record
                await asyncio.sleep(0)
        before = self._devices
        self._devices = found if everything else before | found
        if everything:
            self._folded.clear()
        candidates = before.keys() | found.keys() if everything else found.keys()
        changed = {id_ for id_ in candidates if before.get(id_) != self._devices.get(id_)}
        self._by_secret = {
            record.secret_hash: record.device_id for record in self._devices.values() if record.secret_hash is not None
        }
        self._revision = row["revision"]
        _tell(self.on_change, changed)
        _tell(self.on_credential_end, {id_ for id_ in changed if self._credential_ended(before.get(id_), id_)})

    def _credential_ended(self, before: DeviceRecord | None, device_id: str) -> bool:
        if before is None or before.secret_hash is None or not before.enabled:
            return False
        after = self._devices.get(device_id)
        return after is None or not after.enabled or after.secret_hash != before.secret_hash

    async def _follow(self) -> None:
        while True:
            try:
                connection = await self._database.dedicated(self._tenant)
                async with connection:
                    await connection.execute("LISTEN vidik_device")
                    while True:
                        await self.refresh()
                        async for _ in connection.notifies(timeout=REFRESH_SECONDS, stop_after=1):
                            pass
            except (psycopg.Error, OSError) as error:
                _log.warning("devices cannot be followed, trying again", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)


def _tell(hearers: list[Callable[[set[str]], None]], devices: set[str]) -> None:
    if devices:
        for hear in hearers:
            hear(devices)
