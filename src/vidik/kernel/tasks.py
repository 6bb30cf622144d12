"""Ending asyncio tasks for certain, and running endless ones together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

ASK_AGAIN_SECONDS = 0.5


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
