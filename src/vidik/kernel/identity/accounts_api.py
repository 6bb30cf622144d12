"""HTTP: accounts of people, for whoever manages them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field

from vidik.kernel.clock import iso
from vidik.kernel.forms import Form, RowId
from vidik.kernel.identity import repository
from vidik.kernel.identity.accounts import (
    AccountDraft,
    change_account,
    create_account,
    load_account,
    load_changed,
    may_see,
    must_manage,
)
from vidik.kernel.identity.areas import AreaCode
from vidik.kernel.identity.authentication import authenticator, require
from vidik.kernel.identity.first_account import forget_first_login
from vidik.kernel.identity.passwords import check_password, generate_password, passwords
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.roles import Grant, grants_of, in_order
from vidik.kernel.services import Services
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["accounts"])

Manager = Annotated[Principal, Depends(require("accounts.manage"))]
_OF_THE_PERSON = ("name", "organisation", "enabled", "ends_at")
Name = Annotated[str, Field(min_length=1, max_length=200)]


class RoleHeld(Form):
    """A role, in one organisation or (null) the whole city, and in one area or (null) everywhere."""

    role: str
    organisation: str | None = Field(None, max_length=200)
    area: AreaCode | None = None


class NewAccount(Form):
    """An account to make; without a password one is generated and shown once."""

    login: str = Field(max_length=256)
    name: Name
    organisation: str | None = Field(None, max_length=200)
    roles: list[RoleHeld | str] = Field(max_length=50)
    password: str | None = Field(None, max_length=4096)
    ends_at: AwareDatetime | None = None


class AccountChange(Form):
    """What to change of an account; what is left out stays. `new_password` asks for a generated one, shown once."""

    name: Name | None = None
    organisation: str | None = Field(None, max_length=200)
    roles: list[RoleHeld | str] | None = Field(None, max_length=50)
    enabled: bool | None = None
    ends_at: AwareDatetime | None = None
    password: str | None = Field(None, max_length=4096)
    new_password: bool = False


@router.get("/accounts")
async def list_accounts(principal: Manager, services: ServicesOf) -> dict[str, Any]:
    """Every account that the caller manages, or of which they manage a role."""
    async with services.database.platform() as connection:
        rows = await repository.accounts(connection, principal.tenant)
    return {"items": [_shown(row) for row in rows if may_see(principal, row)]}


@router.post("/accounts", status_code=201)
async def add_account(body: NewAccount, principal: Manager, services: ServicesOf) -> dict[str, Any]:
    """Make an account; the answer carries the generated password once."""
    login = body.login.strip().lower()
    password = body.password or generate_password()
    hashed = await _hash(services, password, login)
    draft = AccountDraft(
        login=login,
        name=body.name,
        organisation=body.organisation,
        roles=_grants(body.roles),
        enabled=True,
        ends_at=body.ends_at,
        password_hash=hashed,
    )
    must_manage(principal, draft.organisation, draft.roles)
    async with services.database.transaction(services.settings.tenant) as connection:
        account = await create_account(connection, principal, draft)
        row = await load_changed(connection, principal, account)
    return _shown(row) | ({} if body.password else {"password": password})


@router.patch("/accounts/{account}")
async def edit_account(account: RowId, body: AccountChange, principal: Manager, services: ServicesOf) -> dict[str, Any]:
    """Change, end or revive an account, or give it a new password; its sessions end when it may do less."""
    given = body.model_fields_set
    async with services.database.transaction(services.settings.tenant) as connection:
        login = (await load_account(connection, principal, account))["login"]
    generated = generate_password() if body.new_password and body.password is None else None
    password = generated if body.password is None else body.password
    hashed = None if password is None else await _hash(services, password, login)
    async with services.database.transaction(services.settings.tenant) as connection:
        row = await load_account(connection, principal, account)
        draft = AccountDraft(
            login=row["login"],
            name=body.name or row["name"],
            organisation=body.organisation if "organisation" in given else row["organisation"],
            roles=_grants(body.roles) if body.roles is not None else in_order(grants_of(row)),
            enabled=row["enabled"] if body.enabled is None else body.enabled,
            ends_at=body.ends_at if "ends_at" in given else row["ends_at"],
            password_hash=hashed,
        )
        # Each role that is given or taken is looked at by itself.
        if hashed is not None or any(getattr(draft, name) != row[name] for name in _OF_THE_PERSON):
            must_manage(principal, row["organisation"], grants_of(row))
            must_manage(principal, draft.organisation, draft.roles)
        await change_account(connection, principal, row, draft)
        row = await load_changed(connection, principal, account)
    authenticator(services).forget()
    if hashed is not None:
        forget_first_login(services.settings, login)
    return _shown(row) | ({} if generated is None else {"password": generated})


async def _hash(services: Services, password: str, login: str) -> str:
    check_password(password, login=login)
    return await passwords(services.settings.argon2_memory_kib).hash(password)


def _grants(roles: list[RoleHeld | str]) -> list[Grant]:
    """A role named by its word alone holds in the whole city."""
    return [
        Grant(held) if isinstance(held, str) else Grant(held.role, held.organisation or None, held.area)
        for held in roles
    ]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "login": row["login"],
        "name": row["name"],
        "organisation": row["organisation"],
        "roles": [grant._asdict() for grant in in_order(grants_of(row))],
        "enabled": row["enabled"],
        "ends_at": _iso(row["ends_at"]),
        "created_at": _iso(row["created_at"]),
        "last_seen_at": _iso(row.get("last_seen_at")),
        "kind": "person" if row["linked"] or row["password_hash"] is not None else "service",
        "provider": row["linked"],
        "password_initial": row["password_initial"],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
