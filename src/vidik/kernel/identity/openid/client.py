"""Talking to a provider: what it says of itself, its keys, a code for tokens. Nothing here writes a token anywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus

import httpx
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from vidik.kernel.clock import now
from vidik.kernel.identity.openid.config import Provider, is_safe
from vidik.kernel.identity.openid.errors import ProviderAway, TokenRefused, UnknownKey
from vidik.kernel.identity.openid.id_token import Expected, check_id_token
from vidik.kernel.identity.openid.logout_token import Farewell, check_logout_token

Said = TypeVar("Said")
_log = structlog.get_logger(__name__)

_TIMEOUT: Final = httpx.Timeout(10.0, connect=4.0)
_LONGEST_SECONDS: Final = 12.0
_LARGEST: Final = 1_000_000
_KNOWN_SECONDS: Final = 3600.0
_ENDPOINTS: Final = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
)


class _ClientRefused(TokenRefused):
    """The provider does not take us for its client: our id or secret is wrong, or wrongly written."""


@dataclass
class _Known:
    """What was learnt of the provider, and when; forgotten after an hour."""

    metadata: dict[str, Any]
    learnt: float = field(default_factory=time.monotonic)
    keys: KeySet | None = None

    def is_younger_than(self, seconds: float) -> bool:
        return time.monotonic() - self.learnt < seconds


class ProviderClient:
    """One provider as this process knows it; `http` is given by tests."""

    def __init__(self, provider: Provider, http: httpx.AsyncBaseTransport | None = None) -> None:
        self.provider = provider
        self._transport = http
        self._known: _Known | None = None
        self._asking = asyncio.Lock()
        self._away_since: float | None = None

    async def metadata(self, *, no_older_than: float = _KNOWN_SECONDS) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, clause 4); raises ProviderAway."""
        began = time.monotonic()
        async with self._asking:  # many people at once are one question, and one answer
            if self._away_since is not None and self._away_since >= began:
                raise _away()
            try:
                return await self._metadata(no_older_than)
            except ProviderAway:
                self._away_since = time.monotonic()
                raise

    async def _metadata(self, no_older_than: float) -> dict[str, Any]:
        if self._known is None or not self._known.is_younger_than(no_older_than):
            address = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = await self._ask("GET", address)
            if metadata.get("issuer") != self.provider.issuer:  # 4.3: exactly, or tokens of another are taken for ours
                raise _strange("says that it is another issuer")
            for name in _ENDPOINTS:
                told = metadata.get(name)
                if told is None and name in _ENDPOINTS[3:]:
                    continue
                if not isinstance(told, str) or not is_safe(told):
                    raise _strange(f"has no usable {name}")
            self._known = _Known(metadata, keys=self._known.keys if self._known else None)
        return self._known.metadata

    async def redeem(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> dict[str, Any]:
        """Trade a code for the claims of the person; raises ProviderAway or TokenRefused.

        Claims of the ID token stand before those of the UserInfo endpoint, which is asked when the groups are not
        in the token (clause 5.3.2: only when its subject is the token's).
        """
        metadata = await self.metadata()
        answer = await self._tokens(metadata, code, verifier, redirect_uri)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access_token, str):
            raise TokenRefused("no token")
        claims = await self._checked(metadata, token, self._expected(nonce, access_token), check_id_token)
        if self.provider.groups_claim not in claims and metadata.get("userinfo_endpoint"):
            more = await self._ask(
                "GET", metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"}
            )
            if more.get("sub") != claims["sub"]:
                raise TokenRefused("userinfo")
            claims = more | claims
        return claims

    async def farewell(self, token: str) -> Farewell:
        """Whose sessions a logout token ends; raises ProviderAway or TokenRefused."""
        return await self._checked(await self.metadata(), token, self._expected(""), check_logout_token)

    def _expected(self, nonce: str, access_token: str | None = None) -> Expected:
        return Expected(
            issuer=self.provider.issuer,
            client_id=self.provider.client_id,
            nonce=nonce,
            access_token=access_token,
            trusted_audiences=self.provider.trusted_audiences,
            clock_skew_seconds=self.provider.clock_skew_seconds,
        )

    async def _checked(
        self,
        metadata: dict[str, Any],
        token: str,
        expected: Expected,
        check: Callable[[str, KeySet, Expected, datetime], Said],
    ) -> Said:
        try:
            return check(token, await self._keys(metadata), expected, now())
        except UnknownKey:  # clause 10.1.1: keys were changed; ask once more
            return check(token, await self._keys(metadata, again=True), expected, now())

    async def _keys(self, metadata: dict[str, Any], *, again: bool = False) -> KeySet:
        known = self._known
        if known is not None and known.keys is not None and not again:
            return known.keys
        told = await self._ask("GET", metadata["jwks_uri"])
        try:
            usable = [key for key in told["keys"] if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
            keys = KeySet.import_key_set({"keys": usable})
        except (JoseError, LookupError, AttributeError, TypeError, ValueError) as error:
            raise _strange("has no usable keys") from error
        if known is not None:
            known.keys = keys
        return keys

    async def _tokens(self, metadata: dict[str, Any], code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        client, secret = self.provider.client_id, self.provider.client_secret()
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret is None:
            return await self._ask("POST", metadata["token_endpoint"], data={**form, "client_id": client})
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= {"client_id": client, "client_secret": secret}
            return await self._ask("POST", metadata["token_endpoint"], data=form)
        # RFC 6749, clause 2.3.1: both are form-encoded before they become a Basic credential. Providers built on
        # Authlib take them as they are; where that makes a difference, they are tried so, too.
        encoded, plain = (quote_plus(client), quote_plus(secret)), (client, secret)
        try:
            return await self._ask("POST", metadata["token_endpoint"], data=form, auth=httpx.BasicAuth(*encoded))
        except _ClientRefused:
            if encoded == plain:
                raise
            return await self._ask("POST", metadata["token_endpoint"], data=form, auth=httpx.BasicAuth(*plain))

    async def _ask(self, method: str, address: str, **rest: Any) -> dict[str, Any]:
        """A JSON object from the provider; what it answers is never logged, only that it failed."""
        try:
            async with (
                asyncio.timeout(_LONGEST_SECONDS),
                httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport, follow_redirects=False) as http,
                http.stream(method, address, **rest) as response,
            ):
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise _strange("answers without end")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            _log.warning("the sign-in provider cannot be reached", kind=type(error).__name__)
            raise _away() from error
        if method == "POST" and 400 <= response.status_code < 500:
            kind = _ClientRefused if response.status_code == 401 else TokenRefused
            raise kind(f"code refused ({response.status_code})")
        if response.status_code != 200:
            raise _strange(f"answers with status {response.status_code}")
        try:
            told = msgspec.json.decode(bytes(body))
        except msgspec.DecodeError as error:
            raise _strange("answers in a way that cannot be read") from error
        if not isinstance(told, dict):
            raise _strange("answers in a way that cannot be read")
        return told


def _away() -> ProviderAway:
    return ProviderAway("The city's sign-in service does not answer; local accounts still work.")


def _strange(what: str) -> ProviderAway:
    _log.warning("the sign-in provider cannot be used", reason=what)
    return ProviderAway(f"The city's sign-in service {what}; local accounts still work.")
