"""Background jobs: a durable queue in our own PostgreSQL (procrastinate), and what runs again and again.

A job that must not be lost is deferred into the queue. Periodic work of a minute or more goes through the queue
too, so that every run is on record; faster work would only fill it, and runs in the worker directly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout

from vidik.kernel.database import PLATFORM
from vidik.kernel.logs import get_logger
from vidik.kernel.modules import PeriodicJob
from vidik.kernel.services import Services
from vidik.kernel.tasks import run_together
from vidik.kernel.telemetry import PERIODIC_FAILURES, PERIODIC_SECONDS

QUEUE = "vidik"
QUEUED_FROM_SECONDS = 60.0
KEPT_HOURS = 72
RUN_PERIODIC = "run_periodic"

_log = get_logger("vidik.jobs")


def job_queue(url: str, *, connections: int = 3) -> procrastinate.App:
    """The queue of a database; open it with `async with queue.open_async()`."""
    conninfo = make_conninfo(url, options=f"-c search_path={PLATFORM},public", application_name="vidik jobs")
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=0, max_size=connections)
    return procrastinate.App(connector=connector)


class PeriodicWork:
    """Runs the modules' periodic jobs for every tenant; `queue` takes those of a minute or more."""

    def __init__(self, services: Services, queue: procrastinate.App, jobs: Mapping[str, PeriodicJob]) -> None:
        self._services = services
        self._queue = queue
        self._jobs = dict(jobs)
        self._task = queue.task(name=RUN_PERIODIC, queue=QUEUE)(self._run_queued)

    async def keep_time(self, tenant: str, after: float = 0.0) -> None:
        """Start each job of a tenant when it is due, for ever; the first time a few seconds after the start.

        `after` puts that off by so many seconds: all jobs of a hundred tenants at once leave no connection to others.
        """
        if not self._jobs:
            await asyncio.Event().wait()
        await asyncio.sleep(after)
        await run_together(*(self._repeat(job, tenant) for job in self._jobs.values()))

    async def recover(self) -> None:
        """Give back what a worker that died was doing, and forget what ended days ago."""
        manager = self._queue.job_manager
        for job in await manager.get_stalled_jobs():
            _log.warning("a job was interrupted and runs again", job=job.task_name, arguments=job.task_kwargs)
            try:
                await manager.retry_job(job)
            except UniqueViolation:  # its next turn waits already: one is enough
                await manager.finish_job(job, Status.ABORTED, delete_job=False)
        await manager.delete_old_jobs(
            nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    async def _repeat(self, job: PeriodicJob, tenant: str) -> None:
        await asyncio.sleep(min(job.every_seconds, 3.0))
        while True:
            if job.every_seconds >= QUEUED_FROM_SECONDS:
                await self._defer(job, tenant)
            else:
                await self.run(job.name, tenant)
            await asyncio.sleep(job.every_seconds)

    async def _defer(self, job: PeriodicJob, tenant: str) -> None:
        lock = f"{job.name}:{tenant}"
        try:
            await self._task.configure(queueing_lock=lock, lock=lock).defer_async(job=job.name, tenant=tenant)
        except AlreadyEnqueued:
            _log.warning("a periodic job still waits for its turn", job=job.name, tenant=tenant)
        except (ConnectorException, psycopg.OperationalError, PoolTimeout):
            _log.warning("the queue of jobs does not answer", job=job.name)

    async def _run_queued(self, job: str, tenant: str) -> None:
        await self.run(job, tenant)

    async def run(self, name: str, tenant: str) -> None:
        """Run one job now; a failure is logged and counted, and the job's next turn comes all the same."""
        job = self._jobs.get(name)
        if job is None:  # queued by another release
            return
        began = time.perf_counter()
        try:
            await job.run(self._services, tenant)
        except Exception:
            PERIODIC_FAILURES.labels(name).inc()
            _log.exception("a periodic job failed", job=name, tenant=tenant)
        PERIODIC_SECONDS.labels(name).observe(time.perf_counter() - began)


async def work_off(queue: procrastinate.App, context: dict[str, Any]) -> None:
    """Run queued jobs until cancelled; survives a database that goes away and comes back."""
    while True:
        try:
            await queue.run_worker_async(
                queues=[QUEUE],
                name="vidik",
                concurrency=2,
                install_signal_handlers=False,
                additional_context=context,
                shutdown_graceful_timeout=5,
            )
        except (ConnectorException, psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("the queue of jobs does not answer", error=str(error).strip())
        await asyncio.sleep(2)
