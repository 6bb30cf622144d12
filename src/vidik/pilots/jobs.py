"""Long work of pilots in the worker: power curves, watches and verdicts that people asked for, and the daily watch.

What people ask for is a row of `pilot_job`, written in the transaction of their request; the worker takes one after
another. A worker that dies leaves its job silent, and the next one takes it up again.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from vidik.kernel.clock import now
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks
from vidik.pilots.ledger import repository as ledger
from vidik.pilots.plans import repository
from vidik.pilots.plans.service import local_date, standing_of, state_of
from vidik.pilots.plans.watching import last_day
from vidik.pilots.work import WORK

WORK_EVERY_SECONDS = 1.0
WATCH_EVERY_SECONDS = 3 * 3600.0
_ALIVE_EVERY_SECONDS = 10.0
_STALLED = timedelta(seconds=90)
_KEPT = timedelta(days=30)

_log = get_logger("vidik.pilots")


class Progress:
    """Tells those who wait how far a job is."""

    def __init__(self, services: Services, tenant: str, job: UUID) -> None:
        self._services = services
        self._tenant = tenant
        self._job = job

    async def at(self, stage: str, done: int, of_steps: int) -> None:
        """The job has come to a stage; `done` of `of_steps` are behind it."""
        await self._say(stage, done, of_steps)

    async def stay_alive(self) -> None:
        """Say again and again that the job is being done."""
        while True:
            await asyncio.sleep(_ALIVE_EVERY_SECONDS)
            await self._say(None, 0, 0)

    async def _say(self, stage: str | None, done: int, of_steps: int) -> None:
        async with self._services.database.transaction(self._tenant) as connection:
            await repository.advance_job(connection, self._job, now(), stage=stage, done=done, of_steps=of_steps)


async def work_off(services: Services, tenant: str) -> None:
    """Do every job that waits, one after another; only the city's own tenant has a door to ask by."""
    if tenant != services.settings.tenant:
        return
    while True:
        moment = now()
        async with services.database.transaction(tenant) as connection:
            job = await repository.take_job(connection, moment, moment - _STALLED)
        if job is None:
            return
        await _do(services, tenant, job)


async def _do(services: Services, tenant: str, job: DictRow) -> None:
    result: Any = None
    error: dict[str, Any] | None = None
    progress = Progress(services, tenant, job["id"])
    alive = asyncio.create_task(progress.stay_alive(), name="sign of life of a pilot's job")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(end_tasks, alive)
        try:
            result = await WORK[job["kind"]](services, tenant, job, progress)
        except VidikError as refused:
            error = {
                "code": refused.code,
                "detail": refused.detail,
                "field": refused.field,
                "values": refused.values,
            }
        except Exception:
            _log.exception("a job of pilots failed", job=str(job["id"]), kind=job["kind"], plan=job["plan"])
            error = {
                "code": "internal",
                "detail": f"It could not be computed. The log names job {job['id']}.",
                "field": None,
                "values": {"job": str(job["id"])},
            }
    async with services.database.transaction(tenant) as connection:
        await repository.finish_job(connection, job["id"], now(), result=result, error=error)


async def watch_all(services: Services, tenant: str) -> None:
    """Ask for a new computation of every pilot that has come further since its last one."""
    if tenant != services.settings.tenant:
        return
    moment = now()
    async with services.database.transaction(tenant) as connection:
        await repository.forget_jobs(connection, moment - _KEPT)
        decided = await ledger.decided_plans(connection)
        for row in await repository.list_plans(connection):
            standing = standing_of(row)
            if standing is None:
                continue
            specification = standing.specification
            if state_of(specification, row["id"] in decided, moment) not in ("running", "ended"):
                continue
            until = last_day(specification, local_date(specification.zone, moment))
            if until >= specification.reporting.first and (row["until"] is None or row["until"] < until):
                await repository.insert_job(connection, "watch", row["id"], {}, moment)
