"""Work that keeps a processor busy for long, in threads of its own.

`asyncio.to_thread` has four threads more than the machine has processors. With reports drawn in all of them, whoever
wants to read a small file waits behind, and often with a connection of the database in hand.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

_AT_ONCE: Final = 2
_THREADS: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="heavy")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def worked_out(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """What a function returns that computes for long; two work at once in a process, the others wait their turn.

    Hold no connection meanwhile. What has not begun when nobody waits for it any more is not begun.
    """
    context = contextvars.copy_context()
    call = partial(context.run, work, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, call)
