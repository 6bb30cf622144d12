"""Entity maps over HTTP (ETSI GS CIM 009, clauses 5.14, 6.32, 6.34 and 6.35)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH, Parameters
from vidik.context.ngsild.query import entity_maps, parameters
from vidik.context.ngsild.query.entity_maps import Ask
from vidik.context.ngsild.repository import entity_maps as repository
from vidik.context.ngsild.repository.entity_maps import EntityMap
from vidik.context.registrations.distribution import answer_query, answer_query_of_past
from vidik.kernel.clock import iso, now

_PROVIDED: Final = ("id", "entityMap", "linkedMaps", "@context")


async def create_map(call: Call) -> Response:
    """GET and POST /entityMaps: a map of what a query finds, here and at the sources of registrations."""
    return await _created(call, partial(answer_query, call), parameters.of_query)


async def create_map_of_past(call: Call) -> Response:
    """GET and POST /temporal/entityMaps: a map of what a query of the past finds, here and at those sources."""
    return await _created(call, partial(answer_query_of_past, call), parameters.of_temporal_query)


async def _created(call: Call, ask: Ask, read: Callable[[Mapping[str, Any]], Parameters]) -> Response:
    kind = call.accept(JSON, LD_JSON)
    asked, context = await _asked(call, read)
    entity_map = await entity_maps.create(call, asked, context, ask)
    headers = {entity_maps.HEADER: entity_maps.address(entity_map.id), "Location": entity_maps.address(entity_map.id)}
    return exchange.answer(_shown(entity_map), kind, context, status=201, headers=headers)


async def _asked(call: Call, read: Callable[[Mapping[str, Any]], Parameters]) -> tuple[Parameters, ActiveContext]:
    if call.request.method == "GET":
        return call.parameters, await call.reading_context()
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A query is a JSON object.")
    return call.parameters.joined(read(body)), context


async def retrieve_map(call: Call) -> Response:
    """GET /entityMaps/{id}."""
    kind = call.accept(JSON, LD_JSON)
    map_id = _id(call)
    context = await call.reading_context()
    async with call.broker.reader.session(call.tenant) as connection:
        found = await repository.get(connection, map_id)
    if found is None:
        raise _unknown(map_id)
    return exchange.answer(_shown(found), kind, context)


async def update_map(call: Call) -> Response:
    """PATCH /entityMaps/{id}: when it ends is all that changes from outside (clause 5.5.14)."""
    map_id = _id(call)
    fragment, _ = await call.body(JSON, LD_JSON, MERGE_PATCH)
    if not isinstance(fragment, dict) or fragment.get("type", "EntityMap") != "EntityMap":
        raise problems.bad_data("A fragment of an entity map is a JSON object of that type.", "type")
    unknown = fragment.keys() - {*_PROVIDED, "type", "expiresAt"}
    if unknown:
        raise problems.bad_data(f"An entity map has no {min(unknown)}.", min(unknown))
    text = fragment.get("expiresAt")
    expires_at = None if text is None else _expiry(text)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        if expires_at is None:
            found = await repository.get(connection, map_id) is not None
        else:
            found = await repository.extend(connection, map_id, expires_at)
    if not found:
        raise _unknown(map_id)
    return Response(status_code=204)


def _expiry(text: Any) -> datetime:
    """When a map ends: at once where that is past, and not later than maps may last."""
    return min(values.moment(text, "expiresAt"), now() + entity_maps.LONGEST_LIFETIME)


async def delete_map(call: Call) -> Response:
    """DELETE /entityMaps/{id}."""
    map_id = _id(call)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        if not await repository.delete(connection, map_id):
            raise _unknown(map_id)
    return Response(status_code=204)


def _id(call: Call) -> str:
    return values.uri(call.segments[1], "id")


def _unknown(map_id: str) -> Exception:
    return problems.not_found(f"There is no entity map {map_id}.")


def _shown(entity_map: EntityMap) -> dict[str, Any]:
    """An EntityMap as clause 5.2.39 has it."""
    present = [one for one in entity_map.ids if one is not None]
    return {
        "id": entity_map.id,
        "type": "EntityMap",
        "expiresAt": iso(entity_map.expires_at),
        "entityMap": {one: entity_map.holders.get(one, [entity_maps.HERE]) for one in present},
        "linkedMaps": entity_map.linked,
    }
