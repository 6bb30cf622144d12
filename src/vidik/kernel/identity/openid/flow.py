"""The two steps of signing in through a provider: sending the browser there, and what it brings back.

What must stand between the steps lies in the browser, in a cookie of its own: a table would let a stranger fill it.
Nothing in it is trusted but that this browser began this sign-in; the provider takes a code once only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import structlog

from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, TooManyRequests
from vidik.kernel.identity.authentication import authenticator, hash_secret
from vidik.kernel.identity.openid import repository as links
from vidik.kernel.identity.openid.config import Provider, provider_of
from vidik.kernel.identity.openid.errors import ProviderAway, TokenRefused
from vidik.kernel.identity.openid.people import admit, read_person
from vidik.kernel.identity.principal import system_principal
from vidik.kernel.identity.sign_in import SignedIn, Visitor, begin, brake_address, release_address
from vidik.kernel.services import Services

if TYPE_CHECKING:
    from vidik.kernel.identity.openid.client import ProviderClient

_log = structlog.get_logger(__name__)

WAITS: Final = timedelta(minutes=10)
JUST_NOW_SECONDS: Final = 1.0
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PLACE: Final = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~%?=&:,+!*'();@-]{0,500}")


class Refused(Exception):
    """A sign-in that came to nothing; the message is a code that the sign-in screen has words for."""


class _NoProvider:
    """Says that this process has looked, and people sign in with passwords only."""


@dataclass(frozen=True)
class Waiting:
    """A sign-in on its way: what the provider must bring back, and where the person wanted to go."""

    state: str
    nonce: str
    verifier: str
    then: str

    def packed(self) -> str:
        """As a cookie carries it."""
        return ".".join((self.state, self.nonce, self.verifier, urlsafe_b64encode(self.then.encode()).decode()))


class OpenId:
    """Signing in through the provider of this installation's tenant; one a process."""

    def __init__(self, services: Services, client: ProviderClient) -> None:
        self._services = services
        self.client = client

    @property
    def provider(self) -> Provider:
        """The provider, as the city's file describes it."""
        return self.client.provider

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back; never taken from a request."""
        return self._home() + "/api/sign-in/callback"

    async def begin(self, then: str | None) -> tuple[str, Waiting]:
        """The provider's address to send the browser to, and what it must remember; raises ProviderAway."""
        # Asked anew: a browser that is sent to a provider that is down shows an error of its own, not a word of ours.
        metadata = await self.client.metadata(no_older_than=JUST_NOW_SECONDS)
        waiting = Waiting(_random(), _random(), _random(), safe_place(then))
        digest = hashlib.sha256(waiting.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": waiting.state,
            "nonce": waiting.nonce,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return _with_query(metadata["authorization_endpoint"], asked), waiting

    async def finish(self, brought: Mapping[str, str], waiting: Waiting | None, visitor: Visitor) -> SignedIn:
        """Begin a session of the person whom the provider names; raises Refused, having recorded why."""
        try:
            return await self._finish(brought, waiting, visitor)
        except (ProviderAway, TooManyRequests) as error:
            raise Refused(error.code) from error
        except BadInput as error:
            _log.error("the sign-in provider cannot be used", reason=error.detail)
            raise Refused("provider-refused") from error
        except TokenRefused as error:
            _log.warning("a sign-in by the provider was refused", reason=str(error))
            await self._record_refusal(f"token: {error}", visitor)
            raise Refused("token-refused") from error

    async def _finish(self, brought: Mapping[str, str], waiting: Waiting | None, visitor: Visitor) -> SignedIn:
        state = brought.get("state", "")
        if waiting is None or not hmac.compare_digest(state.encode("utf-8", "replace"), waiting.state.encode()):
            raise Refused("sign-in-expired")
        # From here on the provider is asked and the record written: a stranger may cause that a few times only.
        await brake_address(self._services, visitor.address)
        await self._check_issuer(brought.get("iss"))
        if "error" in brought:
            raise Refused("sign-in-cancelled" if brought["error"] == "access_denied" else "provider-refused")
        code = brought.get("code", "")
        if not 0 < len(code) <= 4096:
            raise Refused("provider-refused")
        claims = await self.client.redeem(code, waiting.verifier, self.redirect_uri, waiting.nonce)
        return await self._let_in(claims, visitor)

    async def _let_in(self, claims: dict[str, Any], visitor: Visitor) -> SignedIn:
        person = read_person(self.provider, claims)
        tenant = self._services.settings.tenant
        async with self._services.database.platform() as connection:
            account = await admit(connection, tenant, self.provider, person)
            begun = None if account is None else await self._begin(connection, account, visitor)
            if begun is not None and isinstance(claims.get("sid"), str):
                await links.name_session(connection, hash_secret(begun.secret), claims["sid"])
        authenticator(self._services).forget()  # sessions that began with more roles may have ended
        if begun is None:
            await self._record_refusal("not admitted", visitor)
            raise Refused("not-admitted")
        return begun

    async def _begin(self, connection: Connection, account: dict[str, Any], visitor: Visitor) -> SignedIn:
        await release_address(connection, visitor.address)
        lifetime = timedelta(minutes=self.provider.session_minutes)
        return await begin(connection, account, visitor, lifetime, "provider")

    async def _check_issuer(self, told: str | None) -> None:
        """RFC 9207, clause 2.4: an answer of another provider is not ours, whatever it carries."""
        metadata = await self.client.metadata()
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if (told is None and promised) or (told is not None and told != self.provider.issuer):
            raise TokenRefused("issuer of the answer")

    async def _record_refusal(self, reason: str, visitor: Visitor) -> None:
        by = system_principal("sign-in", self._services.settings.tenant, frozenset())
        details = {"address": visitor.address, "by": "provider"}
        async with self._services.database.platform() as connection:
            await audit.record(connection, by, "session.refuse", "account:unknown", reason=reason, details=details)

    async def end_sessions(self, token: str, address: str) -> int:
        """End what a logout token of the provider names (Back-Channel Logout 1.0); how many sessions that were.

        Raises BadInput for a token that does not hold, ProviderAway, or TooManyRequests: a stranger may make us ask
        the provider for its keys a few times only.
        """
        await brake_address(self._services, address)
        try:
            farewell = await self.client.farewell(token)
        except TokenRefused as error:
            _log.warning("a logout by the provider was refused", reason=str(error))
            raise BadInput("This is no logout token of the city's provider.", code="invalid_request") from error
        tenant = self._services.settings.tenant
        by = system_principal("sign-in", tenant, frozenset())
        async with self._services.database.platform() as connection:
            await release_address(connection, address)
            ended = await links.end_sessions(connection, tenant, self.provider.issuer, farewell)
            for account in sorted(set(ended)):
                details = {"by": "provider"}
                await audit.record(connection, by, "session.end", f"account:{account}", details=details)
        authenticator(self._services).forget()
        return len(ended)

    async def farewell(self) -> str | None:
        """Where a browser ends its session at the provider (RP-Initiated Logout 1.0), or None.

        Without the ID token as a hint: it would stand in an address, and would have to be kept until then. The
        provider asks the person instead.
        """
        try:
            endpoint = (await self.client.metadata()).get("end_session_endpoint")
        except ProviderAway:
            return None
        if endpoint is None:
            return None
        told = {"client_id": self.provider.client_id, "post_logout_redirect_uri": self._home() + "/"}
        return _with_query(endpoint, told)

    def _home(self) -> str:
        return (self._services.settings.public_url or "").rstrip("/")


def openid(services: Services) -> OpenId | None:
    """The provider's sign-in of this process, made at first use; None where the tenant has no provider."""
    if services.has(OpenId):
        return services.get(OpenId)
    if services.has(_NoProvider):
        return None
    try:
        provider = provider_of(services.settings)
    except BadInput as error:
        # People must still get in with passwords; `vidik doctor` and this line, once, say what to mend.
        _log.error("the file of the sign-in provider cannot be used", reason=error.detail)
        provider = None
    if provider is None:
        services.put(_NoProvider())
        return None
    # Loaded where a city has a provider only: what checks signatures takes a large part of a second.
    from vidik.kernel.identity.openid.client import ProviderClient

    services.put(OpenId(services, ProviderClient(provider)))
    return services.get(OpenId)


def unpack(cookie: str | None) -> Waiting | None:
    """What a cookie of a waiting sign-in says, or None when it says nothing that we wrote."""
    parts = (cookie or "").split(".")
    if len(parts) != 4 or not all(_WORD.fullmatch(part) for part in parts[:3]):
        return None
    try:
        then = b64decode(parts[3], altchars=b"-_", validate=True).decode()
    except ValueError:
        return None
    return Waiting(parts[0], parts[1], parts[2], safe_place(then))


def safe_place(told: str | None) -> str:
    """A place of the console to go to after signing in; whatever else is asked for becomes the first page."""
    if told is None or not _PLACE.fullmatch(told) or told.startswith("/api/"):
        return "/"
    return told


def _random() -> str:
    return secrets.token_urlsafe(32)


def _with_query(address: str, told: Mapping[str, str]) -> str:
    separator = "&" if urlsplit(address).query else "?"
    return f"{address}{separator}{urlencode(told)}"
