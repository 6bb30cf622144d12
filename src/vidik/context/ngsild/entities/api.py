"""Entities and their attributes over HTTP (ETSI GS CIM 009, clauses 6.4 to 6.7)."""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.entities import merge, writing
from vidik.context.ngsild.entities.merge import Result
from vidik.context.ngsild.http import conditional
from vidik.context.ngsild.http.conditional import Preconditions
from vidik.context.ngsild.http.exchange import (
    JSON,
    LD_JSON,
    MERGE_PATCH,
    READABLE,
    Parameters,
    answer,
    answer_array,
    page_links,
)
from vidik.context.ngsild.query import entity_maps, parameters, selections
from vidik.context.ngsild.representation import linked, validation
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.representation.showing import shown_entity, shown_page
from vidik.context.ngsild.representation.validation import MERGE, PATCH, UPDATE, EntityInput
from vidik.context.ngsild.temporal import writing as temporal_writing
from vidik.context.store.document import SCOPE
from vidik.context.store.states import EntityRow, version_of
from vidik.kernel.errors import NotFound

_PATCHES: Final = (JSON, LD_JSON, MERGE_PATCH)
_OPERATIONS: Final = {"PUT": "replace", "PATCH": "update", "POST": "append", "DELETE": "delete_attribute"}


async def create_entity(call: Call) -> Response:
    """POST /entities."""
    body, context = await call.body()
    if not body:
        raise problems.invalid_request("The body is empty.")
    entity = validation.parse_entity(body, context)
    await call.broker.writer.perform(call.tenant, writing.Creation(entity), call.principal, "create")
    call.broker.reader.kinds(call.tenant).forget()
    return Response(status_code=201, headers={"Location": f"/ngsi-ld/v1/entities/{quote(str(entity.id), safe=':')}"})


async def retrieve_entity(call: Call) -> Response:
    """GET /entities/{id}."""
    kind = call.accept(*READABLE)
    context = await call.reading_context()
    parameters.check_kind(call.parameters, kind)
    view = parameters.view(call.parameters, context)
    entity_id = call.entity_id()
    if entity_maps.is_wanted(call, call.parameters):
        return await entity_maps.answer_one(call, entity_id, retrieve_entity)
    entity = await call.broker.reader.get(call.tenant, entity_id)
    selection = _selection(call, context)
    if entity is None or (selection is not None and not selections.matches_types(selection, entity.types)):
        raise problems.not_found(f"There is no entity {entity_id}.")
    if view.attributes is not None and view.attributes.isdisjoint(entity.document):
        raise problems.not_found(f"The entity {entity_id} has none of these attributes.")
    tag = _tag(call, entity, kind, context)
    if tag is not None and conditional.is_known(call.request, tag):
        return conditional.not_modified(tag)
    body = await shown_entity(call, entity, view, kind, context)
    headers = None if tag is None else {"ETag": tag, "Vary": conditional.VARY}
    return answer(body, kind, context, headers=headers, prefer=call.prefer)


def _tag(call: Call, entity: Stored, kind: str, context: ActiveContext) -> str | None:
    """The tag of an answer about one entity; None where it shows others too."""
    if entity.xmin is None or entity.modified_at is None or call.parameters.get("join") is not None:
        return None
    return conditional.entity_tag(version_of(entity.xmin, entity.modified_at), kind, context)


async def query_entities(call: Call) -> Response:
    """GET /entities."""
    kind = call.accept(*READABLE)
    context = await call.reading_context()
    return await answer_query(call, call.parameters, kind, context)


async def answer_query(call: Call, asked: Parameters, kind: str, context: ActiveContext) -> Response:
    """A page of a query, however it was asked."""
    if entity_maps.is_wanted(call, asked):
        return await entity_maps.answer(call, asked, kind, context, partial(answer_query, call))
    parameters.check_kind(asked, kind)
    view = parameters.view(asked, context)
    join = linked.parse_join(asked)
    found, types = parameters.search(asked, context)
    parameters.check_links(found.q, asked)
    if call.mapped is not None:
        found.ids = call.mapped.narrowed(found.ids)
    count, limit, offset = parameters.page(asked)
    reader = call.broker.reader
    shelf = call.broker.fragments.shelf(call.tenant, view) if kind == JSON and join is None else None
    async with reader.session(call.tenant) as connection:
        if types is not None:
            found.kinds = await reader.kinds(call.tenant).select(connection, types)
        if shelf is not None:
            rendered = await reader.rendered(
                connection, call.tenant, found, shelf, limit=limit, offset=offset, count=count, times=view.system
            )
        else:
            page = await reader.page(
                connection, call.tenant, found, limit=limit, offset=offset, count=count, times=view.system
            )
    told = page if shelf is None else rendered
    headers = page_links(call.path, asked, kind, limit, offset, told.more)
    if told.total is not None:
        headers["NGSILD-Results-Count"] = str(told.total)
    if shelf is not None:
        return answer_array(rendered.fragments, context, headers)
    body = await shown_page(call, asked, page.entities, view, join, kind, context)
    return answer(body, kind, context, headers=headers, prefer=call.prefer)


