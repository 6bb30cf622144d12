"""A load of HTTP requests over keep-alive connections, as light as a client in Python can be.

It shares the machine with what it measures, so how busy it is itself is part of each result.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Load:
    """What a load found: answers a second, latencies in milliseconds, the client's share of one core."""

    rate: float
    p50_ms: float
    p95_ms: float
    client_share: float
    last: bytes

    def details(self) -> dict[str, Any]:
        """What stands beside the figure."""
        return {"p50": f"{self.p50_ms} ms", "p95": f"{self.p95_ms} ms", "client": f"{self.client_share:.0%} of a core"}


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._missing = -1
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future has its answer, head and body."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        if self._missing < 0:
            whole = b"".join(self._parts)
            end = whole.find(b"\r\n\r\n")
            if end < 0:
                return
            self._parts = [whole]
            self._missing = end + 4 + _content_length(whole[:end]) - len(whole)
        else:
            self._missing -= len(data)
        if self._missing == 0 and self._answer is not None:
            answer, self._parts, self._missing = b"".join(self._parts), [], -1
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))


def _content_length(head: bytes) -> int:
    found = head.lower().find(b"\r\ncontent-length:")
    return 0 if found < 0 else int(head[found + 17 :].split(b"\r\n", 1)[0])


async def drive(port: int, connections: int, seconds: float, make: Callable[[], bytes], expected: int = 200) -> Load:
    """Ask for `seconds` over so many connections; raises RuntimeError for an answer that was not expected."""
    latencies: list[float] = []
    status = f"HTTP/1.1 {expected}".encode()
    opened = [await Connection.open(port) for _ in range(connections)]
    last = b""
    began, busy = time.perf_counter(), time.process_time()

    async def ask(connection: Connection) -> None:
        nonlocal last
        while (started := time.perf_counter()) - began < seconds:
            last = await connection.ask(make())
            latencies.append(time.perf_counter() - started)
            if not last.startswith(status):
                raise RuntimeError(last[:2000].decode(errors="replace"))

    await asyncio.gather(*(ask(connection) for connection in opened))
    elapsed, busy = time.perf_counter() - began, time.process_time() - busy
    for connection in opened:
        connection.close()
    latencies.sort()
    return Load(
        rate=round(len(latencies) / elapsed, 1),
        p50_ms=round(latencies[len(latencies) // 2] * 1000, 2),
        p95_ms=round(latencies[int(len(latencies) * 0.95)] * 1000, 2),
        client_share=busy / elapsed,
        last=last.partition(b"\r\n\r\n")[2],
    )
