"""The worker process: reads the change stream for the modules, runs their periodic work and the queue of jobs."""

from __future__ import annotations

import asyncio

from vidik.app.consumers import follow
from vidik.app.modules import installed_modules
from vidik.app.process import heart_of, services_of, stop_event, until_stopped
from vidik.app.wakings import Wakings
from vidik.kernel.jobs import PeriodicWork, job_queue, work_off
from vidik.kernel.logs import get_logger
from vidik.kernel.modules import TenantWork
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

RECOVER_SECONDS = 60.0
BEGIN_AGAIN_SECONDS = 1.0

_log = get_logger("vidik.worker")


async def serve_worker(settings: Settings) -> None:
    """Work until SIGTERM; what is under way is finished or rolled back."""
    stop = stop_event()
    modules = installed_modules()
    async with services_of(settings, max_size=8) as services:
        queue = job_queue(services.database.url)
        jobs = {job.name: job for module in modules for job in module.periodic()}
        periodic = PeriodicWork(services, queue, jobs)
        async with queue.open_async():
            await periodic.recover()
            tenants = await tenants_of(services)
            wakings = Wakings(services.database)
            tasks = [
                asyncio.create_task(follow(services, tenant, consumer, wakings), name=f"{consumer.name} of {tenant}")
                for tenant in tenants
                for module in modules
                for consumer in module.consumers()
            ]
            tasks += [
                asyncio.create_task(_keep_at(services, tenant, work), name=f"{work.name} of {tenant}")
                for tenant in tenants
                for module in modules
                for work in module.work()
            ]
            tasks += [
                asyncio.create_task(periodic.keep_time(tenant), name=f"periodic work of {tenant}") for tenant in tenants
            ]
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
