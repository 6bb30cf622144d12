"""What one process needs to share operations with other context sources: who they are, and connections to them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from vidik.context.registrations.forwarding.requests import Forwarder
from vidik.context.registrations.sources import repository
from vidik.context.registrations.sources.registry import Registry
from vidik.context.registrations.sources.repository import CHANNEL, Tally
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.kernel.tasks import begin_endless, end_tasks

_log = get_logger("vidik.federation")
_LISTEN_AGAIN_SECONDS: Final = 2.0
_WRITE_DOWN_SECONDS: Final = 1.0


class Federation:
    """The registrations of every tenant and the way to their sources. One a process."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self.registry = Registry(services.database)
        self.forwarder = Forwarder(allow_private=services.settings.allow_private_endpoints)

    @classmethod
    def of(cls, services: Services) -> Federation:
        """The federation of this process; made at the first request."""
        if not services.has(cls):
            services.put(cls(services))
        return services.get(cls)

    async def listen(self) -> None:
        """Hear of registrations that other processes change, for ever."""
        while True:
            try:
                async with await self._database.dedicated(None) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self.registry.listening(True)
                    async for notice in connection.notifies():
                        self.registry.heard(notice.payload)
            except (psycopg.Error, OSError) as error:
                _log.info("registrations are read again every second", reason=str(error).strip())
            finally:
                self.registry.listening(False)
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)

    async def write_down(self) -> None:
        """Keep the counters of registrations in the database, for ever."""
        while True:
            await asyncio.sleep(_WRITE_DOWN_SECONDS)
            await self.write_down_now()

    async def write_down_now(self) -> None:
        """Write down what became of requests since the last time; what cannot be written is kept."""
        taken, self.forwarder.tallies = self.forwarder.tallies, {}
        by_tenant: dict[str, dict[int, Tally]] = defaultdict(dict)
        for (tenant, key), tally in taken.items():
            by_tenant[tenant][key] = tally
        for tenant, tallies in by_tenant.items():
            try:
                async with self._database.transaction(tenant) as connection:
                    await repository.count(connection, tallies)
            except (psycopg.Error, PoolTimeout, OSError) as error:
                _log.info("counters of registrations wait for the database", reason=str(error).strip())
                for key, tally in tallies.items():
                    self.forwarder.add(tenant, key, tally)


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Listen while the web process serves; close connections to other sources at its end."""
    federation = Federation.of(services)
    tasks = [
        begin_endless(federation.listen(), "changes of registrations"),
        begin_endless(federation.write_down(), "counters of registrations"),
    ]
    try:
        yield
    finally:
        await end_tasks(*tasks)
        await federation.write_down_now()
        await federation.forwarder.close()