def _selection(call: Call, context: ActiveContext) -> selections.TypeSelection | None:
    text = call.parameters.get("type")
    return None if text is None else selections.parse_types(text, context)


async def replace_entity(call: Call) -> Response:
    """PUT /entities/{id}."""
    entity, context = await _fragment(call, validation.CREATE, JSON, LD_JSON)
    if entity.types is None:
        raise problems.bad_data("A whole entity has a type.", "type")

    def rule(row: EntityRow, at: str) -> Result:
        return merge.replace(row.document, entity.attributes, at)

    entity.nulls |= {name for name, given in (("scope", entity.scope), ("expiresAt", entity.expires_at)) if not given}
    await _change(call, context, rule, entity, types="replace")
    return Response(status_code=204)


async def merge_entity(call: Call) -> Response:
    """PATCH /entities/{id}."""
    entity, context = await _fragment(call, MERGE, *_PATCHES)
    observed_at = call.parameters.get("observedAt")
    default_time = None if observed_at is None else values.date_time(observed_at, "observedAt")

    def rule(row: EntityRow, at: str) -> Result:
        if default_time is not None:
            _observe(entity, row, default_time)
        return merge.merge(row.document, entity.attributes, at)

    await _change(call, context, rule, entity)
    return Response(status_code=204)


def _observe(entity: EntityInput, row: EntityRow, moment: str) -> None:
    """Give fragments of attributes that are observed over time the request's time (clause 5.5.12)."""
    for attribute, fragments in entity.attributes.items():
        before = {one.get("datasetId"): one for one in merge.instances_of(row.document, attribute)}
        for fragment in fragments:
            if "observedAt" in before.get(fragment.get("datasetId"), {}):
                fragment.setdefault("observedAt", moment)


async def delete_entity(call: Call) -> Response:
    """DELETE /entities/{id}."""
    context = await call.reading_context()
    entity_id = call.entity_id()
    async with call.broker.services.database.transaction(call.tenant) as connection:
        preconditions = Preconditions.of(call.request)
        await writing.delete(connection, entity_id, _selection(call, context), preconditions)
        await call.note_write(connection, "delete", [entity_id])
    return Response(status_code=204)


async def append_attributes(call: Call) -> Response:
    """POST /entities/{id}/attrs."""
    words = call.parameters.names("options") or []
    if not set(words) <= {"noOverwrite"}:
        raise problems.bad_data("options is noOverwrite.", "options")
    entity, context = await _fragment(call, UPDATE, JSON, LD_JSON)

    def rule(row: EntityRow, at: str) -> Result:
        result = merge.append(row.document, entity.attributes, at, overwrite="noOverwrite" not in words)
        if entity.scope is not None and not (words and set(entity.scope) <= set(row.scope or ())):
            result.updated.append("scope")
        return result

    return await _answer_update(call, context, rule, entity, scope="add" if words else "replace")


async def update_attributes(call: Call) -> Response:
    """PATCH /entities/{id}/attrs."""
    entity, context = await _fragment(call, UPDATE, *_PATCHES)
    refused: dict[str, str] = {}

    def rule(row: EntityRow, at: str) -> Result:
        if entity.scope is not None and not row.scope:
            refused["scope"] = "The entity has no scope to update."
            entity.scope = None
        result = merge.update(row.document, entity.attributes, at)
        if entity.scope is not None or ("scope" in entity.nulls and row.scope):
            result.updated.append("scope")
        return result

    return await _answer_update(call, context, rule, entity, refused=refused)


async def _answer_update(
    call: Call,
    context: ActiveContext,
    rule: writing.Change,
    entity: EntityInput,
    *,
    scope: str = "replace",
    refused: dict[str, str] | None = None,
) -> Response:
    if not entity.attributes and entity.types is None and entity.scope is None and not entity.nulls:
        raise problems.bad_data("The fragment has nothing in it.")
    result = await _change(call, context, rule, entity, scope=scope)
    # Names stand for themselves here: an answer of partial success has no @context (clause 6.3.6).
    not_updated = [{"attributeName": name, "reason": reason} for name, reason in result.not_updated.items()]
    not_updated += [{"attributeName": name, "reason": reason} for name, reason in (refused or {}).items()]
    if not not_updated:
        return Response(status_code=204)
    body = {"updated": result.updated, "notUpdated": not_updated}
    return Response(orjson.dumps(body), status_code=207, media_type=JSON)


