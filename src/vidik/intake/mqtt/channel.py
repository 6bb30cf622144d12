"""Commands on their way down to the devices behind one connection."""

from __future__ import annotations

import asyncio
from typing import Protocol

from vidik.intake.mqtt import codec, topics
from vidik.intake.mqtt.hub import Client, Hub
from vidik.intake.mqtt.login import Session
from vidik.intake.mqtt.packets import Puback, Publish, Suback, Subscribe, Unsuback, Unsubscribe
from vidik.intake.mqtt.wire import VERSION_5, ProtocolError, Reason


class Line(Client, Protocol):
    """The connection that commands go down."""

    hub: Hub
    version: int
    session: Session
    closing: bool

    def send(self, data: bytes) -> None:
        """Have bytes written soon."""


class CommandChannel:
    """Which devices listen for commands on a connection, and which commands they have not acknowledged yet.

    Made when a client first subscribes: most devices never do.
    """

    __slots__ = ("_connection", "_devices", "_hub", "_last_id", "_waiting")

    def __init__(self, connection: Line) -> None:
        self._connection = connection
        self._hub: Hub = connection.hub
        self._devices: set[str] = set()
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._last_id = 0

    def subscribe(self, packet: Subscribe) -> None:
        """Answer a SUBSCRIBE; the hub's hook hears of each device that can be reached from now on."""
        if "subscription_identifier" in packet.properties:
            raise ProtocolError(
                Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, "subscription identifiers are not used here"
            )
        version = self._connection.version
        reasons = bytearray()
        reached = []
        for topic, options in packet.filters:
            reason, device_id = self._grant(topic, options)
            if device_id is not None:
                self._devices.add(device_id)
                if self._hub.subscribers.get(device_id) is not self._connection:
                    self._hub.subscribers[device_id] = self._connection
                    reached.append(device_id)
            reasons.append(reason if reason < 0x80 or version == VERSION_5 else 0x80)
        self._connection.send(codec.encode(Suback(packet.packet_id, bytes(reasons)), version))
        for device_id in reached:
            self._hub.on_connected(device_id)

    def _grant(self, topic: str, options: int) -> tuple[int, str | None]:
        """Return (granted QoS or refusal, device): a login may hear the commands of its own devices, with QoS 1.

        A command counts as delivered when the device acknowledges it, and QoS 0 has no way to.
        """
        device_id = topics.command_device(topic)
        if device_id is None:
            if topic.startswith("$share/"):
                return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, None
            if "+" in topic or "#" in topic:
                return Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, None
            return Reason.NOT_AUTHORIZED, None
        if not self._hub.directory.may_write(self._connection.principal_id, device_id):
            return Reason.NOT_AUTHORIZED, None
        if options & 3 == 0:
            return Reason.IMPLEMENTATION_SPECIFIC, None
        if len(self._devices) >= self._hub.options.subscriptions_per_connection:
            return Reason.QUOTA_EXCEEDED, None
        return 1, device_id

    def unsubscribe(self, packet: Unsubscribe) -> None:
        """Answer an UNSUBSCRIBE."""
        reasons = bytearray()
        for topic in packet.filters:
            device_id = topics.command_device(topic)
            if device_id is None or device_id not in self._devices:
                reasons.append(Reason.NO_SUBSCRIPTION_EXISTED)
                continue
            self._forget(device_id)
            self._devices.discard(device_id)
            reasons.append(Reason.SUCCESS)
        answer = Unsuback(packet.packet_id, bytes(reasons))
        self._connection.send(codec.encode(answer, self._connection.version))

    def send(self, device_id: str, payload: bytes) -> asyncio.Future[bool] | None:
        """Send a command with QoS 1; the future says whether the client acknowledged it. None: no room for it now."""
        session = self._connection.session
        window = min(session.receive_maximum, self._hub.options.commands_in_flight)
        if self._connection.closing or len(self._waiting) >= window:
            return None
        self._last_id = next(
            number
            for number in (n % 65_535 + 1 for n in range(self._last_id, self._last_id + window + 1))
            if number not in self._waiting
        )
        packet = Publish(topics.command_topic(device_id), payload, qos=1, packet_id=self._last_id)
        data = codec.encode(packet, self._connection.version)
        if len(data) > session.maximum_packet_size:
            return None
        future = self._waiting[self._last_id] = asyncio.get_running_loop().create_future()
        self._hub.counters.commands_sent += 1
        self._connection.send(data)
        return future

    def acknowledged(self, packet: Puback) -> None:
        """Take the client's PUBACK for a command."""
        future = self._waiting.pop(packet.packet_id, None)
        if future is None or future.done():
            return
        taken = packet.reason < 0x80
        self._hub.counters.commands_acknowledged += taken
        future.set_result(taken)

    def close(self) -> None:
        """Give up what was not acknowledged; the devices are out of reach."""
        for device_id in self._devices:
            self._forget(device_id)
        for future in self._waiting.values():
            if not future.done():
                future.set_result(False)
        self._waiting.clear()

    def _forget(self, device_id: str) -> None:
        if self._hub.subscribers.get(device_id) is self._connection:
            del self._hub.subscribers[device_id]
