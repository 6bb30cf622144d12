"""What every child process of the family does around its own work: logs, services, a sign of life, a clean end."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvloop

from vidik.kernel.database import Database
from vidik.kernel.embedded import database_url
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import configure_logging, get_logger
from vidik.kernel.processes import Heart
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings, get_settings
from vidik.kernel.tasks import end_tasks

Work = Callable[[], Awaitable[None]]

_log = get_logger("vidik.process")


def run_process(name: str, assemble: Callable[[Settings], Work]) -> None:
    """Assemble a child, wait until the database stands, and run the child's work on uvloop until it returns."""
    settings = get_settings()
    configure_logging(settings.log_format, name, folder=settings.data / "logs")
    _allow_many_connections()
    work = assemble(settings)
    spare_the_collector()
    wait_for_release()
    uvloop.run(_guarded(work))


def wait_for_release() -> None:
    """Wait for the end of standard input, by which the supervisor says that the database stands.

    A child that is started again, or by hand, is not held.
    """
    if sys.stdin is not None and not sys.stdin.isatty():
        sys.stdin.buffer.read()


def spare_the_collector() -> None:
    """Look for garbage cycles seldom, and never among what start-up has made, which stays.

    A page of 100 entities is 5,000 short-lived objects without cycles. At Python's threshold of 700 they were carried
    into the oldest generation and set off full collections over the whole city (measured: half of a query's time).
    """
    gc.set_threshold(50_000, 20, 20)
    gc.collect()
    gc.freeze()
    gc.enable()


def _allow_many_connections() -> None:
    # The usual soft limit of 1,024 open files is for programs that use select(); ten thousand devices connect here.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _guarded(work: Work) -> None:
    try:
        await work()
    except VidikError as error:
        _log.error(error.detail)
        raise SystemExit(1) from None
    except Exception:
        _log.exception("this process has to end")
        raise SystemExit(1) from None


@asynccontextmanager
async def services_of(settings: Settings, *, max_size: int) -> AsyncIterator[Services]:
    """Services with an open database, closed at the end."""
    database = Database(database_url(settings), max_size=max_size)
    await database.open()
    try:
        yield Services(settings=settings, database=database)
    finally:
        await database.close()


@asynccontextmanager
async def heart_of(settings: Settings, name: str) -> AsyncIterator[Heart]:
    """The sign of life that tells the supervisor that this process is ready; enter it last."""
    async with Heart(settings.data / "run", name) as heart:
        yield heart


def stop_event() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event


async def until_stopped(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait for the stop, or for a task that should not end; then end the tasks. Raises what a task raised."""
    waiting = asyncio.create_task(stop.wait())
    done, _pending = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    await end_tasks(waiting, *tasks)
    for task in done - {waiting}:
        task.result()
        raise RuntimeError(f"{task.get_name()} ended by itself")