async def _fragment(call: Call, rules: validation.Rules, *media_types: str) -> tuple[EntityInput, ActiveContext]:
    entity_id = call.entity_id()
    body, context = await call.body(*media_types)
    entity = validation.parse_entity(body, context, rules, whole=False)
    if entity.id is not None and entity.id != entity_id:
        raise problems.bad_data("The id in the body is another one than in the path.", "id")
    return entity, context


async def _change(
    call: Call,
    context: ActiveContext,
    rule: writing.Change,
    entity: EntityInput | None = None,
    *,
    types: Any = "add",
    scope: Any = "replace",
) -> Result:
    preconditions = Preconditions.of(call.request)
    task = writing.Modification(call.entity_id(), rule, _selection(call, context), entity, types, scope, preconditions)
    operation = _OPERATIONS[call.request.method]
    result = await call.broker.writer.perform(call.tenant, task, call.principal, operation)
    if entity is not None and entity.types:
        call.broker.reader.kinds(call.tenant).forget()
    return result


def _attribute(call: Call, context: ActiveContext) -> str:
    name = values.name(call.segments[3], "attrId")
    if name in ("scope", "id", "type", "expiresAt", "createdAt", "modifiedAt"):
        raise problems.bad_data(f"{name} is no attribute; change it with the entity.", "attrId")
    return context.expand(name)


async def partial_update_attribute(call: Call) -> Response:
    """PATCH /entities/{id}/attrs/{attr}."""
    fragments, attribute, context = await _attribute_body(call, PATCH, *_PATCHES)

    def rule(row: EntityRow, at: str) -> Result:
        return merge.partial_update(row.document, attribute, fragments, at)

    await _change(call, context, rule)
    return Response(status_code=204)


async def replace_attribute(call: Call) -> Response:
    """PUT /entities/{id}/attrs/{attr}."""
    instances, attribute, context = await _attribute_body(call, validation.CREATE, JSON, LD_JSON)

    def rule(row: EntityRow, at: str) -> Result:
        return merge.replace_attribute(row.document, attribute, instances, at)

    await _change(call, context, rule)
    return Response(status_code=204)


async def _attribute_body(
    call: Call, rules: validation.Rules, *media_types: str
) -> tuple[list[validation.Instance], str, ActiveContext]:
    values.uri(call.segments[1], "id")
    body, context = await call.body(*media_types)
    attribute = _attribute(call, context)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "@context"}
    if body == {}:
        raise problems.bad_data("The fragment has nothing in it.")
    instances = validation.parse_attribute(body, context.inside(call.segments[3]), rules, call.segments[3])
    validation.check_fixed(attribute, instances, rules, call.segments[3])
    dataset = call.parameters.get("datasetId")
    if dataset is not None and dataset != "@none":
        for instance in instances:
            instance.setdefault("datasetId", values.uri(dataset, "datasetId"))
    return instances, attribute, context


async def delete_attribute(call: Call) -> Response:
    """DELETE /entities/{id}/attrs/{attr}."""
    context = await call.reading_context()
    call.entity_id()
    name = values.name(call.segments[3], "attrId")
    every = call.parameters.flag("deleteAll")
    dataset = call.parameters.get("datasetId")
    dataset_id = None if dataset in (None, "@none") else values.uri(dataset, "datasetId")
    scoped = EntityInput(None, None, None, None, nulls={"scope"}) if name == "scope" else None
    attribute = SCOPE if scoped is not None else _attribute(call, context)

    def rule(row: EntityRow, at: str) -> Result:
        if scoped is not None:
            return Result(row.document)
        return merge.delete_attribute(row.document, attribute, at, dataset_id=dataset_id, every=every)

    try:
        await _change(call, context, rule, scoped)
    except NotFound:
        # Of an entity that is known by its past alone this is what ends the attribute's past.
        async with call.broker.services.database.transaction(call.tenant) as connection:
            selection = _selection(call, context)
            if not await temporal_writing.mark_deleted(
                connection, call.entity_id(), attribute, selection, dataset=dataset_id or "", every=every
            ):
                raise
            await call.note_write(connection, "delete_attribute", [call.entity_id()])
    return Response(status_code=204)
