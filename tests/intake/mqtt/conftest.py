"""A listener on a free port around a pipeline in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.intake.mqtt.fakes import MemoryDirectory, MemoryPipeline, RawClient

from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.options import ListenerOptions


@pytest.fixture
async def pipeline() -> MemoryPipeline:
    return MemoryPipeline()


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory()


@pytest.fixture
def reached() -> list[str]:
    """The devices that the listener's hook has reported."""
    return []


@pytest.fixture
async def open_listener(
    pipeline: MemoryPipeline, directory: MemoryDirectory, reached: list[str]
) -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    """Open a listener with options; all are closed at the end."""
    opened: list[Listener] = []

    async def open_one(**options: Any) -> Listener:
        settings = ListenerOptions(**({"port": 0} | options))
        listener = Listener(pipeline, directory, settings, on_connected=reached.append)
        await listener.start()
        opened.append(listener)
        return listener

    yield open_one
    for client in RawClient.opened:
        client.drop()
    RawClient.opened.clear()
    await asyncio.sleep(0)
    for listener in opened:
        await listener.stop(grace_seconds=0.1)


@pytest.fixture
async def listener(open_listener: Callable[..., Awaitable[Listener]]) -> Listener:
    return await open_listener()


@pytest.fixture
def port(listener: Listener) -> int:
    assert listener.port is not None
    return listener.port
