"""Notifications over MQTT 3.1.1 and 5 with QoS 0, 1 or 2 (ETSI GS CIM 009, clause 7.2)."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import struct
import time
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import unquote

from vidik.context.subscriptions.addresses import connect
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.notification import Message

IDLE_SECONDS: Final = 30.0
_MAXIMUM_PACKET: Final = 1 << 16
_CONNACK, _PUBACK, _PUBREC, _PUBCOMP, _PINGRESP, _DISCONNECT = 2, 4, 5, 7, 13, 14
_NO_MATCHING_SUBSCRIBERS: Final = 0x10
AT_ONCE: Final = 20
"""As many messages are under way on one connection, where the broker does not say fewer."""
SILENT_SECONDS: Final = 10.0
"""A connection on which something waits for an answer so long, and nothing came, has ended without a word."""
_RECEIVE_MAXIMUM, _MAXIMUM_QOS, _MAXIMUM_PACKET_SIZE = 0x21, 0x24, 0x27
_BYTE: Final = frozenset((0x24, 0x25, 0x28, 0x29, 0x2A))
_TWO_BYTES: Final = frozenset((0x13, 0x21, 0x22))
_FOUR_BYTES: Final = frozenset((0x11, 0x27))
_TEXT: Final = frozenset((0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F))
_USER_PROPERTY: Final = 0x26


class BrokerRefused(ConnectionError):
    """The broker refused the login or the message; the code is of its protocol version."""


class MqttSender:
    """Sends notifications to endpoints of mqtt and mqtts; one connection a broker and login. One a process."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._links: dict[tuple[str, bool], _Link] = {}
        self._opening: dict[tuple[str, bool], asyncio.Lock] = {}
        self._tls: ssl.SSLContext | None = None

    async def send(self, endpoint: Endpoint, message: Message) -> None:
        """Publish; returns when the broker has taken it. Raises OSError (also TimeoutError) when it has not."""
        options = dict(endpoint.notifier_info)
        topic = unquote(endpoint.address.path.removeprefix("/"))
        async with asyncio.timeout(endpoint.timeout_seconds):
            link = await self._link(endpoint, options.get("MQTT-Version") != "mqtt3.1.1")
            await link.publish(topic, message.as_mqtt(), int(options.get("MQTT-QoS", "0")))

    def close(self) -> None:
        """Close every connection."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def sweep(self) -> None:
        """Close connections that were not used for a while."""
        limit = time.monotonic() - IDLE_SECONDS
        for key, link in list(self._links.items()):
            if not link.is_open or (link.used_at < limit and not link.is_waiting):
                link.close()
                del self._links[key]
                self._opening.pop(key, None)

    async def _link(self, endpoint: Endpoint, version_5: bool) -> _Link:
        parts = endpoint.address
        key = (f"{parts.scheme}://{parts.netloc}", version_5)
        async with self._opening.setdefault(key, asyncio.Lock()):
            link = self._links.get(key)
            if link is not None and link.is_silent:
                link.close()  # else nothing is delivered until the kernel gives up, a quarter of an hour later
            if link is not None and link.is_open:
                return link
            tls = None
            if parts.scheme == "mqtts":
                tls = self._tls = self._tls or ssl.create_default_context()
            port = parts.port or (8883 if tls is not None else 1883)
            link = await connect(
                lambda: _Link(version_5=version_5),
                parts.hostname or "",
                port,
                tls=tls,
                allow_private=self._allow_private,
            )
            try:
                await link.login(_unquoted(parts.username), _unquoted(parts.password))
            except BaseException:
                link.close()
                raise
            self._links[key] = link
            return link


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)


class _Link(asyncio.Protocol):
    """One connection to a broker."""

    def __init__(self, *, version_5: bool) -> None:
        self.is_open = False
        self.used_at = time.monotonic()
        self._version_5 = version_5
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._next_id = 0
        self._waiting: dict[tuple[int, int], asyncio.Future[None]] = {}
        self._pings: list[asyncio.Future[None]] = []
        self._room = asyncio.Semaphore(AT_ONCE)
        self._asked_at: float | None = None
        """When the first thing was written to which nothing has been heard since."""
        self._longest = 0
        self._best_qos = 2

    @property
    def is_silent(self) -> bool:
        """Whether the broker has said nothing for so long that it is not there any more."""
        return self._asked_at is not None and time.monotonic() - self._asked_at > SILENT_SECONDS

    @property
    def is_waiting(self) -> bool:
        """Whether a message is under way."""
        return bool(self._waiting or self._pings)

    async def login(self, username: str | None, password: str | None) -> None:
        """Introduce ourselves; raises BrokerRefused."""
        flags, tail = 0x02, b""  # a clean start
        if username is not None:
            flags, tail = flags | 0x80, tail + _text(username)
            # MQTT 3.1.1 has no password without a user name.
            if password is not None:
                flags, tail = flags | 0x40, tail + _text(password)
        level, properties = (5, b"\0") if self._version_5 else (4, b"")
        head = _text("MQTT") + bytes((level, flags)) + struct.pack("!H", 0) + properties
        answered = self._expect(_CONNACK, 0)
        self._write(0x10, head + _text(f"vidik-{secrets.token_hex(8)}") + tail)
        await answered
        self.is_open = True

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Publish a message and wait until the broker has it."""
        properties = b"\0" if self._version_5 else b""
        if qos > self._best_qos:
            raise BrokerRefused(f"the broker takes no QoS {qos}")
        if 0 < self._longest < len(_text(topic)) + len(properties) + len(payload) + 7:
            raise BrokerRefused("the message is larger than the broker takes")
        async with self._room:
            self.used_at = time.monotonic()
            if qos == 0:
                # Nothing acknowledges QoS 0, but a broker answers a ping after what came before it.
                self._write(0x30, _text(topic) + properties + payload)
                ponged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._pings.append(ponged)
                self._write(0xC0, b"")
                await ponged
                return
            number = self._free_id()
            answered = self._expect(_PUBACK if qos == 1 else _PUBREC, number)
            self._write(0x30 | qos << 1, _text(topic) + struct.pack("!H", number) + properties + payload)
            await answered
            if qos == 2:
                completed = self._expect(_PUBCOMP, number)
                self._write(0x62, struct.pack("!H", number))
                await completed

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"\xe0\0")
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so only the type checker is told.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._asked_at = None
        self._buffer += data
        while (packet := self._packet()) is not None:
            self._take(*packet)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.is_open = False
        self._fail(ConnectionError("the broker closed the connection"))

    def _packet(self) -> tuple[int, bytes] | None:
        length = shift = 0
        for position in range(1, 5):
            if position >= len(self._buffer):
                return None
            digit = self._buffer[position]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
        if length > _MAXIMUM_PACKET:
            self._fail(ConnectionError("the broker's answer is too large"))
            self.close()
            self._buffer.clear()
            return None
        end = position + 1 + length
        if len(self._buffer) < end:
            return None
        packet = self._buffer[0] >> 4, bytes(self._buffer[position + 1 : end])
        del self._buffer[:end]
        return packet

    def _take(self, kind: int, body: bytes) -> None:
        if kind == _CONNACK:
            if self._version_5:
                self._heed(_properties(body[2:]))
            self._settle(_CONNACK, 0, body[1] if len(body) > 1 else 0x80)
        elif kind in (_PUBACK, _PUBREC, _PUBCOMP) and len(body) >= 2:
            code = body[2] if len(body) > 2 else 0
            self._settle(kind, int.from_bytes(body[:2], "big"), 0 if code == _NO_MATCHING_SUBSCRIBERS else code)
        elif kind == _PINGRESP and self._pings:
            ponged = self._pings.pop(0)
            if not ponged.done():
                ponged.set_result(None)
        elif kind == _DISCONNECT:
            self.close()

    def _heed(self, limits: Mapping[int, int]) -> None:
        """Keep within what the broker takes: else it ends the connection, with all that is under way on it."""
        if limits.get(_RECEIVE_MAXIMUM):
            self._room = asyncio.Semaphore(min(AT_ONCE, limits[_RECEIVE_MAXIMUM]))
        self._longest = limits.get(_MAXIMUM_PACKET_SIZE, 0)
        self._best_qos = limits.get(_MAXIMUM_QOS, 2)

    def _expect(self, kind: int, number: int) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[kind, number] = future
        future.add_done_callback(lambda _: self._waiting.pop((kind, number), None))
        return future

    def _settle(self, kind: int, number: int, code: int) -> None:
        future = self._waiting.get((kind, number))
        if future is None or future.done():
            return
        if code == 0:
            future.set_result(None)
        else:
            future.set_exception(BrokerRefused(f"the broker refused (code {code})"))

    def _fail(self, error: Exception) -> None:
        for future in [*self._waiting.values(), *self._pings]:
            if not future.done():
                future.set_exception(error)
        self._pings.clear()

    def _free_id(self) -> int:
        while True:
            self._next_id = self._next_id % 65_535 + 1
            if not any((kind, self._next_id) in self._waiting for kind in (_PUBACK, _PUBREC, _PUBCOMP)):
                return self._next_id

    def _write(self, first: int, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        length, digits = len(body), bytearray([first])
        while True:
            length, digit = divmod(length, 128)
            digits.append(digit | 0x80 if length else digit)
            if not length:
                break
        self._transport.write(bytes(digits) + body)
        if self._asked_at is None:
            self._asked_at = time.monotonic()


def _properties(data: bytes) -> dict[int, int]:
    """The numbers among the properties of a CONNACK; empty for what is none (MQTT 5, 2.2.2)."""
    try:
        length, at = _varying(data, 0)
        end, found = at + length, dict[int, int]()
        while at < end:
            kind, at = data[at], at + 1
            if kind in _TEXT:
                at += 2 + int.from_bytes(data[at : at + 2], "big")
                continue
            if kind == _USER_PROPERTY:
                for _ in range(2):
                    at += 2 + int.from_bytes(data[at : at + 2], "big")
                continue
            size = 1 if kind in _BYTE else 2 if kind in _TWO_BYTES else 4 if kind in _FOUR_BYTES else 0
            if not size:
                break
            found[kind] = int.from_bytes(data[at : at + size], "big")
            at += size
    except IndexError:
        return {}
    return found


def _varying(data: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer, and where it ends."""
    value = shift = 0
    while True:
        digit = data[at]
        at += 1
        value |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80 or shift > 21:
            return value, at


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded
