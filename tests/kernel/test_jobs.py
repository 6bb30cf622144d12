"""Periodic work and the queue of jobs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from vidik.kernel.jobs import PeriodicWork, job_queue, work_off
from vidik.kernel.modules import PeriodicJob
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks

TENANT = "city"
SCHEMA = Path("src/vidik/migrations/platform/versions/p0002_jobs.sql")


@asynccontextmanager
async def periodic_work(services: Services, *jobs: PeriodicJob) -> AsyncIterator[PeriodicWork]:
    queue = job_queue(services.database.url)
    async with queue.open_async():
        yield PeriodicWork(services, queue, {job.name: job for job in jobs})


def noting(turns: list[str]) -> Callable[[Services, str], Awaitable[None]]:
    async def run(_services: Services, tenant: str) -> None:
        turns.append(tenant)

    return run


async def statuses(services: Services) -> list[str]:
    async with services.database.platform() as connection:
        cursor = await connection.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        return [row["status"] for row in await cursor.fetchall()]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(*work: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        await end_tasks(*tasks)


async def test_quick_work_runs_again_and_again_without_a_queue(services: Services) -> None:
    turns: list[str] = []
    job = PeriodicJob("quick", 0.05, noting(turns))
    async with periodic_work(services, job) as work, running(work.keep_time(TENANT)):
        await until(lambda: _at_least(turns, 3))

    assert await statuses(services) == []


async def _at_least(turns: list[str], number: int) -> bool:
    return len(turns) >= number


async def test_slow_work_goes_through_the_queue_and_is_on_record(services: Services) -> None:
    turns: list[str] = []
    job = PeriodicJob("slow", 3600, noting(turns))
    async with (
        periodic_work(services, job) as work,
        running(work.keep_time(TENANT), work_off(work._queue, {})),
    ):
        await until(lambda: _are(services, ["succeeded"]))

    assert turns == [TENANT]


async def _are(services: Services, wanted: list[str]) -> bool:
    return await statuses(services) == wanted


async def test_a_job_that_still_waits_is_not_queued_twice(services: Services) -> None:
    job = PeriodicJob("slow", 3600, noting([]))
    async with periodic_work(services, job) as work:
        await work._defer(job, TENANT)
        await work._defer(job, TENANT)

    assert await statuses(services) == ["todo"]


async def test_a_failing_job_is_counted_and_has_its_next_turn(services: Services) -> None:
    turns: list[str] = []

    async def fail(_services: Services, tenant: str) -> None:
        turns.append(tenant)
        raise RuntimeError("broken")

    async with periodic_work(services, PeriodicJob("failing", 0.05, fail)) as work, running(work.keep_time(TENANT)):
        await until(lambda: _at_least(turns, 2))


async def test_a_job_of_another_release_is_passed_over(services: Services) -> None:
    async with periodic_work(services) as work:
        await work.run("gone", TENANT)


async def test_what_a_dead_worker_was_doing_runs_again(services: Services) -> None:
    job = PeriodicJob("slow", 3600, noting([]))
    async with periodic_work(services, job) as work:
        await work._defer(job, TENANT)
        async with services.database.platform() as connection:
            await connection.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
            )
            await connection.execute(
                "UPDATE procrastinate_jobs SET status = 'doing',"
                " worker_id = (SELECT max(id) FROM procrastinate_workers)"
            )

        await work.recover()

    assert await statuses(services) == ["todo"]


async def test_what_a_dead_worker_was_doing_is_let_go_where_its_next_turn_waits(services: Services) -> None:
    async with periodic_work(services, PeriodicJob("slow", 3600, noting([]))) as work:
        await work._defer(work._jobs["slow"], TENANT)
        async with services.database.platform() as connection:
            await connection.execute(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
                " RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
            )
        await work._defer(work._jobs["slow"], TENANT)

        await work.recover()

    assert sorted(await statuses(services)) == ["aborted", "todo"]


def test_the_frozen_schema_is_that_of_the_installed_procrastinate() -> None:
    """A new release that changes its schema needs a revision of our own, with its own migration script."""
    frozen = SCHEMA.read_text(encoding="utf-8").split("\n\n", 1)[1]

    assert frozen == (files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
