"""What sources notify us of, for those of our subscriptions that they have a copy of (ETSI GS CIM 009, clause 5.8.6).

The id of a copy is known to its source alone, and is all that it takes to notify: sources have no account here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.http.exchange import GEO_JSON, JSON, LD_JSON, link_context, read_json
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.repository.tenants import tenant_exists
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.values import NULL
from vidik.context.registrations.reading.fitting import fitting_of
from vidik.context.registrations.reading.merging import Part, merged, read_entity
from vidik.context.registrations.sources.model import Json
from vidik.context.registrations.subscriptions import announcing, copies, elsewhere
from vidik.context.registrations.subscriptions.copies import Copy
from vidik.context.registrations.subscriptions.copying import PATH
from vidik.context.subscriptions import repository as subscriptions
from vidik.context.subscriptions.intervals import bodies_of
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.registry import read
from vidik.context.subscriptions.repository import Owed
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError
from vidik.kernel.services import Services


async def notified(scope: Scope, receive: Receive, send: Send) -> None:
    """POST /ngsi-ld/ex/remote-notify, and /{tenant} beneath it for another than the first."""
    request = Request(scope, receive)
    try:
        response = await _taken(request)
    except VidikError as error:
        response = problems.response(error)
    await response(scope, receive, send)


async def _taken(request: Request) -> Response:
    path, _, tenant_asked = request.url.path.rstrip("/").partition(PATH)
    if path or (tenant_asked and not tenant_asked.startswith("/")) or PATH not in request.url.path:
        raise problems.not_found("There is no such resource.")
    if request.method != "POST":
        raise problems.MethodNotAllowed(["POST"])
    services: Services = request.app.state.services
    body, _ = await read_json(request, (JSON, LD_JSON))
    remote_id = body.get("subscriptionId") if isinstance(body, dict) else None
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(remote_id, str) or not isinstance(data, list):
        raise problems.bad_data("A notification has a subscriptionId and data.", "subscriptionId")
    tenant = tenant_asked.strip("/") or services.settings.tenant
    if tenant != services.settings.tenant and not await tenant_exists(services.database, tenant):
        raise problems.not_found("There is no such subscription.")
    # A stranger's @contexts are not looked up: only who knows the id of a copy may make us ask other servers.
    async with services.database.session(tenant) as connection:
        copy, copied = await _copied(connection, remote_id)
    # Now, and not in the transaction below: another server may have its @context, and others parts of the entities.
    await read(copied, Broker.of(services).contexts)
    told = await _told(services, data, link_context(request))
    if copied.body.get("splitEntities"):
        for one in told:
            one.others = await elsewhere.parts_of(services, tenant, one.entity, copy.source)
    async with services.database.transaction(tenant) as connection:
        _, copied = await _copied(connection, remote_id)
        subscription = await read(copied, Broker.of(services).contexts)
        if subscription.is_listening(now()):
            is_split = bool(copied.body.get("splitEntities"))
            await announcing.owe(connection, await _owed(services, connection, tenant, subscription, told, is_split))
    return Response(status_code=200)


@dataclass(slots=True)
class _Told:
    """What a source says of an entity: what it has, what of it has been deleted, and what others have of it."""

    entity: Stored
    gone: Json
    """By expanded name, as it was said."""
    deleted_at: str | None
    others: Sequence[Part] = ()


async def _told(services: Services, data: list[Any], link: str | None) -> list[_Told]:
    contexts = Broker.of(services).contexts
    found = []
    for one in data:
        if not isinstance(one, dict):
            raise problems.bad_data("An entity is a JSON object.", "data")
        context = await contexts.resolve(one.get("@context", link))
        inside = {name: value for name, value in one.items() if name not in ("@context", "deletedAt")}
        gone = {name: value for name, value in inside.items() if _is_null(value)}
        entity = read_entity({name: value for name, value in inside.items() if name not in gone}, context)
        deleted_at = one.get("deletedAt")
        if deleted_at is not None:
            deleted_at = iso(values.moment(deleted_at, "deletedAt"))
        found.append(_Told(entity, {context.expand(name): value for name, value in gone.items()}, deleted_at))
    return found


def _is_null(value: Any) -> bool:
    """Whether an attribute, or each of its instances, is said to have been deleted (clause 4.5.0)."""
    if isinstance(value, list):
        return bool(value) and all(_is_null(one) for one in value)
    if isinstance(value, dict):
        language = value.get("languageMap")
        spoken = language.get("@none") if isinstance(language, dict) else None
        return NULL in (spoken, *(one for one in value.values() if isinstance(one, str)))
    return bool(value == NULL)


async def _copied(connection: Connection, remote_id: str) -> tuple[Copy, subscriptions.Row]:
    """A copy that a source has, and the subscription of ours that it is of; raises ResourceNotFound."""
    copy = await copies.get(connection, remote_id)
    row = (
        None if copy is None or copy.gone_at is not None else await subscriptions.by_key(connection, copy.subscription)
    )
    if copy is None or row is None:
        raise problems.not_found("There is no such subscription.")
    return copy, row


async def _owed(
    services: Services,
    connection: Connection,
    tenant: str,
    subscription: Subscription,
    told: list[_Told],
    is_split: bool,
) -> list[Owed]:
    """What the subscriber is owed: of split entities the whole that still fits."""
    reader = Broker.of(services).reader
    entities = [one.entity for one in told]
    if is_split:
        here = await reader.load(connection, tenant, [one.id for one in entities])
        told = [_whole(one, here.get(one.entity.id)) for one in told]
        search = Search(
            q=subscription.query,
            scopes=subscription.scopes,
            geo=subscription.geo,
            context=subscription.query_context,
        )
        entities = await fitting_of(connection, [one.entity for one in told if one.deleted_at is None], search, None)
    fitting = {one.id for one in entities}
    moment = now()
    owed = []
    for one in told:
        if one.deleted_at is None and one.entity.id not in fitting:
            continue
        bodies = await bodies_of(connection, tenant, reader, subscription, one.entity)
        _add_gone(bodies[0], one, subscription)
        payload = ",".join(orjson.dumps(body).decode() for body in bodies)
        owed.append(Owed(subscription.key, one.entity.id, moment, payload))
    return owed


def _whole(told: _Told, here: Stored | None) -> _Told:
    """An entity with what is here and elsewhere of it: what others still have is not deleted."""
    rest = merged(here, told.others)
    if rest is None:
        return told
    if told.deleted_at is not None:
        return _Told(rest, {}, None)
    whole = merged(here, [Part(told.entity, "inclusive"), *told.others])
    gone = {name: value for name, value in told.gone.items() if name not in rest.document}
    return told if whole is None else _Told(whole, gone, None)


def _add_gone(body: Json, told: _Told, subscription: Subscription) -> None:
    view = subscription.view
    holder = body["properties"] if subscription.endpoint.accept == GEO_JSON else body
    said = {
        view.context.compact(name): NULL if view.format == "simplified" else value
        for name, value in told.gone.items()
        if view.attributes is None or name in view.attributes
    }
    if told.deleted_at is not None:
        said["deletedAt"] = told.deleted_at
    for name, value in said.items():
        if (view.pick is None or name in view.pick) and (view.omit is None or name not in view.omit):
            holder[name] = value
