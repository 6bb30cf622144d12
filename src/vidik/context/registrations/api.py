"""Registrations over HTTP (ETSI GS CIM 009, clauses 5.9.2 to 5.9.4, 5.10.1, 5.10.2, 6.8 and 6.9)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.conditional import check_definition, tagged
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH, Parameters, answer, page_links
from vidik.context.ngsild.query import parameters, q
from vidik.context.ngsild.query.selections import matches_scopes
from vidik.context.registrations.forwarding.federation import Federation
from vidik.context.registrations.sources import matching, own_properties, repository
from vidik.context.registrations.sources.holding import check_held
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.sources.parsing import PROVIDED, shown_registration, stored_registration
from vidik.context.registrations.subscriptions import announcing
from vidik.context.subscriptions.addresses import check_endpoint, without_login
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict

WRITE: Final = "context.write"
_HOLDING: Final = frozenset(("mode", "information"))
_LIMITS: Final = ("type", "attrs", "id", "idPattern", "q", "csf", "georel", "timerel", "scopeQ")


async def create_registration(call: Call) -> Response:
    """POST /csourceRegistrations."""
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A registration is a JSON object.")
    body = {name: value for name, value in body.items() if name not in PROVIDED}
    body.setdefault("id", body.pop("@id", None) or f"urn:ngsi-ld:ContextSourceRegistration:{uuid.uuid4()}")
    moment = now()
    stored = stored_registration(body, context)
    _check_expiry(stored, stored, moment)
    check_endpoint(urlsplit(stored["endpoint"]).hostname, "endpoint", call.broker.services.settings)
    await announcing.prepare(call.broker.services, call.tenant)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await repository.lock(connection)
        await announcing.end_expired(connection, call.broker.contexts)  # so that its id can be had again
        await _check_others(connection, stored, moment)
        await check_held(call, connection, Registration.of(0, stored, moment, moment))
        if not await repository.insert(connection, stored, moment):
            raise Conflict(
                f"The registration {stored['id']} already exists.",
                field="id",
                type_uri=problems.ERRORS + "AlreadyExists",
            )
        await announcing.changed(connection, call.broker.contexts, None, await _there(connection, stored["id"]))
        await call.note_write(connection, "register", [stored["id"]])
    _forget(call)
    location = f"/ngsi-ld/v1/csourceRegistrations/{quote(stored['id'], safe=':')}"
    return Response(status_code=201, headers={"Location": location})


async def query_registrations(call: Call) -> Response:
    """GET /csourceRegistrations."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    asked = call.parameters
    if not any(asked.get(name) for name in _LIMITS):
        raise problems.bad_data("A query has at least one of type, attrs, id, idPattern, csf or georel.", "type")
    counts, limit, offset = parameters.page(asked)
    async with call.broker.reader.session(call.tenant) as connection:
        found = await _found(call, connection, asked, context)
    headers = page_links(call.path, asked, kind, limit, offset, len(found) > offset + limit)
    if counts:
        headers["NGSILD-Results-Count"] = str(len(found))
    body = [_shown(call, one, context) for one in found[offset : offset + limit]]
    return answer(body, kind, context, headers=headers)


async def _found(call: Call, connection: Connection, asked: Parameters, context: ActiveContext) -> list[Registration]:
    search, types = parameters.search(_without_times(asked), context)
    question = Asked(
        types=matching.leaf_types(types),
        pattern=matching.pattern_of(search.id_pattern),
        attributes=None if search.attributes is None else frozenset(search.attributes),
    )
    ids = None if search.ids is None else frozenset(search.ids)
    times = matching.parse_times(asked)
    place = search.geo
    word = "" if place is None else call.broker.contexts.core.compact(place.geo_property)
    moment = now()
    found = [
        one
        for one in await repository.every(connection)
        if one.is_in_force(moment)
        and (ids is None or one.id in ids or _names_entity(one, ids))
        and matching.matching(one, question)
        and (one.is_of_now if times is None else times.meets(one))
        and (search.scopes is None or matches_scopes(search.scopes, one.scopes))
        and (place is None or matching.is_in_place(one, place, word, unplaced=False))
    ]
    for name in ("csf", "q"):
        text = asked.get(name)
        if text is not None:
            query = q.parse_q(text)
            fits = await own_properties.fit(connection, [(one, (query,), context) for one in found])
            found = [one for one, is_fitting in zip(found, fits, strict=True) if is_fitting]
    return found


def _without_times(asked: Parameters) -> Parameters:
    names = ("type", "id", "idPattern", "attrs", "q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty")
    return Parameters.of({**{name: text for name in names if (text := asked.get(name)) is not None}, "local": "true"})


def _names_entity(registration: Registration, ids: frozenset[str]) -> bool:
    """Whether a registration says of one of these ids that its source has such an entity."""
    return any(
        (entity.id is not None or entity.pattern is not None) and any(entity.has_id(one) for one in ids)
        for part in registration.information
        for entity in part.entities
    )


