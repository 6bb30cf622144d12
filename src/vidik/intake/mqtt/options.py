"""How the built-in listener is set up, and its limits."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Where the listener listens and what it allows; sizes in bytes, times in seconds.

    `maximum_packet_size` counts the whole packet, so that a payload of 256 KiB with its topic still fits.
    `receive_maximum` and `unacknowledged_bytes` bound what one connection may have waiting for a commit.
    """

    host: str = "127.0.0.1"
    port: int | None = 1883
    tls_port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    maximum_packet_size: int = 256 * 1024 + 1024
    login_packet_size: int = 16 * 1024
    will_size: int = 4 * 1024
    receive_maximum: int = 1024
    unacknowledged_bytes: int = 1024 * 1024
    maximum_connections: int = 20_000
    connections_per_login: int = 1_000
    subscriptions_per_connection: int = 10_000
    commands_in_flight: int = 32
    login_seconds: float = 10.0
    longest_keep_alive: int = 3600
    slow_reader_seconds: float = 60.0
    farewell_seconds: float = 5.0


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return a server's TLS 1.2+ context for a certificate chain and its key (None: in the same file)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
