"""HTTP: the phones that crews carry: registered where somebody is signed in, revoked by whoever runs the crews."""

import secrets
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.errors import Conflict, Forbidden, NotFound
from vidik.kernel.forms import Form, RowId
from vidik.kernel.identity import phones_repository as repository
from vidik.kernel.identity.authentication import PHONE_COOKIE, authenticator, hash_secret, require, require_person
from vidik.kernel.identity.cookies import is_secure
from vidik.kernel.identity.principal import Principal
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["session"])

Person = Annotated[Principal, Depends(require_person)]
Chief = Annotated[Principal, Depends(require("crews.manage"))]
_KEPT = timedelta(days=400)  # the longest that browsers keep a cookie


class NewPhone(Form):
    """A name by which a lost phone is found in the list."""

    name: str = Field(min_length=1, max_length=60)


@router.post("/crew-phones", status_code=204)
async def register_phone(body: NewPhone, request: Request, principal: Person, services: ServicesOf) -> Response:
    """Make the browser that asks a crew's phone; whoever signs in on it is on this phone until it is revoked."""
    if not principal.may("tasks.work"):
        raise Forbidden("This needs the permission tasks.work.")
    name = body.name.strip()
    if principal.session is None or not name:
        raise Conflict("A phone is registered by a person who is signed in on it, under a name.")
    secret = secrets.token_urlsafe(32)
    async with services.database.platform() as connection:
        phone = await repository.insert_phone(
            connection, principal.tenant, hash_secret(secret), name, principal.organisation, int(principal.id)
        )
        await repository.put_session_on_phone(connection, principal.session, phone)
        await audit.record(connection, principal, "phone.register", f"phone:{phone}", details={"name": name})
    authenticator(services).forget()
    response = Response(status_code=204)
    response.set_cookie(
        PHONE_COOKIE,
        secret,
        max_age=int(_KEPT.total_seconds()),
        path="/",
        secure=is_secure(request, services.settings),
        httponly=True,
        samesite="strict",
    )
    return response


@router.get("/crew-phones")
async def list_phones(principal: Chief, services: ServicesOf) -> dict[str, Any]:
    """The phones of the crews that the caller runs."""
    async with services.database.transaction(services.settings.tenant) as connection:
        rows = await repository.phones(connection, principal.tenant, principal.reach("crews.manage"))
    items = [
        {
            "id": row["id"],
            "name": row["name"],
            "organisation": row["organisation"],
            "registered_by": row["registered_by"],
            "registered_at": iso(row["registered_at"]),
            "last_seen_at": iso(row["last_seen_at"]),
            "revoked_at": row["revoked_at"] and iso(row["revoked_at"]),
            "people": row["people"],
        }
        for row in rows
    ]
    return {"items": items}


@router.delete("/crew-phones/{phone}", status_code=204)
async def revoke_phone(phone: RowId, principal: Chief, services: ServicesOf) -> Response:
    """End a phone's registration: every session on it ends at once; what it has kept waits until somebody signs in."""
    async with services.database.transaction(services.settings.tenant) as connection:
        row = await repository.lock_phone(connection, principal.tenant, phone, principal.reach("crews.manage"))
        if row is None or row["revoked_at"] is not None:
            raise NotFound("There is no such phone in use.")
        await repository.revoke_phone(connection, phone)
        await audit.record(connection, principal, "phone.revoke", f"phone:{phone}", details={"name": row["name"]})
    authenticator(services).forget()
    return Response(status_code=204)
