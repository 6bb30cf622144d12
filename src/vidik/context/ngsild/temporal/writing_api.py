"""Managing the past over HTTP (ETSI GS CIM 009, clauses 6.18 to 6.22)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import MEMBER_OF, PATCH, Instance
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


_OF_INSTANCES: Final = frozenset((*MEMBER_OF.values(), "observedAt", "unitCode", "datasetId", "expiresAt"))
_OF_ENTITIES: Final = validation.ENTITY_SYSTEM | {"id", "@id", "type", "@type", "scope"}


def instance_fragment(body: Any, name: str, context: ActiveContext) -> Instance:
    """The instance in a body: in "an Array of exactly one item" of its attribute (clause 5.6.14), or by itself.

    Raises BadInput, also for a fragment about another attribute.
    """
    if not isinstance(body, dict):
        raise problems.bad_data("An attribute instance is a JSON object.")
    content: Any = {key: value for key, value in body.items() if key != "@context"}
    if not content:
        raise problems.bad_data("The fragment has nothing in it.")
    if not _is_instance(content):
        content = _named(content, name, context)
    return validation.parse_instance(content, context.inside(name), PATCH, name)


def _is_instance(content: Mapping[str, Any]) -> bool:
    """Whether a body is the instance itself, and no fragment of an entity."""
    return (
        not _OF_INSTANCES.isdisjoint(content)
        or (isinstance(kind := content.get("type"), str) and kind in MEMBER_OF)
        or values.is_geometry(content)
    )


def _named(content: Mapping[str, Any], name: str, context: ActiveContext) -> Any:
    """The one instance of the one attribute that a fragment is about."""
    attribute = context.expand(name)
    found = [key for key in content if key not in _OF_ENTITIES]
    if [context.expand(values.name(key, key)) for key in found] != [attribute]:
        raise problems.bad_data(f"The fragment is about {name} and nothing else.", name)
    inner = content[found[0]]
    if not isinstance(inner, list):
        return inner
    if len(inner) != 1:
        raise problems.bad_data("The fragment has exactly one instance.", name)
    return inner[0]
