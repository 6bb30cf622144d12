"""Managing the past over HTTP (ETSI GS CIM 009, clauses 6.18 to 6.22)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import PATCH, Instance
from vidik.context.ngsild.temporal import writing


async def create_or_update(call: Call) -> Response:
    """POST /temporal/entities."""
    body, context = await call.body()
    entity = writing.parse(body, context, whole=True)
    entity_id = str(entity.id)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        created = await writing.create_or_update(connection, entity)
        await call.note_write(connection, "create", [entity_id])
    call.broker.reader.kinds(call.tenant).forget()
    if not created:
        return Response(status_code=204)
    location = f"/ngsi-ld/v1/temporal/entities/{quote(entity_id, safe=':')}"
    return Response(status_code=201, headers={"Location": location})


async def append_attributes(call: Call) -> Response:
    """POST /temporal/entities/{id}/attrs."""
    entity_id = _entity_id(call)
    body, context = await call.body()
    entity = writing.parse(body, context, whole=False)
    if entity.id is not None and entity.id != entity_id:
        raise problems.bad_data("The id in the body is another one than in the path.", "id")
    if not entity.attributes and entity.types is None and entity.scope is None:
        raise problems.bad_data("The fragment has nothing in it.")
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await writing.append(connection, entity_id, entity)
        await call.note_write(connection, "append", [entity_id])
    return Response(status_code=204)


async def delete_temporal(call: Call) -> Response:
    """DELETE /temporal/entities/{id}."""
    entity_id = _entity_id(call)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await writing.delete_entity(connection, entity_id)
        await call.note_write(connection, "delete", [entity_id])
    return Response(status_code=204)


async def delete_attribute(call: Call) -> Response:
    """DELETE /temporal/entities/{id}/attrs/{attr}."""
    entity_id, attribute = _entity_id(call), _attribute(call, await call.reading_context())
    dataset = call.parameters.get("datasetId")
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await writing.delete_attribute(
            connection,
            entity_id,
            attribute,
            dataset="" if dataset in (None, "@none") else values.uri(dataset, "datasetId"),
            every=call.parameters.flag("deleteAll"),
        )
        await call.note_write(connection, "delete_attribute", [entity_id])
    return Response(status_code=204)


async def modify_instance(call: Call) -> Response:
    """PATCH /temporal/entities/{id}/attrs/{attr}/{instanceId}."""
    entity_id = _entity_id(call)
    body, context = await call.body(JSON, LD_JSON, MERGE_PATCH)
    attribute = _attribute(call, context)
    wanted = values.uri(call.segments[5], "instanceId")
    fragment = instance_fragment(body, call.segments[4], context)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await writing.modify_instance(connection, entity_id, attribute, wanted, fragment)
        await call.note_write(connection, "update", [entity_id])
    return Response(status_code=204)


async def delete_instance(call: Call) -> Response:
    """DELETE /temporal/entities/{id}/attrs/{attr}/{instanceId}."""
    entity_id, attribute = _entity_id(call), _attribute(call, await call.reading_context())
    wanted = values.uri(call.segments[5], "instanceId")
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await writing.delete_instance(connection, entity_id, attribute, wanted)
        await call.note_write(connection, "delete", [entity_id])
    return Response(status_code=204)


def _entity_id(call: Call) -> str:
    return values.uri(call.segments[2], "id")


def _attribute(call: Call, context: ActiveContext) -> str:
    return context.expand(values.name(call.segments[4], "attrId"))


def instance_fragment(body: Any, name: str, context: ActiveContext) -> Instance:
    """The instance in a body: itself, or inside a fragment that names its attribute (clause 5.6.14).

    Raises BadInput.
    """
    if not isinstance(body, dict):
        raise problems.bad_data("An attribute instance is a JSON object.")
    content = {key: value for key, value in body.items() if key != "@context"}
    inner = content.get(name)
    if content.keys() == {name} and isinstance(inner, list | dict):
        content = (inner[0] if inner else {}) if isinstance(inner, list) else inner
    if not content:
        raise problems.bad_data("The fragment has nothing in it.")
    return validation.parse_instance(content, context.inside(name), PATCH, name)
