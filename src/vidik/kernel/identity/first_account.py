"""The first administrator of an installation, and accounts of services that sign in by token."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.identity import repository
from vidik.kernel.identity.authentication import TOKEN_PREFIX, hash_secret
from vidik.kernel.identity.passwords import generate_password, passwords
from vidik.kernel.identity.principal import Principal, system_principal
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

FIRST_LOGIN = "dispatcher"
_FIRST_ROLES: list[Grant] = [Grant("administrator"), Grant("dispatcher")]
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('vidik first account'))"


@dataclass(frozen=True)
class Credentials:
    """A login made for this installation; `path` is the only place where the password is kept in clear."""

    login: str
    password: str
    path: Path


async def ensure_first_account(services: Services) -> Credentials | None:
    """Make the first administrator when the tenant has no account yet; None when it has.

    The password is written to VIDIK_DATA/first-login.txt (0600), which goes when the person chooses another one.
    """
    tenant = services.settings.tenant
    password = generate_password()
    async with services.database.platform() as connection:
        await connection.execute(_LOCK)
        if await _has_person(connection, tenant):
            return None
        hashed = await passwords(services.settings.argon2_memory_kib).hash(password)
        account = await _insert(connection, tenant, FIRST_LOGIN, "First dispatcher", hashed, _FIRST_ROLES)
        await audit.record(connection, _starting(tenant), "account.create", f"account:{account}", reason="first start")
        # Before the commit: an account whose password nobody can read would lock the installation for good.
        path = _write(services.settings, password)
    return Credentials(FIRST_LOGIN, password, path)


def first_login(settings: Settings) -> Credentials | None:
    """The first login as long as its password is the generated one; for the command line to show."""
    path = _path(settings)
    try:
        lines = dict(line.split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines() if ": " in line)
        return Credentials(lines["login"], lines["password"], path)
    except (OSError, KeyError, ValueError):
        return None


def forget_first_login(settings: Settings, login: str) -> None:
    """Remove the file once its person has another password."""
    found = first_login(settings)
    if found is not None and found.login == login:
        with contextlib.suppress(OSError):
            found.path.unlink()


async def issue_service_token(
    services: Services, name: str, permissions: frozenset[str], *, lifetime: timedelta = timedelta(days=365)
) -> str:
    """Return a new API token for a service of this machine (the demo, a replay), replacing its older one.

    The service has an account of its own without a password, whose token holds just these permissions.
    """
    tenant = services.settings.tenant
    login = f"service-{name}"
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    async with services.database.platform() as connection:
        await connection.execute(_LOCK)
        row = await repository.account_by_login(connection, tenant, login)
        if row is None:
            account = await _insert(connection, tenant, login, name, None, [Grant("administrator")])
        else:
            account = row["id"]
            await repository.delete_tokens_named(connection, account, name)
        values = {
            "secret_hash": hash_secret(secret),
            "account": account,
            "name": name,
            "scopes": sorted(permissions),
            "lifetime": lifetime,
        }
        token = await repository.insert_token(connection, values)
        details = {"name": name, "scopes": sorted(permissions)}
        await audit.record(connection, _starting(tenant), "token.create", f"token:{token['id']}", details=details)
    return secret


async def _has_person(connection: Connection, tenant: str) -> bool:
    return any(row["password_hash"] is not None for row in await repository.accounts(connection, tenant))


async def _insert(
    connection: Connection, tenant: str, login: str, name: str, hashed: str | None, roles: list[Grant]
) -> int:
    account = await repository.insert_account(
        connection,
        {
            "tenant": tenant,
            "login": login,
            "name": name,
            "organisation": None,
            "password_hash": hashed,
            "password_initial": hashed is not None,
            "ends_at": None,
        },
    )
    if account is None:
        raise LookupError(f"the login {login} is taken")
    await repository.replace_roles(connection, account, roles)
    return account


def _starting(tenant: str) -> Principal:
    return system_principal("start", tenant, frozenset())


def _path(settings: Settings) -> Path:
    return settings.data / "first-login.txt"


def _write(settings: Settings, password: str) -> Path:
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    # Made with its mode, not changed after: between the two, another user could open it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"login: {FIRST_LOGIN}\npassword: {password}\n")
        file.flush()
        os.fsync(file.fileno())
    return path
