"""Changing entities here and at other sources (ETSI GS CIM 009, clauses 4.3.6.3 to 4.3.6.5 and 5.6).

What a source holds alone (exclusive and redirect registrations) is changed there and not here; what an inclusive
source has too is changed in both places; auxiliary sources are never written to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.conditional import Preconditions
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH
from vidik.context.ngsild.query import selections
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.temporal import writing as temporal_writing
from vidik.context.ngsild.temporal import writing_api as temporal_writing_api
from vidik.context.registrations.forwarding import hearsay
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand
from vidik.context.registrations.forwarding.sharing import Handler, Sharing, Words
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked, covers
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.sources.operations import TEMPORAL
from vidik.context.registrations.temporal.past_merging import renamed
from vidik.context.registrations.writing.parting import parted
from vidik.kernel.errors import Conflict, VidikError

HEAD: Final = frozenset(("id", "type", "@id", "@type", "@context", "scope", "expiresAt"))
_HANDED_ON: Final = ("options", "type", "datasetId", "deleteAll", "observedAt", "lang", "format")


@dataclass(frozen=True, slots=True)
class Write:
    """One operation on one entity: what registrations call it, and whether its body is a whole entity."""

    operation: str
    whole: bool = False

    @property
    def is_of_past(self) -> bool:
        """Whether it writes the past."""
        return self.operation in TEMPORAL

    def concerns(self, registration: Registration) -> bool:
        """Whether a registration is about the time that is written: one with an interval tells of the past."""
        if registration.mode == "auxiliary":
            return False
        return not self.is_of_past or not registration.is_of_now or not TEMPORAL.isdisjoint(registration.operations)


@dataclass(slots=True)
class Part:
    """What becomes of one part of a write: here (no registration) or at a source."""

    registration: Registration | None
    attributes: list[str]
    """The attributes it is about, as the client wrote them."""
    error: Json | None = None
    is_partial: bool = False


@dataclass(slots=True)
class Plan:
    """Who does what of a write."""

    errands: list[tuple[Part, Errand]] = field(default_factory=list)
    refused: list[Part] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Attributes that others hold alone, as the client wrote them."""
    is_elsewhere: bool = False
    """Whether the whole entity is held by others alone."""


def conflict_of(registration: Registration, operation: str) -> Json:
    """What a client is told whose write concerns a holder that does not take it (clause 4.3.6.3)."""
    return Conflict(
        f"The registration {registration.id} holds this alone, and its source does not take {operation}.",
        type_uri=problems.ERRORS + "Conflict",
    ).problem()


def problem_of(answer: Answer, registration: Registration) -> Json:
    """A source's refusal as problem details."""
    if isinstance(answer.content, dict) and isinstance(answer.content.get("title"), str):
        return hearsay.problem(answer.content, answer.status, registration)
    if answer.status:
        title = "The context source refused the operation"
        return {"type": f"{problems.ERRORS}InternalError", "title": title, "status": answer.status}
    return {
        "type": f"{problems.ERRORS}InternalError",
        "title": "The context source did not answer",
        "status": 504,
        "detail": hearsay.plain(answer.problem, registration),
    }


def replaced(call: Call, body: Any) -> Call:
    """The same call with another body."""
    content = orjson.dumps(body)
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    headers = [(name, value) for name, value in call.request.scope["headers"] if name != b"content-length"]
    headers.append((b"content-length", str(len(content)).encode()))
    request = Request({**call.request.scope, "headers": headers, "vidik.header_names": None}, receive)
    return Call(request, call.broker, call.principal, call.tenant, call.parameters, call.segments)


async def write(sharing: Sharing, handler: Handler, what: Write) -> Response:
    """One write, done by everybody whom it concerns; 207 where not everybody did it."""
    call = sharing.call
    body, context = await _body(call)
    place = _place(call)
    named = values.name(place[3], "attrId") if len(place) > 3 else None
    entity_id, types = await _entity(call, body, context, is_new=len(place) == 1)
    selected = call.parameters.get("type")
    if selected is not None:  # sources of other types are not meant (clauses 4.17 and 5.12)
        types = matching.leaf_types(selections.parse_types(selected, context))
    given = body if isinstance(body, dict) else {}
    names = [named] if named is not None else [one for one in given if one not in HEAD]
    local = call if body is None else replaced(call, body)
    if not await _is_sound(call, body, context, what, named):
        return await handler(local)
    plan = await _plan(sharing, what, entity_id, types, names, body, context)
    if (plan.errands or plan.refused) and Preconditions.of(call.request) is not None:
        raise problems.PreconditionFailed("It lies at several sources, which have no version together (If-Match).")
    parts: list[Part] = list(plan.refused)
    tasks = [_forwarded(sharing, part, errand) for part, errand in plan.errands]
    kept = [one for one in names if one not in plan.taken]
    response: Response | None = None
    concerned_here = not plan.is_elsewhere and (bool(kept) or not plan.taken)
    if concerned_here:
        here = Part(None, kept)
        parts.append(here)
        if plan.taken and isinstance(body, dict) and named is None:
            local = replaced(call, {name: value for name, value in body.items() if name not in plan.taken})
        response, done = await asyncio.gather(_performed(handler, local, here), asyncio.gather(*tasks))
    else:
        done = await asyncio.gather(*tasks)
    parts += done
    if len(place) > 4 and any(one.error is None for one in parts):
        # An instance has its id from where it is: that others do not know it is no failure.
        parts = [one for one in parts if one.error is None or one.error.get("status") != 404]
    return _answer(call, entity_id, parts, response)


