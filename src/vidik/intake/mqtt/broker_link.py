"""One connection to the city's broker, from CONNECT until it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, cast

from vidik.intake.mqtt import codec, topics, wire
from vidik.intake.mqtt.acknowledge import AcknowledgeWindow
from vidik.intake.mqtt.broker_url import BrokerOptions
from vidik.intake.mqtt.counters import Counters
from vidik.intake.mqtt.packets import Connack, Connect, Disconnect, Pingresp, Puback, Publish, Suback, Subscribe
from vidik.intake.mqtt.patience import until
from vidik.intake.mqtt.ports import Message, Outcome, PipelinePort
from vidik.intake.mqtt.wire import VERSION_5, ProtocolError, Reason

# QoS 1; retained messages only for a subscription that is new, not again at every reconnection.
_SUBSCRIBE_5: Final = 0x11
_SUBSCRIBE_311: Final = 0x01
_LARGE_PIECE: Final = 65_536  # bytes: 16,000 acknowledgements, two seconds of readings at 8,000 a second
_REFUSED_311: Final = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept the client identifier",
    3: "it is not available",
    4: "user name or password is wrong",
    5: "not authorized",
}


class BrokerLost(ConnectionError):
    """The link ended, or could not be made; the text says why and never holds the password."""


class BrokerLink(asyncio.Protocol):
    """Subscribes, hands readings to the pipeline, acknowledges after the commit, sends commands.

    Every acknowledgement belongs to the link on which its message came: on the next one the same packet identifier may
    stand for a message that is not stored yet.

    What is written goes in pieces, each begun by a PINGREQ; the next is written when the PINGRESP says that the broker
    has read this one, or when it is large. Mosquitto rewrites its store every turn and reads one TLS record a turn, and
    the next record too when a packet lies across the border of the two: the two bytes of the PINGREQ before
    acknowledgements of four see to that. So a piece is read in one turn; written as they come, acknowledgements would
    wait unread, a few a turn, while the store grows and its turns become longer. The PINGRESP alone would not do: it
    comes behind all the readings that Mosquitto has sent.
    """

    def __init__(self, options: BrokerOptions, pipeline: PipelinePort, counters: Counters) -> None:
        loop = asyncio.get_running_loop()
        self.options = options
        self.ready: asyncio.Future[bool] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._pipeline = pipeline
        self._counters = counters
        self._transport: asyncio.Transport | None = None
        self._window = AcknowledgeWindow(self, counters)
        self._routes = topics.Routes()
        self._buffer: bytearray | None = None
        self._needed = 0
        self._out: list[bytes] = []
        self._out_size = 0
        self._unread = False
        self._why = "the connection was closed"
        self._session_present = False
        self.speaks_only_311 = False
        self._heard = loop.time()
        self._heartbeat: asyncio.TimerHandle | None = None
        self._room: asyncio.Task[None] | None = None
        self._commands: dict[int, asyncio.Future[bool]] = {}
        self._command_id = 1
        self._command_window = options.commands_in_flight

    # --- what the transport tells us -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        options = self.options
        properties: dict[str, object] = {
            "session_expiry_interval": options.session_expiry_seconds,
            "receive_maximum": options.receive_maximum,
            "maximum_packet_size": options.maximum_packet_size,
        }
        packet = Connect(
            client_id=options.client_id,
            version=options.version,
            clean_start=False,
            keep_alive=options.keep_alive,
            username=options.username,
            password=None if options.password is None else options.password.encode(),
            properties=properties if options.version == VERSION_5 else {},
        )
        self._transport.write(codec.encode(packet, options.version))
        self._heartbeat = asyncio.get_running_loop().call_later(options.keep_alive / 2, self._beat)

    def connection_lost(self, exc: Exception | None) -> None:
        why = self._why if exc is None else str(exc) or self._why
        self._transport = None
        self._window.drop()
        self._buffer = None
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._room is not None:
            self._room.cancel()
        for future in self._commands.values():
            if not future.done():
                future.set_result(False)
        self._commands.clear()
        if not self.lost.done():
            self.lost.set_result(why)
        if not self.ready.done():
            self.ready.set_exception(BrokerLost(why))

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._heard = asyncio.get_running_loop().time()
        self._counters.bytes_received += len(data)
        if self._buffer is not None:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer = None
        try:
            self._consume(data)
        except ProtocolError as error:
            self._counters.protocol_errors += 1
            self.close(error.reason, f"the broker broke the protocol: {error.text}")
        if self._pipeline.full and self._room is None and self._transport is not None:
            self._transport.pause_reading()
            self._room = asyncio.get_running_loop().create_task(self._wait_for_room())

    async def _wait_for_room(self) -> None:
        while self._pipeline.full:
            await self._pipeline.room()
            await asyncio.sleep(0)
        self._room = None
        if self._transport is not None:
            self._heard = asyncio.get_running_loop().time()
            self._transport.resume_reading()

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        interval = self.options.keep_alive
        if self._room is None and loop.time() - self._heard > 1.5 * interval:
            self._why = "the broker does not answer"
            if self._transport is not None:
                self._transport.abort()
            return
        if not self._unread:
            self._flush()
        self._heartbeat = loop.call_later(interval / 2, self._beat)

    # --- reading ---------------------------------------------------------------------------------------------

    def _consume(self, data: bytes) -> None:
        version = self.options.version
        limit = self.options.maximum_packet_size if version == VERSION_5 else wire.MAXIMUM_REMAINING_LENGTH
        received_at = time.time_ns() // 1000
        position, size = 0, len(data)
        while position < size and self._transport is not None:
            first, start, end = wire.next_frame(data, position, size, limit)
            if end > size:
                self._buffer = bytearray(data[position:])
                self._needed = end - position
                return
            if first >> 4 == wire.PUBLISH:
                self._publish(data, first, start, end, received_at)
            else:
                self._control(codec.decode(data, first, start, end, version))
            position = end

    def _publish(self, data: bytes, first: int, start: int, end: int, received_at: int) -> None:
        raw_topic, packet_id, payload, _ = codec.decode_publish(data, first, start, end, self.options.version)
        if first & 4:
            raise ProtocolError(Reason.QOS_NOT_SUPPORTED, "a message with QoS 2 on a subscription with QoS 1")
        topic, device_id = self._routes.find(raw_topic)
        self._counters.received += 1
        message = Message(
            principal_id="",
            device_id=device_id or topics.claimed_device(topic),
            payload=payload,
            received_at=received_at,
            door="broker",
            topic=topic,
        )
        if packet_id:
            self._pipeline.offer(message, self._window.wait(packet_id, len(payload)))
        else:
            self._counters.unacknowledged += 1
            self._pipeline.offer(message, self._settled_without_answer)

    def _settled_without_answer(self, outcome: Outcome) -> None:
        self._counters.unacknowledged -= 1
        self._counters.failed += outcome is Outcome.FAILED
        self._counters.dead_lettered += outcome is Outcome.REJECTED

    def _control(self, packet: object) -> None:
        match packet:
            case Connack():
                self._connected(packet)
            case Suback():
                self._subscribed(packet)
            case Puback():
                future = self._commands.pop(packet.packet_id, None)
                if future is not None and not future.done():
                    taken = packet.reason == 0
                    self._counters.commands_acknowledged += taken
                    future.set_result(taken)
            case Pingresp():
                self._unread = False
                self._flush_rest()
            case Disconnect():
                self._why = f"the broker said goodbye with reason {packet.reason:#04x}"
                self.close(None, self._why)
            case _:
                raise ProtocolError(Reason.PROTOCOL_ERROR, f"a {type(packet).__name__.upper()} out of place")

    def _connected(self, packet: Connack) -> None:
        if packet.reason:
            self.speaks_only_311 = packet.reason in (1, Reason.UNSUPPORTED_VERSION)
            self.close(None, f"the broker refused: {refusal(packet.reason)}")
            return
        properties, options = packet.properties, self.options
        if properties.get("maximum_qos", 1) == 0:
            self.close(None, "the broker allows QoS 0 only: it cannot wait for a commit")
            return
        if options.share and not properties.get("shared_subscription_available", 1):
            self.close(None, "the broker has no shared subscriptions: leave out the option share")
            return
        self._session_present = packet.session_present
        self._command_window = min(options.commands_in_flight, properties.get("receive_maximum", 65_535))
        prefix = f"$share/{options.share}/" if options.share else ""
        flags = _SUBSCRIBE_5 if options.version == VERSION_5 else _SUBSCRIBE_311
        if options.share:
            flags = 0x01
        packet_ = Subscribe(1, [(prefix + topic, flags) for topic in options.filters])
        self.send(codec.encode(packet_, options.version))

    def _subscribed(self, packet: Suback) -> None:
        refused = [
            topic for topic, reason in zip(self.options.filters, packet.reasons, strict=False) if reason not in (1, 2)
        ]
        if refused or len(packet.reasons) != len(self.options.filters):
            self.close(None, f"the broker does not let us subscribe with QoS 1 to {', '.join(refused)}")
        elif not self.ready.done():
            self.ready.set_result(self._session_present)

    # --- writing ---------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Have bytes written at the end of this turn of the loop, or with the next piece."""
        if self._transport is None:
            return
        if not self._out and not self._unread:
            asyncio.get_running_loop().call_soon(self._flush_rest)
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size >= _LARGE_PIECE:
            self._flush()

    def _flush_rest(self) -> None:
        if self._out:
            self._flush()

    def _flush(self) -> None:
        out, self._out, self._out_size = self._out, [], 0
        if self._transport is not None and not self._transport.is_closing():
            data = codec.PINGREQ + b"".join(out)
            self._unread = True
            self._counters.bytes_sent += len(data)
            self._transport.write(data)

    def publish_command(self, device_id: str, payload: bytes) -> asyncio.Future[bool] | None:
        """Publish a command with QoS 1; the future says whether the broker took it. None: not possible now."""
        if self._transport is None or not self.ready.done() or len(self._commands) >= self._command_window:
            return None
        while True:
            self._command_id = self._command_id % 65_535 + 1
            if self._command_id not in self._commands:
                break
        packet = Publish(topics.command_topic(device_id), payload, qos=1, packet_id=self._command_id)
        future = self._commands[self._command_id] = asyncio.get_running_loop().create_future()
        self._counters.commands_sent += 1
        self.send(codec.encode(packet, self.options.version))
        return future

    def give_up(self) -> None:
        """A message could not be stored: part, so that the broker brings it again."""
        self.close(Reason.UNSPECIFIED, "a message could not be stored; the broker will bring it again")

    def close(self, reason: Reason | None, why: str) -> None:
        """Part, saying `reason` to the broker; it keeps our session and what is not acknowledged."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._why = why
        self._flush()
        if reason is not None:
            packet = Disconnect(reason if self.options.version == VERSION_5 else 0)
            transport.write(codec.encode(packet, self.options.version))
        self._window.drop()
        transport.close()

    async def finish(self, grace_seconds: float) -> None:
        """Read nothing more, acknowledge what the pipeline still commits, then part."""
        if self._transport is None:
            return
        self._transport.pause_reading()
        await until(lambda: self._window.count == 0, grace_seconds)
        self.close(Reason.SUCCESS, "this process stops")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.lost, 2.0)
        self.abandon()

    def abandon(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


def refusal(code: int) -> str:
    """Return why a broker refused, in words."""
    if code in _REFUSED_311:
        return _REFUSED_311[code]
    try:
        return Reason(code).name.lower().replace("_", " ")
    except ValueError:
        return f"reason {code:#04x}"
