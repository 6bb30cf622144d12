"""HTTP: API tokens, by which programs act for an account."""

import secrets
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.errors import BadInput, Forbidden, NotFound
from vidik.kernel.forms import Form, RowId
from vidik.kernel.identity import repository
from vidik.kernel.identity.authentication import (
    TOKEN_PREFIX,
    authenticator,
    hash_secret,
    require_person,
)
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.roles import PERMISSIONS
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["tokens"])

Person = Annotated[Principal, Depends(require_person)]


class NewToken(Form):
    """A token to make: what it is for, what it may, how long it lives."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(min_length=1, max_length=50)
    expires_in_days: int = Field(90, ge=1, le=730)


@router.get("/tokens")
async def list_tokens(
    principal: Person, services: ServicesOf, owner: Annotated[str, Query(pattern="^(me|all)$")] = "me"
) -> dict[str, Any]:
    """My tokens, or (for whoever manages accounts) everybody's; never their secrets."""
    if owner == "all" and not principal.may("accounts.manage", None):
        raise Forbidden("Only an administrator of the city sees everybody's tokens.")
    async with services.database.platform() as connection:
        account = None if owner == "all" else int(principal.id)
        rows = await repository.tokens(connection, principal.tenant, account)
    return {"items": [_shown(row) | {"login": row["login"]} for row in rows]}


@router.post("/tokens", status_code=201)
async def add_token(body: NewToken, principal: Person, services: ServicesOf) -> dict[str, Any]:
    """Make a token; its secret is in this answer and nowhere else."""
    unknown = sorted(set(body.scopes) - PERMISSIONS)
    if unknown:
        raise BadInput(f"There is no permission {unknown[0]}.", field="scopes")
    beyond = sorted(set(body.scopes) - principal.permissions)
    if beyond:
        raise Forbidden(f"You do not have the permission {beyond[0]} yourself.", field="scopes")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    values = {
        "secret_hash": hash_secret(secret),
        "account": int(principal.id),
        "name": body.name,
        "scopes": sorted(set(body.scopes)),
        "lifetime": timedelta(days=body.expires_in_days),
    }
    async with services.database.platform() as connection:
        row = await repository.insert_token(connection, values)
        details = {"name": body.name, "scopes": row["scopes"], "expires_at": row["expires_at"]}
        await audit.record(connection, principal, "token.create", f"token:{row['id']}", details=details)
    return _shown(row) | {"token": secret}


@router.delete("/tokens/{token}", status_code=204)
async def revoke_token(token: RowId, principal: Person, services: ServicesOf) -> Response:
    """Revoke a token of mine, or anybody's for an administrator of the city; it ends at once."""
    account = None if principal.may("accounts.manage", None) else int(principal.id)
    async with services.database.platform() as connection:
        name = await repository.delete_token(connection, principal.tenant, token, account)
        if name is None:
            raise NotFound("There is no such token of yours.")
        await audit.record(connection, principal, "token.revoke", f"token:{token}", details={"name": name})
    authenticator(services).forget()
    return Response(status_code=204)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    used = row["last_used_at"]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "scopes": row["scopes"],
        "created_at": iso(row["created_at"]),
        "expires_at": iso(row["expires_at"]),
        "last_used_at": None if used is None else iso(used),
    }