def _place(call: Call) -> list[str]:
    """The path of an entity or of something in it, the same for its present and its past."""
    return call.segments[1:] if call.segments[0] == "temporal" else call.segments


async def _body(call: Call) -> tuple[Any, ActiveContext]:
    if call.request.method == "DELETE":
        return None, await call.reading_context()
    body, context = await call.body(JSON, LD_JSON, *((MERGE_PATCH,) if call.request.method == "PATCH" else ()))
    if body is None:
        raise problems.bad_data("The body is null.")
    return body, context


async def _entity(call: Call, body: Any, context: ActiveContext, *, is_new: bool) -> tuple[str, frozenset[str] | None]:
    """The entity that a write is about and its types; None where nobody says them."""
    place = _place(call)
    given = body if isinstance(body, dict) and len(place) < 4 else {}
    entity_id = given.get("id", given.get("@id")) if is_new else values.uri(place[1], "id")
    kinds = given.get("type", given.get("@type"))
    if kinds is None and not is_new:
        present = await call.broker.reader.get(call.tenant, str(entity_id))
        return str(entity_id), frozenset(present.types) if present is not None else None
    names = kinds if isinstance(kinds, list) else [kinds]
    return str(entity_id), frozenset(context.expand(one) for one in names if isinstance(one, str))


async def _is_sound(call: Call, body: Any, context: ActiveContext, what: Write, named: str | None) -> bool:
    """Whether a body can be read; one that cannot is refused here, and nothing of it is forwarded."""
    if body is None:
        return True
    is_new = len(_place(call)) == 1
    try:
        if named is not None and what.is_of_past:
            temporal_writing_api.instance_fragment(body, named, context)
        elif what.is_of_past:
            temporal_writing.parse(body, context, whole=is_new)
        elif named is not None:
            inside = {name: one for name, one in body.items() if name != "@context"} if isinstance(body, dict) else body
            validation.parse_attribute(inside, context.inside(named), validation.PATCH, named)
        else:
            rules = validation.CREATE if what.whole else validation.MERGE
            validation.parse_entity(body, context, rules, whole=is_new)
    except VidikError:
        return False
    return True


async def _plan(
    sharing: Sharing,
    what: Write,
    entity_id: str,
    types: frozenset[str] | None,
    names: list[str],
    body: Any,
    context: ActiveContext,
) -> Plan:
    plan = Plan()
    expanded = {context.expand(one): one for one in names}
    is_whole = body is None and not names
    asked = Asked(types, frozenset((entity_id,)), None, frozenset(expanded) if expanded else None)
    concerned = (
        (registration, part)
        for registration, part in sharing.concerned(asked)
        if what.concerns(registration) and covers(part, entity_id, types)
    )
    parting = parted(concerned, expanded, bare=is_whole)
    plan.taken, plan.is_elsewhere = parting.taken, parting.is_elsewhere
    for lot in parting.lots:
        registration, piece = lot.registration, Part(lot.registration, lot.names)
        if what.operation in registration.operations:
            try:
                plan.errands.append((piece, await _errand(sharing, registration, lot.names, body, context)))
            except VidikError as error:  # its jsonldContext cannot be had
                piece.error = hearsay.problem(error.problem(), error.status, registration)
                plan.refused.append(piece)
        elif registration.holds_alone:
            piece.error = conflict_of(registration, what.operation)
            plan.refused.append(piece)
    return plan


async def _errand(
    sharing: Sharing, registration: Registration, names: list[str], body: Any, context: ActiveContext
) -> Errand:
    call = sharing.call
    words = await sharing.words(registration, context)

    def word(name: str) -> str:
        return name if words.context is context else words.context.compact(context.expand(name))

    asked = {name: text for name in _HANDED_ON if (text := call.parameters.get(name)) is not None}
    if registration.is_local_only:
        asked["local"] = "true"
    segments = list(call.segments)
    length = len(_place(call))
    attribute = len(segments) - length + 3
    if length > 3 and not isinstance(body, dict):
        segments[attribute] = word(segments[attribute])  # beside a body it stands in the words of that body
    content: Any = body
    if isinstance(body, dict) and length < 4:
        content = {name: value for name, value in body.items() if name in HEAD or name in names}
    kind, link = JSON, words.link
    if isinstance(content, dict):
        named = context.expand(segments[attribute]) if length > 3 else None
        content, kind, link = _written(call, registration, content, context, words, named)
    path = "/".join(quote(one, safe=":") for one in segments)
    if length == 3:
        path += "/"  # as clause 6.6 writes the resource; not everybody takes it without
    return Errand(registration, call.request.method, path, asked, content, link, kind)


