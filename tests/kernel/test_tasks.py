"""Ending tasks for certain."""

import asyncio

import pytest
from structlog.testing import capture_logs

from vidik.kernel.tasks import begin_endless, end_tasks, run_together


class Deaf:
    """Work that loses its first requests to end, as asyncio.wait_for may before Python 3.12."""

    def __init__(self, loses: int) -> None:
        self.left = loses

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if self.left == 0:
                    raise
                self.left -= 1


async def started(*works: Deaf) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(work.run()) for work in works]
    await asyncio.sleep(0)
    return tasks


async def test_a_task_that_loses_the_request_is_asked_again() -> None:
    tasks = await started(Deaf(0), Deaf(2))

    async with asyncio.timeout(60):
        await end_tasks(*tasks)

    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_has_failed_before_is_left_at_that() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)

    await end_tasks(task)

    assert isinstance(task.exception(), ValueError)


async def test_ending_goes_on_when_it_is_ended_itself() -> None:
    tasks = await started(Deaf(1))
    ending = asyncio.create_task(end_tasks(*tasks))
    await asyncio.sleep(0)

    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending
    assert tasks[0].cancelled()


async def test_one_that_fails_ends_the_others() -> None:
    deaf = Deaf(1)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_together(deaf.run(), fail())

    assert deaf.left == 0


async def test_running_together_ends_together() -> None:
    together = asyncio.create_task(run_together(Deaf(1).run(), Deaf(0).run()))
    await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        await end_tasks(together)

    assert together.cancelled()


class TestEndless:
    async def test_work_that_fails_is_said_at_once_by_its_name(self) -> None:
        async def fail() -> None:
            raise RuntimeError("nobody waits for me")

        with capture_logs() as said:
            task = begin_endless(fail(), "listening")
            await asyncio.wait([task])
            await asyncio.sleep(0)

        (line,) = said
        assert (line["log_level"], line["work"], str(line["exc_info"])) == ("error", "listening", "nobody waits for me")

    async def test_work_that_is_ended_says_nothing(self) -> None:
        with capture_logs() as said:
            task = begin_endless(asyncio.sleep(3600), "waiting")
            await end_tasks(task)

        assert said == []
