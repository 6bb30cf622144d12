"""Following the stream of changes as the worker does: fixtures for every folder (a plugin)."""

from collections.abc import Awaitable, Callable

import pytest

from vidik.context.store import changes
from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer

Follow = Callable[..., Awaitable[int]]


@pytest.fixture
def consumer() -> AlarmConsumer:
    return AlarmConsumer()


@pytest.fixture
async def follow(services: Services) -> Follow:
    """Hands committed batches to a consumer as the worker does: each in the transaction that moves the cursor."""
    async with services.database.transaction("city") as connection:
        await changes.cursor_of(connection, AlarmConsumer.name)

    async def run(consumer: AlarmConsumer, *, fail_after: int | None = None) -> int:
        taken = 0
        while True:
            async with services.database.transaction("city") as connection:
                position = await changes.cursor_of(connection, consumer.name)
                batches = await changes.read_after(connection, position, 1)
                if not batches:
                    return taken
                await consumer.handle(services, "city", connection, batches[0])
                await changes.move_cursor(connection, consumer.name, batches[0].position)
                taken += 1
                if fail_after == taken:
                    raise ConnectionError("the worker is killed before its commit")

    return run
