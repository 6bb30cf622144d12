"""Checking an ID token by OpenID Connect Core 1.0, clause 3.1.3.7. Pure: keys and time are given."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import Token

from vidik.kernel.identity.openid.errors import TokenRefused, UnknownKey

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures by a key pair. None and the HMAC family are refused: the latter would make our secret a signing key."""

OLDEST_SECONDS: Final = 600
"""An ID token is fetched the moment it is made; one that was issued longer ago is not from this sign-in."""


@dataclass(frozen=True)
class Expected:
    """What an ID token must agree with."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None = None
    trusted_audiences: tuple[str, ...] = ()
    clock_skew_seconds: int = 60


def check_id_token(token: str, keys: KeySet, expected: Expected, now: datetime) -> dict[str, Any]:
    """The claims of an ID token that holds; raises TokenRefused, or UnknownKey when other keys may help."""
    decoded = read_signed(token, keys)
    claims = decoded.claims
    _check_subject(claims)
    check_parties(claims, expected)
    check_times(claims, expected.clock_skew_seconds, now.timestamp())
    _check_binding(claims, expected, str(decoded.header.get("alg")))
    return claims


def read_signed(token: str, keys: KeySet) -> Token:
    """A token whose signature is one of the provider's; raises TokenRefused, or UnknownKey."""
    try:
        return jwt.decode(token, keys, registry=JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False))
    except InvalidKeyIdError as error:
        raise UnknownKey("key") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("signature") from error


def _check_subject(claims: dict[str, Any]) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isascii():  # clause 2
        raise TokenRefused("subject")
    if not subject.isprintable():
        raise TokenRefused("subject")


def check_parties(claims: dict[str, Any], expected: Expected) -> None:
    """Raise TokenRefused unless the expected issuer wrote the token for us."""
    if claims.get("iss") != expected.issuer:  # 2: exactly
        raise TokenRefused("issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:  # 3
        raise TokenRefused("audience")
    others = [one for one in audiences if one != expected.client_id]
    if any(one not in expected.trusted_audiences for one in others):  # 3: no audience that we do not trust
        raise TokenRefused("audience")
    party = claims.get("azp")
    if (others and party is None) or (party is not None and party != expected.client_id):  # 4, 5
        raise TokenRefused("party")


def check_times(claims: dict[str, Any], skew: int, now: float) -> None:
    """Raise TokenRefused unless the token was issued lately and counts still (seconds since 1970)."""
    expires, issued, begins = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or now >= expires + skew:  # 9
        raise TokenRefused("expired")
    if issued is None or issued > now + skew or issued < now - OLDEST_SECONDS - skew:  # 10
        raise TokenRefused("issued")
    if begins is not None and begins > now + skew:
        raise TokenRefused("not yet")


def _seconds(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(name)
    return float(value)


def _check_binding(claims: dict[str, Any], expected: Expected, algorithm: str) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):  # 11
        raise TokenRefused("nonce")
    told = claims.get("at_hash")
    if told is not None and expected.access_token is not None:  # 3.1.3.8
        wanted = half_hash(expected.access_token, algorithm)
        if wanted is not None and (not isinstance(told, str) or not hmac.compare_digest(told.encode(), wanted)):
            raise TokenRefused("access token")


def half_hash(value: str, algorithm: str) -> bytes | None:
    """The left half of a value's hash by the hash of a signature's algorithm, base64url; None where it has none."""
    if algorithm[-3:] not in ("256", "384", "512"):
        return None  # Ed25519: Core does not say which hash goes with it
    digest = hashlib.new(f"sha{algorithm[-3:]}", value.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
