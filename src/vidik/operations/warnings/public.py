"""The public doors of warnings: page, feed, documents, and messages to browsers that ask for them. Nobody signs in."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vidik.kernel.city import load_city
from vidik.kernel.clock import now
from vidik.kernel.errors import BadInput, NotFound, TooLarge, TooManyRequests, Unprocessable
from vidik.kernel.forms import Form
from vidik.kernel.web import get_services
from vidik.operations import web_push
from vidik.operations.warnings import page, repository
from vidik.operations.warnings.cap import MEDIA_TYPE

SUBSCRIBED_FOR = timedelta(days=365)
_LARGEST_BODY = 8_192
_OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=15"}

_Asked = TypeVar("_Asked", bound=Form)


class Keys(Form):
    """The keys of a push subscription (base64url)."""

    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]


class Subscription(Form):
    """A browser that wants to be told, and in which language."""

    endpoint: Annotated[str, Field(max_length=2000)]
    keys: Keys
    language: Literal["en", "sr-Cyrl", "sr-Latn"] = "sr-Cyrl"


class Leaving(Form):
    """A browser that wants to be told no more."""

    endpoint: Annotated[str, Field(max_length=2000)]


async def read_page(request: Request) -> Response:
    """The page of warnings, in the language that is asked for."""
    services = get_services(request)
    language = request.query_params.get("language", "sr-Cyrl")
    language = language if language in page.LANGUAGES else "sr-Cyrl"
    async with services.database.session(services.settings.tenant) as connection:
        rows = await repository.public(connection, now())
    text = page.page(rows, load_city(services.settings).name[language], language)
    return Response(text, media_type="text/html; charset=utf-8", headers={"Cache-Control": "public, max-age=15"})


async def read_feed(request: Request) -> Response:
    """The Atom feed of warnings that stand."""
    services = get_services(request)
    moment = now()
    async with services.database.session(services.settings.tenant) as connection:
        rows = await repository.public(connection, moment)
    base = (services.settings.public_url or str(request.base_url)).rstrip("/")
    feed = page.atom(rows, load_city(services.settings).name["sr-Cyrl"], base, moment)
    return Response(feed, media_type="application/atom+xml", headers=_OPEN)


async def read_document(request: Request) -> Response:
    """One CAP document, as it was released; it stays readable when it is over."""
    services = get_services(request)
    identifier = request.path_params["identifier"]
    if "\0" in identifier or len(identifier) > 200:
        raise NotFound("There is no such warning.")
    async with services.database.session(services.settings.tenant) as connection:
        xml = await repository.document(connection, identifier)
    if xml is None:
        raise NotFound("There is no such warning.")
    return Response(xml, media_type=MEDIA_TYPE, headers=_OPEN)


async def read_key(request: Request) -> Response:
    """The key with which a browser asks for messages."""
    settings = get_services(request).settings
    return JSONResponse({"key": await asyncio.to_thread(web_push.public_key, settings)})


async def subscribe(request: Request) -> Response:
    """Remember a browser for a year; nothing else of its person."""
    services = get_services(request)
    asked = await _form(request, Subscription)
    web_push.check_subscription(asked.endpoint, asked.keys.p256dh, asked.keys.auth, services.settings)
    async with services.database.transaction(services.settings.tenant) as connection:
        kept = await repository.add_browser(
            connection, asked.endpoint, asked.keys.p256dh, asked.keys.auth, asked.language, now() + SUBSCRIBED_FOR
        )
    if not kept:
        raise TooManyRequests("No more browsers can be taken now.", retry_after=3600)
    return Response(status_code=204)


async def leave(request: Request) -> Response:
    """Forget a browser at once."""
    services = get_services(request)
    asked = await _form(request, Leaving)
    async with services.database.transaction(services.settings.tenant) as connection:
        await repository.remove_browsers(connection, [asked.endpoint])
    return Response(status_code=204)


async def _form(request: Request, kind: type[_Asked]) -> _Asked:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise TooLarge("A subscription is a few hundred bytes.")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Unprocessable("This is no subscription of a browser.", code="invalid-request") from error
    except UnicodeDecodeError as error:
        raise BadInput("The body is not UTF-8.") from error


def routes() -> list[Route]:
    """The public doors under /cap."""
    return [
        Route("/cap", read_page, methods=["GET"]),
        Route("/cap/", read_page, methods=["GET"]),
        Route("/cap/feed.atom", read_feed, methods=["GET"]),
        Route("/cap/push-key", read_key, methods=["GET"]),
        Route("/cap/browsers", subscribe, methods=["POST"]),
        Route("/cap/browsers/remove", leave, methods=["POST"]),
        Route("/cap/{identifier}.xml", read_document, methods=["GET"]),
    ]
