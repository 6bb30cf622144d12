"""The deliverer when the database fails in the middle of a turn: who was picked, or read, has its turn again."""

import asyncio
from typing import Any

import psycopg
import pytest
from tests.context.subscriptions.conftest import City
from tests.context.subscriptions.receiver import Receiver

from vidik.context.subscriptions import repository
from vidik.context.subscriptions.registry import Registry


def deliverer_asks() -> bool:
    """Whether it is the deliverer whose turn runs, and not the consumer of changes."""
    task = asyncio.current_task()
    return task is not None and getattr(task.get_coro(), "__qualname__", "") == "Deliverer._dispatch"


@pytest.mark.parametrize(("place", "name"), [(repository, "next_owed"), (Registry, "refresh")])
async def test_a_turn_that_the_database_breaks_off_is_made_up_for(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, place: object, name: str
) -> None:
    await city.subscribe(notification={"format": "keyValues"})
    entity_id = await city.create(level=0)
    await receiver.wait(1)
    works, reads = getattr(place, name), repository.owed_after
    news: list[int] = []
    broken: list[str] = []

    async def reads_news(*arguments: Any) -> Any:
        fresh, position = await reads(*arguments)
        news.extend(fresh)
        return fresh, position

    async def breaks_once(*arguments: Any) -> Any:
        if news and not broken and deliverer_asks():
            broken.append(name)
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        return await works(*arguments)

    monkeypatch.setattr(repository, "owed_after", reads_news)
    monkeypatch.setattr(place, name, breaks_once)
    await city.change(entity_id, level=1)

    await receiver.wait(2)
    assert broken
