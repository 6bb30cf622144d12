"""Who is asking: session cookie, API token or device secret, with a cache that spares hot requests the database."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from cachetools import TTLCache
from starlette.requests import HTTPConnection, Request

from vidik.kernel.errors import Forbidden, Unauthenticated, Unavailable
from vidik.kernel.identity import phones_repository as phones
from vidik.kernel.identity import repository
from vidik.kernel.identity.origin import check_origin
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.reach import CITYS
from vidik.kernel.identity.roles import grants_of
from vidik.kernel.services import Services
from vidik.kernel.tasks import begin_endless, end_tasks

_log = structlog.get_logger(__name__)

COOKIE: Final = "vidik_session"
PHONE_COOKIE: Final = "vidik_phone"
TOKEN_PREFIX: Final = "vdk_"  # noqa: S105 - a mark that secret scanners find, not a secret
IDLE: Final = timedelta(hours=8)
LIFETIME: Final = timedelta(hours=24)

CACHED_SECONDS: Final = 5.0
_CACHED: Final = 10_000
_RETRY_SECONDS: Final = 2.0
_ASKED: Final = "vidik_principal"

CredentialSource = Callable[[str | None, str], Principal | None]
"""Looks up a credential that is not an account's: (user name or None, secret) -> who that is. Must not block."""


