"""Web push to browsers (RFC 8030): encrypted for the browser alone (RFC 8291), signed by this installation (RFC 8292).

Encryption and signature are `pywebpush`'s and `py-vapid`'s. The connection is ours: who subscribes may be a stranger,
and a library that connects wherever an address leads would post into the city's own network.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import secrets
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from vidik.context.subscriptions.addresses import check_endpoint
from vidik.context.subscriptions.http_sender import HttpSender
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.notification import Message
from vidik.kernel.errors import Unprocessable
from vidik.kernel.settings import Settings

Outcome = Literal["sent", "gone", "failed"]
_TIMEOUT_SECONDS = 15.0
_SIGNED_FOR_SECONDS = 12 * 3600
_POINT_BYTES, _SECRET_BYTES = 65, 16


def check_subscription(endpoint: str, p256dh: str, auth: str, settings: Settings) -> None:
    """Raise Unprocessable or BadInput for what no browser would give: another scheme, a private host, broken keys."""
    hostname = _hostname(endpoint, ("https", "http") if settings.allow_private_endpoints else ("https",))
    if hostname is None:
        raise Unprocessable("The endpoint of a browser is an https address.", field="endpoint")
    check_endpoint(hostname, "endpoint", settings)
    if not _is_point(_bytes(p256dh)):
        raise Unprocessable("p256dh is no key of a browser.", field="p256dh")
    if len(_bytes(auth)) != _SECRET_BYTES:
        raise Unprocessable("auth is no secret of a browser.", field="auth")


def _hostname(endpoint: str, schemes: Collection[str]) -> str | None:
    try:
        parts = urlsplit(endpoint)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and len(endpoint) <= 2000
    return parts.hostname if parts.scheme in schemes and plain and has_port else None


def _is_point(key: bytes) -> bool:
    """Whether a key is an uncompressed point of P-256: one beside the curve would break each message to it."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    if len(key) != _POINT_BYTES or key[:1] != b"\x04":
        return False
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key)
    except ValueError:
        return False
    return True


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def key_file(settings: Settings) -> Path:
    """Where the key of this installation lies: `web-push/vapid.pem` in the data folder, for its own user only."""
    return settings.data / "web-push" / "vapid.pem"


def _vapid(settings: Settings) -> Any:
    from py_vapid import Vapid02

    path = key_file(settings)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Vapid02()
        made.generate_keys()
        beside = path.with_name(f".{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.private_pem())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)  # the first of two processes wins: browsers keep to the key that they were shown
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return Vapid02.from_pem(path.read_bytes())


def public_key(settings: Settings) -> str:
    """The key that browsers subscribe with (uncompressed point, base64url); makes the pair at the first call."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = _vapid(settings).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def compose(
    settings: Settings, subscription: Mapping[str, str], content: Mapping[str, Any], topic: str, ttl_seconds: int
) -> Message:
    """One push message: of two with the same `topic` (up to 32 letters) that wait, the service keeps the newer."""
    from pywebpush import WebPusher

    endpoint = subscription["endpoint"]
    parts = urlsplit(endpoint)
    keys = {"p256dh": subscription["p256dh"], "auth": subscription["auth"]}
    encoded = WebPusher({"endpoint": endpoint, "keys": keys}).encode(orjson.dumps(content), "aes128gcm")
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + _SIGNED_FOR_SECONDS,
        "sub": settings.public_url or "https://vidik.invalid",
    }
    headers = {
        **{str(name): str(value) for name, value in _vapid(settings).sign(claims).items()},
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(ttl_seconds),
        "Topic": topic,
        "Urgency": "high",
    }
    return Message(headers, bytes(encoded["body"]))


async def tell(
    settings: Settings,
    sender: HttpSender,
    subscription: Mapping[str, str],
    content: Mapping[str, Any],
    topic: str,
    ttl_seconds: int,
) -> Outcome:
    """Compose a message and hand it over; a browser that cannot be written to fails alone, not those beside it."""
    try:
        message = await asyncio.to_thread(compose, settings, subscription, content, topic, ttl_seconds)
        return await deliver(sender, subscription["endpoint"], message)
    except ValueError:
        return "failed"


async def deliver(sender: HttpSender, endpoint: str, message: Message) -> Outcome:
    """Hand a message to the browser's push service. `gone`: the person has left, forget the browser."""
    try:
        status, _ = await sender.send(Endpoint(uri=endpoint, timeout_seconds=_TIMEOUT_SECONDS), message)
    except OSError:
        return "failed"
    if status in (404, 410):
        return "gone"
    return "sent" if 200 <= status < 300 else "failed"
