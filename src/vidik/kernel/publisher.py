"""An MQTT 5 client for our own tools: it publishes with QoS 1 and knows what was acknowledged.

Replay and the demo city send as a device does, from outside. A general client keeps unacknowledged messages
where its user cannot see them; here a message leaves the window only with its PUBACK, and a lost connection
is made again and sends the rest once more, so that nothing is skipped and memory stays bounded.
"""

import asyncio
import contextlib
import ssl
import struct
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import structlog

from vidik.kernel.tasks import begin_endless, end_tasks

_log = structlog.get_logger(__name__)

_KEEPALIVE_SECONDS = 60
_CONNECT_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 30.0
_CONNACK, _PUBLISH, _PUBACK, _DISCONNECT = 0x20, 0x30, 0x40, 0xE0
_RECEIVE_MAXIMUM = 0x21
# Properties of a CONNACK by the length of their value; the others are text (MQTT 5, 2.2.2.2).
_PROPERTY_BYTES: Final = {0x11: 4, 0x21: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x22: 2, 0x28: 1, 0x29: 1, 0x2A: 1, 0x13: 2}


PAYLOAD_INVALID: Final = 0x99


class PublishRefused(Exception):
    """The server refused the connection or a message; `code` is the MQTT 5 reason code.

    PAYLOAD_INVALID is Vidik's word for a message that it keeps, in whole or in part, among the dead letters.
    """

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} (MQTT reason code 0x{code:02x})")
        self.code = code


