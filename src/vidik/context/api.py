"""The NGSI-LD API's routing: paths by their raw pieces, because ids are URIs and may hold encoded slashes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from vidik.context.jsonld import packaged
from vidik.context.ngsild import contexts_api, discovery_api, problems
from vidik.context.ngsild.broker import Broker, Call
from vidik.context.ngsild.entities import api as entities_api
from vidik.context.ngsild.entities import batch_api, purge_api
from vidik.context.ngsild.http.exchange import LD_JSON, has_header
from vidik.context.ngsild.http.versions import as_preferred
from vidik.context.ngsild.query.parameters import check_names
from vidik.context.ngsild.temporal import api as temporal_api
from vidik.context.ngsild.temporal import writing_api as temporal_writing_api
from vidik.context.plain_reading import PlainReading
from vidik.context.registrations import api as registrations_api
from vidik.context.registrations import entity_maps_api, identity_api
from vidik.context.registrations.distribution import distribute
from vidik.context.registrations.subscriptions import announcing
from vidik.context.registrations.subscriptions.copying import PATH
from vidik.context.registrations.subscriptions.notified_api import notified
from vidik.context.registrations.subscriptions.watching import watch_of
from vidik.context.snapshots import api as snapshots_api
from vidik.context.snapshots.scope import answer_inside
from vidik.context.subscriptions import api as subscriptions_api
from vidik.context.subscriptions.api import OF_ENTITIES, Kind
from vidik.kernel.errors import VidikError

Handler = Callable[[Call], Awaitable[Response]]
PREFIX: Final = b"/ngsi-ld/v1/"
READ: Final = "context.read"
WRITE: Final = "context.write"

_WITH_BODY: Final = frozenset(("POST", "PATCH", "PUT"))

_Methods = Mapping[str, tuple[Handler, str]]

_ENTITIES: Final[_Methods] = {
    "GET": (entities_api.query_entities, READ),
    "POST": (entities_api.create_entity, WRITE),
    "DELETE": (purge_api.purge_entities, WRITE),
}
_ENTITY: Final[_Methods] = {
    "GET": (entities_api.retrieve_entity, READ),
    "PUT": (entities_api.replace_entity, WRITE),
    "PATCH": (entities_api.merge_entity, WRITE),
    "DELETE": (entities_api.delete_entity, WRITE),
}
_ATTRIBUTES: Final[_Methods] = {
    "POST": (entities_api.append_attributes, WRITE),
    "PATCH": (entities_api.update_attributes, WRITE),
}
_ATTRIBUTE: Final[_Methods] = {
    "PATCH": (entities_api.partial_update_attribute, WRITE),
    "PUT": (entities_api.replace_attribute, WRITE),
    "DELETE": (entities_api.delete_attribute, WRITE),
}
_OPERATIONS: Final[Mapping[str, _Methods]] = {
    "create": {"POST": (batch_api.batch_create, WRITE)},
    "upsert": {"POST": (batch_api.batch_upsert, WRITE)},
    "update": {"POST": (batch_api.batch_update, WRITE)},
    "merge": {"POST": (batch_api.batch_merge, WRITE)},
    "delete": {"POST": (batch_api.batch_delete, WRITE)},
    "query": {"POST": (batch_api.batch_query, READ)},
}
_TEMPORAL: Final[_Methods] = {
    "GET": (temporal_api.query_temporal, READ),
    "POST": (temporal_writing_api.create_or_update, WRITE),
}
_TEMPORAL_ENTITY: Final[_Methods] = {
    "GET": (temporal_api.retrieve_temporal, READ),
    "DELETE": (temporal_writing_api.delete_temporal, WRITE),
}
_TEMPORAL_ATTRIBUTES: Final[_Methods] = {"POST": (temporal_writing_api.append_attributes, WRITE)}
_TEMPORAL_ATTRIBUTE: Final[_Methods] = {"DELETE": (temporal_writing_api.delete_attribute, WRITE)}
_TEMPORAL_INSTANCE: Final[_Methods] = {
    "PATCH": (temporal_writing_api.modify_instance, WRITE),
    "DELETE": (temporal_writing_api.delete_instance, WRITE),
}
# Without a name there is no attribute whose instance could be modified, but an instance is looked for all the same.
_TEMPORAL_NAMELESS: Final[_Methods] = {"DELETE": (temporal_writing_api.delete_instance, WRITE)}
_TEMPORAL_OPERATIONS: Final[Mapping[str, _Methods]] = {"query": {"POST": (temporal_api.query_by_post, READ)}}


_OF_REGISTRATIONS: Final = Kind("registrations", announcing.hold, watch_of, announcing.welcome)


def _subscriptions(kind: Kind) -> tuple[_Methods, _Methods]:
    """What the subscriptions of a kind take, and what one of them takes."""
    every: _Methods = {
        "GET": (partial(subscriptions_api.query_subscriptions, kind=kind), READ),
        "POST": (partial(subscriptions_api.create_subscription, kind=kind), WRITE),
    }
    one: _Methods = {
        "GET": (partial(subscriptions_api.retrieve_subscription, kind=kind), READ),
        "PATCH": (partial(subscriptions_api.update_subscription, kind=kind), WRITE),
        "DELETE": (partial(subscriptions_api.delete_subscription, kind=kind), WRITE),
    }
    return every, one


_SUBSCRIPTIONS, _SUBSCRIPTION = _subscriptions(OF_ENTITIES)
_SOURCE_SUBSCRIPTIONS, _SOURCE_SUBSCRIPTION = _subscriptions(_OF_REGISTRATIONS)


_CONTEXTS: Final[_Methods] = {
    "GET": (contexts_api.list_contexts, READ),
    "POST": (contexts_api.add_context, WRITE),
}
_CONTEXT: Final[_Methods] = {
    "GET": (contexts_api.serve_context, READ),
    "DELETE": (contexts_api.delete_context, WRITE),
}
_TYPES: Final[_Methods] = {"GET": (discovery_api.list_types, READ)}
_TYPE: Final[_Methods] = {"GET": (discovery_api.retrieve_type, READ)}
_ATTRIBUTE_LIST: Final[_Methods] = {"GET": (discovery_api.list_attributes, READ)}
_ATTRIBUTE_DETAILS: Final[_Methods] = {"GET": (discovery_api.retrieve_attribute, READ)}


_IDENTITY: Final[_Methods] = {"GET": (identity_api.retrieve_identity, READ)}
_REGISTRATIONS: Final[_Methods] = {
    "GET": (registrations_api.query_registrations, READ),
    "POST": (registrations_api.create_registration, WRITE),
}
_REGISTRATION: Final[_Methods] = {
    "GET": (registrations_api.retrieve_registration, READ),
    "PATCH": (registrations_api.update_registration, WRITE),
    "DELETE": (registrations_api.delete_registration, WRITE),
}


_ENTITY_MAPS: Final[_Methods] = {
    "GET": (entity_maps_api.create_map, READ),
    "POST": (entity_maps_api.create_map, READ),
}
_ENTITY_MAPS_OF_PAST: Final[_Methods] = {
    "GET": (entity_maps_api.create_map_of_past, READ),
    "POST": (entity_maps_api.create_map_of_past, READ),
}
# A map is a page marker of whoever asked a query, so that reading is enough for all of it.
_ENTITY_MAP: Final[_Methods] = {
    "GET": (entity_maps_api.retrieve_map, READ),
    "PATCH": (entity_maps_api.update_map, READ),
    "DELETE": (entity_maps_api.delete_map, READ),
}


_SNAPSHOTS: Final[_Methods] = {
    "POST": (snapshots_api.create_snapshot, WRITE),
    "DELETE": (snapshots_api.purge_snapshots, WRITE),
}
_SNAPSHOT: Final[_Methods] = {
    "GET": (snapshots_api.retrieve_snapshot, READ),
    "PATCH": (snapshots_api.update_snapshot, WRITE),
    "DELETE": (snapshots_api.delete_snapshot, WRITE),
}
_SNAPSHOT_CLONE: Final[_Methods] = {"POST": (snapshots_api.clone_snapshot, WRITE)}


def _methods(segments: list[str]) -> _Methods | None:
    """What a path takes; None where there is nothing."""
    match segments:
        case ["entities"]:
            return _ENTITIES
        case ["entities", _]:
            return _ENTITY
        case ["entities", _, "attrs"]:
            return _ATTRIBUTES
        case ["entities", _, "attrs", _]:
            return _ATTRIBUTE
        case ["entityOperations", operation]:
            return _OPERATIONS.get(operation)
        case ["subscriptions"]:
            return _SUBSCRIPTIONS
        case ["subscriptions", _]:
            return _SUBSCRIPTION
        case ["csourceSubscriptions"]:
            return _SOURCE_SUBSCRIPTIONS
        case ["csourceSubscriptions", _]:
            return _SOURCE_SUBSCRIPTION
        case ["jsonldContexts"]:
            return _CONTEXTS
        case ["jsonldContexts", _]:
            return _CONTEXT
        case ["types"]:
            return _TYPES
        case ["types", _]:
            return _TYPE
        case ["attributes"]:
            return _ATTRIBUTE_LIST
        case ["attributes", _]:
            return _ATTRIBUTE_DETAILS
        case ["info", "sourceIdentity"]:
            return _IDENTITY
        case ["csourceRegistrations"]:
            return _REGISTRATIONS
        case ["csourceRegistrations", _]:
            return _REGISTRATION
        case ["snapshots"]:
            return _SNAPSHOTS
        case ["snapshots", _]:
            return _SNAPSHOT
        case ["snapshots", _, "clone"]:
            return _SNAPSHOT_CLONE
        case ["entityMaps"]:
            return _ENTITY_MAPS
        case ["temporal", "entityMaps"]:
            return _ENTITY_MAPS_OF_PAST
        case ["entityMaps", _]:
            return _ENTITY_MAP
        case ["temporal", "entities"]:
            return _TEMPORAL
        case ["temporal", "entities", _]:
            return _TEMPORAL_ENTITY
        case ["temporal", "entities", _, "attrs"]:
            return _TEMPORAL_ATTRIBUTES
        case ["temporal", "entities", _, "attrs", _]:
            return _TEMPORAL_ATTRIBUTE
        case ["temporal", "entities", _, "attrs", "", _]:
            return _TEMPORAL_NAMELESS
        case ["temporal", "entities", _, "attrs", _, _]:
            return _TEMPORAL_INSTANCE
        case ["temporal", "entityOperations", operation]:
            return _TEMPORAL_OPERATIONS.get(operation)
    return None


async def ngsi_ld(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application beneath /ngsi-ld/v1."""
    request = Request(scope, receive)
    try:
        plain = await PlainReading.of(scope["app"].state.services).answer(scope, READ)
        response = await _answer(scope, request) if plain is None else plain
    except VidikError as error:
        response = problems.response(error)
    if has_header(request, b"ngsild-tenant"):
        response.headers["NGSILD-Tenant"] = request.headers["ngsild-tenant"]
    await response(scope, receive, send)


