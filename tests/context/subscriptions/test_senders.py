"""The sender of HTTP on the worker's own event loop: connections, failures, forbidden addresses."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from tests.context.subscriptions.receiver import Receiver

from vidik.context.subscriptions.addresses import EndpointForbidden, check_endpoint
from vidik.context.subscriptions.http_sender import HttpSender
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.notification import Message
from vidik.kernel.errors import BadInput
from vidik.kernel.settings import Settings

MESSAGE = Message({"Content-Type": "application/json"}, b'{"data":[]}')


async def on_uvloop(test: Callable[[Receiver, HttpSender], Awaitable[None]], *, allow_private: bool = True) -> None:
    async def work() -> None:
        receiver, sender = Receiver(), HttpSender(allow_private=allow_private)
        await receiver.open()
        try:
            await test(receiver, sender)
        finally:
            sender.close()
            await receiver.close()

    await asyncio.to_thread(uvloop.run, work())


async def test_one_connection_serves_many_notifications() -> None:
    async def test(receiver: Receiver, sender: HttpSender) -> None:
        for _ in range(5):
            assert (await sender.send(Endpoint(receiver.uri), MESSAGE)).status == 204
        assert receiver.connections == 1

    await on_uvloop(test)


async def test_a_connection_that_was_closed_meanwhile_is_made_again() -> None:
    async def test(receiver: Receiver, sender: HttpSender) -> None:
        await sender.send(Endpoint(receiver.uri), MESSAGE)
        port = receiver.port
        await receiver.close()
        await receiver.open(port)
        assert (await sender.send(Endpoint(receiver.uri), MESSAGE)).status == 204

    await on_uvloop(test)


async def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    async def test(_receiver: Receiver, sender: HttpSender) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\n\r\nthanks")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert (await sender.send(Endpoint(f"http://127.0.0.1:{port}/"), MESSAGE)).status == 200
        server.close()

    await on_uvloop(test)


async def test_no_answer_is_a_timeout() -> None:
    async def test(receiver: Receiver, sender: HttpSender) -> None:
        receiver.answer = lambda _: time.sleep(0.5) or 204
        with pytest.raises(TimeoutError):
            await sender.send(Endpoint(receiver.uri, timeout_seconds=0.05), MESSAGE)

    await on_uvloop(test)


async def test_a_private_address_is_not_connected_to() -> None:
    async def test(receiver: Receiver, sender: HttpSender) -> None:
        for host in ("127.0.0.1", "127.0.0.2", "[::1]"):
            with pytest.raises(EndpointForbidden):
                await sender.send(Endpoint(f"http://{host}:{receiver.port}/"), MESSAGE)
        assert receiver.connections == 0

    await on_uvloop(test, allow_private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "localhost"])
def test_private_hosts_are_refused_when_subscribing(host: str) -> None:
    with pytest.raises(BadInput):
        check_endpoint(host, "endpoint", Settings(allow_private_endpoints=False))
    check_endpoint(host, "endpoint", Settings(allow_private_endpoints=True))


@pytest.mark.parametrize(
    "host",
    [
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "::ffff:0:10.0.0.1",
        "fec0::1",
    ],
)
def test_a_private_address_inside_another_is_private(host: str) -> None:
    with pytest.raises(BadInput):
        check_endpoint(host, "endpoint", Settings(allow_private_endpoints=False))


def test_public_hosts_may_be_subscribed_to() -> None:
    for host in ("example.org", "193.105.163.1", "64:ff9b::193.105.163.1", "2606:4700::1111"):
        check_endpoint(host, "endpoint", Settings(allow_private_endpoints=False))