class Publisher:
    """Publishes with one credential; `window` is how many messages may wait for their acknowledgement.

    `commands` is called with each message that comes on devices/{username}/commands (QoS 1; it may come twice).
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        password: str,
        *,
        client_id: str | None = None,
        window: int = 20,
        tls: ssl.SSLContext | None = None,
        commands: Callable[[bytes], None] | None = None,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._username, self._password = username, password
        self._client_id = client_id or f"{username}-publisher"
        self._window = window
        self._commands = commands
        self._room = asyncio.Semaphore(window)
        self._waiting: OrderedDict[int, tuple[str, bytes, asyncio.Future[None]]] = OrderedDict()
        self._next_id = 0
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._server_window = window
        self._unsent: set[int] = set()
        self.acknowledged = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect. Raises PublishRefused for a bad credential, OSError or EOFError when nobody answers."""
        reader = await self._connect()
        self._task = begin_endless(self._run(reader), f"publisher {self._username}")

    async def close(self) -> None:
        """End the connection; messages still without acknowledgement are given up."""
        if self._task is not None:
            await end_tasks(self._task)
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.write(bytes([_DISCONNECT, 0]))
            await self._drop()
        for _, _, acknowledged in self._waiting.values():
            acknowledged.cancel()
        self._waiting.clear()

    async def send(self, topic: str, payload: bytes) -> "asyncio.Future[None]":
        """Send one message as soon as the window has room; the future is done when it is acknowledged.

        The future carries PublishRefused when the server refuses this message.
        """
        await self._room.acquire()
        packet_id = self._free_id()
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[packet_id] = (topic, payload, acknowledged)
        self._unsent.add(packet_id)
        self._write_unsent()
        if self._writer is not None and self._writer.transport.get_write_buffer_size() > 65_536:
            with contextlib.suppress(OSError):
                await self._writer.drain()
        return acknowledged

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send one message and wait for its acknowledgement."""
        await (await self.send(topic, payload))

    async def drain(self) -> None:
        """Wait until every message sent so far is acknowledged or refused."""
        pending = [acknowledged for _, _, acknowledged in self._waiting.values()]
        if pending:
            await asyncio.wait(pending)

    def _free_id(self) -> int:
        while True:
            self._next_id = self._next_id % 65_535 + 1
            if self._next_id not in self._waiting:
                return self._next_id

    def _write_unsent(self, duplicate: bool = False) -> None:
        if self._writer is None or not self._unsent:
            return
        sent = len(self._waiting) - len(self._unsent)
        for packet_id in [each for each in self._waiting if each in self._unsent]:
            if sent >= self._server_window:
                return
            topic, payload, _ = self._waiting[packet_id]
            self._writer.write(_publish(packet_id, topic, payload, duplicate))
            self._unsent.discard(packet_id)
            sent += 1

    async def _run(self, reader: asyncio.StreamReader) -> None:
        while True:
            ping = asyncio.create_task(self._ping())
            try:
                await self._read(reader)
            except (OSError, EOFError) as error:
                _log.info("connection lost, connecting again", username=self._username, error=str(error))
            finally:
                ping.cancel()
                await self._drop()
            reader = await self._reconnect()
            self._unsent.update(self._waiting)
            self._write_unsent(duplicate=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            # A server that is gone without a word answers no ping: TimeoutError is an OSError.
            async with asyncio.timeout(1.5 * _KEEPALIVE_SECONDS):
                kind, body = await _packet(reader)
            if kind & 0xF0 == _PUBLISH:
                self._hear(kind, body)
            elif kind == _PUBACK:
                self._acknowledge(int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0)
            elif kind == _DISCONNECT:
                raise EOFError(f"the server ended the connection (0x{body[0] if body else 0:02x})")

    def _hear(self, first: int, body: bytes) -> None:
        position = 2 + int.from_bytes(body[:2], "big")
        packet_id = body[position : position + 2] if first & 0x06 else b""
        length, position = _number(body, position + len(packet_id))
        if self._commands is not None:
            self._commands(body[position + length :])
        if packet_id and self._writer is not None:
            self._writer.write(bytes([_PUBACK, 2]) + packet_id)

    def _acknowledge(self, packet_id: int, code: int) -> None:
        entry = self._waiting.pop(packet_id, None)
        if entry is None:
            return
        self._room.release()
        topic, _, acknowledged = entry
        if acknowledged.cancelled():
            pass
        elif code < 0x80:
            self.acknowledged += 1
            acknowledged.set_result(None)
        else:
            acknowledged.set_exception(PublishRefused(f"a message to {topic} was refused", code))
            acknowledged.exception()  # seen here: whoever does not ask is not warned
        self._write_unsent()

    async def _reconnect(self) -> asyncio.StreamReader:
        pause = 0.5
        while True:
            await asyncio.sleep(pause)
            try:
                return await self._connect()
            except (OSError, EOFError, TimeoutError, PublishRefused) as error:
                _log.info("not connected yet", username=self._username, error=str(error))
                await self._drop()
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)

    async def _connect(self) -> asyncio.StreamReader:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
            try:
                writer.write(_connect(self._client_id, self._username, self._password))
                kind, body = await _packet(reader)
                if kind != _CONNACK or len(body) < 2 or body[1] >= 0x80:
                    code = body[1] if len(body) > 1 else 0x80
                    raise PublishRefused(f"{self._host}:{self._port} refused {self._username}", code)
            except BaseException:
                writer.close()
                raise
        self._writer = writer
        self._server_window = min(self._window, _receive_maximum(body))
        if self._commands is not None:
            self._writer.write(_subscribe(self._free_id(), f"devices/{self._username}/commands"))
        return reader

    async def _drop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(2):
                    await writer.wait_closed()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_KEEPALIVE_SECONDS / 2)
            if self._writer is not None:
                self._writer.write(b"\xc0\x00")


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        if digit < 0x80:
            break
        shift += 7
        if shift > 21:
            raise EOFError("the server sent a broken length")
    return first, await reader.readexactly(length)


def _connect(client_id: str, username: str, password: str) -> bytes:
    # user name, password, clean start; no properties
    head = _text("MQTT") + bytes([5, 0xC2]) + struct.pack("!H", _KEEPALIVE_SECONDS) + b"\0"
    return _frame(0x10, head + _text(client_id) + _text(username) + _text(password))


def _publish(packet_id: int, topic: str, payload: bytes, duplicate: bool) -> bytes:
    return _frame(0x3A if duplicate else 0x32, _text(topic) + struct.pack("!H", packet_id) + b"\0" + payload)


def _subscribe(packet_id: int, topic: str) -> bytes:
    return _frame(0x82, struct.pack("!H", packet_id) + b"\0" + _text(topic) + b"\x01")


def _frame(first: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray([first])
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(digits) + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _number(body: bytes, position: int) -> tuple[int, int]:
    """The number of variable length at `position`, and where it ends."""
    number = 0
    for shift in (0, 7, 14, 21):
        digit = body[position] if position < len(body) else 0
        position += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            break
    return number, position


def _receive_maximum(connack: bytes) -> int:
    """How many messages the server takes before it has acknowledged one of them."""
    length, position = _number(connack, 2)
    end = min(len(connack), position + length)
    while position < end:
        identifier = connack[position]
        position += 1
        size = _PROPERTY_BYTES.get(identifier)
        if identifier == _RECEIVE_MAXIMUM:
            return int.from_bytes(connack[position : position + 2], "big") or 1
        if size is not None:
            position += size
            continue
        for _ in range(2 if identifier == 0x26 else 1):  # a user property is a pair of texts
            position += 2 + int.from_bytes(connack[position : position + 2], "big")
    return 65_535
