"""MQTT 3.1.1 and 5: packets to bytes and back, strictly.

`decode` reads any packet; `decode_publish` and `encode_puback` are the two that run thousands of times a second and
work on plain values. Anything that breaks the protocol raises ProtocolError, and nothing else does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from vidik.intake.mqtt import wire
from vidik.intake.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from vidik.intake.mqtt.properties import NONE, WILL, Properties, decode_properties, encode_properties
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, ProtocolError, Reader, Reason, malformed

PINGREQ: Final = b"\xc0\x00"
PINGRESP: Final = b"\xd0\x00"

_puback = struct.Struct(">BBH").pack
_puback_reason = struct.Struct(">BBHB").pack

# Bits 0-3 of the first byte that each packet must have; PUBLISH carries its own flags there.
_FLAGS: Final = {wire.SUBSCRIBE: 2, wire.UNSUBSCRIBE: 2}


def decode_publish(data: bytes, first: int, start: int, end: int, version: int) -> tuple[bytes, int, bytes, Properties]:
    """Read a PUBLISH whose body is `data[start:end]`: (topic as bytes, packet identifier, payload, properties).

    The topic's text is not checked here (see `wire.topic_name`), so that a caller may remember checked topics.
    """
    position = start + 2
    if position > end:
        raise malformed("a PUBLISH ends before its topic")
    position += data[start] << 8 | data[start + 1]
    topic = data[start + 2 : position]
    packet_id = 0
    if first & 6:
        if first & 6 == 6:
            raise malformed("a PUBLISH has QoS 3")
        if position + 2 > end:
            raise malformed("a PUBLISH ends in the middle of a field")
        packet_id = data[position] << 8 | data[position + 1]
        if packet_id == 0:
            raise ProtocolError(Reason.PROTOCOL_ERROR, "a packet identifier is zero")
        position += 2
    elif first & 8:
        raise malformed("a PUBLISH with QoS 0 is marked as a duplicate")
    elif position > end:
        raise malformed("a PUBLISH ends in the middle of a field")
    if version != VERSION_5:
        return topic, packet_id, data[position:end], NONE
    if position < end and data[position] == 0:
        return topic, packet_id, data[position + 1 : end], NONE
    reader = Reader(data, position, end)
    properties = decode_properties(reader, wire.PUBLISH)
    return topic, packet_id, reader.rest(), properties


def encode_puback(packet_id: int, reason: int = 0, properties: bytes = b"") -> bytes:
    """Return a PUBACK; a reason other than 0 and (encoded) properties exist in MQTT 5 only."""
    if reason == 0:
        return _puback(0x40, 2, packet_id)
    return _puback_reason(0x40, 3 + len(properties), packet_id, reason) + properties


def decode(data: bytes, first: int, start: int, end: int, version: int) -> Packet:
    """Read one packet whose body is `data[start:end]` and whose first byte is `first`."""
    kind = first >> 4
    reader = Reader(data, start, end)
    if kind == wire.PUBLISH:
        topic, packet_id, payload, properties = decode_publish(data, first, start, end, version)
        qos, duplicate, retain = first >> 1 & 3, bool(first & 8), bool(first & 1)
        if not topic and "topic_alias" in properties:
            return Publish("", payload, qos, packet_id, duplicate, retain, properties)
        return Publish(wire.topic_name(topic), payload, qos, packet_id, duplicate, retain, properties)
    if first & 15 != _FLAGS.get(kind, 0):
        raise malformed("reserved bits of the first byte are set")
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise ProtocolError(Reason.PROTOCOL_ERROR, f"packets of type {kind} are not part of this conversation")
    packet = decoder(reader, version)
    reader.finish()
    return packet


def _properties(reader: Reader, packet: int, version: int) -> Properties:
    return decode_properties(reader, packet) if version == VERSION_5 else NONE


def _decode_connect(reader: Reader, _version: int) -> Connect:
    name = reader.binary()
    version = reader.byte()
    if name not in (b"MQTT", b"MQIsdp") or (name == b"MQTT" and version not in (VERSION_311, VERSION_5)):
        raise ProtocolError(Reason.UNSUPPORTED_VERSION, "only MQTT 3.1.1 and 5 are spoken here")
    if name == b"MQIsdp":
        raise ProtocolError(Reason.UNSUPPORTED_VERSION, "MQTT 3.1 is not spoken here")
    flags = reader.byte()
    if flags & 1:
        raise malformed("the reserved CONNECT flag is set")
    keep_alive = reader.two()
    properties = _properties(reader, wire.CONNECT, version)
    if "authentication_data" in properties and "authentication_method" not in properties:
        raise ProtocolError(Reason.PROTOCOL_ERROR, "authentication data without a method")
    client_id = reader.string()
    will = _decode_will(reader, flags, version)
    username = reader.string() if flags & 0x80 else None
    if flags & 0x40 and not flags & 0x80 and version == VERSION_311:
        raise malformed("a password without a user name")
    password = reader.binary() if flags & 0x40 else None
    return Connect(client_id, version, bool(flags & 2), keep_alive, username, password, will, properties)


def _decode_will(reader: Reader, flags: int, version: int) -> Will | None:
    qos, retain = flags >> 3 & 3, bool(flags & 0x20)
    if not flags & 4:
        if qos or retain:
            raise malformed("will flags without a will")
        return None
    if qos == 3:
        raise malformed("the will has QoS 3")
    properties = _properties(reader, WILL, version)
    topic = wire.topic_name(reader.binary())
    return Will(topic, reader.binary(), qos, retain, properties)


def _decode_connack(reader: Reader, version: int) -> Connack:
    acknowledge, reason = reader.byte(), reader.byte()
    if acknowledge > 1:
        raise malformed("reserved bits of a CONNACK are set")
    # A server that speaks only 3.1.1 refuses an MQTT 5 client with a CONNACK of two bytes.
    properties = decode_properties(reader, wire.CONNACK) if version == VERSION_5 and reader.left else NONE
    return Connack(bool(acknowledge), reason, properties)


def _decode_puback(reader: Reader, version: int) -> Puback:
    packet_id = reader.packet_id()
    if version != VERSION_5 or not reader.left:
        return Puback(packet_id)
    reason = reader.byte()
    return Puback(packet_id, reason, decode_properties(reader, wire.PUBACK) if reader.left else NONE)


def _decode_subscribe(reader: Reader, version: int) -> Subscribe:
    packet_id = reader.packet_id()
    properties = _properties(reader, wire.SUBSCRIBE, version)
    filters: list[tuple[str, int]] = []
    reserved = 0xC0 if version == VERSION_5 else 0xFC
    while reader.left or not filters:
        topic, options = reader.string(), reader.byte()
        if not topic:
            raise ProtocolError(Reason.TOPIC_FILTER_INVALID, "a topic filter is empty")
        if options & reserved or options & 3 == 3 or options & 0x30 == 0x30:
            raise malformed("the options of a subscription are not valid")
        filters.append((topic, options))
    return Subscribe(packet_id, filters, properties)


def _decode_unsubscribe(reader: Reader, version: int) -> Unsubscribe:
    packet_id = reader.packet_id()
    properties = _properties(reader, wire.UNSUBSCRIBE, version)
    filters: list[str] = []
    while reader.left or not filters:
        topic = reader.string()
        if not topic:
            raise ProtocolError(Reason.TOPIC_FILTER_INVALID, "a topic filter is empty")
        filters.append(topic)
    return Unsubscribe(packet_id, filters, properties)


def _decode_suback(reader: Reader, version: int) -> Suback:
    packet_id = reader.packet_id()
    properties = _properties(reader, wire.SUBACK, version)
    return Suback(packet_id, reader.rest(), properties)


def _decode_unsuback(reader: Reader, version: int) -> Unsuback:
    packet_id = reader.packet_id()
    properties = _properties(reader, wire.UNSUBACK, version)
    return Unsuback(packet_id, reader.rest() if version == VERSION_5 else b"", properties)


def _decode_disconnect(reader: Reader, version: int) -> Disconnect:
    if version != VERSION_5 or not reader.left:
        return Disconnect()
    reason = reader.byte()
    return Disconnect(reason, decode_properties(reader, wire.DISCONNECT) if reader.left else NONE)


_DECODERS: Final[dict[int, Callable[[Reader, int], Packet]]] = {
    wire.CONNECT: _decode_connect,
    wire.CONNACK: _decode_connack,
    wire.PUBACK: _decode_puback,
    wire.SUBSCRIBE: _decode_subscribe,
    wire.SUBACK: _decode_suback,
    wire.UNSUBSCRIBE: _decode_unsubscribe,
    wire.UNSUBACK: _decode_unsuback,
    wire.PINGREQ: lambda _reader, _version: Pingreq(),
    wire.PINGRESP: lambda _reader, _version: Pingresp(),
    wire.DISCONNECT: _decode_disconnect,
}


def encode(packet: Packet, version: int) -> bytes:
    """Return the bytes of a packet; properties and reasons that 3.1.1 lacks are left out there."""
    five = version == VERSION_5
    match packet:
        case Publish():
            first = 0x30 | packet.duplicate << 3 | packet.qos << 1 | packet.retain
            identifier = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
            properties = encode_properties(packet.properties) if five else b""
            return _frame(first, wire.encode_string(packet.topic) + identifier + properties + packet.payload)
        case Puback():
            if not five or (packet.reason == 0 and not packet.properties):
                return encode_puback(packet.packet_id)
            tail = bytes((packet.reason,)) + encode_properties(packet.properties)
            return _frame(0x40, packet.packet_id.to_bytes(2, "big") + tail)
        case Connect():
            return _frame(0x10, _connect_body(packet))
        case Connack():
            properties = encode_properties(packet.properties) if five else b""
            return _frame(0x20, bytes((packet.session_present, packet.reason)) + properties)
        case Subscribe():
            filters = b"".join(wire.encode_string(topic) + bytes((options,)) for topic, options in packet.filters)
            return _frame(0x82, _identified(packet, five) + filters)
        case Unsubscribe():
            return _frame(0xA2, _identified(packet, five) + b"".join(map(wire.encode_string, packet.filters)))
        case Suback():
            return _frame(0x90, _identified(packet, five) + packet.reasons)
        case Unsuback():
            return _frame(0xB0, _identified(packet, five) + (packet.reasons if five else b""))
        case Disconnect():
            if not five or (packet.reason == 0 and not packet.properties):
                return b"\xe0\x00"
            return _frame(0xE0, bytes((packet.reason,)) + encode_properties(packet.properties))
        case Pingreq():
            return PINGREQ
        case Pingresp():
            return PINGRESP


def _frame(first: int, body: bytes) -> bytes:
    return bytes((first,)) + wire.encode_length(len(body)) + body


def _identified(packet: Subscribe | Suback | Unsubscribe | Unsuback, five: bool) -> bytes:
    return packet.packet_id.to_bytes(2, "big") + (encode_properties(packet.properties) if five else b"")


def _connect_body(packet: Connect) -> bytes:
    five = packet.version == VERSION_5
    will = packet.will
    flags = packet.clean_start << 1
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
    if packet.username is not None:
        flags |= 0x80
    if packet.password is not None:
        flags |= 0x40
    body = b"\0\4MQTT" + bytes((packet.version, flags)) + packet.keep_alive.to_bytes(2, "big")
    if five:
        body += encode_properties(packet.properties)
    body += wire.encode_string(packet.client_id)
    if will is not None:
        body += encode_properties(will.properties) if five else b""
        body += wire.encode_string(will.topic) + wire.encode_binary(will.payload)
    if packet.username is not None:
        body += wire.encode_string(packet.username)
    if packet.password is not None:
        body += wire.encode_binary(packet.password)
    return body
