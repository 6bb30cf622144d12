"""Where a request of the NGSI-LD API meets the registrations of its tenant (ETSI GS CIM 009, clause 4.3.6).

A tenant without registrations, and a request with `local=true`, go to the API's own handlers at the price of one
look-up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import discovery_api, problems
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.entities import api as entities_api
from vidik.context.ngsild.entities import batch_api, purge_api
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, Parameters
from vidik.context.ngsild.query import entity_maps, parameters
from vidik.context.ngsild.temporal import api as temporal_api
from vidik.context.ngsild.temporal import writing_api as temporal_writing_api
from vidik.context.registrations.forwarding.federation import Federation
from vidik.context.registrations.forwarding.sharing import Handler, Sharing
from vidik.context.registrations.reading import reads
from vidik.context.registrations.reading.discovering import Discovery, discover
from vidik.context.registrations.temporal import past
from vidik.context.registrations.writing import batches, purging, writes
from vidik.context.registrations.writing.writes import Write


async def _query(sharing: Sharing) -> Response:
    call = sharing.call
    kind = call.accept(*reads.READABLE)
    context = await call.reading_context()
    return await reads.query(sharing, call.parameters, kind, context, by_post=False)


async def _query_by_post(sharing: Sharing) -> Response:
    call = sharing.call
    kind = call.accept(*reads.READABLE)
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A query is a JSON object.")
    asked = call.parameters.joined(parameters.of_query(body))
    return await reads.query(sharing, asked, kind, context, by_post=True)


async def _query_past(sharing: Sharing) -> Response:
    call = sharing.call
    kind = call.accept(JSON, LD_JSON)
    return await past.query(sharing, call.parameters, kind, await call.reading_context())


async def _query_past_by_post(sharing: Sharing) -> Response:
    call = sharing.call
    kind = call.accept(JSON, LD_JSON)
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A query is a JSON object.")
    return await past.query(sharing, call.parameters.joined(parameters.of_temporal_query(body)), kind, context)


_READS: Final[Mapping[Handler, Callable[[Sharing], Awaitable[Response]]]] = {
    entities_api.retrieve_entity: reads.retrieve,
    entities_api.query_entities: _query,
    batch_api.batch_query: _query_by_post,
    temporal_api.retrieve_temporal: past.retrieve,
    temporal_api.query_temporal: _query_past,
    temporal_api.query_by_post: _query_past_by_post,
}
_WRITES: Final[Mapping[Handler, Write]] = {
    entities_api.create_entity: Write("createEntity", whole=True),
    entities_api.replace_entity: Write("replaceEntity", whole=True),
    entities_api.merge_entity: Write("mergeEntity"),
    entities_api.delete_entity: Write("deleteEntity"),
    entities_api.append_attributes: Write("appendAttrs"),
    entities_api.update_attributes: Write("updateEntity"),
    entities_api.partial_update_attribute: Write("updateAttrs"),
    entities_api.replace_attribute: Write("replaceAttrs"),
    entities_api.delete_attribute: Write("deleteAttrs"),
    temporal_writing_api.create_or_update: Write("upsertTemporal", whole=True),
    temporal_writing_api.append_attributes: Write("appendAttrsTemporal"),
    temporal_writing_api.delete_temporal: Write("deleteTemporal"),
    temporal_writing_api.delete_attribute: Write("deleteAttrsTemporal"),
    temporal_writing_api.modify_instance: Write("updateAttrInstanceTemporal"),
    temporal_writing_api.delete_instance: Write("deleteAttrInstanceTemporal"),
}
_BATCHES: Final[Mapping[Handler, str]] = {
    batch_api.batch_create: "createBatch",
    batch_api.batch_upsert: "upsertBatch",
    batch_api.batch_update: "updateBatch",
    batch_api.batch_merge: "mergeBatch",
    batch_api.batch_delete: "deleteBatch",
}
_DISCOVERIES: Final[Mapping[Handler, Discovery]] = {
    discovery_api.list_types: Discovery("retrieveEntityTypes", "retrieveEntityTypeDetails", "type"),
    discovery_api.retrieve_type: Discovery("retrieveEntityTypeInfo", "retrieveEntityTypeInfo", "type"),
    discovery_api.list_attributes: Discovery("retrieveAttrTypes", "retrieveAttrTypeDetails", "attribute"),
    discovery_api.retrieve_attribute: Discovery("retrieveAttrTypeInfo", "retrieveAttrTypeInfo", "attribute"),
}
_SHARED: Final = frozenset((*_READS, *_WRITES, *_BATCHES, *_DISCOVERIES, purge_api.purge_entities))


async def is_shared(call: Call, asked: Parameters) -> bool:
    """Whether a query may concern other sources, too."""
    federation = Federation.of(call.broker.services)
    if call.snapshot is not None or federation.registry.has_none(call.tenant) or asked.flag("local"):
        return False
    return bool((await federation.registry.tenant(call.tenant)).registrations)


async def answer_query(call: Call, asked: Parameters, kind: str, context: ActiveContext) -> Response:
    """A page of a query of entities: of those here alone, or together with the sources that registrations name."""
    if await is_shared(call, asked):
        federation = Federation.of(call.broker.services)
        sharing = Sharing.of(call, await federation.registry.tenant(call.tenant), federation)
        return await reads.query(sharing, asked, kind, context, by_post=False)
    return await entities_api.answer_query(call, asked, kind, context)


async def answer_query_of_past(call: Call, asked: Parameters, kind: str, context: ActiveContext) -> Response:
    """A page of a query of the past: of what is here alone, or together with the sources that registrations name."""
    if await is_shared(call, asked):
        federation = Federation.of(call.broker.services)
        sharing = Sharing.of(call, await federation.registry.tenant(call.tenant), federation)
        return await past.query(sharing, asked, kind, context)
    return await temporal_api.answer_query(call, asked, kind, context)


async def distribute(call: Call, handler: Handler) -> Response:
    """Answer a request: here alone, or together with the sources that registrations name."""
    if handler not in _SHARED:
        return await handler(call)
    federation = Federation.of(call.broker.services)
    if federation.registry.has_none(call.tenant) or call.parameters.flag("local"):
        return await handler(call)
    known = await federation.registry.tenant(call.tenant)
    if not known.registrations:
        return await handler(call)
    sharing = Sharing.of(call, known, federation)
    read = _READS.get(handler)
    if read is not None:
        return await read(sharing)
    if handler is purge_api.purge_entities:
        if entity_maps.HEADER.lower() in call.request.headers:
            raise problems.not_supported("A purge of an entity map stays here: ask with local=true.")
        return await purging.purge(sharing, handler)
    discovery = _DISCOVERIES.get(handler)
    if discovery is not None:
        return await discover(sharing, handler, discovery)
    operation = _BATCHES.get(handler)
    if operation is not None:
        return await batches.batch(sharing, handler, operation)
    return await writes.write(sharing, handler, _WRITES[handler])
