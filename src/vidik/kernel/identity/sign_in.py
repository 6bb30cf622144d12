"""Proving a password, starting and ending sessions.

Unlike other services these functions hold their own transactions: a refused attempt must be remembered although
the request fails, and no connection may be held while argon2 works.
"""

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from starlette.requests import Request

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import TooManyRequests, Unauthenticated
from vidik.kernel.identity import phones_repository as phones
from vidik.kernel.identity import repository, throttle
from vidik.kernel.identity.agents import coarse
from vidik.kernel.identity.authentication import LIFETIME, PHONE_COOKIE, hash_secret, person
from vidik.kernel.identity.passwords import LONGEST, passwords
from vidik.kernel.identity.principal import Principal, system_principal
from vidik.kernel.services import Services


@dataclass(frozen=True)
class Visitor:
    """From where somebody signs in, as far as the request tells."""

    address: str
    browser: str | None
    phone: str | None = None


def visitor_of(request: Request) -> Visitor:
    """From where a request comes."""
    address = request.client.host if request.client else "unknown"
    return Visitor(address, request.headers.get("user-agent"), request.cookies.get(PHONE_COOKIE))


@dataclass(frozen=True)
class SignedIn:
    """A session that has begun; `secret` is what the cookie carries and is not stored anywhere.

    `phone_ended`: the browser still has the cookie of a crew's phone that was revoked, and shall forget it.
    """

    secret: str
    principal: Principal
    lifetime: timedelta
    phone_ended: bool = False


@dataclass(frozen=True)
class _Brake:
    account: bytes
    address: bytes
    known: bytes


async def sign_in(services: Services, login: str, password: str, visitor: Visitor) -> SignedIn:
    """Begin a session; raises Unauthenticated or TooManyRequests."""
    account = await prove_password(services, login, password, visitor)
    async with services.database.platform() as connection:
        return await begin(connection, account, visitor, LIFETIME, "password")


async def begin(
    connection: Connection,
    account: dict[str, Any],
    visitor: Visitor,
    lifetime: timedelta,
    began_by: Literal["password", "provider"],
) -> SignedIn:
    """Begin a session of an account that has just proved who it is."""
    principal = person(account)
    secret = secrets.token_urlsafe(32)
    values = {
        "secret_hash": hash_secret(secret),
        "account": account["id"],
        "lifetime": lifetime,
        "address": visitor.address,
        "browser": coarse(visitor.browser),
        "began_by": began_by,
    }
    session = await repository.insert_session(connection, values)
    phone = visitor.phone and await phones.phone_by_secret(connection, account["tenant"], hash_secret(visitor.phone))
    if phone and phone["revoked_at"] is None:
        await phones.put_session_on_phone(connection, session, phone["id"])
    details = {"address": visitor.address, "by": began_by}
    await audit.record(connection, principal, "session.begin", f"session:{session}", details=details)
    return SignedIn(secret, principal, lifetime, bool(phone and phone["revoked_at"] is not None))


async def sign_out(services: Services, principal: Principal, secret: str) -> bool:
    """End the session of a cookie; whether it began at the city's provider, where the person is signed in still."""
    async with services.database.platform() as connection:
        began_by = await repository.delete_session_by_secret(connection, hash_secret(secret))
        await audit.record(connection, principal, "session.end", f"account:{principal.id}")
    return began_by == "provider"


