"""A provider that exists in memory only, and tells whatever a test wants it to tell."""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jws
from joserfc.jwk import RSAKey

ISSUER = "https://prijava.test"
KEYS = [RSAKey.generate_key(2048, {"kid": f"key-{number}"}) for number in range(2)]


@dataclass
class MadeUpProvider:
    """Answers discovery, keys, token and userinfo; `claims` stands over the usual claims, None leaves one out."""

    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEYS[0])
    published: list[RSAKey] = field(default_factory=lambda: KEYS[:1])
    sign: Callable[[dict[str, Any]], str] | None = None
    away: bool = False
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    nonce: str = ""
    credential: str | None = None
    credentials: list[str] = field(default_factory=list)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def agree(self, address: str) -> dict[str, str]:
        """What the browser brings back when the person agreed at the provider's address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.nonce = asked["nonce"]
        return {"code": "the-code", "state": asked["state"], "iss": ISSUER}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.away:
            raise httpx.ConnectError("no route", request=request)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self._metadata())
            case "/keys":
                return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.published]})
            case "/token":
                self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
                told = request.headers.get("authorization", "")
                self.credentials.append(told and b64decode(told.removeprefix("Basic ")).decode())
                if self.credential is not None and self.credentials[-1] != self.credential:
                    return httpx.Response(401, json={"error": "invalid_client"})
                token = (self.sign or self._sign)(self._claims())
                return httpx.Response(200, json={"access_token": "an-access-token", "id_token": token})
            case "/userinfo" if request.headers["authorization"] == "Bearer an-access-token":
                return httpx.Response(200, json=self.userinfo)
        return httpx.Response(404)

    def _metadata(self) -> dict[str, Any]:
        told = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "end_session_endpoint": f"{ISSUER}/logout",
        }
        if self.userinfo is not None:
            told["userinfo_endpoint"] = f"{ISSUER}/userinfo"
        return _without_none(told | self.metadata)

    def _claims(self) -> dict[str, Any]:
        usual = {
            "iss": ISSUER,
            "sub": "s-1",
            "aud": "vidik",
            "exp": int(time()) + 300,
            "iat": int(time()),
            "nonce": self.nonce,
            "name": "Ана Анић",
            "preferred_username": "Ana",
            "groups": ["dispeceri"],
        }
        return _without_none(usual | self.claims)

    def logout_token(self, claims: dict[str, Any]) -> str:
        """A logout token; `claims` stands over the usual ones, None leaves one out."""
        usual = {
            "iss": ISSUER,
            "aud": "vidik",
            "iat": int(time()) + 1,
            "exp": int(time()) + 120,
            "jti": "j-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        return self._sign(_without_none(usual | claims))

    def _sign(self, claims: dict[str, Any]) -> str:
        # As ASCII, so that a claim may say what no text of UTF-8 can.
        return jws.serialize_compact({"alg": "RS256", "kid": self.key.kid}, json.dumps(claims).encode(), self.key)


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
