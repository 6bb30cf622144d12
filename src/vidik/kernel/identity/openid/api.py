"""HTTP: signing in through the city's provider. Browsers walk these addresses; programs use tokens."""

from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from vidik.kernel.errors import BadInput, NotFound, TooLarge
from vidik.kernel.identity.cookies import give_session, is_secure, take_phone
from vidik.kernel.identity.openid.errors import ProviderAway
from vidik.kernel.identity.openid.flow import WAITS, OpenId, Refused, Waiting, openid, safe_place, unpack
from vidik.kernel.identity.sign_in import visitor_of
from vidik.kernel.services import Services
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["session"])

_COOKIE = "vidik_sign_in"
_LARGEST_LOGOUT = 32_768


@router.get("/sign-in")
async def ways_to_sign_in(services: ServicesOf) -> dict[str, Any]:
    """How people of this city sign in: always with a local account, and with the city's provider where it has one."""
    ways = openid(services)
    if ways is None:
        return {"provider": None}
    return {"provider": {"name": ways.provider.name, "name_sr": ways.provider.name_sr}}


@router.get("/sign-in/begin", status_code=303)
async def begin(request: Request, services: ServicesOf, then: str | None = None) -> Response:
    """Send the browser to the provider; back to the sign-in screen, with the reason, when that is not possible."""
    ways = openid(services)
    if ways is None:
        return _back("no-provider", safe_place(then))
    try:
        address, waiting = await ways.begin(then)
    except ProviderAway as error:
        return _back(error.code, safe_place(then))
    response = _redirect(address)
    _remember(response, request, services, waiting)
    return response


@router.get("/sign-in/callback", status_code=303)
async def callback(request: Request, services: ServicesOf) -> Response:
    """What the provider sends the browser back with; ends on the console or on the sign-in screen, never elsewhere."""
    ways = openid(services)
    waiting = unpack(request.cookies.get(_name(request, services)))
    response = await _arrive(ways, request, services, waiting)
    secure = is_secure(request, services.settings)
    response.delete_cookie(_name(request, services), path="/", secure=secure, httponly=True, samesite="lax")
    return response


@router.post("/sign-in/logout", status_code=200)
async def end_by_provider(request: Request, services: ServicesOf) -> Response:
    """The provider says that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0, clause 2.5)."""
    ways = openid(services)
    if ways is None:
        raise NotFound("This city has no sign-in provider.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_LOGOUT:
            raise TooLarge("A logout token is a few kilobytes.")
    tokens = parse_qs(body.decode("ascii", "replace")).get("logout_token", [])
    if len(tokens) != 1:
        raise BadInput("There is one logout_token in the form.", code="invalid_request")
    await ways.end_sessions(tokens[0], visitor_of(request).address)
    return Response(headers={"Cache-Control": "no-store"})


async def _arrive(ways: OpenId | None, request: Request, services: Services, waiting: Waiting | None) -> Response:
    then = waiting.then if waiting else "/"
    if ways is None:
        return _back("no-provider", then)
    try:
        begun = await ways.finish(dict(request.query_params), waiting, visitor_of(request))
    except Refused as refusal:
        return _back(str(refusal), then)
    response = _redirect(then)
    give_session(response, begun.secret, begun.lifetime, secure=is_secure(request, services.settings))
    if begun.phone_ended:
        take_phone(response, secure=is_secure(request, services.settings))
    return response


def _back(reason: str, then: str) -> Response:
    told = {"refused": reason} | ({} if then == "/" else {"to": then})
    return _redirect(f"/sign-in?{urlencode(told)}")


def _redirect(address: str) -> Response:
    # Neither the address with the code nor the one with our state may become somebody's Referer.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, status_code=303, headers=headers)


def _remember(response: Response, request: Request, services: Services, waiting: Waiting) -> None:
    # Lax, not Strict: the provider sends the browser back from another site.
    response.set_cookie(
        _name(request, services),
        waiting.packed(),
        max_age=int(WAITS.total_seconds()),
        path="/",
        secure=is_secure(request, services.settings),
        httponly=True,
        samesite="lax",
    )


def _name(request: Request, services: Services) -> str:
    """With https the prefix __Host- keeps other hosts of the city's domain from planting this cookie."""
    return f"__Host-{_COOKIE}" if is_secure(request, services.settings) else _COOKIE
