"""Rules of accounts: who may be made, changed and ended. No HTTP; the caller's transaction."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, Conflict, Forbidden, NotFound
from vidik.kernel.identity import areas_repository, repository
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.reach import Belonging, Reach
from vidik.kernel.identity.roles import ROLES, Grant, grants_of, in_order, permissions_of, places_of

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True)
class AccountDraft:
    """What an administrator says of an account; `password_hash` None keeps the one that stands."""

    login: str
    name: str
    organisation: str | None
    roles: list[Grant]
    enabled: bool
    ends_at: datetime | None
    password_hash: str | None


async def create_account(connection: Connection, principal: Principal, draft: AccountDraft) -> int:
    """Make an account and return its number; raises BadInput, Conflict or Forbidden. The tenant's transaction."""
    if not _LOGIN.fullmatch(draft.login):
        raise BadInput(
            "A login has 2 to 64 of a-z, 0-9, dot, dash, underscore and @.", field="login", code="login-form"
        )
    await _check_grants(connection, principal, frozenset(), draft.roles)
    account = await repository.insert_account(
        connection,
        {
            "tenant": principal.tenant,
            "login": draft.login,
            "name": draft.name,
            "organisation": draft.organisation,
            "password_hash": draft.password_hash,
            "password_initial": True,
            "ends_at": draft.ends_at,
        },
    )
    if account is None:
        raise Conflict(f"The login {draft.login} is taken.", field="login", code="login-taken")
    await repository.replace_roles(connection, account, draft.roles)
    details = {"login": draft.login, "roles": in_order(draft.roles)}
    await audit.record(connection, principal, "account.create", f"account:{account}", details=details)
    return account


async def change_account(
    connection: Connection, principal: Principal, row: dict[str, Any], draft: AccountDraft
) -> None:
    """Change an account (its locked row); ends its sessions when what it may do became less, or its password new."""
    account: int = row["id"]
    before = grants_of(row)
    await _check_grants(connection, principal, before, draft.roles)
    if draft.password_hash is not None and row["linked"]:
        # A password of its own would outlive the group that lets this person in.
        raise Conflict("This person signs in through the city's provider and has no password here.", code="no-password")
    ended = not draft.enabled or (draft.ends_at is not None and draft.ends_at <= now())
    administers = Grant("administrator") in draft.roles and not ended
    if Grant("administrator") in before and row["stands"] and not administers:
        await _keep_an_administrator(connection, principal.tenant, account)
    values = {
        "name": draft.name,
        "organisation": draft.organisation,
        "enabled": draft.enabled,
        "ends_at": draft.ends_at,
    }
    await repository.update_account(connection, account, values)
    if before != frozenset(draft.roles):
        await repository.replace_roles(connection, account, draft.roles)
    if draft.password_hash is not None:
        own = principal.kind == "person" and principal.id == str(account)
        await repository.set_password(connection, account, draft.password_hash, initial=not own)
    if ended or draft.password_hash is not None or before - frozenset(draft.roles):
        await repository.delete_sessions(connection, account)
    details = _changes(row, before, draft)
    await audit.record(connection, principal, "account.change", f"account:{account}", details=details)


async def load_account(connection: Connection, principal: Principal, account: int) -> dict[str, Any]:
    """An account that the principal may see, locked; raises NotFound."""
    row = await repository.account_by_id(connection, principal.tenant, account)
    if row is None or not may_see(principal, row):
        raise NotFound("There is no such account.")
    return row


async def load_changed(connection: Connection, principal: Principal, account: int) -> dict[str, Any]:
    """An account as the principal has just left it: perhaps out of their own sight."""
    row = await repository.account_by_id(connection, principal.tenant, account)
    if row is None:
        raise NotFound("There is no such account.")
    return row


def may_see(principal: Principal, row: Mapping[str, Any]) -> bool:
    """Whether somebody manages an account or one of its roles."""
    reach = principal.reach("accounts.manage")
    return reach.includes(Belonging.to(row["organisation"])) or any(
        reach.includes(_where(grant)) for grant in grants_of(row)
    )


def must_manage(principal: Principal, organisation: str | None, grants: Iterable[Grant]) -> None:
    """Raise Forbidden unless somebody reaches everything that an account may do, and whom it works for.

    Whoever gives a password could sign in with it: nobody gives one to who may do more, or elsewhere, than they.
    """
    reach = principal.reach("accounts.manage")
    places = [_where(grant) for grant in grants] or [Belonging.to(organisation)]
    works_there = any(place.organisation in (None, organisation) for place in reach.places)
    if not works_there or not all(reach.includes(place) for place in places):
        raise Forbidden("You manage accounts of your own organisation and area only.", code="out-of-reach")


def _where(grant: Grant) -> Belonging:
    return Belonging.to(grant.organisation, () if grant.area is None else (grant.area,))


async def _check_grants(
    connection: Connection, principal: Principal, before: frozenset[Grant], wanted: list[Grant]
) -> None:
    """Nobody gives or takes a role where they may not manage accounts, nor one that may more than they do."""
    unknown = [grant.role for grant in wanted if grant.role not in ROLES]
    if unknown:
        raise BadInput(f"There is no role {unknown[0]}. Roles are: {', '.join(ROLES)}.", field="roles")
    areas = {grant.area for grant in wanted if grant.area is not None}
    missing = await areas_repository.unknown(connection, areas) if areas else []
    if missing:
        raise BadInput(f"There is no area {missing[0]}.", field="roles", code="unknown-area")
    for grant in before ^ frozenset(wanted):
        place = _where(grant)
        if not principal.reaches("accounts.manage", place):
            raise Forbidden("You manage accounts of your own organisation and area only.", code="out-of-reach")
        if not all(Reach(places_of(principal.grants, needed)).includes(place) for needed in permissions_of([grant])):
            raise Forbidden(f"You cannot give or take the role {grant.role}: it may more than you do.")


async def _keep_an_administrator(connection: Connection, tenant: str, account: int) -> None:
    if await repository.other_administrators(connection, tenant, account) == 0:
        raise Conflict("This is the last administrator; make another one first.", code="last-administrator")


def _changes(row: dict[str, Any], before: frozenset[Grant], draft: AccountDraft) -> dict[str, Any]:
    """What an account's change was; a password is only said to be new."""
    changes: dict[str, Any] = {}
    for name in ("organisation", "enabled"):
        if row[name] != getattr(draft, name):
            changes[name] = getattr(draft, name)
    if row["name"] != draft.name:
        changes["name"] = "changed"  # the audit record stands for ever; a person's name need not
    if row["ends_at"] != draft.ends_at:
        changes["ends_at"] = iso(draft.ends_at) if draft.ends_at else None
    if before != frozenset(draft.roles):
        changes["roles"] = in_order(draft.roles)
    if draft.password_hash is not None:
        changes["password_is_new"] = True
    return changes
