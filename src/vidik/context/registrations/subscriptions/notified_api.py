"""What sources notify us of, for those of our subscriptions that they have a copy of (ETSI GS CIM 009, clause 5.8.6).

The id of a copy is known to its source alone, and is all that it takes to notify: sources have no account here.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, link_context, read_json
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.repository.tenants import tenant_exists
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.registrations.reading.fitting import fitting_of
from vidik.context.registrations.reading.merging import Part, merged, read_entity
from vidik.context.registrations.subscriptions import announcing, copies
from vidik.context.registrations.subscriptions.copying import PATH
from vidik.context.subscriptions import repository as subscriptions
from vidik.context.subscriptions.intervals import bodies_of
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.registry import read
from vidik.context.subscriptions.repository import Owed
from vidik.kernel.clock import now
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
        copied = await _copied(connection, remote_id)
    # Now, and not in the transaction below: another server may have its @context.
    await read(copied, Broker.of(services).contexts)
    entities = await _entities(services, data, link_context(request))
    async with services.database.transaction(tenant) as connection:
        subscription, is_split = await _asked(services, connection, remote_id)
        if subscription.is_listening(now()):
            await announcing.owe(
                connection, await _owed(services, connection, tenant, subscription, entities, is_split)
            )
    return Response(status_code=200)


async def _entities(services: Services, data: list[Any], link: str | None) -> list[Stored]:
    contexts = Broker.of(services).contexts
    found = []
    for one in data:
        if not isinstance(one, dict):
            raise problems.bad_data("An entity is a JSON object.", "data")
        context = await contexts.resolve(one.get("@context", link))
        found.append(read_entity({name: value for name, value in one.items() if name != "@context"}, context))
    return found


async def _asked(services: Services, connection: Connection, remote_id: str) -> tuple[Subscription, bool]:
    """The subscription of ours that a source has a copy of, and whether entities may be split over sources."""
    row = await _copied(connection, remote_id)
    return await read(row, Broker.of(services).contexts), bool(row.body.get("splitEntities"))


async def _copied(connection: Connection, remote_id: str) -> subscriptions.Row:
    """What is stored of the subscription that a source has a copy of; raises ResourceNotFound."""
    copy = await copies.get(connection, remote_id)
    row = (
        None if copy is None or copy.gone_at is not None else await subscriptions.by_key(connection, copy.subscription)
    )
    if row is None:
        raise problems.not_found("There is no such subscription.")
    return row


async def _owed(
    services: Services,
    connection: Connection,
    tenant: str,
    subscription: Subscription,
    entities: list[Stored],
    is_split: bool,
) -> list[Owed]:
    """What the subscriber is owed: of split entities the whole that still fits."""
    reader = Broker.of(services).reader
    if is_split:
        here = await reader.load(connection, tenant, [one.id for one in entities])
        whole = [merged(here.get(one.id), [Part(one, "inclusive")]) for one in entities]
        search = Search(
            q=subscription.query,
            scopes=subscription.scopes,
            geo=subscription.geo,
            context=subscription.query_context,
        )
        entities = await fitting_of(connection, [one for one in whole if one is not None], search, None)
    moment = now()
    owed = []
    for one in entities:
        bodies = await bodies_of(connection, tenant, reader, subscription, one)
        payload = ",".join(orjson.dumps(body).decode() for body in bodies)
        owed.append(Owed(subscription.key, one.id, moment, payload))
    return owed
