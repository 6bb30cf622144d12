"""A browser that follows the live stream over a real socket, as an EventSource does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson


class Browser:
    """An EventSource: events as (name, id, data), newest last."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int, Any]] = []
        self.times: list[float] = []
        self.arrived = asyncio.Condition()
        self.ended = asyncio.Event()

    async def until(self, name: str, subject: str | None = None) -> None:
        """Wait for an event of a name (and of one thing of work)."""
        async with asyncio.timeout(60), self.arrived:
            await self.arrived.wait_for(
                lambda: any(found == name and subject in (None, data.get("subject")) for found, _, data in self.events)
            )

    async def read(self, response: httpx.Response) -> None:
        name, number = "", 0
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                number = int(value)
            elif field == "data":
                async with self.arrived:
                    self.events.append((name, number, orjson.loads(value)))
                    self.times.append(time.time())
                    self.arrived.notify_all()
        self.ended.set()

    async def wait_for_power(self, value: float) -> tuple[int, Any]:
        """The position and data of the first event in which the substation's power has this value."""
        async with asyncio.timeout(60), self.arrived:
            await self.arrived.wait_for(lambda: any(_power(event) == value for event in self.events))
        return next((number, data) for name, number, data in self.events if _power((name, number, data)) == value)


def _power(event: tuple[str, int, Any]) -> float | None:
    name, _, data = event
    return data["changes"][-1]["attributes"].get("power") if name == "changes" else None


@asynccontextmanager
async def browsing(address: str, **headers: str) -> AsyncIterator[Browser]:
    browser = Browser()
    given = {"Authorization": "Bearer dispatcher", **headers}
    async with (
        httpx.AsyncClient(base_url=address, timeout=None) as client,
        client.stream("GET", "/api/console/stream", headers=given) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(browser.read(response))
        await asyncio.sleep(0.05)
        yield browser
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
