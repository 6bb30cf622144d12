"""Repeated work of duty: asking the next person, carrying messages out, forgetting in time."""

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.duty import retention
from vidik.operations.duty.escalating import escalate
from vidik.operations.duty.sending import AT_ONCE, send_due

ESCALATE_EVERY_SECONDS = 1.0
SEND_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 3600.0


async def ask_the_next(services: Services, tenant: str) -> None:
    """Move every escalation that is due."""
    async with services.database.transaction(tenant) as connection:
        await escalate(connection, tenant, now())


async def send_messages(services: Services, tenant: str) -> None:
    """Send what is due, until nothing is."""
    while await send_due(services, tenant, now()) == AT_ONCE:
        continue


async def forget(services: Services, tenant: str) -> None:
    """Remove personal data whose end has come."""
    async with services.database.transaction(tenant) as connection:
        await retention.forget(connection, tenant, now())
