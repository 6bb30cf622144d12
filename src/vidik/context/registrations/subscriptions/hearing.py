"""One connection that hears of changed registrations and subscriptions, for every tenant of a process.

A connection each would be a hundred in an installation of a hundred tenants: more than its PostgreSQL takes, and then
nobody else gets one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

import psycopg

from vidik.context.registrations.sources import repository as registrations
from vidik.context.subscriptions import repository as subscriptions
from vidik.kernel.database import Database, tenant_schema
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.kernel.tasks import begin_endless, end_tasks

DEAF_SECONDS: Final = 2.0
"""How often those who wait look by themselves while nothing can be heard."""

_log = get_logger("vidik.federation")


class Hearing:
    """Wakes who waits for a tenant's registrations and subscriptions. One a process; listens while somebody waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self._hears = False

    @classmethod
    def of(cls, services: Services) -> Hearing:
        """The hearing of this process; made when somebody first waits."""
        if not services.has(cls):
            services.put(cls(services.database))
        return services.get(cls)

    @contextlib.asynccontextmanager
    async def waiting(self, tenant: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when something has changed, within the block."""
        event = asyncio.Event()
        self._events[tenant_schema(tenant)].add(event)
        self._waiting += 1
        if self._task is None:
            self._task = begin_endless(self._listen(), "changes of registrations and subscriptions")
        try:
            yield event
        finally:
            self._events[tenant_schema(tenant)].discard(event)
            self._waiting -= 1
            if not self._waiting and self._task is not None:
                task, self._task = self._task, None
                await end_tasks(task)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event, or so many seconds; sooner where nothing can be heard."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds if self._hears else min(seconds, DEAF_SECONDS)):
                await event.wait()
        event.clear()

    async def _listen(self) -> None:
        while True:
            try:
                async with await self._database.dedicated(None) as connection:
                    for channel in (registrations.CHANNEL, subscriptions.CHANNEL):
                        await connection.execute(f"LISTEN {channel}")
                    self._hears = True
                    for schema in self._events:
                        self._wake(schema)  # nobody heard of what was changed until now
                    async for notice in connection.notifies():
                        self._wake(notice.payload)
            except (psycopg.Error, OSError) as error:
                _log.info("registrations and subscriptions are looked at without being told", reason=str(error).strip())
            finally:
                self._hears = False
            await asyncio.sleep(DEAF_SECONDS)

    def _wake(self, schema: str) -> None:
        for event in self._events.get(schema, ()):
            event.set()
