"""What an MQTT broker says that it takes, and a broker that says nothing any more (MQTT 5, 3.2.2.3 and 4.9)."""

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from vidik.context.subscriptions import mqtt_sender
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.mqtt_sender import BrokerRefused, MqttSender
from vidik.context.subscriptions.notification import Message
from vidik.context.subscriptions.senders import Senders

MESSAGE = Message({}, b"[]")
NOT_AUTHORIZED = 0x87


@dataclass
class Broker:
    """A broker of MQTT 5 that counts what is under way and answers when it is told to."""

    properties: bytes = b""
    refused: str = ""
    """Messages to this topic are refused."""
    is_silent: bool = False
    """The first connection gets no answer to what it publishes."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    three: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when three messages are under way."""
    connections: int = 0
    published: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    _server: asyncio.Server | None = None

    def uri(self, topic: str) -> str:
        assert self._server is not None
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/{topic}"

    async def open(self) -> None:
        self.answers.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        pending: set[asyncio.Task[None]] = set()
        try:
            while True:
                kind, length = await reader.readexactly(2)  # nothing here is longer than 127 bytes
                body = await reader.readexactly(length)
                if kind >> 4 == 1:
                    answer = b"\0\0" + bytes([len(self.properties)]) + self.properties
                    writer.write(bytes([0x20, len(answer)]) + answer)
                elif kind >> 4 == 3:
                    pending.add(asyncio.create_task(self._take(writer, body, number)))
        except (asyncio.IncompleteReadError, ConnectionError):
            for task in pending:
                task.cancel()
            writer.close()

    async def _take(self, writer: asyncio.StreamWriter, body: bytes, number: int) -> None:
        (length,) = struct.unpack("!H", body[:2])
        topic, packet_id = body[2 : 2 + length].decode(), body[2 + length : 4 + length]
        self.published.append(topic)
        if self.is_silent and number == 1:
            return
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.most >= 3:
            self.three.set()
        await self.answers.wait()
        self.under_way -= 1
        code = bytes([NOT_AUTHORIZED]) if topic == self.refused else b""
        writer.write(bytes([0x40, 2 + len(code)]) + packet_id + code)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    broker = Broker()
    await broker.open()
    yield broker
    await broker.close()


@pytest.fixture
async def sender() -> AsyncIterator[MqttSender]:
    sender = MqttSender(allow_private=True)
    yield sender
    sender.close()


def endpoint(broker: Broker, topic: str = "city", qos: str = "1", timeout_seconds: float = 30.0) -> Endpoint:
    return Endpoint(broker.uri(topic), notifier_info=(("MQTT-QoS", qos),), timeout_seconds=timeout_seconds)


async def test_no_more_is_under_way_than_the_broker_takes(broker: Broker, sender: MqttSender) -> None:
    # Beside the Receive Maximum of 3 a user property and an assigned client id, which have to be passed over.
    broker.properties = b"\x26\x00\x01a\x00\x02bc" + b"\x12\x00\x02id" + b"\x21\x00\x03"
    broker.answers.clear()

    sends = [asyncio.create_task(sender.send(endpoint(broker), MESSAGE)) for _ in range(8)]
    await asyncio.wait_for(broker.three.wait(), 60)
    await asyncio.sleep(0.05)  # a fourth would come at once
    broker.answers.set()
    await asyncio.gather(*sends)

    assert (len(broker.published), broker.most, broker.connections) == (8, 3, 1)


@pytest.mark.parametrize(
    ("properties", "qos"),
    [(b"\x24\x01", "2"), (b"\x27\x00\x00\x00\x10", "1")],
    ids=["Maximum QoS 1", "Maximum Packet Size 16"],
)
async def test_what_the_broker_would_hang_up_at_is_not_sent(
    broker: Broker, sender: MqttSender, properties: bytes, qos: str
) -> None:
    broker.properties = properties

    with pytest.raises(BrokerRefused):
        await sender.send(endpoint(broker, qos=qos), MESSAGE)

    assert broker.published == []


async def test_a_connection_that_has_ended_without_a_word_is_made_again(
    broker: Broker, sender: MqttSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.is_silent = True
    monkeypatch.setattr(mqtt_sender, "SILENT_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        await sender.send(endpoint(broker, timeout_seconds=0.2), MESSAGE)

    await sender.send(endpoint(broker), MESSAGE)

    assert broker.connections == 2


async def test_a_refused_message_is_no_broker_that_is_away(broker: Broker) -> None:
    broker.refused = "closed"
    senders = Senders(allow_private=True)

    assert (await senders.send(endpoint(broker, "closed"), MESSAGE)).status == 403
    assert (await senders.send(endpoint(broker, "open"), MESSAGE)).status == 200

    senders.close()
