"""Repeated work of warnings: telling browsers, noticing what has ended, forgetting in time."""

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.warnings import repository, service
from vidik.operations.warnings.telling import tell_due

TELL_EVERY_SECONDS = 1.0
EXPIRE_EVERY_SECONDS = 5.0
FORGET_EVERY_SECONDS = 3600.0


async def tell_browsers(services: Services, tenant: str) -> None:
    """Send what is owed, until nothing is."""
    await tell_due(services, tenant, now)


async def expire(services: Services, tenant: str) -> None:
    """Say of warnings whose end has come that they are over."""
    async with services.database.transaction(tenant) as connection:
        ended = await repository.expire(connection, now())
        await repository.forget_pushes(connection, ended)
        for number in ended:
            await service.told(connection, number)


async def forget(services: Services, tenant: str) -> None:
    """Forget browsers whose year is over."""
    async with services.database.transaction(tenant) as connection:
        await repository.forget_ended(connection, now())
