"""Stand-ins around the doors: a pipeline in memory, a directory of devices, and a client that sends what it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from vidik.intake.mqtt import codec, packets, wire
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.ports import Message, Outcome
from vidik.intake.mqtt.wire import VERSION_5

SECRET = "right"


class MemoryPipeline:
    """Keeps messages until the test commits them; `automatic` commits at the end of each turn of the loop."""

    def __init__(self, *, automatic: bool = True) -> None:
        self.automatic = automatic
        self.outcome = Outcome.ACCEPTED
        self.messages: list[Message] = []
        self.waiting: list[Callable[[Outcome], None]] = []
        self.capacity = 1_000_000
        self.most_waiting = 0
        self._room = asyncio.Event()

    def offer(self, message: Message, done: Callable[[Outcome], None]) -> None:
        self.messages.append(message)
        if self.automatic and not self.waiting:
            asyncio.get_running_loop().call_soon(self.commit)
        self.waiting.append(done)
        self.most_waiting = max(self.most_waiting, len(self.waiting))

    def commit(self, outcome: Outcome | None = None) -> None:
        """Report everything that waits as committed."""
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(outcome or self.outcome)
        self._room.set()

    @property
    def full(self) -> bool:
        return len(self.waiting) >= self.capacity

    async def room(self) -> None:
        self._room.clear()
        if self.full:
            await self._room.wait()

    async def took(self, count: int, seconds: float = 60) -> list[Message]:
        """Return the messages once there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < count:  # noqa: ASYNC110  the pipeline tells nobody
                await asyncio.sleep(0.005)
        return self.messages


@dataclass
class Device:
    device_id: str


@dataclass
class MemoryDirectory:
    """Knows `known` devices, all with SECRET; `behind` names the devices of each gateway."""

    known: set[str] = field(default_factory=lambda: {"lamp-1", "lamp-2", "gateway-1", "meter-1"})
    behind: dict[str, set[str]] = field(default_factory=lambda: {"gateway-1": {"meter-1"}})

    def authenticate(self, username: str, password: str) -> Device | None:
        return Device(username) if username in self.known and password == SECRET else None

    def get(self, device_id: str) -> object | None:
        return Device(device_id) if device_id in self.known else None

    def may_write(self, principal_id: str, device_id: str) -> bool:
        return device_id in self.known and (
            device_id == principal_id or device_id in self.behind.get(principal_id, set())
        )


OpenListener = Callable[..., Awaitable[Listener]]
"""The fixture that opens one with options of its own."""


class RawClient(asyncio.Protocol):
    """Speaks MQTT byte by byte, so that a test can say exactly what goes over the wire."""

    opened: ClassVar[list["RawClient"]] = []

    def __init__(self, version: int) -> None:
        self.version = version
        self.connack: packets.Packet | None = None
        self.transport: asyncio.Transport
        self._data = b""
        self._gone = False
        self._changed = asyncio.Event()
        RawClient.opened.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._changed.set()

    @classmethod
    async def open(cls, port: int, version: int = VERSION_5) -> "RawClient":
        """Connect the socket only."""
        _, client = await asyncio.get_running_loop().create_connection(lambda: cls(version), "127.0.0.1", port)
        return client

    @classmethod
    async def log_in(cls, port: int, name: str, version: int = VERSION_5, **fields: Any) -> "RawClient":
        """Connect and log in as a device."""
        client = await cls.open(port, version)
        usual = {"client_id": name, "version": version, "username": name, "password": SECRET.encode()}
        client.connack = await client.ask(packets.Connect(**usual | fields))
        return client

    def send(self, *sent: packets.Packet) -> None:
        """Write packets in one piece."""
        self.write(b"".join(codec.encode(packet, self.version) for packet in sent))

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.transport.write(data)

    async def receive(self, seconds: float = 60) -> packets.Packet | None:
        """Return the next packet; None when the server hung up."""
        async with asyncio.timeout(seconds):
            while True:
                first, start, end = wire.next_frame(self._data, 0, len(self._data), 1 << 20)
                if end <= len(self._data):
                    packet = codec.decode(self._data, first, start, end, self.version)
                    self._data = self._data[end:]
                    return packet
                if self._gone:
                    return None
                self._changed.clear()
                await self._changed.wait()

    async def ask(self, packet: packets.Packet) -> packets.Packet | None:
        """Send a packet and return the answer."""
        self.send(packet)
        return await self.receive()

    async def silent(self, seconds: float = 0.15) -> bool:
        """Return True when the server says nothing for so long."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    def drop(self) -> None:
        """Hang up without a word."""
        self.transport.abort()


def reading(number: int, device: str = "lamp-1", *, payload: bytes = b"{}", qos: int = 1) -> packets.Publish:
    """A reading of a device; its packet identifier is `number`."""
    return packets.Publish(f"devices/{device}/readings", payload, qos=qos, packet_id=number if qos else 0)


async def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return when the condition holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  whatever it is tells nobody
            await asyncio.sleep(0.005)
