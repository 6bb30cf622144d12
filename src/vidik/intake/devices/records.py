"""What intake knows of a device: its record, its health, its credential."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Origin = Literal["real", "simulated", "recorded"]
Health = Literal["ok", "late", "silent", "rejecting", "never"]

_MARK = "vds_"
SILENT_AFTER_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One registered device or gateway; a gateway has no profile."""

    device_id: str
    profile: str | None
    entity_id: str | None
    gateway_id: str | None
    name: str
    organisation: str | None
    origin: Origin
    expected_interval: timedelta | None
    secret_hash: bytes | None
    enabled: bool
    place: dict[str, Any] | None
    """GeoJSON geometry in WGS 84, longitude first."""


@dataclass(slots=True)
class HealthRow:
    """What happened with one device since the last flush; counts are added, times only move forward."""

    device_id: str
    last_seen: datetime
    """When its newest message was received."""
    door: str
    """By which door that message came: mqtt, broker, http or replay."""
    last_observed: datetime | None = None
    """The newest observation time among its accepted readings."""
    last_rejected: datetime | None = None
    """When its newest message with something refused was received."""
    messages: int = 0
    rejected: int = 0


def new_secret() -> str:
    """A new credential of a device: 256 random bits behind a prefix that secret scanners can find."""
    return _MARK + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret. SHA-256 is enough for 256 random bits, and cheap to check."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def secret_matches(record: DeviceRecord, secret: str) -> bool:
    """Whether `secret` is the credential of an enabled device, compared in constant time."""
    if record.secret_hash is None or not record.enabled:
        return False
    return hmac.compare_digest(record.secret_hash, hash_secret(secret))


def health_of(
    now: datetime,
    expected_interval: timedelta | None,
    last_seen: datetime | None,
    last_rejected: datetime | None,
) -> Health:
    """Return the health of a device: silent says more than rejecting, rejecting more than late.

    Late after its expected interval, silent after three; rejecting while its newest message was refused in
    whole or in part. A device that nobody expects anything from is never late.
    """
    if last_seen is None:
        return "never"
    quiet_for = now - last_seen
    if expected_interval is not None and quiet_for > SILENT_AFTER_INTERVALS * expected_interval:
        return "silent"
    if last_rejected is not None and last_rejected >= last_seen:
        return "rejecting"
    if expected_interval is not None and quiet_for > expected_interval:
        return "late"
    return "ok"
