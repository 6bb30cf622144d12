"""Commands that nobody acknowledged in time, and those that ended long ago."""

from datetime import timedelta

from vidik.intake.commands import repository
from vidik.intake.commands.target import show_on_entity
from vidik.kernel.services import Services

KEPT = timedelta(days=365)


async def expire_commands(services: Services, tenant: str) -> None:
    """Mark expired commands and remove those of last year."""
    async with services.database.transaction(tenant) as connection:
        for command in await repository.expire(connection):
            await show_on_entity(connection, command)
        await repository.remove_old(connection, KEPT)
