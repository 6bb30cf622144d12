"""HTTP: sign in, who am I, sign out, my password."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from vidik import __version__
from vidik.kernel import audit
from vidik.kernel.city import load_city
from vidik.kernel.forms import Form
from vidik.kernel.identity import repository
from vidik.kernel.identity.authentication import (
    COOKIE,
    authenticate,
    authenticator,
    nobody,
    require_person,
)
from vidik.kernel.identity.cookies import give_session, is_secure, take_phone, take_session
from vidik.kernel.identity.first_account import forget_first_login
from vidik.kernel.identity.openid.flow import openid
from vidik.kernel.identity.origin import check_origin
from vidik.kernel.identity.passwords import check_password, passwords
from vidik.kernel.identity.principal import Principal
from vidik.kernel.identity.sign_in import prove_password, sign_in, sign_out, visitor_of
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["session"])

Person = Annotated[Principal, Depends(require_person)]


class SignIn(Form):
    """What a person types to sign in."""

    login: str = Field(max_length=256)
    password: str = Field(max_length=4096)


class ChangePassword(Form):
    """The password that stands, and the one that shall."""

    current: str = Field(max_length=4096)
    new: str = Field(max_length=4096)


@router.post("/session", status_code=204)
async def begin_session(body: SignIn, request: Request, services: ServicesOf) -> Response:
    """Sign in: 204 and the cookie, 401, or 429 with Retry-After."""
    check_origin(request)
    begun = await sign_in(services, body.login, body.password, visitor_of(request))
    response = Response(status_code=204)
    give_session(response, begun.secret, begun.lifetime, secure=is_secure(request, services.settings))
    if begun.phone_ended:
        take_phone(response, secure=is_secure(request, services.settings))
    return response


@router.get("/session")
async def show_session(request: Request, services: ServicesOf) -> dict[str, Any]:
    """Who is signed in, in which city, on which version."""
    principal = await authenticate(request)
    if principal is None or principal.kind not in ("person", "token"):
        raise await nobody(request, "Please sign in.")
    return {
        "account": {
            "id": principal.id,
            "kind": principal.kind,
            "login": principal.login,
            "name": principal.name,
            "organisation": principal.organisation,
            "roles": sorted(principal.roles),
            "permissions": sorted(principal.permissions),
            "reach": _reach(principal),
            "provider": principal.provider,
        },
        "phone": principal.phone,
        "city": load_city(services.settings).as_json(),
        "version": __version__,
    }


def _reach(principal: Principal) -> dict[str, list[dict[str, str | None]]]:
    """Where each permission holds that does not hold everywhere."""
    reaches = {permission: principal.reach(permission) for permission in sorted(principal.permissions)}
    return {
        permission: [place._asdict() for place in sorted(reach.places, key=str)]
        for permission, reach in reaches.items()
        if not reach.is_everywhere
    }


@router.delete("/session", status_code=204, responses={200: {"description": "{logout}: where to sign out, too"}})
async def end_session(request: Request, services: ServicesOf) -> Response:
    """Sign out; harmless when nobody is signed in.

    204; or 200 with `logout`, the address of the provider's own sign-out, when the session began there.
    """
    principal = await authenticate(request)
    secret = request.cookies.get(COOKIE)
    farewell = None
    if principal is not None and principal.kind == "person" and secret:
        ways = openid(services) if await sign_out(services, principal, secret) else None
        authenticator(services).forget()
        farewell = await ways.farewell() if ways else None
    response = Response(status_code=204) if farewell is None else JSONResponse({"logout": farewell})
    take_session(response, secure=is_secure(request, services.settings))
    return response


@router.put("/session/password", status_code=204)
async def change_password(body: ChangePassword, request: Request, principal: Person, services: ServicesOf) -> Response:
    """Choose a new password; every other session of this person ends, and a new one begins here."""
    visitor = visitor_of(request)
    check_password(body.new, login=principal.login, field="new")
    account = await prove_password(services, principal.login, body.current, visitor)
    hashed = await passwords(services.settings.argon2_memory_kib).hash(body.new)
    async with services.database.platform() as connection:
        await repository.set_password(connection, account["id"], hashed, initial=False)
        await repository.delete_sessions(connection, account["id"])
        await audit.record(connection, principal, "account.password", f"account:{principal.id}")
    authenticator(services).forget()
    forget_first_login(services.settings, principal.login)
    return await begin_session(SignIn(login=principal.login, password=body.new), request, services)
