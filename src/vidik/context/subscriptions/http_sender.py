"""Notifications over HTTP/1.1: one POST each, over connections that stay open between them.

No general client: a notification needs a fixed head, the body and a status, and must go to the very address that was
checked. The parser is the web server's own.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import SplitResult, unquote

import httptools

from vidik.context.subscriptions.addresses import connect
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.notification import Message
from vidik.context.subscriptions.retry_after import wait_seconds
from vidik.kernel.clock import now

IDLE_SECONDS = 20.0
MAXIMUM_ANSWER = 1 << 20


class Answer(NamedTuple):
    """What a receiver answered; `status` 0 is no answer."""

    status: int
    wait_seconds: float = 0.0
    """So long it asks to be left alone (Retry-After)."""


class HttpSender:
    """Sends notifications to endpoints of http and https. One a process."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._idle: dict[str, list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def send(self, endpoint: Endpoint, message: Message) -> Answer:
        """What the endpoint answers. Raises OSError (also TimeoutError) when it gives none."""
        request = _request(endpoint.address, message.headers, message.body)
        async with asyncio.timeout(endpoint.timeout_seconds):
            while (connection := self._take(endpoint.origin)) is not None:
                try:
                    return await self._exchange(endpoint.origin, connection, request)
                except _ClosedUnused:
                    continue  # the server had closed it meanwhile: nothing of the request was looked at
            return await self._exchange(endpoint.origin, await self._open(endpoint), request)

    def close(self) -> None:
        """Close every connection that waits."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def sweep(self) -> None:
        """Close connections that have waited too long."""
        limit = time.monotonic() - IDLE_SECONDS
        for origin, connections in list(self._idle.items()):
            for connection in connections:
                if connection.used_at < limit:
                    connection.close()
            fresh = [one for one in connections if one.used_at >= limit]
            if fresh:
                self._idle[origin] = fresh
            else:
                del self._idle[origin]

    def _take(self, origin: str) -> _Connection | None:
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.is_open:
                return connection
        return None

    async def _open(self, endpoint: Endpoint) -> _Connection:
        parts = endpoint.address
        tls = None
        if parts.scheme == "https":
            tls = self._tls = self._tls or ssl.create_default_context()
        port = parts.port or (443 if tls is not None else 80)
        return await connect(_Connection, parts.hostname or "", port, tls=tls, allow_private=self._allow_private)

    async def _exchange(self, origin: str, connection: _Connection, request: bytes) -> Answer:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            connection.used_at = time.monotonic()
            self._idle.setdefault(origin, []).append(connection)
        return answer


class _ClosedUnused(ConnectionError):
    """A kept connection ended before a byte of the answer came."""


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most; also the parser's listener."""

    def __init__(self) -> None:
        self.is_open = False
        self.used_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._requests = 0
        self._received = 0
        self._has_head = False
        self._retry_after = self._date = b""

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._requests += 1
        self._received = 0
        self._has_head = False
        self._retry_after = self._date = b""
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so only the type checker is told.
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAXIMUM_ANSWER:
            self._fail(ConnectionError("the answer is too large"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"the answer is not HTTP: {type(error).__name__}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._has_head and exc is None:
            self.on_message_complete()  # an answer without a length lasts until the connection ends
            return
        unused = self._requests > 1 and self._received == 0
        self._fail(_ClosedUnused("closed") if unused else ConnectionError("the connection was closed"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser has seen a header."""
        name = name.lower()
        if name == b"retry-after":
            self._retry_after = value
        elif name == b"date":
            self._date = value

    def on_headers_complete(self) -> None:
        """The parser has seen the head of an answer."""
        self._has_head = self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """The parser has seen the end of an answer."""
        status = self._parser.get_status_code()
        if status < 200:
            return  # an interim answer: the real one follows
        keeps = self._parser.should_keep_alive()
        self._parser = httptools.HttpResponseParser(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, wait_seconds(status, self._retry_after, self._date, now())))
        if not keeps:
            self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if parts.username is not None and "authorization" not in {name.lower() for name in headers}:
        lines.append(f"Authorization: {_basic(parts)}")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def _basic(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
