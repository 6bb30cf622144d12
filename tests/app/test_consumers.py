"""Consumers of the change stream: effects and cursor together, in order, and never skipped."""

import asyncio
from datetime import UTC, datetime

import pytest

from vidik.app import consumers
from vidik.app.consumers import follow, take_in
from vidik.app.wakings import Wakings
from vidik.context.store.changes import Change, ChangeBatch, append
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks, run_together

TENANT = "city"


class Collector:
    """Writes the id of each changed entity into a table of its own."""

    name = "test collector"

    def __init__(self, fails_at: str | None = None) -> None:
        self.fails_at = fails_at

    async def handle(self, _services: Services, _tenant: str, connection: Connection, batch: ChangeBatch) -> None:
        for change in batch.changes:
            await connection.execute("INSERT INTO collected (entity_id) VALUES (%s)", [change.entity_id])
            if change.entity_id == self.fails_at:
                raise RuntimeError("this one is hard")


@pytest.fixture(autouse=True)
async def _table(services: Services) -> None:
    async with services.database.transaction(TENANT) as connection:
        await connection.execute("CREATE TABLE collected (number int GENERATED ALWAYS AS IDENTITY, entity_id text)")


async def commit(services: Services, *entity_ids: str) -> None:
    for entity_id in entity_ids:
        async with services.database.transaction(TENANT) as connection:
            await append(connection, datetime.now(UTC), [Change(entity_id, ("T",), "updated", {})])


async def collected(services: Services) -> list[str]:
    async with services.database.session(TENANT) as connection:
        cursor = await connection.execute("SELECT entity_id FROM collected ORDER BY number")
        return [row["entity_id"] for row in await cursor.fetchall()]


async def until_collected(services: Services, *wanted: str) -> None:
    async with asyncio.timeout(60):
        while await collected(services) != list(wanted):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.05)


async def test_each_batch_is_taken_in_once_and_in_order(services: Services) -> None:
    consumer = Collector()
    await take_in(services, TENANT, consumer)  # a new consumer begins at the newest
    await commit(services, "a", "b")

    assert await take_in(services, TENANT, consumer) == 2
    assert await take_in(services, TENANT, consumer) == 0
    assert await collected(services) == ["a", "b"]


async def test_a_failing_batch_leaves_neither_effects_nor_a_moved_cursor(services: Services) -> None:
    await take_in(services, TENANT, Collector())
    await commit(services, "a", "b")

    with pytest.raises(RuntimeError, match="hard"):
        await take_in(services, TENANT, Collector(fails_at="b"))

    assert await collected(services) == []
    assert await take_in(services, TENANT, Collector()) == 2


async def test_following_passes_what_is_before_a_failing_batch_and_waits_there(services: Services) -> None:
    consumer = Collector(fails_at="b")
    await take_in(services, TENANT, consumer)
    await commit(services, "a", "b", "c")

    wakings = Wakings(services.database)
    task = asyncio.create_task(run_together(wakings.run(), follow(services, TENANT, consumer, wakings)))
    await until_collected(services, "a")
    consumer.fails_at = None  # somebody mended it
    await until_collected(services, "a", "b", "c")
    await end_tasks(task)


async def test_a_transaction_that_lasts_long_takes_in_no_more(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LONGEST_SECONDS", 0.0)
    consumer = Collector()
    await take_in(services, TENANT, consumer)
    await commit(services, "a", "b", "c")

    taken = [await take_in(services, TENANT, consumer)]

    assert await collected(services) == ["a"]  # who waited for its locks has had a turn by now
    taken += [await take_in(services, TENANT, consumer) for _ in range(3)]
    assert taken == [1, 1, 1, 0]
    assert await collected(services) == ["a", "b", "c"]


async def test_so_many_are_taken_in_at_once_and_no_more(services: Services) -> None:
    consumer = Collector()
    await take_in(services, TENANT, consumer)
    await commit(services, *"abcdefgh")

    assert await take_in(services, TENANT, consumer, 5) == 5
    assert await take_in(services, TENANT, consumer, 5) == 3
    assert await collected(services) == list("abcdefgh")


async def test_following_wakes_for_a_commit(services: Services) -> None:
    consumer = Collector()
    await take_in(services, TENANT, consumer)
    wakings = Wakings(services.database)
    task = asyncio.create_task(run_together(wakings.run(), follow(services, TENANT, consumer, wakings)))
    await asyncio.sleep(0.3)

    await commit(services, "a")

    await until_collected(services, "a")
    await end_tasks(task)
