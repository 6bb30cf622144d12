"""The publisher: nothing leaves the window without its acknowledgement."""

import asyncio

import pytest
from tests.kernel.mqtt_server import mqtt_server

from vidik.kernel.publisher import Publisher, PublishRefused


async def test_waits_for_the_acknowledgement() -> None:
    async with mqtt_server() as server, Publisher("127.0.0.1", server.port, "d1", "secret") as publisher:
        await publisher.publish("devices/d1/readings", b'{"a":1}')

    assert server.messages == [("devices/d1/readings", b'{"a":1}', False)]
    assert publisher.acknowledged == 1


async def test_sends_large_messages() -> None:
    async with mqtt_server() as server, Publisher("127.0.0.1", server.port, "d1", "secret") as publisher:
        await publisher.publish("t", b"x" * 200_000)

    assert len(server.messages[0][1]) == 200_000


async def test_says_when_the_credential_is_refused() -> None:
    async with mqtt_server(refuse=0x86) as server:
        publisher = Publisher("127.0.0.1", server.port, "d1", "wrong")

        with pytest.raises(PublishRefused, match="0x86"):
            await publisher.open()


async def test_says_when_a_message_is_refused() -> None:
    async with (
        mqtt_server(puback_code=0x87) as server,
        Publisher("127.0.0.1", server.port, "d1", "secret") as publisher,
    ):
        with pytest.raises(PublishRefused, match="0x87"):
            await publisher.publish("devices/other/readings", b"{}")


async def test_keeps_to_its_window() -> None:
    async with (
        mqtt_server(acknowledge=False) as server,
        Publisher("127.0.0.1", server.port, "d1", "secret", window=3) as publisher,
    ):
        for _ in range(3):
            await publisher.send("t", b"x")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publisher.send("t", b"x"), 0.1)

    assert server.most_waiting == 3


async def test_keeps_to_the_servers_window() -> None:
    async with (
        mqtt_server(acknowledge=False, receive_maximum=2) as server,
        Publisher("127.0.0.1", server.port, "d1", "secret", window=10) as publisher,
    ):
        for _ in range(5):
            await publisher.send("t", b"x")
        await asyncio.sleep(0.1)
        assert len(server.messages) == 2
        server.acknowledge = True
        server.release()
        await publisher.drain()

    assert len(server.messages) == 5


async def test_sends_again_what_a_lost_connection_left_unacknowledged() -> None:
    async with (
        mqtt_server(acknowledge=False) as server,
        Publisher("127.0.0.1", server.port, "d1", "secret") as publisher,
    ):
        await publisher.send("t", b"1")
        await publisher.send("t", b"2")
        await asyncio.sleep(0.1)
        server.acknowledge = True
        server.cut()
        await asyncio.wait_for(publisher.drain(), 60)

    assert server.connections == 2
    assert [payload for _, payload, duplicate in server.messages if duplicate] == [b"1", b"2"]
    assert publisher.acknowledged == 2


async def test_hears_commands_and_acknowledges_them() -> None:
    heard: list[bytes] = []
    async with (
        mqtt_server() as server,
        Publisher("127.0.0.1", server.port, "d1", "secret", commands=heard.append) as publisher,
    ):
        await publisher.publish("t", b"x")
        server.command("devices/d1/commands", b'{"name":"dim"}', 7)
        await publisher.publish("t", b"y")
        await asyncio.sleep(0.05)

    assert server.subscriptions == ["devices/d1/commands"]
    assert heard == [b'{"name":"dim"}']
    assert server.settled == [7]


async def test_listens_again_after_a_lost_connection() -> None:
    async with (
        mqtt_server() as server,
        Publisher("127.0.0.1", server.port, "d1", "secret", commands=lambda _: None) as publisher,
    ):
        await publisher.publish("t", b"x")
        server.cut()
        await asyncio.wait_for(publisher.publish("t", b"y"), 60)

    assert len(server.subscriptions) == 2
