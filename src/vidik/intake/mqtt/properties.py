"""Properties of MQTT 5 packets: which there are, where they may stand, what values they may have (clause 2.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vidik.intake.mqtt import wire
from vidik.intake.mqtt.wire import ProtocolError, Reader, Reason, malformed

Properties = dict[str, Any]
NONE: Final[Properties] = {}

WILL: Final = 0  # the will's properties stand in a CONNECT but form a set of their own


class _Property:
    __slots__ = ("check", "code", "decode", "encode", "name", "packets", "repeats")

    def __init__(self, code: int, name: str, kind: str, packets: tuple[int, ...], check: str = "") -> None:
        self.code = code
        self.name = name
        self.decode, self.encode = _KINDS[kind]
        self.packets = frozenset(packets)
        self.check = check
        self.repeats = name == "user_property"


def _fixed(size: int) -> Callable[[int], bytes]:
    return lambda value: value.to_bytes(size, "big")


_KINDS: Final[dict[str, tuple[Callable[[Reader], Any], Callable[[Any], bytes]]]] = {
    "byte": (Reader.byte, _fixed(1)),
    "two": (Reader.two, _fixed(2)),
    "four": (Reader.four, _fixed(4)),
    "variable": (Reader.variable, wire.encode_length),
    "string": (Reader.string, wire.encode_string),
    "binary": (Reader.binary, wire.encode_binary),
    "pair": (
        lambda reader: (reader.string(), reader.string()),
        lambda pair: wire.encode_string(pair[0]) + wire.encode_string(pair[1]),
    ),
}

_C, _CA, _P, _PA = wire.CONNECT, wire.CONNACK, wire.PUBLISH, wire.PUBACK
_S, _SA, _U, _UA, _D = wire.SUBSCRIBE, wire.SUBACK, wire.UNSUBSCRIBE, wire.UNSUBACK, wire.DISCONNECT
_EVERYWHERE = (WILL, _C, _CA, _P, _PA, _S, _SA, _U, _UA, _D)

PROPERTIES: Final = (
    _Property(0x01, "payload_format_indicator", "byte", (_P, WILL), "flag"),
    _Property(0x02, "message_expiry_interval", "four", (_P, WILL)),
    _Property(0x03, "content_type", "string", (_P, WILL)),
    _Property(0x08, "response_topic", "string", (_P, WILL)),
    _Property(0x09, "correlation_data", "binary", (_P, WILL)),
    _Property(0x0B, "subscription_identifier", "variable", (_P, _S), "positive"),
    _Property(0x11, "session_expiry_interval", "four", (_C, _CA, _D)),
    _Property(0x12, "assigned_client_identifier", "string", (_CA,)),
    _Property(0x13, "server_keep_alive", "two", (_CA,)),
    _Property(0x15, "authentication_method", "string", (_C, _CA)),
    _Property(0x16, "authentication_data", "binary", (_C, _CA)),
    _Property(0x17, "request_problem_information", "byte", (_C,), "flag"),
    _Property(0x18, "will_delay_interval", "four", (WILL,)),
    _Property(0x19, "request_response_information", "byte", (_C,), "flag"),
    _Property(0x1A, "response_information", "string", (_CA,)),
    _Property(0x1C, "server_reference", "string", (_CA, _D)),
    _Property(0x1F, "reason_string", "string", (_CA, _PA, _SA, _UA, _D)),
    _Property(0x21, "receive_maximum", "two", (_C, _CA), "positive"),
    _Property(0x22, "topic_alias_maximum", "two", (_C, _CA)),
    _Property(0x23, "topic_alias", "two", (_P,)),
    _Property(0x24, "maximum_qos", "byte", (_CA,), "flag"),
    _Property(0x25, "retain_available", "byte", (_CA,), "flag"),
    _Property(0x26, "user_property", "pair", _EVERYWHERE),
    _Property(0x27, "maximum_packet_size", "four", (_C, _CA), "positive"),
    _Property(0x28, "wildcard_subscription_available", "byte", (_CA,), "flag"),
    _Property(0x29, "subscription_identifier_available", "byte", (_CA,), "flag"),
    _Property(0x2A, "shared_subscription_available", "byte", (_CA,), "flag"),
)
_BY_CODE: Final = {item.code: item for item in PROPERTIES}
_BY_NAME: Final = {item.name: item for item in PROPERTIES}


def decode_properties(reader: Reader, packet: int) -> Properties:
    """Read the properties of a packet type (or WILL); `user_property` is a list of pairs.

    Raises ProtocolError for an unknown property, one in the wrong packet, a repeated one, or a value out of range.
    """
    length = reader.variable()
    if length == 0:
        return NONE
    if length > reader.left:
        raise malformed("the properties are longer than the packet")
    inner = Reader(reader.data, reader.position, reader.position + length)
    reader.position += length
    found: Properties = {}
    while inner.left:
        item = _BY_CODE.get(inner.variable())
        if item is None or packet not in item.packets:
            raise malformed("a property is unknown or stands in the wrong packet")
        value = item.decode(inner)
        if item.check == "flag" and value > 1:
            raise ProtocolError(Reason.PROTOCOL_ERROR, f"{item.name} must be 0 or 1")
        if item.check == "positive" and value == 0:
            raise ProtocolError(Reason.PROTOCOL_ERROR, f"{item.name} must not be 0")
        if item.repeats or (packet == wire.PUBLISH and item.name == "subscription_identifier"):
            found.setdefault(item.name, []).append(value)
        elif item.name in found:
            raise ProtocolError(Reason.PROTOCOL_ERROR, f"{item.name} appears more than once")
        else:
            found[item.name] = value
    return found


def encode_properties(properties: Mapping[str, Any]) -> bytes:
    """Return length + properties; list values (user properties, identifiers of a PUBLISH) are repeated."""
    if not properties:
        return b"\0"
    out = bytearray()
    for name, value in properties.items():
        item = _BY_NAME[name]
        for one in value if isinstance(value, list) else (value,):
            out.append(item.code)
            out += item.encode(one)
    return wire.encode_length(len(out)) + bytes(out)
