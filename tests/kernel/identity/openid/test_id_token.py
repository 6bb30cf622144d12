"""ID tokens by OpenID Connect Core 1.0, clause 3.1.3.7."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from tests.kernel.identity.openid.made_up import KEYS

from vidik.kernel.identity.openid.errors import TokenRefused, UnknownKey
from vidik.kernel.identity.openid.id_token import Expected, check_id_token, half_hash

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
EXPECTED = Expected(issuer="https://prijava.test", client_id="vidik", nonce="n", access_token="a")
GOOD: dict[str, Any] = {
    "iss": "https://prijava.test",
    "sub": "s-1",
    "aud": "vidik",
    "exp": SECONDS + 300,
    "iat": SECONDS,
    "nonce": "n",
}


def check(claims: dict[str, Any], expected: Expected = EXPECTED, algorithm: str = "RS256") -> dict[str, Any]:
    told = {name: value for name, value in (GOOD | claims).items() if value is not None}
    token = jwt.encode({"alg": algorithm, "kid": KEYS[0].kid}, told, KEYS[0], algorithms=[algorithm])
    return check_id_token(token, KeySet([KEYS[0]]), expected, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["vidik"]},
        {"azp": "vidik"},
        {"exp": SECONDS - 59},
        {"iat": SECONDS + 59},
        {"nbf": SECONDS + 59},
        {"at_hash": half_hash("a", "RS256").decode()},
    ],
)
def test_a_token_that_holds_is_taken_also_by_a_clock_that_is_a_minute_off(claims):
    assert check(claims)["sub"] == "s-1"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://prijava.test/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"sub": None}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "s" * 256}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": "ана"}, "subject"),
        ({"sub": "s\0"}, "subject"),
        ({"aud": "another"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["vidik", "another"], "azp": "vidik"}, "audience"),
        ({"azp": "another"}, "party"),
        ({"exp": SECONDS - 61}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": None}, "issued"),
        ({"iat": SECONDS + 61}, "issued"),
        ({"iat": SECONDS - 661}, "issued"),
        ({"nbf": SECONDS + 61}, "not yet"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
        ({"at_hash": half_hash("another", "RS256").decode()}, "access token"),
        ({"at_hash": 1}, "access token"),
    ],
)
def test_a_token_that_does_not_hold_is_refused_with_the_reason(claims, reason):
    with pytest.raises(TokenRefused) as refused:
        check(claims)
    assert str(refused.value) == reason


def test_another_audience_is_taken_when_the_city_trusts_it_and_the_token_is_ours():
    trusting = Expected("https://prijava.test", "vidik", "n", trusted_audiences=("portal",))

    assert check({"aud": ["vidik", "portal"], "azp": "vidik"}, trusting)
    with pytest.raises(TokenRefused, match="party"):
        check({"aud": ["vidik", "portal"]}, trusting)


def test_a_token_without_signature_or_signed_with_a_shared_secret_is_refused():
    secret = OctKey.import_key("a secret of the client, long enough", {"kid": KEYS[0].kid})
    shared = jwt.encode({"alg": "HS256", "kid": KEYS[0].kid}, GOOD, secret, algorithms=["HS256"])
    payload = shared.split(".")[1]
    header = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    unsigned = f"{header}.{payload}."

    for token in (unsigned, shared):
        with pytest.raises(TokenRefused):
            check_id_token(token, KeySet([secret, KEYS[0]]), EXPECTED, NOW)


def test_a_token_of_another_key_is_refused_and_an_unknown_key_is_said():
    claims = dict(GOOD)
    same_name = jwt.encode({"alg": "RS256", "kid": KEYS[0].kid}, claims, KEYS[1])
    other_name = jwt.encode({"alg": "RS256", "kid": KEYS[1].kid}, claims, KEYS[1])

    with pytest.raises(TokenRefused, match="signature"):
        check_id_token(same_name, KeySet([KEYS[0]]), EXPECTED, NOW)
    with pytest.raises(UnknownKey):
        check_id_token(other_name, KeySet([KEYS[0]]), EXPECTED, NOW)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.b.c.d.e", "\0", "eyJhbGciOiJSUzI1NiJ9..", "ж.ж.ж"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TokenRefused):
        check_id_token(token, KeySet([KEYS[0]]), EXPECTED, NOW)
