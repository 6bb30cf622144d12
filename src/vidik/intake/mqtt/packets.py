"""The MQTT packets as plain values; `codec` turns them into bytes and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from vidik.intake.mqtt.properties import Properties
from vidik.intake.mqtt.wire import VERSION_5


@dataclass(slots=True)
class Will:
    """The message that the server publishes when a client goes without saying goodbye."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Connect:
    """A client asks to come in; keep-alive in seconds."""

    client_id: str
    version: int = VERSION_5
    clean_start: bool = True
    keep_alive: int = 60
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    will: Will | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Connack:
    """The server's answer; `reason` is an MQTT 5 reason code or a 3.1.1 return code."""

    session_present: bool
    reason: int
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Publish:
    """A message; packet_id is 0 at QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    duplicate: bool = False
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Puback:
    """A QoS 1 message is taken over."""

    packet_id: int
    reason: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Subscribe:
    """Topic filters with their options byte (bits 0-1: QoS)."""

    packet_id: int
    filters: list[tuple[str, int]]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Suback:
    """One reason (or granted QoS) a filter."""

    packet_id: int
    reasons: bytes
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Unsubscribe:
    """Topic filters to be given up."""

    packet_id: int
    filters: list[str]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Unsuback:
    """One reason a filter (MQTT 5; empty in 3.1.1)."""

    packet_id: int
    reasons: bytes = b""
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Pingreq:
    """Are you there?"""


@dataclass(slots=True)
class Pingresp:
    """Here I am."""


@dataclass(slots=True)
class Disconnect:
    """Goodbye, with a reason in MQTT 5."""

    reason: int = 0
    properties: Properties = field(default_factory=dict)


Packet = (
    Connect | Connack | Publish | Puback | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect
)