def hash_secret(secret: str) -> bytes:
    """What is stored of a session's or token's secret; SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Authenticator:
    """Resolves credentials to principals for one process.

    Answers are remembered for 5 seconds at most; a NOTIFY on `vidik_identity` (a session, token or account ended
    or changed) forgets all of them at once while `following` runs.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cache: TTLCache[bytes, Principal | None] = TTLCache(_CACHED, CACHED_SECONDS)
        self._pending: dict[bytes, asyncio.Future[Principal | None]] = {}
        self._generation = 0
        self.sources: list[CredentialSource] = []
        self.hearers: list[Callable[[], None]] = []
        """Called when what somebody may do has perhaps changed."""

    async def session(self, secret: str) -> Principal | None:
        """The person behind a session cookie, or None."""
        return await self._remembered(hash_secret(secret), self._load_session)

    async def token(self, secret: str) -> Principal | None:
        """The token behind a bearer secret that begins with vdk_, or None."""
        return await self._remembered(hash_secret(secret), self._load_token)

    def other(self, username: str | None, secret: str) -> Principal | None:
        """The device (or what another module knows) behind a credential, or None."""
        for source in self.sources:
            found = source(username, secret)
            if found is not None:
                return found
        return None

    def remembered(self, header: str) -> Principal | None:
        """Who is behind an `Authorization` header, as far as that is known without asking the database."""
        scheme, _, credential = header.partition(" ")
        if scheme.lower() != "bearer" or not credential:
            return None
        if credential.startswith(TOKEN_PREFIX):
            return self._cache.get(hash_secret(credential))
        return self.other(None, credential)

    def forget(self) -> None:
        """Drop every remembered answer, also those that are being looked up now."""
        self._generation += 1
        self._cache.clear()
        self._pending.clear()
        for hears in self.hearers:
            hears()

    async def _remembered(self, key: bytes, load: Callable[[bytes], Awaitable[Principal | None]]) -> Principal | None:
        with contextlib.suppress(KeyError):
            return self._cache[key]
        pending = self._pending.get(key)
        if pending is not None:  # many requests of one credential share one query
            return await asyncio.shield(pending)
        # A task of its own: a client that goes away must not fail the others who wait for the same answer.
        task = asyncio.ensure_future(self._load(key, load))
        self._pending[key] = task
        return await asyncio.shield(task)

    async def _load(self, key: bytes, load: Callable[[bytes], Awaitable[Principal | None]]) -> Principal | None:
        generation = self._generation
        try:
            principal = await load(key)
        except psycopg.OperationalError as error:
            raise Unavailable("Vidik cannot reach its database at this moment; please try again.") from error
        finally:
            if generation == self._generation:
                self._pending.pop(key, None)
        if generation == self._generation:
            self._cache[key] = principal
        return principal

    async def _load_session(self, key: bytes) -> Principal | None:
        async with self._services.database.platform() as connection:
            row = await repository.account_by_session(connection, key, IDLE)
            if row is None:
                return None
            if row["stale"]:
                await repository.touch_session(connection, row["session"])
                await phones.touch_phone(connection, row["session"])
        return person(row)

    async def _load_token(self, key: bytes) -> Principal | None:
        async with self._services.database.platform() as connection:
            row = await repository.account_by_token(connection, key)
            if row is None:
                return None
            if row["stale"]:
                await repository.touch_token(connection, row["token"])
        return _token(row)

    @asynccontextmanager
    async def following(self) -> AsyncIterator["Authenticator"]:
        """Hear of revocations while the process serves."""
        task = begin_endless(self._follow(), "identity changes")
        try:
            yield self
        finally:
            await end_tasks(task)

    async def _follow(self) -> None:
        while True:
            try:
                async with await self._services.database.dedicated(None) as connection:
                    await connection.execute("LISTEN vidik_identity")
                    self.forget()
                    async for _ in connection.notifies():
                        self.forget()
            except (psycopg.Error, OSError) as error:
                _log.warning("revocations cannot be heard, trying again", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


def authenticator(services: Services) -> Authenticator:
    """The authenticator of this process, made at first use."""
    if not services.has(Authenticator):
        services.put(Authenticator(services))
    return services.get(Authenticator)


async def authenticate(request: HTTPConnection) -> Principal | None:
    """The principal of a request, or None when it carries no valid credential.

    Takes `Authorization` (Bearer API token, Bearer device secret, Basic device:secret), else the session cookie.
    Raises Forbidden for an unsafe request with a cookie that another site has sent.
    """
    state = request.scope.setdefault("state", {})
    # Once a request, however long it waits for a connection: asking again, it would hold one and wait for another.
    if _ASKED not in state:
        state[_ASKED] = await _authenticate(request)
    principal: Principal | None = state[_ASKED]
    return principal


async def _authenticate(request: HTTPConnection) -> Principal | None:
    known = authenticator(request.app.state.services)
    header = request.headers.get("authorization")
    if header is not None:
        return await _by_header(known, header)
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    check_origin(request)
    return await known.session(secret)


async def _by_header(known: Authenticator, header: str) -> Principal | None:
    scheme, _, credential = header.partition(" ")
    credential = credential.strip()
    match scheme.lower():
        case "bearer" if credential.startswith(TOKEN_PREFIX):
            return await known.token(credential)
        case "bearer" if credential:
            return known.other(None, credential)
        case "basic":
            username, secret = _basic(credential)
            return known.other(username, secret) if username else None
    return None


def _basic(credential: str) -> tuple[str, str]:
    try:
        username, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return username, secret


async def require_somebody(request: HTTPConnection) -> Principal:
    """The principal of a request, whatever it may do; raises Unauthenticated when there is none."""
    principal = await authenticate(request)
    if principal is None:
        raise await nobody(request, "Please sign in, or send a valid token.")
    return principal


async def require_principal(request: HTTPConnection, permission: str) -> Principal:
    """The principal of a request when it holds a permission somewhere; raises Unauthenticated or Forbidden.

    What belongs to one organisation must then be asked for itself: `principal.may(permission, organisation)`.
    """
    principal = await require_somebody(request)
    if not principal.may(permission):
        raise Forbidden(f"This needs the permission {permission}, which {principal.login} does not have.")
    return principal


async def require_principal_anew(request: HTTPConnection, permission: str) -> Principal:
    """As `require_principal`, whatever this request was answered before: for streams, when something has changed."""
    request.scope.get("state", {}).pop(_ASKED, None)
    return await require_principal(request, permission)


async def nobody(request: HTTPConnection, sentence: str) -> Unauthenticated:
    """What a request without a valid credential is told; a revoked phone of a crew hears that it was revoked."""
    secret = request.cookies.get(PHONE_COOKIE)
    if secret and "authorization" not in request.headers:
        services: Services = request.app.state.services
        async with services.database.platform() as connection:
            phone = await phones.phone_by_secret(connection, services.settings.tenant, hash_secret(secret))
        if phone is not None and phone["revoked_at"] is not None:
            told = "This phone was taken out of use by a supervisor. What it has kept is sent after somebody signs in."
            return Unauthenticated(told, code="phone-revoked", values={"phone": phone["name"]})
    return Unauthenticated(sentence)


def require(permission: str) -> Callable[[Request], Awaitable[Principal]]:
    """A FastAPI dependency, `Depends(require("alarms.read"))`, that gives the principal or refuses."""

    async def dependency(request: Request) -> Principal:
        return await require_principal(request, permission)

    return dependency


def require_in_the_city(permission: str) -> Callable[[Request], Awaitable[Principal]]:
    """As `require`, for what belongs to nobody but the whole city: a role in one organisation or area is not enough."""

    async def dependency(request: Request) -> Principal:
        principal = await require_principal(request, permission)
        must_reach_the_city(principal, permission)
        return principal

    return dependency


def must_reach_the_city(principal: Principal, permission: str) -> None:
    """Raise Forbidden when a permission holds in one organisation or area only."""
    if not principal.reaches(permission, CITYS):
        told = f"This belongs to the whole city: it needs the permission {permission} without organisation and area."
        raise Forbidden(told, code="whole-city")


async def require_person(request: Request) -> Principal:
    """The person who is signed in with a session; tokens and devices are refused."""
    principal = await authenticate(request)
    if principal is None:
        raise await nobody(request, "Please sign in.")
    if principal.kind != "person":
        raise Forbidden("Only a person who is signed in may do this, not a token.")
    return principal


def person(row: dict[str, Any]) -> Principal:
    """The principal of an account's row."""
    grants = grants_of(row)
    return Principal(
        kind="person",
        id=str(row["id"]),
        login=row["login"],
        name=row["name"],
        organisation=row["organisation"],
        roles=frozenset(grant.role for grant in grants),
        tenant=row["tenant"],
        grants=grants,
        session=row.get("session"),
        phone=row.get("phone"),
        provider=row["linked"],
    )


def _token(row: dict[str, Any]) -> Principal:
    owner = person(row)
    return Principal(
        kind="token",
        id=str(row["token"]),
        login=owner.login,
        name=row["token_name"],
        organisation=owner.organisation,
        roles=owner.roles,
        tenant=owner.tenant,
        grants=owner.grants,
        scopes=frozenset(row["scopes"]),
    )
