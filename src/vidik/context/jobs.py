"""Repeated work of the city's memory: expire entities and registrations, pack days, forget consumed changes."""

from datetime import timedelta

from vidik.context.jsonld import hosting
from vidik.context.ngsild.entities import writing
from vidik.context.ngsild.repository import entity_maps
from vidik.context.registrations.subscriptions import announcing
from vidik.context.snapshots import filling
from vidik.context.snapshots import repository as snapshots
from vidik.context.snapshots.api import notify
from vidik.context.store import changes, entities, packing, remembered
from vidik.kernel.clock import now
from vidik.kernel.modules import PeriodicJob
from vidik.kernel.services import Services


async def expire_entities(services: Services, tenant: str) -> None:
    """Delete entities and attributes past their expiresAt."""
    async with services.database.transaction(tenant) as connection:
        await entities.delete_expired(connection)
        await writing.expire_attributes(connection)


async def settle_pasts(services: Services, tenant: str) -> None:
    """Note when the past of what was deleted ended."""
    async with services.database.transaction(tenant) as connection:
        await remembered.settle(connection)


async def forget_entity_maps(services: Services, tenant: str) -> None:
    """Delete the entity maps whose time has passed."""
    async with services.database.transaction(tenant) as connection:
        await entity_maps.delete_expired(connection)


async def forget_snapshots(services: Services, tenant: str) -> None:
    """Delete the snapshots whose time has passed; say of those that nobody fills any more that they have failed."""
    async with services.database.transaction(tenant) as connection:
        await snapshots.delete_expired(connection)
        lost = await filling.give_up(connection)
    for one in lost:
        await notify(services, tenant, one)


async def forget_contexts(services: Services, tenant: str) -> None:
    """Delete the @contexts that clients have deleted while something was written in them, once nothing is."""
    await hosting.forget_unused(services.database, tenant)


async def pack_history(services: Services, tenant: str) -> None:
    """Pack the days that are closed for `history_packed_after_days`."""
    days = timedelta(days=services.settings.history_packed_after_days - 1)
    await packing.pack_closed_days(services.database, tenant, (now() - days).date())


async def forget_changes(services: Services, tenant: str) -> None:
    """Delete changes that every consumer has taken in."""
    async with services.database.transaction(tenant) as connection:
        await changes.forget_consumed(connection)


JOBS = (
    PeriodicJob("context.expire_entities", 10, expire_entities),
    PeriodicJob("context.settle_pasts", 10, settle_pasts),
    PeriodicJob("context.lapse_registrations", 10, announcing.lapse),
    PeriodicJob("context.forget_changes", 60, forget_changes),
    PeriodicJob("context.forget_entity_maps", 600, forget_entity_maps),
    PeriodicJob("context.forget_contexts", 600, forget_contexts),
    PeriodicJob("context.forget_snapshots", 60, forget_snapshots),
    PeriodicJob("context.pack_history", 600, pack_history),
)
