"""One write an answer, and its head made in one go.

uvicorn gives the head and the body of an answer to the transport one after the other, and uvloop sends each at once:
two system calls, two packets and two wake-ups of the client (measured: a sixth of a small answer's time). It also looks
at each header with two regular expressions. Names of headers leave as people write them: they have no case (RFC 9110,
clause 5.1), but not every client knows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vidik.kernel.answers import WHOLE_ANSWER

_ENOUGH: Final = 65_536  # bytes: a long answer goes out while it is made
_CONTROLS: Final = bytes([*range(9), *range(10, 32), 127])
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_SPELLED: Final = {
    name.lower(): name
    for name in (
        b"ETag",
        b"WWW-Authenticate",
        b"NGSILD-Tenant",
        b"NGSILD-Results-Count",
        b"NGSILD-Warning",
        b"NGSILD-EntityMap",
        b"NGSILD-Snapshot",
        b"X-Request-ID",
    )
}
_STEERING: Final = frozenset((b"content-length", b"transfer-encoding", b"connection"))


class OneWriteProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, over a transport that gathers what is written in one turn of the event loop."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection."""
        super().connection_made(_Gathering(cast("asyncio.Transport", transport), self.loop))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn has no other place to put in what answers; the cycle calls whatever stands under this name.
        cycle.send = _Answering(cycle)  # type: ignore[method-assign]
        scope = cast("dict[str, Any]", cycle.scope)
        scope["extensions"] = {**(scope.get("extensions") or {}), WHOLE_ANSWER: {}}
        super()._start_asgi_task(cycle, app)


class _Answering:
    """What one request is answered with; the body of a long answer goes uvicorn's own way."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    async def __call__(self, message: Any) -> None:
        cycle = self._cycle
        if cycle.response_started or message["type"] not in ("http.response.start", WHOLE_ANSWER):
            await RequestResponseCycle.send(cycle, message)
            if cycle.response_complete:
                self._end()
            return
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        head = self._head(message["status"], (*cycle.default_headers, *message.get("headers", ())))
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        if message["type"] != WHOLE_ANSWER:
            cycle.transport.write(head)
            return
        cast("_Gathering", cycle.transport).write_whole(
            head if cycle.scope["method"] == "HEAD" else head + message["body"]
        )
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        self._end()

    def _end(self) -> None:
        # What refers to itself waits for the collector, which would be the dearest part of a request.
        self._cycle.__dict__.pop("send", None)

    def _head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        cycle = self._cycle
        cycle.chunked_encoding, cycle.expected_content_length = None, 0
        lines = [STATUS_LINE[status]]
        is_said = False
        for name, value in headers:
            begin, steers = _begin_of(name)
            if steers:
                is_said |= self._steer(steers, value)
            lines.append(b"%b%b\r\n" % (begin, value))
        if not cycle.keep_alive and not is_said:
            lines.append(b"Connection: close\r\n")
        if cycle.chunked_encoding is None and cycle.scope["method"] != "HEAD" and status not in (204, 304):
            cycle.chunked_encoding = True
            lines.append(b"Transfer-Encoding: chunked\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(lines):
            raise RuntimeError("The value of a header has a character that no header may have.")
        return head

    def _steer(self, name: bytes, value: bytes) -> bool:
        """Take in what a header says of the answer; whether it closes the connection."""
        cycle = self._cycle
        if name == b"content-length" and cycle.chunked_encoding is None:
            cycle.expected_content_length = int(value)
            cycle.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            cycle.expected_content_length = 0
            cycle.chunked_encoding = True
        elif name == b"connection" and b"close" in [token.strip() for token in value.lower().split(b",")]:
            cycle.keep_alive = False
            return True
        return False


@lru_cache(maxsize=256)
def _begin_of(name: bytes) -> tuple[bytes, bytes]:
    """How a header's line begins, and its name where it steers the answer; raises RuntimeError for what is no name."""
    plain = name.lower()
    if not _NAME.fullmatch(plain):
        raise RuntimeError("A header has a name that no header may have.")
    return (_SPELLED.get(plain) or plain.title()) + b": ", plain if plain in _STEERING else b""


class _Gathering(asyncio.Transport):
    """A transport whose writes of one turn leave together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _ENOUGH:
            self._flush()

    def write_whole(self, data: bytes) -> None:
        """Write what nothing follows."""
        if self._waiting:
            self.write(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()
