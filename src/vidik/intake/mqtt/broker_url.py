"""Where the city's own broker is and how this process presents itself to it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from vidik.intake.mqtt.topics import READING_FILTERS
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311

_SHAPE = "VIDIK_MQTT_URL must look like mqtt://user:password@host:1883 or mqtts://user:password@host:8883"


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """One client of one broker; times in seconds.

    `receive_maximum` is at least a batch of the pipeline twice, or the broker would wait for each commit.
    `share` is the name of an MQTT 5 shared subscription by which several intake processes divide the readings.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str = "vidik-intake"
    share: str | None = None
    version: int = VERSION_5
    authority: Path | None = None
    filters: tuple[str, ...] = READING_FILTERS
    receive_maximum: int = 10_000
    maximum_packet_size: int = 1024 * 1024
    session_expiry_seconds: int = 7 * 24 * 3600
    keep_alive: int = 20
    answer_seconds: float = 10.0
    first_pause: float = 0.25
    longest_pause: float = 15.0
    commands_in_flight: int = 100

    @property
    def place(self) -> str:
        """The broker's address without the login, for logs."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the TLS context that checks the broker's certificate; None for a plain connection."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def parse_broker_url(url: str, *, client_id: str = "vidik-intake") -> BrokerOptions:
    """Return the options that a URL stands for: `mqtt(s)://[user:password@]host[:port][?option=…]`.

    Options: `client_id` (stable, and different for each intake process), `share`, `version` (5 or 3.1.1), `ca` (file
    with the broker's certificate authority). Raises ValueError, whose text never contains the URL: it has a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(_SHAPE) from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(_SHAPE)
    unknown = query.keys() - {"client_id", "share", "version", "ca"}
    if unknown:
        raise ValueError(f"VIDIK_MQTT_URL has unknown options: {', '.join(sorted(unknown))}")
    option = {name: values[-1] for name, values in query.items()}
    versions = {"5": VERSION_5, "3.1.1": VERSION_311}
    if option.get("version", "5") not in versions:
        raise ValueError("VIDIK_MQTT_URL: version must be 5 or 3.1.1")
    version = versions[option.get("version", "5")]
    share = option.get("share")
    if share is not None and (version == VERSION_311 or not share or set(share) & set("/+#")):
        raise ValueError("VIDIK_MQTT_URL: share needs MQTT 5 and a plain name")
    tls = parts.scheme == "mqtts"
    return BrokerOptions(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        client_id=option.get("client_id", client_id),
        share=share,
        version=version,
        authority=Path(option["ca"]) if "ca" in option else None,
    )
