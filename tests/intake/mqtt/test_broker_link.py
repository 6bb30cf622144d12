"""What one connection to a broker writes, told by a broker that answers only what the test says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.intake.mqtt.fakes import MemoryPipeline, RawClient, reading

from vidik.intake.mqtt import packets
from vidik.intake.mqtt.broker import BrokerDoor
from vidik.intake.mqtt.broker_url import parse_broker_url
from vidik.intake.mqtt.wire import VERSION_5


@pytest.fixture
async def broker(pipeline: MemoryPipeline) -> AsyncIterator[RawClient]:
    """The broker's end of a connection to which Vidik has just subscribed."""
    ends: asyncio.Queue[RawClient] = asyncio.Queue()

    class End(RawClient):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            ends.put_nowait(self)

    server = await asyncio.get_running_loop().create_server(lambda: End(VERSION_5), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    door = BrokerDoor(pipeline, parse_broker_url(f"mqtt://vidik@127.0.0.1:{port}"))
    await door.start()
    broker = await ends.get()
    assert isinstance(await broker.receive(), packets.Connect)
    broker.send(packets.Connack(session_present=False, reason=0))
    assert await broker.receive() == packets.Pingreq()
    subscribe = await broker.receive()
    assert isinstance(subscribe, packets.Subscribe)
    broker.send(packets.Suback(subscribe.packet_id, bytes(1 for _ in subscribe.filters)), packets.Pingresp())
    yield broker
    await door.stop(grace_seconds=0.1)
    server.close()
    for end in RawClient.opened:
        end.drop()
    RawClient.opened.clear()


async def test_acknowledgements_wait_until_the_broker_has_read_those_before(
    broker: RawClient, pipeline: MemoryPipeline
) -> None:
    broker.send(reading(1))
    assert [await broker.receive(), await broker.receive()] == [packets.Pingreq(), packets.Puback(1)]
    for number in range(2, 5):
        broker.send(reading(number))
        await pipeline.took(number)
    assert await broker.silent()

    broker.send(packets.Pingresp())
    piece = [await broker.receive() for _ in range(4)]
    assert piece == [packets.Pingreq(), packets.Puback(2), packets.Puback(3), packets.Puback(4)]


async def test_what_waits_for_the_broker_to_read_is_written_at_the_end(
    broker: RawClient, pipeline: MemoryPipeline
) -> None:
    broker.send(reading(1), reading(2))
    assert [await broker.receive() for _ in range(3)] == [packets.Pingreq(), packets.Puback(1), packets.Puback(2)]
    broker.send(reading(3))
    await pipeline.took(3)
    broker.send(packets.Disconnect(0x8B))  # the server shuts down
    assert [await broker.receive(), await broker.receive()] == [packets.Pingreq(), packets.Puback(3)]


async def test_a_large_piece_waits_for_nobody(broker: RawClient, pipeline: MemoryPipeline) -> None:
    broker.send(reading(1))
    assert [await broker.receive(), await broker.receive()] == [packets.Pingreq(), packets.Puback(1)]
    broker.send(*(reading(number % 65_535 + 1) for number in range(20_000)))
    assert await broker.receive() == packets.Pingreq()
    assert await broker.receive() == packets.Puback(1)
