"""A server that speaks just enough MQTT 5 to watch what a publisher does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MqttServer:
    """Takes messages; `acknowledge` False holds PUBACKs back, `refuse` answers the connection with a reason code."""

    port: int = 0
    refuse: int = 0
    acknowledge: bool = True
    puback_code: int = 0
    receive_maximum: int = 0
    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)
    connections: int = 0
    waiting: int = 0
    most_waiting: int = 0
    subscriptions: list[str] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    held: list[tuple[asyncio.StreamWriter, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.writers.append(writer)
        try:
            await self._packet(reader)
            properties = b"\x21" + self.receive_maximum.to_bytes(2, "big") if self.receive_maximum else b""
            body = bytes([0, self.refuse, len(properties)]) + properties
            writer.write(bytes([0x20, len(body)]) + body)
            while not self.refuse:
                first, packet = await self._packet(reader)
                if first & 0xF0 == 0x30:
                    self._take(writer, first, packet)
                elif first == 0x82:
                    self.subscriptions.append(packet[5:-1].decode())
                    writer.write(b"\x90\x04" + packet[:2] + b"\x00\x01")
                elif first == 0x40:
                    self.settled.append(int.from_bytes(packet[:2], "big"))
                elif first == 0xC0:
                    writer.write(b"\xd0\x00")
                elif first == 0xE0:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, writer: asyncio.StreamWriter, first: int, packet: bytes) -> None:
        length = int.from_bytes(packet[:2], "big")
        topic, rest = packet[2 : 2 + length].decode(), packet[2 + length :]
        self.messages.append((topic, rest[3:], bool(first & 0x08)))
        code = bytes([self.puback_code]) if self.puback_code else b""
        answer = bytes([0x40, 2 + len(code)]) + rest[:2] + code
        if self.acknowledge:
            writer.write(answer)
        else:
            self.held.append((writer, answer))
            self.most_waiting = max(self.most_waiting, len(self.held))

    def release(self) -> None:
        """Send the acknowledgements that were held back."""
        for writer, answer in self.held:
            writer.write(answer)
        self.held.clear()

    def command(self, topic: str, payload: bytes, packet_id: int) -> None:
        """Send a message with QoS 1 to every connection."""
        body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big") + b"\x00" + payload
        for writer in self.writers:
            writer.write(bytes([0x32, len(body)]) + body)

    def cut(self) -> None:
        """End every connection without a word."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()
        self.held.clear()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        first = (await reader.readexactly(1))[0]
        length = shift = 0
        while True:
            digit = (await reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            if digit < 0x80:
                return first, await reader.readexactly(length)
            shift += 7


@asynccontextmanager
async def mqtt_server(**settings: Any) -> AsyncIterator[MqttServer]:
    """A running server on a free port."""
    state = MqttServer(**settings)
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        state.cut()
        server.close()
        await asyncio.sleep(0)
