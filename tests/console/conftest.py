"""What tests of the console share: an asset that they look at."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from tests.operations.factories import a_target

from vidik.console.live import LiveCity

SUBSTATION = a_target(
    "urn:ngsi-ld:HeatSubstation:nis:s01",
    "HeatSubstation",
    name="Подстаница Чаир",
    dataOrigin="simulated",
    location={"type": "Point", "coordinates": [21.9, 43.32]},
)


@pytest.fixture
async def address(app: Starlette) -> AsyncIterator[str]:
    """The application on a socket (its lifespan is already open)."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error", loop="none"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:  # noqa: ASYNC110  uvicorn tells nobody
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    await app.state.streams.end_all()
    server.should_exit = True
    await task


async def until_seen(live: LiveCity, entity_id: str) -> None:
    """Wait until the live city knows an asset."""
    async with asyncio.timeout(60):
        while entity_id not in live.projection.assets:  # noqa: ASYNC110 (the city tells nobody in particular)
            await asyncio.sleep(0.02)
