"""Hands waiting commands to the MQTT doors of this process, and records what became of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Literal, Protocol

import orjson
import psycopg
import structlog

from vidik.intake.commands import repository
from vidik.intake.commands.target import show_on_entity
from vidik.kernel.clock import iso
from vidik.kernel.database import Database
from vidik.kernel.tasks import begin_endless, end_tasks

_log = structlog.get_logger(__name__)

# Longer than a door waits for an acknowledgement: what is not settled by then belongs to a process that died.
PATIENCE = timedelta(seconds=60)
_POLL_SECONDS = 10.0
_RETRY_SECONDS = 2.0
# A broker does not say when a device comes; one that is away is looked for this often, however many commands come.
_REST_SECONDS = 9.0
_AT_ONCE = 200


class CommandDoor(Protocol):
    """A door that reaches devices."""

    @property
    def taken_by(self) -> Literal["device", "broker"]:
        """Whose word stands behind an acknowledgement of this door."""

    def connected(self, device_id: str) -> bool:
        """Whether a command for the device could be sent now."""

    async def deliver_command(self, device_id: str, payload: bytes) -> bool:
        """Send a command; True when `taken_by` has acknowledged it."""


class CommandDispatcher:
    """Sends a tenant's waiting commands to the devices that this process reaches.

    Woken by LISTEN vidik_command and by `device_connected`. At least once: a device may see a command twice, and tells
    them apart by `id`. Commands of one device go out one after the other.
    """

    def __init__(self, database: Database, tenant: str, *doors: CommandDoor) -> None:
        self._database = database
        self._tenant = tenant
        self.doors: list[CommandDoor] = list(doors)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._not_before: dict[str, float] = {}

    def device_connected(self, device_id: str) -> None:
        """A device can be reached from now on: send what waits for it."""
        self._not_before.pop(device_id, None)
        self._serve(device_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CommandDispatcher"]:
        """Dispatch until the end of the context."""
        task = begin_endless(self._listen(), "command dispatcher")
        try:
            yield self
        finally:
            await end_tasks(task, *self._busy.values())

    async def _listen(self) -> None:
        while True:
            try:
                async with await self._database.dedicated(self._tenant) as connection:
                    await connection.execute("LISTEN vidik_command")
                    while True:
                        for device_id in await repository.waiting_devices(connection):
                            if self._door(device_id) is not None and self._rested(device_id):
                                self._serve(device_id)
                        async for _ in connection.notifies(timeout=_POLL_SECONDS, stop_after=1):
                            pass
            except (psycopg.Error, OSError) as error:
                _log.warning("commands wait for the database", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    def _door(self, device_id: str) -> CommandDoor | None:
        return next((door for door in self.doors if door.connected(device_id)), None)

    def _rested(self, device_id: str) -> bool:
        """Whether it is time to try a device that did not take its last command."""
        now = asyncio.get_running_loop().time()
        self._not_before = {device: moment for device, moment in self._not_before.items() if moment > now}
        return device_id not in self._not_before

    def _serve(self, device_id: str) -> None:
        """Send what waits for a device, unless that is being done; then once more after it."""
        if device_id in self._busy:
            self._again.add(device_id)
            return
        task = asyncio.create_task(self._send_waiting(device_id), name=f"commands of {device_id}")
        self._busy[device_id] = task
        task.add_done_callback(lambda _: self._served(device_id))

    def _served(self, device_id: str) -> None:
        del self._busy[device_id]
        if device_id in self._again:
            self._again.discard(device_id)
            self._serve(device_id)

    async def _send_waiting(self, device_id: str) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._send_all(device_id)
            except (psycopg.Error, OSError) as error:
                _log.warning("a command could not be recorded", device=device_id, error=str(error))

    async def _send_all(self, device_id: str) -> None:
        async with self._database.transaction(self._tenant) as connection:
            commands = await repository.take(connection, [device_id], PATIENCE, _AT_ONCE)
        for number, command in enumerate(commands):
            if await self._send(command):
                continue
            self._not_before[device_id] = asyncio.get_running_loop().time() + _REST_SECONDS
            # Order is kept: what comes after a command that did not arrive waits with it.
            async with self._database.transaction(self._tenant) as connection:
                for waiting in commands[number:]:
                    await repository.put_back(connection, waiting["id"], "nobody acknowledged it")
            return

    async def _send(self, command: dict[str, Any]) -> bool:
        door = self._door(command["device_id"])
        if door is None or not await door.deliver_command(command["device_id"], command_payload(command)):
            return False
        async with self._database.transaction(self._tenant) as connection:
            settled = await repository.delivered(connection, command["id"], door.taken_by)
            if settled is not None:
                await show_on_entity(connection, settled)
        return True


def command_payload(command: dict[str, Any]) -> bytes:
    """What the device receives: {id, name, parameters, issued_at, expires_at}."""
    return orjson.dumps(
        {
            "id": str(command["id"]),
            "name": command["name"],
            "parameters": command["parameters"],
            "issued_at": iso(command["created_at"]),
            "expires_at": iso(command["expires_at"]),
        }
    )
