"""Keeping and serving @contexts over HTTP (ETSI GS CIM 009, clauses 5.13, 6.29 and 6.30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.responses import Response

from vidik.context.jsonld import hosting, packaged, processing
from vidik.context.jsonld.hosting import HostedContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON
from vidik.kernel.clock import iso
from vidik.kernel.errors import BadInput, NotFound

HOSTED: Final = "Hosted"
CACHED: Final = "Cached"
IMPLICIT: Final = "ImplicitlyCreated"
_KINDS: Final = (HOSTED, CACHED, IMPLICIT)
_PATH: Final = "/ngsi-ld/v1/jsonldContexts/"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A context as the API tells of it; `url` is what clients refer to it by."""

    url: str
    local_id: str
    kind: str
    created_at: datetime | None
    context: Any


async def add_context(call: Call) -> Response:
    """POST /jsonldContexts."""
    body, _kind = await exchange.read_json(call.request, (JSON, LD_JSON))
    if not isinstance(body, dict) or "@context" not in body:
        # Not a mistake in an @context (clause 5.5.4) but no @context at all: the request is not one (clause 6.29.3.1).
        raise problems.invalid_request("A context document is a JSON object with an @context.", "@context")
    _check(body["@context"])
    async with call.broker.services.database.platform() as connection:
        identity = await hosting.add(connection, call.tenant, body["@context"])
    return Response(status_code=201, headers={"Location": f"{_PATH}{identity}"})


async def list_contexts(call: Call) -> Response:
    """GET /jsonldContexts."""
    details = call.parameters.flag("details")
    kind = call.parameters.get("kind")
    if kind is not None and kind not in _KINDS:
        raise problems.bad_data(f"kind is one of {', '.join(_KINDS)}.", "kind")
    async with call.broker.services.database.platform() as connection:
        found = [_hosted(one, call) for one in await hosting.of_tenant(connection, call.tenant)]
    found += await _cached(call)
    found = [one for one in found if kind in (None, one.kind)]
    body = [_details(one, call) if details else one.url for one in found]
    return Response(orjson.dumps(body), media_type=JSON)


async def serve_context(call: Call) -> Response:
    """GET /jsonldContexts/{id}: the context itself, or with details=true what is known of it."""
    details = call.parameters.flag("details")
    found = await _find(call)
    shown = _details(found, call)
    if found.kind != HOSTED:  # that its owner looks at it is no use of it
        call.broker.contexts.note_use(found.url)
    if details:
        return Response(orjson.dumps(shown), media_type=JSON)
    if found.kind == CACHED and not packaged.is_core(found.url):
        raise problems.not_supported("A cached context is served where it comes from; ask for its details here.")
    return Response(orjson.dumps({"@context": found.context}), media_type=JSON)


async def delete_context(call: Call) -> Response:
    """DELETE /jsonldContexts/{id}; with reload=true a cached context is fetched again."""
    reload = call.parameters.flag("reload")
    try:
        found = await _find(call)
    except NotFound:
        if reload:
            raise problems.bad_data("Only a cached context can be loaded again.", "reload") from None
        raise
    contexts = call.broker.contexts
    if reload:
        if found.kind != CACHED:
            raise problems.bad_data("Only a cached context can be loaded again.", "reload")
        await contexts.reload(found.url)
        return Response(status_code=204)
    if packaged.is_core(found.url):
        raise problems.bad_data("The core context stays.", "contextId")
    if found.kind == CACHED:
        await contexts.forget(found.url)
    else:
        await _delete_hosted(call, found.local_id)
    return Response(status_code=204)


async def _delete_hosted(call: Call, context_id: str) -> None:
    database = call.broker.services.database
    async with database.session(call.tenant) as connection:
        is_used = await hosting.is_used(connection, context_id)
    async with database.platform() as connection:
        if is_used:  # else subscriptions would fall silent at the next start, and could not even be shown
            await hosting.put_away(connection, call.tenant, context_id)
            return
        await hosting.delete(connection, call.tenant, context_id)
    await call.broker.contexts.forget(f"{_PATH}{context_id}")


def _check(context: Any) -> None:
    """Raise BadInput for what is not a context; what it refers to is loaded when it is used."""
    parts = context if isinstance(context, list) else [context]
    for part in parts:
        if not isinstance(part, str | dict):
            raise problems.bad_data("An @context is an address, an object or a list of them.", "@context")
        if isinstance(part, dict) and not list(processing.references(part)):
            try:
                processing.build(part, {})
            except BadInput as error:
                raise problems.bad_data(error.detail, "@context") from error


def _hosted(one: HostedContext, call: Call) -> _Shown:
    kind = IMPLICIT if one.implicit else HOSTED
    return _Shown(_url(call, one.id), one.id, kind, one.created_at, one.context)


def _url(call: Call, context_id: str) -> str:
    base = call.broker.services.settings.public_url or str(call.request.base_url).partition("/ngsi-ld")[0]
    return f"{base.rstrip('/')}{_PATH}{quote(context_id, safe=':')}"


async def keep_implicitly(call: Call, source: Any) -> str | None:
    """Keep a context that has no address of its own, for those who are sent data in it; returns its address.

    None where the context is one address, which is then its own.
    """
    if source is None or isinstance(source, str) or (isinstance(source, list) and len(source) < 2):
        return None
    async with call.broker.services.database.platform() as connection:
        return _url(call, await hosting.add(connection, call.tenant, source, implicit=True))


async def release_implicit(call: Call, url: str | None) -> None:
    """Let go of what `keep_implicitly` kept."""
    identity = hosting.id_in(url or "")
    if identity is not None:
        async with call.broker.services.database.platform() as connection:
            await hosting.delete(connection, call.tenant, identity)


async def _cached(call: Call) -> Sequence[_Shown]:
    known = await call.broker.contexts.cached()
    return [_Shown(url, url, CACHED, kept_at, None) for url, kept_at in known]


async def _find(call: Call) -> _Shown:
    """The context that the path names, by its local id or its address; raises NotFound."""
    wanted = call.segments[1]
    identity = hosting.id_in(wanted) or wanted
    async with call.broker.services.database.platform() as connection:
        hosted = await hosting.of_tenant(connection, call.tenant, identity)
    if hosted:
        return _hosted(hosted[0], call)
    if packaged.is_core(wanted):
        document = packaged.document(wanted) or {}
        return _Shown(wanted, wanted, CACHED, call.broker.contexts.started_at, document.get("@context"))
    for one in await _cached(call):
        if one.url == wanted:
            return one
    raise problems.not_found(f"There is no @context {wanted} here.")


def _details(one: _Shown, call: Call) -> dict[str, Any]:
    use = call.broker.contexts.use_of(one.url)
    shown: dict[str, Any] = {"URL": one.url, "localId": one.local_id, "kind": one.kind, "numberOfHits": use.count}
    shown["createdAt"] = iso(one.created_at or call.broker.contexts.started_at)
    if use.last is not None:
        shown["lastUsage"] = iso(use.last)
    return shown
