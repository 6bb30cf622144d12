"""Discovery over HTTP: which types and attributes there are (ETSI GS CIM 009, clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, answer
from vidik.context.ngsild.repository import discovery
from vidik.context.ngsild.repository.discovery import AttributeUse


async def list_types(call: Call) -> Response:
    """GET /types."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    details = call.parameters.flag("details")
    async with call.broker.reader.session(call.tenant) as connection:
        types = await discovery.types_present(connection)
        used = await discovery.attributes_present(connection) if details else []
    if not details:
        body: Any = {
            "id": f"urn:ngsi-ld:EntityTypeList:{uuid.uuid4()}",
            "type": "EntityTypeList",
            "typeList": [context.compact(one) for one in types],
        }
        return answer(body, kind, context)
    body = [
        {
            "id": one,
            "type": "EntityType",
            "typeName": context.compact(one),
            "attributeNames": [context.compact(each.name) for each in used if one in each.entity_types],
        }
        for one in types
    ]
    return answer(body, kind, context)


def _check_parameters(call: Call, *known: str) -> None:
    """Raise BadInput (InvalidRequest) for parameters that a resource does not have (clause 6.3.20)."""
    unknown = call.parameters.present().difference(("local", "csf", *known))
    if unknown:
        raise problems.invalid_request(f"There is no parameter {min(unknown)} here.", min(unknown))


async def retrieve_type(call: Call) -> Response:
    """GET /types/{type}."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    _check_parameters(call)
    wanted = context.expand(values.name(call.segments[1], "type"))
    async with call.broker.reader.session(call.tenant) as connection:
        count = await discovery.count_of_type(connection, wanted)
        if not count:
            raise problems.not_found(f"There is no entity of the type {call.segments[1]}.")
        used = await discovery.attributes_present(connection, entity_type=wanted)
    body = {
        "id": wanted,
        "type": "EntityTypeInfo",
        "typeName": context.compact(wanted),
        "entityCount": count,
        "attributeDetails": [{**_attribute(one, context), "attributeTypes": one.attribute_types} for one in used],
    }
    return answer(body, kind, context)


async def list_attributes(call: Call) -> Response:
    """GET /attributes."""
    _check_parameters(call, "details", "count")
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    async with call.broker.reader.session(call.tenant) as connection:
        used = await discovery.attributes_present(connection)
    if call.parameters.flag("details"):
        body: Any = [{**_attribute(one, context), "typeNames": _types(one, context)} for one in used]
    else:
        body = {
            "id": f"urn:ngsi-ld:AttributeList:{uuid.uuid4()}",
            "type": "AttributeList",
            "attributeList": [context.compact(one.name) for one in used],
        }
    return answer(body, kind, context)


async def retrieve_attribute(call: Call) -> Response:
    """GET /attributes/{attribute}."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    _check_parameters(call)
    wanted = context.expand(values.name(call.segments[1], "attrId"))
    async with call.broker.reader.session(call.tenant) as connection:
        used = await discovery.attributes_present(connection, attribute=wanted)
    if not used:
        raise problems.not_found(f"There is no entity with the attribute {call.segments[1]}.")
    body = {
        **_attribute(used[0], context),
        "attributeCount": used[0].entities,
        "attributeTypes": used[0].attribute_types,
        "typeNames": _types(used[0], context),
    }
    return answer(body, kind, context)


def _attribute(use: AttributeUse, context: ActiveContext) -> dict[str, Any]:
    return {"id": use.name, "type": "Attribute", "attributeName": context.compact(use.name)}


def _types(use: AttributeUse, context: ActiveContext) -> list[str]:
    return [context.compact(one) for one in use.entity_types]
