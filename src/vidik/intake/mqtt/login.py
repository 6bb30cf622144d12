"""CONNECT: who may come in, under what name, with which limits and which will."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from vidik.intake.mqtt import topics
from vidik.intake.mqtt.hub import Hub
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.mqtt.packets import Connack, Connect, Will
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, Reason

LONGEST_CLIENT_ID: Final = 256

_RETURN_CODES_311: Final = {
    Reason.UNSUPPORTED_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.SERVER_BUSY: 3,
    Reason.QUOTA_EXCEEDED: 3,
    Reason.CONNECTION_RATE_EXCEEDED: 3,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
}


@dataclass(slots=True)
class Session:
    """A login that was let in; keep_alive in seconds, 0 is none."""

    principal_id: str
    client_id: str
    keep_alive: int
    will: tuple[str, str, bytes] | None
    receive_maximum: int
    maximum_packet_size: int


class Refused(Exception):
    """The CONNECT is answered with this reason."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


def refusal(version: int, reason: Reason) -> Connack:
    """Return the CONNACK that refuses, in the peer's version."""
    return Connack(False, reason if version == VERSION_5 else _RETURN_CODES_311.get(reason, 5))


def log_in(hub: Hub, packet: Connect, address: str) -> Session:
    """Check a CONNECT and return the session it gets; raises Refused.

    Sessions do not outlive their connection: what must (commands that wait) is in the database, so `session present`
    is always 0 and an MQTT 5 client is told a session expiry of 0.
    """
    if hub.stopping:
        raise Refused(Reason.SERVER_UNAVAILABLE, "the server is shutting down")
    if "authentication_method" in packet.properties:
        raise Refused(Reason.BAD_AUTHENTICATION_METHOD, "only user name and password are known here")
    principal_id = _authenticate(hub, packet, address)
    if hub.logins.get(principal_id, 0) >= hub.options.connections_per_login:
        raise Refused(Reason.QUOTA_EXCEEDED, "too many connections with this login")
    return Session(
        principal_id=principal_id,
        client_id=_client_id(packet, principal_id),
        keep_alive=_keep_alive(hub.options, packet),
        will=None if packet.will is None else _will(hub, packet.will, principal_id),
        receive_maximum=packet.properties.get("receive_maximum", 65_535),
        maximum_packet_size=packet.properties.get("maximum_packet_size", 2**32),
    )


def welcome(options: ListenerOptions, packet: Connect, session: Session) -> Connack:
    """Return the CONNACK that tells an accepted client the limits it has to keep."""
    properties: dict[str, object] = {
        "receive_maximum": options.receive_maximum,
        "maximum_qos": 1,
        "maximum_packet_size": options.maximum_packet_size,
        "wildcard_subscription_available": 0,
        "subscription_identifier_available": 0,
        "shared_subscription_available": 0,
    }
    if packet.properties.get("session_expiry_interval"):
        properties["session_expiry_interval"] = 0
    if session.keep_alive != packet.keep_alive:
        properties["server_keep_alive"] = session.keep_alive
    if not packet.client_id:
        properties["assigned_client_identifier"] = session.client_id
    return Connack(False, 0, properties)


def _authenticate(hub: Hub, packet: Connect, address: str) -> str:
    username = packet.username
    if username is None or packet.password is None:
        raise Refused(Reason.BAD_USER_NAME_OR_PASSWORD, "a user name and a password are needed")
    if hub.throttle.blocked(address, username):
        raise Refused(Reason.CONNECTION_RATE_EXCEEDED, "too many failed logins; wait before the next")
    try:
        record = hub.directory.authenticate(username, packet.password.decode())
    except UnicodeDecodeError:
        record = None
    if record is None:
        hub.throttle.failed(address, username)
        raise Refused(Reason.BAD_USER_NAME_OR_PASSWORD, "user name or password is wrong")
    hub.throttle.succeeded(address, username)
    return record.device_id


def _client_id(packet: Connect, principal_id: str) -> str:
    if len(packet.client_id) > LONGEST_CLIENT_ID:
        raise Refused(Reason.CLIENT_IDENTIFIER_NOT_VALID, "the client identifier is too long")
    if packet.client_id:
        # Mostly the same text: kept once, ten thousand times.
        return principal_id if packet.client_id == principal_id else packet.client_id
    if packet.version == VERSION_311 and not packet.clean_start:
        raise Refused(Reason.CLIENT_IDENTIFIER_NOT_VALID, "a client without an identifier must start clean")
    return f"{principal_id}-{secrets.token_hex(4)}"


def _keep_alive(options: ListenerOptions, packet: Connect) -> int:
    # A 3.1.1 client cannot be told another value than its own.
    if packet.version == VERSION_5 and not 0 < packet.keep_alive <= options.longest_keep_alive:
        return options.longest_keep_alive
    return packet.keep_alive


def _will(hub: Hub, will: Will, principal_id: str) -> tuple[str, str, bytes]:
    """A will is a reading like any other: only to a topic that the login may publish on."""
    if will.qos == 2:
        raise Refused(Reason.QOS_NOT_SUPPORTED, "the will has QoS 2")
    if len(will.payload) > hub.options.will_size:
        raise Refused(Reason.PACKET_TOO_LARGE, f"the will is larger than {hub.options.will_size} bytes")
    device_id = topics.reading_device(will.topic)
    if device_id is None:
        raise Refused(Reason.TOPIC_NAME_INVALID, "the will's topic is not one for readings")
    if not hub.directory.may_write(principal_id, device_id):
        raise Refused(Reason.NOT_AUTHORIZED, "the will's topic belongs to another device")
    return will.topic, device_id, will.payload
