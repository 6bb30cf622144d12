"""Ending asyncio tasks for certain, and endless ones: beside everything else, or together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from vidik.kernel.logs import get_logger

ASK_AGAIN_SECONDS = 0.5
_log = get_logger("vidik.tasks")


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended, asking again as often as it takes.

    Once is not enough: before Python 3.12, `asyncio.wait_for` returns normally when it is cancelled at the moment in
    which what it waits for arrives, and the request to end is lost. psycopg and its pool wait that way everywhere.
    """
    pending = {task for task in tasks if not task.done()}
    interrupted: asyncio.CancelledError | None = None
    while pending:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=ASK_AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            interrupted = error  # whoever ends us must still not leave these behind
        pending = {task for task in pending if not task.done()}
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain that nobody did
    if interrupted is not None:
        raise interrupted


def begin_endless(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begin work that goes on beside everything else until `end_tasks`; if it fails, the log says so at once.

    Nobody waits for such a task: what it raised would be seen at its end, or never.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_say_if_it_failed)
    return task


def _say_if_it_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("work that should go on has failed", work=task.get_name(), exc_info=error)


async def run_together(*works: Coroutine[Any, Any, None]) -> None:
    """Run endless works side by side until one ends or fails, then end the others; raises what it raised.

    Not asyncio.TaskGroup: that cancels its tasks once, see `end_tasks`.
    """
    tasks = [asyncio.create_task(work) for work in works]
    if not tasks:
        return
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end_tasks(*tasks)