async def _answer(scope: Scope, request: Request) -> Response:
    if scope["method"] in _WITH_BODY and not has_header(request, b"content-length"):
        raise problems.LengthRequired("A request with a body says its Content-Length.")
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw[raw.index(PREFIX) + len(PREFIX) :] if PREFIX in raw else b""
    segments = _segments(path)
    methods = _methods(segments)
    if methods is None:
        raise problems.not_found("There is no such resource in the NGSI-LD API.")
    found = methods.get(scope["method"])
    if found is None:
        if path == b"entities/":
            raise problems.bad_data("The path has no id.", "id")
        raise problems.MethodNotAllowed(sorted({*methods, "HEAD"} if "GET" in methods else methods))
    scope["vidik.ngsild.path"] = path.decode("ascii", "replace")
    handler, permission = found
    call = await Broker.of(scope["app"].state.services).call(request, segments, permission)
    check_names(call.parameters)
    if has_header(request, b"ngsild-snapshot"):
        response = await answer_inside(call, handler)
    else:
        response = await distribute(call, handler)
    if has_header(request, b"prefer"):
        return as_preferred(request.headers["prefer"], segments, response)
    return response


def _segments(path: bytes) -> list[str]:
    pieces = path.removesuffix(b"/").split(b"/")
    try:
        segments = [unquote_to_bytes(piece).decode() for piece in pieces]
    except UnicodeDecodeError:
        raise problems.invalid_request("The path is not valid UTF-8.") from None
    if any("\0" in segment for segment in segments):
        raise problems.invalid_request("The path has a zero character.")
    return segments


async def packaged_context(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /ngsi-ld/contexts/{city,vidik}.jsonld: the contexts that Vidik's own names come from. Public."""
    name = scope["path"].rpartition("/")[2]
    url = {"city.jsonld": packaged.CITY_CONTEXT_URL, "vidik.jsonld": packaged.VIDIK_CONTEXT_URL}.get(name)
    if url is None or scope["method"] not in ("GET", "HEAD"):
        raise problems.not_found("There is no such @context; city.jsonld and vidik.jsonld are here.")
    response = Response(
        orjson.dumps(packaged.document(url)),
        media_type=LD_JSON,
        headers={"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"},
    )
    await response(scope, receive, send)


def routes() -> list[BaseRoute]:
    """What the application mounts."""
    return [
        Mount("/ngsi-ld/v1", app=ngsi_ld),
        Mount("/ngsi-ld/contexts", app=packaged_context),
        Mount(PATH.rpartition("/")[0], app=notified),
    ]
