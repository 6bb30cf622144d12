"""A receiver of notifications over HTTP that keeps what it got and answers as it is told."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        return self.body["data"]


@dataclass
class Receiver:
    """`answer` says the status of each notification; 0 closes the connection without a word. `headers` go with it."""

    answer: Callable[[Received], int] = lambda _: 204
    received: list[Received] = field(default_factory=list)
    headers: tuple[str, ...] = ()
    port: int = 0
    connections: int = 0
    _server: asyncio.Server | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/notify"

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()

    async def wait(self, number: int, seconds: float = 30) -> list[Received]:
        """Wait until so many notifications have come."""
        async with asyncio.timeout(seconds):
            while len(self.received) < number:
                self._news.clear()
                await self._news.wait()
        return self.received

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers["Content-Length"]))
                received = Received(head[0].split(" ")[1], headers, json.loads(body))
                status = self.answer(received)
                self.received.append(received)
                self._news.set()
                if status == 0:
                    break
                lines = (f"HTTP/1.1 {status} Told", "Content-Length: 0", *self.headers)
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a loop and a thread of its own, for tests that are not asynchronous."""
    receiver, loop = Receiver(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(receiver.open(), loop).result(10)
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(receiver.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
