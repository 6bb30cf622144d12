"""Checking a logout token by OpenID Connect Back-Channel Logout 1.0, clause 2.6. Pure: keys and time are given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from joserfc.jwk import KeySet

from vidik.kernel.identity.openid.errors import TokenRefused
from vidik.kernel.identity.openid.id_token import Expected, check_parties, check_times, read_signed

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"


class Farewell(NamedTuple):
    """Whose sessions end at the provider: a person's (`subject`), one session (`session`), or both are said."""

    subject: str | None
    session: str | None
    issued_at: datetime


def check_logout_token(token: str, keys: KeySet, expected: Expected, now: datetime) -> Farewell:
    """What a logout token that holds says; raises TokenRefused, or UnknownKey when other keys may help.

    Whether it came before is not remembered (`jti`): it ends what began before it was issued, and that only once.
    """
    decoded = read_signed(token, keys)
    claims = decoded.claims
    if decoded.header.get("typ", "JWT") not in ("JWT", "logout+jwt"):
        raise TokenRefused("type")
    check_parties(claims, expected)
    check_times(claims, expected.clock_skew_seconds, now.timestamp())
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):  # 5
        raise TokenRefused("event")
    if "nonce" in claims:  # 6: an ID token is no logout token
        raise TokenRefused("nonce")
    subject, session = _word(claims, "sub"), _word(claims, "sid")
    if subject is None and session is None:  # 4
        raise TokenRefused("nobody")
    return Farewell(subject, session, datetime.fromtimestamp(claims["iat"], UTC))


def _word(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isascii() or not value.isprintable():
        raise TokenRefused(name)
    return value
