"""The bytes of MQTT: reason codes, the protocol error, frames, integers and strings.

Source: OASIS MQTT 3.1.1 and MQTT 5.0, clauses named as [MQTT-n.n.n-n].
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

VERSION_311: Final = 4
VERSION_5: Final = 5

CONNECT: Final = 1
CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
SUBSCRIBE: Final = 8
SUBACK: Final = 9
UNSUBSCRIBE: Final = 10
UNSUBACK: Final = 11
PINGREQ: Final = 12
PINGRESP: Final = 13
DISCONNECT: Final = 14

MAXIMUM_REMAINING_LENGTH: Final = 268_435_455


class Reason(IntEnum):
    """MQTT 5 reason codes that this codec sends or understands (clause 2.4)."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC = 0x83
    UNSUPPORTED_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    QOS_NOT_SUPPORTED = 0x9B
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class ProtocolError(Exception):
    """What a peer sent breaks the protocol; `reason` is the MQTT 5 code to answer with."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


def malformed(text: str) -> ProtocolError:
    """Return the error for bytes that cannot be read as MQTT."""
    return ProtocolError(Reason.MALFORMED_PACKET, text)


def next_frame(data: bytes, position: int, size: int, limit: int) -> tuple[int, int, int]:
    """Find the packet that starts at `position` of `data[:size]`.

    Returns (first byte, start of the body, end of the body). `end > size` means that the packet is not
    complete yet and that at least `end - position` bytes are needed before another try is worth it.
    Raises ProtocolError for a length that is malformed or makes the whole packet larger than `limit` bytes.
    """
    start = position + 2
    if start > size:
        return 0, start, start
    length = data[position + 1]
    if length > 127:
        length &= 127
        shift = 7
        while True:
            if start >= size:
                return 0, start, start + 1
            byte = data[start]
            start += 1
            length |= (byte & 127) << shift
            if byte < 128:
                if byte == 0:
                    raise malformed("remaining length is not in its shortest form")
                break
            shift += 7
            if shift > 21:
                raise malformed("remaining length has more than four bytes")
    end = start + length
    if end - position > limit:
        raise ProtocolError(Reason.PACKET_TOO_LARGE, f"packet of {end - position} bytes; the limit is {limit}")
    return data[position], start, end


def encode_length(value: int) -> bytes:
    """Return a variable byte integer (clause 1.5.5)."""
    if value < 128:
        return bytes((value,))
    if value > MAXIMUM_REMAINING_LENGTH:
        raise ProtocolError(Reason.PACKET_TOO_LARGE, f"length {value} does not fit an MQTT packet")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_binary(value: bytes) -> bytes:
    """Return two-byte length + bytes."""
    if len(value) > 65_535:
        raise ProtocolError(Reason.PACKET_TOO_LARGE, "a string or binary field is limited to 65,535 bytes")
    return len(value).to_bytes(2, "big") + value


def encode_string(value: str) -> bytes:
    """Return an MQTT UTF-8 string."""
    if "\0" in value:
        raise malformed("a string contains U+0000")
    try:
        return encode_binary(value.encode())
    except UnicodeEncodeError:
        raise malformed("a string contains a lone surrogate") from None


def decode_string(raw: bytes) -> str:
    """Return the text of an MQTT UTF-8 string; ill-formed UTF-8 and U+0000 are refused [MQTT-1.5.4-1, -2]."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not valid UTF-8") from None
    if "\0" in text:
        raise malformed("a string contains U+0000")
    return text


def topic_name(raw: bytes) -> str:
    """Return a topic that a message may be published to: not empty, no wildcards [MQTT-3.3.2-2]."""
    topic = decode_string(raw)
    if not topic:
        raise ProtocolError(Reason.TOPIC_NAME_INVALID, "the topic is empty")
    if "+" in topic or "#" in topic:
        raise ProtocolError(Reason.TOPIC_NAME_INVALID, "a published topic contains a wildcard")
    return topic


class Reader:
    """Reads the fields of one packet body; running over its end is a malformed packet."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data = data
        self.position = start
        self.end = end

    @property
    def left(self) -> int:
        return self.end - self.position

    def take(self, count: int) -> bytes:
        start = self.position
        if start + count > self.end:
            raise malformed("the packet ends in the middle of a field")
        self.position = start + count
        return self.data[start : start + count]

    def byte(self) -> int:
        return self.take(1)[0]

    def two(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def four(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def variable(self) -> int:
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if byte == 0 and shift:
                    raise malformed("a variable byte integer is not in its shortest form")
                return value
        raise malformed("a variable byte integer has more than four bytes")

    def binary(self) -> bytes:
        return self.take(self.two())

    def string(self) -> str:
        return decode_string(self.binary())

    def rest(self) -> bytes:
        return self.take(self.left)

    def finish(self) -> None:
        if self.position != self.end:
            raise malformed("bytes are left over after the last field")

    def packet_id(self) -> int:
        value = self.two()
        if value == 0:
            raise ProtocolError(Reason.PROTOCOL_ERROR, "a packet identifier is zero")
        return value
