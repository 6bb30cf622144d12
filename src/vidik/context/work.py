"""The worker's endless work of subscriptions, one a tenant: delivery, the clock of intervals, copies at sources."""

from __future__ import annotations

from vidik.context.registrations.subscriptions import announcing
from vidik.context.registrations.subscriptions.copying import Copying
from vidik.context.subscriptions.deliverer import Deliverer
from vidik.context.subscriptions.intervals import Intervals
from vidik.kernel.services import Services
from vidik.kernel.tasks import run_together


async def deliver(services: Services, tenant: str) -> None:
    """Deliver what is owed to a tenant's subscriptions, for ever."""
    await run_together(Deliverer(services, tenant).run(), Intervals(services, tenant, announcing.everything).run())


async def copy_subscriptions(services: Services, tenant: str) -> None:
    """Keep a tenant's subscriptions at other sources as they should be, for ever."""
    await Copying(services, tenant).run()