def _written(
    call: Call, registration: Registration, content: Json, context: ActiveContext, words: Words, named: str | None
) -> tuple[Json, str, str | None]:
    """A body as its source takes it, its media type, and the @context that goes in a header (clause 4.3.6.6).

    `named` is the (expanded) name of the attribute that the body is an instance of; None is of entities.
    """
    if "jsonldContext" in registration.info:
        inside = {name: value for name, value in content.items() if name != "@context"}
        whole = renamed(
            inside if named is None else {context.compact(named): inside},
            lambda name: words.context.compact(context.expand(name)),
        )
        return (whole if named is None else whole[words.context.compact(named)]), JSON, words.link
    wanted = registration.info.get("contentType")
    if words.context is context and "@context" in content and wanted != JSON:
        return content, LD_JSON, None
    if words.context is not context or wanted == LD_JSON:
        # Names inside attributes stand in the request's @context too, which only the body can carry.
        return {**content, "@context": exchange.context_of_answer(context)}, LD_JSON, None
    patched = call.request.headers.get("content-type", "").startswith(MERGE_PATCH)
    return (
        {name: value for name, value in content.items() if name != "@context"},
        MERGE_PATCH if patched else JSON,
        words.link,
    )


async def _performed(handler: Handler, call: Call, part: Part) -> Response | None:
    """Do the part of a write that is ours; its error is one of several."""
    try:
        response = await handler(call)
    except VidikError as error:
        part.error = error.problem()
        return None
    if response.status_code == 207:
        part.is_partial = True
        part.error = orjson.loads(response.body)
    return response


async def _forwarded(sharing: Sharing, part: Part, errand: Errand) -> Part:
    answer = await sharing.send(errand)
    if answer.status == LOOP_DETECTED and not errand.registration.holds_alone:
        return part  # it was at that source already, which is doing its part
    if answer.status == 207:
        part.is_partial = True
        part.error = answer.content if isinstance(answer.content, dict) else {}
    elif not answer.is_success:
        part.error = problem_of(answer, errand.registration)
    return part


def _answer(call: Call, entity_id: str, parts: list[Part], local: Response | None) -> Response:
    failed = [one for one in parts if one.error is not None]
    if not failed:
        if local is not None:
            return local
        if len(_place(call)) == 1:
            location = f"/ngsi-ld/v1/{'/'.join(call.segments)}/{quote(entity_id, safe=':')}"
            return Response(status_code=201, headers={"Location": location})
        return Response(status_code=204)
    if len(parts) == 1 and not failed[0].is_partial:
        problem = failed[0].error or {}
        return problems.of_problem(problem)
    if len(_place(call)) < 3:
        body: Json = {
            "success": [entity_id] if len(failed) < len(parts) else [],
            "errors": [_entity_error(entity_id, one) for one in failed],
        }
    else:
        body = {
            "updated": [name for one in parts if one.error is None for name in one.attributes],
            "notUpdated": [refusal for one in failed for refusal in _refusals(one)],
        }
    return Response(orjson.dumps(body), status_code=207, media_type=JSON)


def registered(part: Part) -> Mapping[str, str]:
    """Which registration's source it was, for the details of an error."""
    return {} if part.registration is None else {"registrationId": part.registration.id}


def _entity_error(entity_id: str, part: Part) -> Json:
    problem = part.error or {}
    if part.is_partial:
        problem = {
            "type": f"{problems.ERRORS}InternalError",
            "title": "Only a part of it was done",
            "status": 207,
            "detail": _plain(part, orjson.dumps(part.error).decode(), 2000),
        }
    return {"entityId": entity_id, **registered(part), "error": problem}


def _refusals(part: Part) -> list[Json]:
    problem = part.error or {}
    if part.is_partial:
        given = problem.get("notUpdated")
        return [_refusal(part, one) for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    reason = str(problem.get("detail") or problem.get("title") or "refused")
    return [{"attributeName": name, "reason": reason, **registered(part)} for name in part.attributes or ["*"]]


def _refusal(part: Part, given: Json) -> Json:
    """What was not updated, by the word of a source."""
    told = {
        name: _plain(part, text) for name in ("attributeName", "reason") if isinstance(text := given.get(name), str)
    }
    return {**registered(part), **told}


def _plain(part: Part, text: str, longest: int = hearsay.LONGEST) -> str:
    return text[:longest] if part.registration is None else hearsay.plain(text, part.registration, longest)
