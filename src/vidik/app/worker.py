"""The worker process: reads the change stream for the modules, runs their periodic work and the queue of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from vidik.app.consumers import follow
from vidik.app.modules import installed_modules
from vidik.app.process import Work, heart_of, services_of, stop_event, until_stopped
from vidik.app.wakings import Wakings
from vidik.kernel.jobs import PeriodicWork, job_queue, work_off
from vidik.kernel.logs import get_logger
from vidik.kernel.modules import ChangeConsumer, Module, PeriodicJob, TenantWork
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

RECOVER_SECONDS = 60.0
BEGIN_AGAIN_SECONDS = 1.0
APART_SECONDS = 0.2
"""By so much each tenant's periodic work begins later than that of the one before, the city's own first."""

_log = get_logger("vidik.worker")


def worker(settings: Settings) -> Work:
    """The worker, assembled; it works until SIGTERM, and what is under way is finished or rolled back."""
    modules = installed_modules()
    _parts(modules)  # reads the modules' code now, while the database comes up
    return partial(_serve, settings, modules, {job.name: job for module in modules for job in module.periodic()})


def _parts(modules: Sequence[Module]) -> tuple[list[ChangeConsumer], list[TenantWork]]:
    """What a tenant has of its own: a consumer remembers what it has seen of one."""
    consumers = [consumer for module in modules for consumer in module.consumers()]
    return consumers, [work for module in modules for work in module.work()]


async def _serve(settings: Settings, modules: Sequence[Module], jobs: Mapping[str, PeriodicJob]) -> None:
    stop = stop_event()
    async with services_of(settings, max_size=8) as services:
        queue = job_queue(services.database.url)
        periodic = PeriodicWork(services, queue, jobs)
        async with queue.open_async():
            await periodic.recover()
            wakings = Wakings(services.database)
            tasks = []
            own = settings.tenant
            tenants = sorted(await tenants_of(services), key=lambda tenant: tenant != own)
            for number, tenant in enumerate(tenants):
                consumers, works = _parts(modules)
                for consumer in consumers:
                    following = follow(services, tenant, consumer, wakings)
                    tasks.append(asyncio.create_task(following, name=f"{consumer.name} of {tenant}"))
                for work in works:
                    keeping = _keep_at(services, tenant, work)
                    tasks.append(asyncio.create_task(keeping, name=f"{work.name} of {tenant}"))
                keeping_time = periodic.keep_time(tenant, number * APART_SECONDS)
                tasks.append(asyncio.create_task(keeping_time, name=f"periodic work of {tenant}"))
            tasks.append(asyncio.create_task(wakings.run(), name="wakings"))
            tasks.append(asyncio.create_task(work_off(queue, {}), name="queue of jobs"))
            tasks.append(asyncio.create_task(_recover_now_and_then(periodic), name="recovery of jobs"))
            async with heart_of(settings, "worker"):
                await until_stopped(stop, *tasks)


async def _keep_at(services: Services, tenant: str, work: TenantWork) -> None:
    """Do a tenant's endless work; what it fails at, it tries again, and the others go on."""
    while True:
        try:
            await work.run(services, tenant)
        except Exception:
            _log.exception("endless work failed; it begins again", work=work.name, tenant=tenant)
        await asyncio.sleep(BEGIN_AGAIN_SECONDS)


async def tenants_of(services: Services) -> list[str]:
    """The tenants of this installation, by name."""
    async with services.database.platform() as connection:
        cursor = await connection.execute("SELECT name FROM tenant ORDER BY name")
        return [row["name"] for row in await cursor.fetchall()]


async def _recover_now_and_then(periodic: PeriodicWork) -> None:
    while True:
        await asyncio.sleep(RECOVER_SECONDS)
        await periodic.recover()
