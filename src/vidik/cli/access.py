"""Reaching an installation's database from a command, whether its family runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from vidik.kernel.services import Services
    from vidik.kernel.settings import Settings

Result = TypeVar("Result")


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """The database's URL; an embedded server that does not run is started for the time of the command."""
    from vidik.kernel.embedded import EmbeddedServer, database_url
    from vidik.kernel.supervisor_lock import DataFolderLock, is_running

    if settings.database_url is not None or is_running(settings.data):
        yield database_url(settings)
        return
    with DataFolderLock(settings.data):
        server = EmbeddedServer(settings.data)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def with_services(work: Callable[[Services], Awaitable[Result]]) -> Result:
    """Run a command's work with services of its own, on a database at this release's version."""
    from vidik.kernel.database import Database
    from vidik.kernel.migrate import migrate
    from vidik.kernel.services import Services
    from vidik.kernel.settings import get_settings

    settings = get_settings()

    async def run(url: str) -> Result:
        database = Database(url, max_size=2)
        await database.open()
        try:
            return await work(Services(settings=settings, database=database))
        finally:
            await database.close()

    with reachable_database(settings) as url:
        migrate(url, [settings.tenant])
        return asyncio.run(run(url))
