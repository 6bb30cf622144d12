"""One MQTT connection of the built-in listener.

Ten thousand of these live at once, so each has slots, no task, no timer and no container that it does not use yet.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, cast

from vidik.intake.mqtt import codec, login, wire
from vidik.intake.mqtt.acknowledge import AcknowledgeWindow
from vidik.intake.mqtt.channel import CommandChannel
from vidik.intake.mqtt.hub import Hub
from vidik.intake.mqtt.packets import Connack, Connect, Disconnect, Pingreq, Puback, Subscribe, Unsubscribe
from vidik.intake.mqtt.ports import Message
from vidik.intake.mqtt.wheel import TICK_SECONDS
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, ProtocolError, Reason

# Why reading is paused; a connection reads only when no bit is set.
NO_ROOM: Final = 1
WINDOW_FULL: Final = 2
PEER_DOES_NOT_READ: Final = 4
STOPPING: Final = 8

CONNECT_BYTE: Final = 0x10


class Connection(asyncio.Protocol):
    """Speaks MQTT with one client."""

    __slots__ = (
        "blocked_since",
        "buffer",
        "channel",
        "closing",
        "heard",
        "hub",
        "keep_alive_ticks",
        "needed",
        "out",
        "pauses",
        "principal_id",
        "session",
        "slot",
        "transport",
        "version",
        "window",
    )

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.transport: asyncio.Transport | None = None
        self.session: login.Session  # set when the login is accepted, as is `version`
        self.version = 0
        self.principal_id = ""
        self.keep_alive_ticks = 0
        self.heard = 0
        self.slot = 0
        self.pauses = 0
        self.blocked_since = 0
        self.closing = False
        self.buffer: bytearray | None = None
        self.needed = 0
        self.out: list[bytes] | None = None
        self.window = AcknowledgeWindow(self, hub.counters)
        self.channel: CommandChannel | None = None

    # --- what the transport tells us -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        hub = self.hub
        if hub.stopping or len(hub.connections) >= hub.options.maximum_connections:
            hub.say("mqtt connection refused", why="too many connections" if not hub.stopping else "stopping")
            self.closing = True
            self.transport.abort()
            return
        hub.connections.add(self)
        hub.counters.connections += 1
        hub.wheel.schedule(self, int(hub.options.login_seconds / TICK_SECONDS))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's shape
        hub = self.hub
        hub.wheel.cancel(self)
        self.closing = True
        self.transport = None
        self.buffer = self.out = None
        self.window.drop()
        if self in hub.connections:
            hub.connections.discard(self)
            hub.counters.connections -= 1
        if self.version:
            self._forget_session()
        if self.channel is not None:
            self.channel.close()
        will = self.session.will if self.version else None
        if will is not None and not hub.stopping:
            topic, device_id, payload = will
            self._offer(topic, device_id, payload, 0, time.time_ns() // 1000)

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        hub = self.hub
        self.heard = hub.wheel.tick
        hub.counters.bytes_received += len(data)
        if self.buffer is not None:
            self.buffer += data
            if len(self.buffer) < self.needed:
                return
            data = bytes(self.buffer)
            self.buffer = None
        if self.pauses & NO_ROOM:
            self._keep(data, 0)
        elif hub.pipeline.full:
            self._keep(data, 0)
            self._pause(NO_ROOM)
            hub.choke(self)
        else:
            self._consume(data)

    def pause_writing(self) -> None:
        self.blocked_since = self.hub.wheel.tick
        self._pause(PEER_DOES_NOT_READ)
        self.hub.wheel.schedule(self, int(self.hub.options.slow_reader_seconds / TICK_SECONDS) + 1)

    def resume_writing(self) -> None:
        self.heard = self.hub.wheel.tick
        self._resume(PEER_DOES_NOT_READ)

    # --- reading ---------------------------------------------------------------------------------------------

    def _keep(self, rest: bytes, needed: int) -> None:
        self.buffer = bytearray(rest)
        self.needed = needed

    def _consume(self, data: bytes) -> None:
        options = self.hub.options
        limit = options.maximum_packet_size if self.version else options.login_packet_size
        received_at = time.time_ns() // 1000
        position, size = 0, len(data)
        try:
            if not self.version and data[0] != CONNECT_BYTE:
                # Not to be waited for: the second byte of an HTTP request would pass for a length.
                raise ProtocolError(Reason.PROTOCOL_ERROR, "the first packet is not a CONNECT")
            while position < size and not self.closing:
                first, start, end = wire.next_frame(data, position, size, limit)
                if end > size:
                    self._keep(data[position:], end - position)
                    return
                if first >> 4 == wire.PUBLISH and self.version:
                    self._publish(data, first, start, end, received_at)
                else:
                    self._control(data, first, start, end)
                    limit = options.maximum_packet_size if self.version else options.login_packet_size
                position = end
        except ProtocolError as error:
            self._broken(error)

    def _publish(self, data: bytes, first: int, start: int, end: int, received_at: int) -> None:
        raw_topic, packet_id, payload, properties = codec.decode_publish(data, first, start, end, self.version)
        if first & 4:
            raise ProtocolError(Reason.QOS_NOT_SUPPORTED, "QoS 2 is not taken; the highest here is QoS 1")
        if properties and "topic_alias" in properties:
            raise ProtocolError(Reason.TOPIC_ALIAS_INVALID, "topic aliases are not used here")
        hub = self.hub
        hub.counters.received += 1
        topic, device_id = hub.routes.find(raw_topic)
        if device_id is None:
            self._turn_away(packet_id, Reason.TOPIC_NAME_INVALID, topic)
        elif not hub.directory.may_write(self.principal_id, device_id) and hub.directory.get(device_id) is not None:
            # A device that nobody knows goes on to the dead letters: there somebody finds it and registers it.
            self._turn_away(packet_id, Reason.NOT_AUTHORIZED, topic)
        else:
            self._offer(topic, device_id, payload, packet_id, received_at)

    def _offer(self, topic: str, device_id: str, payload: bytes, packet_id: int, received_at: int) -> None:
        hub = self.hub
        message = Message(
            principal_id=self.principal_id,
            device_id=device_id,
            payload=payload,
            received_at=received_at,
            door="mqtt",
            topic=topic,
        )
        if packet_id == 0:
            hub.counters.unacknowledged += 1
            hub.pipeline.offer(message, hub.settled_without_answer)
        else:
            done = self.window.wait(packet_id, len(payload))
            self._check_window()
            hub.pipeline.offer(message, done)

    def _check_window(self) -> None:
        window, options = self.window, self.hub.options
        if window.count >= options.receive_maximum or window.size >= options.unacknowledged_bytes:
            if window.count > options.receive_maximum and self.version == VERSION_5:
                raise ProtocolError(Reason.RECEIVE_MAXIMUM_EXCEEDED, "more messages in flight than allowed")
            self._pause(WINDOW_FULL)

    def _turn_away(self, packet_id: int, reason: Reason, topic: str) -> None:
        self.hub.counters.not_authorized += 1
        self.hub.say("mqtt publish refused", login=self.principal_id, topic=topic[:200], reason=reason.name.lower())
        if packet_id == 0:
            return
        if self.version == VERSION_311:
            # An acknowledgement would say that the message is kept; 3.1.1 has no other word than hanging up.
            self.end(reason)
            return
        self.window.answer(packet_id, reason)
        self._check_window()

    # --- writing ---------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Have bytes written at the end of this turn of the loop."""
        if self.closing:
            return
        if self.out is None:
            self.out = [data]
            self.hub.written(self)
        else:
            self.out.append(data)

    def flush(self) -> None:
        """Write what has gathered, and read on when enough has been acknowledged."""
        out, self.out = self.out, None
        transport = self.transport
        if transport is None or self.closing:
            return
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            self.hub.counters.bytes_sent += len(data)
            transport.write(data)
        if self.pauses & WINDOW_FULL:
            options = self.hub.options
            window = self.window
            if window.count <= options.receive_maximum // 2 and window.size <= options.unacknowledged_bytes // 2:
                self._resume(WINDOW_FULL)

    def _pause(self, why: int) -> None:
        if not self.pauses and self.transport is not None:
            self.transport.pause_reading()
        self.pauses |= why

    def _resume(self, why: int) -> None:
        self.pauses &= ~why
        if self.pauses or self.closing or self.transport is None:
            return
        self.heard = self.hub.wheel.tick
        self.transport.resume_reading()
        if self.buffer is not None and self.needed == 0:
            self.data_received(b"")

    def unchoke(self) -> None:
        """Read on: the pipeline has room again."""
        self._resume(NO_ROOM)

    # --- everything that is not a reading --------------------------------------------------------------------

    def _control(self, data: bytes, first: int, start: int, end: int) -> None:
        if not self.version:
            if first != CONNECT_BYTE:
                raise ProtocolError(Reason.PROTOCOL_ERROR, "the first packet is not a CONNECT")
            self._log_in(cast("Connect", codec.decode(data, first, start, end, VERSION_5)))
            return
        match codec.decode(data, first, start, end, self.version):
            case Pingreq():
                self.send(codec.PINGRESP)
            case Puback() as packet:
                self._commands().acknowledged(packet)
            case Subscribe() as packet:
                self._commands().subscribe(packet)
            case Unsubscribe() as packet:
                self._commands().unsubscribe(packet)
            case Disconnect() as packet:
                if packet.reason != Reason.DISCONNECT_WITH_WILL:
                    self.session.will = None
                self.end(None)
            case packet:
                name = type(packet).__name__.upper()
                raise ProtocolError(Reason.PROTOCOL_ERROR, f"a client must not send {name} here")

    def _commands(self) -> CommandChannel:
        if self.channel is None:
            self.channel = CommandChannel(self)
        return self.channel

    def _log_in(self, packet: Connect) -> None:
        hub = self.hub
        try:
            session = login.log_in(hub, packet, self._address())
        except login.Refused as refused:
            hub.counters.logins_refused += 1
            hub.say("mqtt login refused", login=(packet.username or "")[:200], why=refused.text, peer=self._address())
            self._answer_and_close(login.refusal(packet.version, refused.reason), packet.version)
            return
        self.version = packet.version
        self.window.with_reasons = packet.version == VERSION_5
        self.principal_id = session.principal_id
        self.session = session
        self.keep_alive_ticks = int(session.keep_alive * 1.5 / TICK_SECONDS) + 1 if session.keep_alive else 0
        # A client may take over only its own login's session: another's client identifier is not its to use.
        key = session.principal_id, session.client_id
        former = hub.sessions.get(key)
        if former is not None:
            former.end(Reason.SESSION_TAKEN_OVER)
        hub.sessions[key] = self
        hub.logins[session.principal_id] = hub.logins.get(session.principal_id, 0) + 1
        hub.counters.connects += 1
        hub.wheel.schedule(self, self.keep_alive_ticks or 240)
        answer = login.welcome(hub.options, packet, session)
        self.send(codec.encode(answer, self.version))

    def _address(self) -> str:
        peer = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(peer[0]) if peer else ""

    def _forget_session(self) -> None:
        hub = self.hub
        key = self.principal_id, self.session.client_id
        if hub.sessions.get(key) is self:
            del hub.sessions[key]
        left = hub.logins.get(self.principal_id, 1) - 1
        if left:
            hub.logins[self.principal_id] = left
        else:
            hub.logins.pop(self.principal_id, None)

    def send_command(self, device_id: str, payload: bytes) -> asyncio.Future[bool] | None:
        """Send a command to a device that listens here; see `CommandChannel.send`."""
        return None if self.channel is None else self.channel.send(device_id, payload)

    # --- parting ---------------------------------------------------------------------------------------------

    def give_up(self) -> None:
        """A message could not be stored: part, so that the client brings it again."""
        self.end(Reason.SERVER_BUSY)

    def end(self, reason: Reason | None) -> None:
        """Write what is still to be written, say why (MQTT 5), and close; nothing more is acknowledged."""
        if self.closing or self.transport is None:
            return
        out, self.out = self.out or [], None
        if reason is not None and self.version == VERSION_5:
            out.append(codec.encode(Disconnect(reason), VERSION_5))
        self._close(b"".join(out))

    def hold(self) -> None:
        """Read nothing more: the listener is shutting down."""
        self._pause(STOPPING)

    def cut(self) -> None:
        """Close at once; what was not written is lost."""
        self.closing = True
        if self.transport is not None:
            self.transport.abort()

    def _answer_and_close(self, answer: Connack, version: int) -> None:
        self._close(codec.encode(answer, version))

    def _close(self, last_words: bytes) -> None:
        if self.transport is None:
            return
        self.closing = True
        self.buffer = None
        self.window.drop()
        if last_words:
            self.hub.counters.bytes_sent += len(last_words)
            self.transport.write(last_words)
        self.transport.close()
        self.hub.wheel.schedule(self, int(self.hub.options.farewell_seconds / TICK_SECONDS))

    def _broken(self, error: ProtocolError) -> None:
        self.hub.counters.protocol_errors += 1
        self.hub.say(
            "mqtt protocol error",
            login=self.principal_id,
            peer=self._address(),
            reason=error.reason.name.lower(),
            why=error.text,
        )
        if self.version:
            self.end(error.reason)
        elif error.reason is Reason.UNSUPPORTED_VERSION:
            self._answer_and_close(Connack(False, 1), VERSION_311)
        else:
            self._close(b"")

    def due(self) -> None:
        """The wheel has come round: hang up on the silent, the stuck and those that never logged in."""
        hub = self.hub
        if self.transport is None:
            return
        if self.closing or not self.version:
            self.cut()
            return
        stuck = (hub.wheel.tick - self.blocked_since) * TICK_SECONDS
        if self.pauses & PEER_DOES_NOT_READ and stuck >= hub.options.slow_reader_seconds:
            hub.counters.slow_readers += 1
            hub.say("mqtt client does not read", login=self.principal_id)
            self.cut()
            return
        if self.pauses:
            # We are the ones who do not listen: its silence proves nothing.
            self.heard = hub.wheel.tick
        idle = hub.wheel.tick - self.heard
        if self.keep_alive_ticks and idle >= self.keep_alive_ticks:
            hub.counters.keep_alive_timeouts += 1
            self.end(Reason.KEEP_ALIVE_TIMEOUT)
            return
        hub.wheel.schedule(self, self.keep_alive_ticks - idle if self.keep_alive_ticks else 240)
