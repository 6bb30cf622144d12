"""Purging entities here and at other sources (ETSI GS CIM 009, clause 5.6.21)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.entities import purge_api
from vidik.context.ngsild.http.exchange import JSON, Parameters
from vidik.context.ngsild.query import parameters, selections
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand
from vidik.context.registrations.forwarding.sharing import Handler, Sharing
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Information, Json, Registration
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
    concerned: dict[int, tuple[Registration, list[Information]]] = {}
    for registration, part in sharing.concerned(asked):
        if registration.mode != "auxiliary" and "purgeEntity" in registration.operations:
            concerned.setdefault(registration.key, (registration, []))[1].append(part)
    is_plain = types is None or selections.plain_types(types) is not None
    response = await handler(call)
    answers = await asyncio.gather(
        *(_sent(sharing, one, parts, asked, is_plain=is_plain) for one, parts in concerned.values())
    )
    errors = [
        {"entityId": "*", "registrationId": one.id, "error": problem_of(answer, one)}
        for (one, _), answer in zip(concerned.values(), answers, strict=True)
        if not answer.is_success and answer.status != LOOP_DETECTED
    ]
    if not errors:
        return response
    body: Json = {"success": [], "errors": errors}
    return Response(orjson.dumps(body), status_code=207, media_type=JSON)


async def _sent(
    sharing: Sharing, registration: Registration, parts: Sequence[Information], asked: Asked, *, is_plain: bool
) -> Answer:
    call = sharing.call
    context = await call.reading_context()
    words = await sharing.words_or_warn(registration, context)
    given = {name: text for name in (*_NAMED, *_UNNAMED) if (text := call.parameters.get(name)) is not None}
    if words is None or (words.context is not context and not given.keys().isdisjoint(_NAMED)):
        return Answer(0, problem="the query cannot be said in the words of the source")
    if registration.mode != "exclusive":
        within = _within(parts, asked, words.context, is_plain=is_plain)
        if within is None:
            return Answer(0, problem="the query may find more than the source has registered")
        given |= within
    if registration.is_local_only:
        given["local"] = "true"
    return await sharing.send(Errand(registration, "DELETE", "entities", given, link=words.link))


def _within(
    parts: Sequence[Information], asked: Asked, words: ActiveContext, *, is_plain: bool
) -> dict[str, str] | None:
    """What keeps a purge to the entities that a source registered (clause 4.3.6.1); None where nothing can."""
    entities = [one for part in parts for one in part.entities if matching.meets(one, asked)]
    if not all(part.entities for part in parts):
        return {}
    within: dict[str, str] = {}
    types = frozenset[str]().union(*(one.types for one in entities))
    if is_plain:
        types = types if asked.types is None else types & asked.types
        within["type"] = ",".join(sorted(words.compact(one) for one in types))
    if asked.ids is not None:
        within["id"] = ",".join(sorted(id_ for id_ in asked.ids if any(one.has_id(id_) for one in entities)))
    elif all(one.id is not None for one in entities):
        within["id"] = ",".join(sorted(str(one.id) for one in entities))
    elif any(one.id is not None or one.pattern is not None for one in entities):
        if len(entities) > 1 or entities[0].pattern is None or asked.pattern is not None:
            return None
        within["idPattern"] = entities[0].pattern.pattern
    return within
