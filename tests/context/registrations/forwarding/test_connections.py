"""Connections to sources, with a real server: kept for one host, and for no other at the same address."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from vidik.context.registrations.forwarding import requests
from vidik.context.registrations.forwarding.requests import Errand, Forwarder, Sender
from vidik.context.registrations.sources.model import Registration
from vidik.kernel.clock import now


class Server:
    """Answers every request with an empty list, and notes which hosts were asked for on each connection."""

    def __init__(self) -> None:
        self.connections: list[list[str]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hosts: list[str] = []
        self.connections.append(hosts)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                hosts.append(next(line.removeprefix("host: ") for line in lines if line.startswith("host: ")))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")
        except asyncio.IncompleteReadError:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()


async def test_hosts_at_the_same_address_share_no_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def addresses_of(_host: str) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(requests, "addresses_of", addresses_of)
    monkeypatch.setattr(requests, "is_public", lambda _address: True)
    forwarder = Forwarder(allow_private=False)

    async def ask(host: str) -> None:
        body = {"id": f"urn:ngsi-ld:ContextSourceRegistration:{host}", "information": [{}]}
        registration = Registration.of(1, {**body, "endpoint": f"http://{host}:{server.port}"}, now(), now())
        answer = await forwarder.send(Sender("city", "1.1 here"), Errand(registration, "GET", "entities"))
        assert (answer.status, answer.content) == (200, [])

    try:
        for host in ("one.test", "other.test", "one.test"):
            await ask(host)
    finally:
        await forwarder.close()

    one, other = f"one.test:{server.port}", f"other.test:{server.port}"
    assert server.connections == [[one, one], [other]]
