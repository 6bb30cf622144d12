"""Repeated work of procedures: the clock's part of runs, the packaged procedures, the end of personal data."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.identity import system_principal
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.operations.procedures import retention, running, runs_repository, service

CLOCK_EVERY_SECONDS = 1.0
PACKAGED_EVERY_SECONDS = 600.0
FORGET_EVERY_SECONDS = 86_400.0
_log = get_logger("vidik.procedures")


async def watch_the_clock(services: Services, tenant: str) -> None:
    """Move every run whose time has come, and stop those whose incident is closed."""
    await move_due(services, tenant, now())


async def move_due(services: Services, tenant: str, moment: datetime) -> None:
    """Move what is due at a moment: each run in a transaction of its own, so that one that fails holds up no other."""

    async def next_due(connection: Connection, behind: int) -> int | None:
        return await runs_repository.due(connection, moment, behind)

    async def fire(connection: Connection, run: int) -> None:
        await running.fire(connection, services.settings, tenant, run, moment)

    async def stop(connection: Connection, run: int) -> None:
        await running.stop_with_incident(connection, services.settings, tenant, run)

    await _each(services, tenant, runs_repository.left_behind, stop)
    await _each(services, tenant, next_due, fire)


async def _each(
    services: Services,
    tenant: str,
    find: Callable[[Connection, int], Awaitable[int | None]],
    do: Callable[[Connection, int], Awaitable[None]],
) -> None:
    behind = -1
    while True:
        found: int | None = None
        try:
            async with services.database.transaction(tenant) as connection:
                found = await find(connection, behind)
                if found is not None:
                    await do(connection, found)
        except Exception:
            if found is None:
                raise
            _log.exception("a run could not be moved; it is tried again", run=found)
        if found is None:
            return
        behind = found


async def settle_packaged(services: Services, tenant: str) -> None:
    """Publish packaged procedures that are new or changed with Vidik."""
    async with services.database.transaction(tenant) as connection:
        changed = await service.settle_packaged(connection)
        principal = system_principal("procedures", tenant, frozenset({"procedures.manage"}))
        for code in changed:
            subject = f"procedure:{code}"
            await audit.record(connection, principal, "procedure.publish", subject, details={"source": "package"})
    if changed:
        _log.info("packaged procedures were published", procedures=changed)


async def forget_people(services: Services, tenant: str) -> None:
    """Take names and notes out of runs that ended long ago."""
    async with services.database.transaction(tenant) as connection:
        await retention.forget(connection, now())
