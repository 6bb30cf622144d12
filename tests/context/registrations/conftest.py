"""The application, somebody who may use it, and other context sources that it asks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from tests.context.ngsild.conftest import anonymous, client

from vidik.context.registrations.forwarding.federation import Federation

__all__ = ("anonymous", "client")

LATE = "late"
"""The answer of a source that does not answer in time."""


class Sent(httpx.AsyncByteStream):
    """A body as it comes over a connection: nothing has read or inflated it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body:
            yield self._body


class Peers:
    """Other sources: what they are to answer, and what they were asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], Any] = {}
        self.open = asyncio.Event()
        """Cleared, no source answers."""
        self.open.set()
        self.heard = asyncio.Event()
        """Set by the first question."""

    def answer(self, method: str, path: str, status: int = 200, content: Any = None, **headers: str | bytes) -> None:
        """What a source answers; the path begins with the name of the source."""
        response = (status, content, headers)
        self._answers[method, path] = response

    def answer_if(self, method: str, path: str, parameter: str, status: int, content: Any) -> None:
        """What a source answers to a request that has a parameter; to others as before."""
        self._answers[method, f"{path}?{parameter}"] = (status, content, {})

    def late(self, method: str, path: str) -> None:
        """A source that says nothing."""
        self._answers[method, path] = LATE

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.heard.set()
        await self.open.wait()
        place = f"{request.url.host}{request.url.path}"
        special = [self._answers.get((request.method, f"{place}?{one}")) for one in request.url.params]
        found = next(filter(None, special), self._answers.get((request.method, place)))
        if found is None:
            found = (404, {"title": "Not found", "status": 404}, {})
        if found == LATE:
            await asyncio.sleep(60)
        status, content, headers = found
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        return httpx.Response(status, headers=headers, stream=Sent(body))


@pytest.fixture
def peers(anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Peers:
    peers = Peers()
    services = anonymous._transport.app.state.services  # type: ignore[attr-defined]  # an ASGI transport
    forwarder = Federation.of(services).forwarder
    client = httpx.AsyncClient(transport=httpx.MockTransport(peers.handle))
    monkeypatch.setattr(forwarder, "_client_of", lambda _host: client)
    monkeypatch.setattr(forwarder, "_allow_private", True)
    return peers


@pytest.fixture
def register(client: httpx.AsyncClient) -> Callable[..., Any]:
    """Registers a source, by default one that has everything of buildings."""

    async def register(host: str = "peer", **members: Any) -> str:
        body = {
            "id": f"urn:ngsi-ld:ContextSourceRegistration:{host}",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Building"}]}],
            "endpoint": f"http://{host}",
            **members,
        }
        response = await client.post("/csourceRegistrations", json=body)
        assert response.status_code == 201, response.text
        return str(body["id"])

    return register
