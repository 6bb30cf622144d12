"""The API, a worker's share of subscriptions, and somebody who is notified."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.context.ngsild.conftest import anonymous, client
from tests.context.subscriptions.receiver import Receiver

from vidik.app.consumers import follow
from vidik.app.wakings import Wakings
from vidik.context.subscriptions.consumer import SubscriptionConsumer
from vidik.context.work import deliver
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks

__all__ = ("anonymous", "client")

TENANT = "city"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


class Worker:
    """What the worker process does for subscriptions; it can be stopped and started like one."""

    def __init__(self, services: Services) -> None:
        self._first = services
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        services = Services(self._first.settings, self._first.database)  # nothing remembered
        wakings = Wakings(services.database)
        self._tasks = [
            asyncio.create_task(follow(services, TENANT, SubscriptionConsumer(), wakings)),
            asyncio.create_task(wakings.run()),
            asyncio.create_task(deliver(services, TENANT)),
        ]

    async def stop(self) -> None:
        await end_tasks(*self._tasks)


@pytest.fixture
async def worker(services: Services, database: Any) -> AsyncIterator[Worker]:
    async with database.transaction(TENANT) as connection:
        await connection.execute("INSERT INTO change_cursor VALUES ('context.subscriptions', 0)")
    worker = Worker(services)
    await worker.start()
    yield worker
    await worker.stop()


class City:
    """Short ways to say what tests say again and again."""

    def __init__(self, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.client = client
        self._receiver = receiver

    async def subscribe(self, *, notification: dict[str, Any] | None = None, **members: Any) -> str:
        """Subscribe and return the id; entities of the type Building unless said otherwise."""
        endpoint = {"uri": self._receiver.uri, **(notification or {}).pop("endpoint", {})}
        body = {
            "type": "Subscription",
            "entities": [{"type": "Building"}],
            **members,
            "notification": {**(notification or {}), "endpoint": endpoint},
        }
        response = await self.client.post("/subscriptions", json={k: v for k, v in body.items() if v is not None})
        assert response.status_code == 201, response.text
        return response.headers["location"].removeprefix("/ngsi-ld/v1/subscriptions/")

    async def create(self, number: str = "1", /, **attributes: Any) -> str:
        """Create a Building from simplified attributes."""
        entity_id = f"urn:ngsi-ld:Building:{number}"
        response = await self.client.post("/entities", json={"id": entity_id, "type": "Building", **attributes})
        assert response.status_code == 201, response.text
        return entity_id

    async def change(self, entity_id: str, **attributes: Any) -> None:
        """PATCH attributes."""
        response = await self.client.patch(f"/entities/{entity_id}/attrs", json=attributes)
        assert response.status_code == 204, response.text

    async def delete(self, path: str) -> None:
        response = await self.client.delete(f"/entities/{path}")
        assert response.status_code == 204, response.text

    async def subscription(self, subscription_id: str) -> Any:
        return (await self.client.get(f"/subscriptions/{subscription_id}")).json()


@pytest.fixture
async def city(client: httpx.AsyncClient, receiver: Receiver, worker: Worker) -> City:
    return City(client, receiver)