async def prove_password(services: Services, login: str, password: str, visitor: Visitor) -> dict[str, Any]:
    """Return the account's row when login and password are right.

    Raises Unauthenticated with one sentence for every reason, in the same time for unknown logins, and
    TooManyRequests while an account or an address waits.
    """
    tenant = services.settings.tenant
    login = login.strip().lower()
    brake = _brake(tenant, login, visitor.address)
    async with services.database.platform() as connection:
        brake = await _engage(connection, brake)
        account = await repository.account_by_login(connection, tenant, login)
    hasher = passwords(services.settings.argon2_memory_kib)
    encoded = account["password_hash"] if account else None
    right = await hasher.verify(encoded, password[: LONGEST + 1])
    if account is None or not right or not account["stands"]:
        await _refuse(services, tenant, account, right, visitor)
        raise Unauthenticated("The login or the password is not right.", code="sign-in-refused")
    renewed = await hasher.hash(password) if hasher.outdated(account["password_hash"]) else None
    async with services.database.platform() as connection:
        await _release(connection, brake)
        if renewed is not None:
            await repository.rehash_password(connection, account["id"], renewed)
    return account


async def brake_address(services: Services, address: str) -> None:
    """Count an attempt of an address that proves itself elsewhere (at a provider); raises TooManyRequests."""
    key = _key("address", _network(address))
    async with services.database.platform() as connection:
        state = await repository.lock_throttle(connection, key, now())
        moment = now()
        wait = throttle.waiting_seconds(state, moment)
        if wait > 0:
            raise TooManyRequests(f"Too many attempts. Please wait {wait} seconds and try again.", retry_after=wait)
        await repository.save_throttle(connection, key, throttle.after_attempt(state, moment, throttle.ADDRESS))


async def release_address(connection: Connection, address: str) -> None:
    """Take back what `brake_address` counted, once somebody came in."""
    key = _key("address", _network(address))
    moment = now()
    state = await repository.lock_throttle(connection, key, moment)
    await repository.save_throttle(connection, key, throttle.after_success(state, moment, throttle.ADDRESS))


async def _engage(connection: Connection, brake: _Brake) -> _Brake:
    """Count an attempt on account and address, or raise TooManyRequests while one of them waits."""
    if await repository.is_known(connection, brake.known):
        brake = _Brake(brake.known, brake.address, brake.known)
    policies = {brake.account: throttle.ACCOUNT, brake.address: throttle.ADDRESS}
    keys = sorted(policies)  # one order for everybody, so that two attempts cannot wait for each other
    states = {key: await repository.lock_throttle(connection, key, now()) for key in keys}
    moment = now()  # behind the locks: a time from before them is older than what attempts at once have left
    wait = max(throttle.waiting_seconds(state, moment) for state in states.values())
    if wait > 0:
        raise TooManyRequests(f"Too many wrong attempts. Please wait {wait} seconds and try again.", retry_after=wait)
    for key, state in states.items():
        await repository.save_throttle(connection, key, throttle.after_attempt(state, moment, policies[key]))
    return brake


async def _release(connection: Connection, brake: _Brake) -> None:
    """Take back what `_engage` counted, once the password proved to be right."""
    moment = now()
    for key in sorted((brake.account, brake.address)):
        state = await repository.lock_throttle(connection, key, moment)
        if key == brake.address:
            await repository.save_throttle(connection, key, throttle.after_success(state, moment, throttle.ADDRESS))
        else:
            await repository.delete_throttle(connection, key)
    await repository.remember_known(connection, brake.known)


async def _refuse(
    services: Services, tenant: str, account: dict[str, Any] | None, right: bool, visitor: Visitor
) -> None:
    # What was typed as an unknown login may be a password: it is not written down.
    subject = "account:unknown" if account is None else f"account:{account['id']}"
    reason = "unknown login" if account is None else "account ended" if right else "wrong password"
    async with services.database.platform() as connection:
        await audit.record(
            connection,
            system_principal("sign-in", tenant, frozenset()),
            "session.refuse",
            subject,
            reason=reason,
            details={"address": visitor.address},
        )


def _brake(tenant: str, login: str, address: str) -> _Brake:
    network = _network(address)
    return _Brake(
        account=_key("account", tenant, login),
        address=_key("address", network),
        known=_key("known", tenant, login, network),
    )


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> str:
    """An IPv6 customer has a whole /64 to hide in; it counts as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
