"""HTTP: where somebody is signed in: one's own sessions, and those of a person for whoever manages accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound
from vidik.kernel.forms import RowId
from vidik.kernel.identity import repository
from vidik.kernel.identity.accounts import load_account, must_manage
from vidik.kernel.identity.authentication import authenticator, require, require_person
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.roles import grants_of
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["session"])

Person = Annotated[Principal, Depends(require_person)]
Manager = Annotated[Principal, Depends(require("accounts.manage"))]


@router.get("/sessions")
async def list_sessions(principal: Person, services: ServicesOf) -> dict[str, Any]:
    """Where this person is signed in, the session that asks among them."""
    async with services.database.platform() as connection:
        rows = await repository.sessions(connection, int(principal.id))
    return {"items": [_shown(row, principal) for row in rows]}


@router.delete("/sessions", status_code=200)
async def end_other_sessions(principal: Person, services: ServicesOf) -> dict[str, int]:
    """End every session of this person but the one that asks; how many that were."""
    async with services.database.platform() as connection:
        ended = await repository.delete_sessions(connection, int(principal.id), except_session=principal.session)
        details = {"ended": ended}
        await audit.record(connection, principal, "session.end_others", f"account:{principal.id}", details=details)
    authenticator(services).forget()
    return {"ended": ended}


@router.delete("/sessions/{session}", status_code=204)
async def revoke_session(session: RowId, principal: Person, services: ServicesOf) -> Response:
    """End one of this person's sessions, on whatever machine it is."""
    async with services.database.platform() as connection:
        if not await repository.delete_session(connection, int(principal.id), session):
            raise NotFound("There is no such session of yours.")
        await audit.record(connection, principal, "session.revoke", f"session:{session}")
    authenticator(services).forget()
    return Response(status_code=204)


@router.get("/accounts/{account}/sessions")
async def list_sessions_of(account: RowId, principal: Manager, services: ServicesOf) -> dict[str, Any]:
    """Where a person is signed in, for whoever manages their account."""
    async with services.database.platform() as connection:
        await _managed(connection, principal, account)
        rows = await repository.sessions(connection, account)
    return {"items": [_shown(row, principal) for row in rows]}


@router.delete("/accounts/{account}/sessions", status_code=200)
async def end_sessions_of(account: RowId, principal: Manager, services: ServicesOf) -> dict[str, int]:
    """End every session of a person, for whoever manages their account; how many that were."""
    async with services.database.platform() as connection:
        await _managed(connection, principal, account)
        own = principal.session if principal.id == str(account) else None
        ended = await repository.delete_sessions(connection, account, except_session=own)
        await audit.record(connection, principal, "session.end_all", f"account:{account}", details={"ended": ended})
    authenticator(services).forget()
    return {"ended": ended}


async def _managed(connection: Connection, principal: Principal, account: int) -> None:
    row = await load_account(connection, principal, account)
    must_manage(principal, row["organisation"], grants_of(row))


def _shown(row: dict[str, Any], principal: Principal) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "created_at": iso(row["created_at"]),
        "last_seen_at": iso(row["last_seen_at"]),
        "expires_at": iso(row["expires_at"]),
        "address": row["address"],
        "browser": row["browser"],
        "phone": row["phone"],
        "began_by": row["began_by"],
        "current": row["id"] == principal.session,
    }