async def retrieve_registration(call: Call) -> Response:
    """GET /csourceRegistrations/{id}."""
    kind = call.accept(JSON, LD_JSON)
    registration_id = values.uri(call.segments[1], "id")
    context = await call.reading_context()
    async with call.broker.reader.session(call.tenant) as connection:
        found = await _there(connection, registration_id)
    return tagged(call.request, answer(_shown(call, found, context), kind, context), found.modified_at)


async def update_registration(call: Call) -> Response:
    """PATCH /csourceRegistrations/{id}: each member of the fragment takes the place of what was there."""
    registration_id = values.uri(call.segments[1], "id")
    fragment, context = await call.body(JSON, LD_JSON, MERGE_PATCH)
    if not isinstance(fragment, dict):
        raise problems.bad_data("A fragment of a registration is a JSON object.")
    fragment = {name: value for name, value in fragment.items() if name not in PROVIDED}
    if fragment.get("id", registration_id) != registration_id:
        raise problems.bad_data("The id of a registration does not change.", "id")
    if not fragment:
        raise problems.bad_data("The fragment has nothing in it.")
    moment = now()
    await announcing.prepare(call.broker.services, call.tenant)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await repository.lock(connection)
        former = await _there(connection, registration_id)
        # What was there is written in the fragment's words, so that one @context is true for all of it.
        body = shown_registration(former.body, context)
        for name, value in fragment.items():
            if value is None or value == values.NULL:
                body.pop(name, None)
            else:
                body[name] = value
        stored = stored_registration(body, context)
        _check_expiry(stored, fragment, moment)
        check_endpoint(urlsplit(stored["endpoint"]).hostname, "endpoint", call.broker.services.settings)
        await _check_others(connection, stored, moment)
        if not _HOLDING.isdisjoint(fragment):
            await check_held(call, connection, Registration.of(0, stored, moment, moment))
        check_definition(call.request, former.modified_at)
        await repository.update(connection, former.key, stored, moment)
        await announcing.changed(connection, call.broker.contexts, former, await _there(connection, registration_id))
        await call.note_write(connection, "change_registration", [registration_id])
    _forget(call)
    return Response(status_code=204)


async def delete_registration(call: Call) -> Response:
    """DELETE /csourceRegistrations/{id}."""
    registration_id = values.uri(call.segments[1], "id")
    await announcing.prepare(call.broker.services, call.tenant)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await repository.lock(connection)
        former = await _there(connection, registration_id)
        check_definition(call.request, former.modified_at)
        await repository.delete(connection, registration_id)
        await announcing.changed(connection, call.broker.contexts, former, None)
        await call.note_write(connection, "unregister", [registration_id])
    _forget(call)
    return Response(status_code=204)


async def _there(connection: Connection, registration_id: str) -> Registration:
    found = await repository.get(connection, registration_id)
    if found is None or not found.is_in_force(now()):
        raise problems.not_found(f"There is no registration {registration_id}.")
    return found


def _forget(call: Call) -> None:
    Federation.of(call.broker.services).registry.stale(call.tenant)


def _check_expiry(stored: Json, new: Json, moment: datetime) -> None:
    if "expiresAt" in new and "expiresAt" in stored and values.moment(stored["expiresAt"], "expiresAt") <= moment:
        raise problems.bad_data("expiresAt is in the past.", "expiresAt")


async def _check_others(connection: Connection, stored: Json, moment: datetime) -> None:
    new = Registration.of(0, stored, moment, moment)
    others = [one for one in await repository.every(connection) if one.is_in_force(moment)]
    other = matching.conflict(new, others)
    if other is not None:
        raise Conflict(
            f"The registration {other.id} already holds what this {new.mode} one would hold.",
            field="information",
            type_uri=problems.ERRORS + "Conflict",
        )


def _shown(call: Call, registration: Registration, context: ActiveContext) -> dict[str, Any]:
    """A registration with its state, in the words of the reader's @context."""
    body = shown_registration(registration.body, context)
    failed, succeeded = registration.last_failure, registration.last_success
    if registration.times_sent:
        is_failing = failed is not None and (succeeded is None or failed > succeeded)
        body["status"] = "failed" if is_failing else "ok"
        body |= {"timesSent": registration.times_sent, "timesFailed": registration.times_failed}
    for name, moment in (("lastSuccess", succeeded), ("lastFailure", failed)):
        if moment is not None:
            body[name] = iso(moment)
    if not call.principal.may(WRITE):
        # Who may only read the city's memory does not need the keys to other brokers.
        body["endpoint"] = without_login(body["endpoint"])
        if "contextSourceInfo" in body:
            body["contextSourceInfo"] = [{**one, "value": "…"} for one in body["contextSourceInfo"]]
    if "sysAttrs" in parameters.options(call.parameters) or call.parameters.flag("sysAttrs"):
        body |= {"createdAt": iso(registration.created_at), "modifiedAt": iso(registration.modified_at)}
    return body
