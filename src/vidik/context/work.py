"""The worker's endless work of subscriptions, one a tenant: delivery, and the clock of intervals."""

from __future__ import annotations

from vidik.context.registrations import announcing
from vidik.context.subscriptions.deliverer import Deliverer
from vidik.context.subscriptions.intervals import Intervals
from vidik.kernel.services import Services
from vidik.kernel.tasks import run_together


async def deliver(services: Services, tenant: str) -> None:
    """Deliver what is owed to a tenant's subscriptions, for ever."""
    await run_together(Deliverer(services, tenant).run(), Intervals(services, tenant, announcing.everything).run())
