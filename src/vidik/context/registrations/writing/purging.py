"""Purging entities here and at other sources (ETSI GS CIM 009, clause 5.6.21)."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
from starlette.responses import Response

from vidik.context.ngsild.entities import purge_api
from vidik.context.ngsild.http.exchange import JSON, Parameters
from vidik.context.ngsild.query import parameters
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand
from vidik.context.registrations.forwarding.sharing import Handler, Sharing
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.writing.writes import problem_of

_NAMED: Final = ("type", "attrs", "q", "expandValues", "geoproperty", "drop", "keep")
"""Parameters with names in them, which only mean the same under the same @context."""
_UNNAMED: Final = ("id", "idPattern", "scopeQ", "georel", "geometry", "coordinates")


async def purge(sharing: Sharing, handler: Handler) -> Response:
    """DELETE /entities, done by everybody who may have such entities and takes the operation."""
    call = sharing.call
    context = await call.reading_context()
    search, types = parameters.search(purge_api.limited(call.parameters), context)
    parameters.check_links(search.q, Parameters.of({}))
    asked = Asked(
        matching.leaf_types(types),
        None if search.ids is None else frozenset(search.ids),
        matching.pattern_of(search.id_pattern),
    )
    concerned = {
        registration.key: registration
        for registration, _ in sharing.concerned(asked)
        if registration.mode != "auxiliary" and "purgeEntity" in registration.operations
    }
    response = await handler(call)
    answers = await asyncio.gather(*(_sent(sharing, one) for one in concerned.values()))
    errors = [
        {"entityId": "*", "registrationId": one.id, "error": problem_of(answer, one)}
        for one, answer in zip(concerned.values(), answers, strict=True)
        if not answer.is_success and answer.status != LOOP_DETECTED
    ]
    if not errors:
        return response
    body: Json = {"success": [], "errors": errors}
    return Response(orjson.dumps(body), status_code=207, media_type=JSON)


async def _sent(sharing: Sharing, registration: Registration) -> Answer:
    call = sharing.call
    context = await call.reading_context()
    words = await sharing.words_or_warn(registration, context)
    names = _UNNAMED if words is None or words.context is not context else (*_NAMED, *_UNNAMED)
    given = [name for name in (*_NAMED, *_UNNAMED) if call.parameters.get(name) is not None]
    if words is None or not set(given) <= set(names):
        return Answer(0, problem="the query cannot be said in the words of the source")
    asked = {name: text for name in given if (text := call.parameters.get(name)) is not None}
    if registration.is_local_only:
        asked["local"] = "true"
    return await sharing.send(Errand(registration, "DELETE", "entities", asked, link=words.link))
