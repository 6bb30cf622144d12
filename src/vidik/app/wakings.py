"""One connection that hears of commits for every tenant and every consumer of a process.

A connection each would be hundreds in an installation of a hundred tenants: more than its PostgreSQL takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

import psycopg

from vidik.context.store import changes
from vidik.kernel.database import Database, tenant_schema
from vidik.kernel.logs import get_logger

HEARING_SECONDS = 10.0
DEAF_SECONDS = 1.0

_log = get_logger("vidik.consumers")


class Wakings:
    """Wakes who waits for a tenant's changes: a notification only wakes, the table carries the truth."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._hears = False

    async def run(self) -> None:
        """Listen, for ever; survives a database that restarts."""
        while True:
            try:
                async with await self._database.dedicated(None) as connection:
                    await connection.execute(f"LISTEN {changes.CHANNEL}")
                    self._hears = True
                    self._wake_all()  # nobody heard of what was committed until now
                    async for notice in connection.notifies():
                        self._wake(notice.payload.partition(":")[0])
            except (psycopg.Error, OSError) as error:
                _log.warning("nobody tells of commits; consumers look by themselves", error=str(error).strip())
            finally:
                self._hears = False
                self._wake_all()
            await asyncio.sleep(DEAF_SECONDS)

    @contextlib.contextmanager
    def of(self, tenant: str) -> Iterator[asyncio.Event]:
        """An event that is set when a tenant has new changes, within the block."""
        event = asyncio.Event()
        waiting = self._events[tenant_schema(tenant)]
        waiting.add(event)
        try:
            yield event
        finally:
            waiting.discard(event)

    async def wait(self, event: asyncio.Event) -> None:
        """Until the event, or until it is time to look all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARING_SECONDS if self._hears else DEAF_SECONDS):
                await event.wait()
        event.clear()

    def _wake(self, schema: str) -> None:
        for event in self._events.get(schema, ()):
            event.set()

    def _wake_all(self) -> None:
        for schema in self._events:
            self._wake(schema)
