"""Subscriptions over HTTP: to entities, and by the same handlers to registrations of context sources.

ETSI GS CIM 009, clauses 5.8.1 to 5.8.5, 6.10 and 6.11 (`/subscriptions`); 5.11.2 to 5.11.6, 6.12 and 6.13
(`/csourceSubscriptions`).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild import contexts_api, problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.conditional import check_definition, tagged
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH, answer, has_header, page_links
from vidik.context.ngsild.query import parameters
from vidik.context.subscriptions import questions, repository, words
from vidik.context.subscriptions.addresses import check_endpoint, without_keys
from vidik.context.subscriptions.model import DEFAULT_TRIGGERS, About, Subscription
from vidik.context.subscriptions.parsing import parse_subscription, translated
from vidik.context.subscriptions.repository import Row
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict

WRITE: Final = "context.write"
MAXIMUM_SIZE: Final = 256 * 1024
"""Bytes of one subscription: every process keeps all of them in memory."""
_MEMBERS: Final = frozenset(
    (
        *("id", "@id", "type", "@type", "subscriptionName", "description", "entities", "watchedAttributes"),
        *("notificationTrigger", "timeInterval", "q", "geoQ", "csf", "scopeQ", "temporalQ", "lang", "datasetId"),
        *("isActive", "notification", "expiresAt", "throttling", "jsonldContext", "expandValues", "jsonKeys"),
        *("splitEntities", "localOnly", "name"),
    )
)
"""Those of clause 5.2.12 that clients provide (`name` is what ngsildclient says for `subscriptionName`)."""
_PROVIDED_OF_NOTIFICATION: Final = (
    "status",
    "timesSent",
    "timesFailed",
    "timesMerged",
    "lastNotification",
    "lastSuccess",
    "lastFailure",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What subscriptions are about, and what else is done where one is made or changed."""

    about: About
    begin: Callable[[Connection], Awaitable[None]]
    """First in the transaction."""
    check: Callable[[Subscription, Mapping[str, Any]], object]
    """Raises BadInput for what subscriptions of this kind cannot ask."""
    announce: Callable[[Connection, ContextResolver, Row], Awaitable[None]]
    """Owes to a subscription what it is told at once."""


async def _nothing(*_: object) -> None:
    """Changes of entities are told as they come."""


OF_ENTITIES: Final = Kind("entities", _nothing, lambda _subscription, _body: None, _nothing)


async def create_subscription(call: Call, kind: Kind) -> Response:
    """POST /subscriptions, /csourceSubscriptions."""
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A subscription is a JSON object.")
    body = _as_given(body)
    if has_header(call.request, b"via"):
        body["localOnly"] = True  # a copy that another broker gave us is not copied further: no copies go in circles
    body.setdefault("id", body.pop("@id", None) or f"urn:ngsi-ld:Subscription:{uuid.uuid4()}")
    moment = now()
    subscription = _checked(call, kind, body, context, await _words(call, body), moment)
    # Receivers find a context that has no address of its own here (clause 5.8.1.4).
    implicit = None if "jsonldContext" in body else await contexts_api.keep_implicitly(call, context.source)
    if implicit is not None:
        body["jsonldContext"] = implicit
    try:
        await call.broker.contexts.at_hand(implicit)  # what has an address of its own has been resolved above
        async with call.broker.services.database.transaction(call.tenant) as connection:
            await kind.begin(connection)
            await questions.check(connection, subscription)
            if not await repository.insert(connection, _row(subscription, body, context, moment)):
                raise Conflict(
                    f"The subscription {subscription.id} already exists.",
                    field="id",
                    type_uri=problems.ERRORS + "AlreadyExists",
                )
            await _announce(call, kind, connection, subscription.id)
            await call.note_write(connection, "subscribe", [subscription.id])
    except BaseException:
        await contexts_api.release_implicit(call, implicit)
        raise
    location = f"/ngsi-ld/v1/{call.segments[0]}/{quote(subscription.id, safe=':')}"
    return Response(status_code=201, headers={"Location": location})


async def query_subscriptions(call: Call, kind: Kind) -> Response:
    """GET /subscriptions, /csourceSubscriptions."""
    media_type = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    asked = call.parameters
    counts, limit, offset = parameters.page(asked)
    async with call.broker.reader.session(call.tenant) as connection:
        rows = await repository.page(connection, kind.about, limit=limit, offset=offset)
        total = await repository.count(connection, kind.about) if counts else None
    headers = page_links(call.path, asked, media_type, limit, offset, len(rows) > limit)
    if total is not None:
        headers["NGSILD-Results-Count"] = str(total)
    body = [await _shown(call, row, context) for row in rows[:limit]]
    return answer(body, media_type, context, headers=headers)


async def retrieve_subscription(call: Call, kind: Kind) -> Response:
    """GET /subscriptions/{id}, /csourceSubscriptions/{id}."""
    media_type = call.accept(JSON, LD_JSON)
    subscription_id = values.uri(call.segments[1], "id")
    context = await call.reading_context()
    async with call.broker.reader.session(call.tenant) as connection:
        row = await repository.get(connection, subscription_id, kind.about)
    if row is None:
        raise _unknown(subscription_id)
    return tagged(call.request, answer(await _shown(call, row, context), media_type, context), row.modified_at)


async def update_subscription(call: Call, kind: Kind) -> Response:
    """PATCH /subscriptions/{id}, /csourceSubscriptions/{id}: a member that is given replaces the one before."""
    subscription_id = values.uri(call.segments[1], "id")
    fragment, context = await call.body(JSON, LD_JSON, MERGE_PATCH)
    if not isinstance(fragment, dict):
        raise problems.bad_data("A fragment of a subscription is a JSON object.")
    fragment = _as_given(fragment)
    if fragment.get("id", subscription_id) != subscription_id:
        raise problems.bad_data("The id of a subscription does not change.", "id")
    moment = now()
    while True:
        # Other servers may have its @contexts: who waited for them with the row in hand would keep it from all others.
        seen = await _seen(call, kind, subscription_id)
        # A subscription keeps the @context it was made with, because its notifications are written in it.
        own = await call.broker.contexts.resolve(seen.context)
        body = _patched(seen.body, translated(fragment, context, own))
        subscription = _checked(call, kind, body, own, await _words(call, body), moment, fragment=fragment)
        if await _replace(call, kind, seen, subscription, body, own):
            return Response(status_code=204)


async def _seen(call: Call, kind: Kind, subscription_id: str) -> Row:
    async with call.broker.services.database.session(call.tenant) as connection:
        row = await repository.get(connection, subscription_id, kind.about)
    if row is None:
        raise _unknown(subscription_id)
    return row


async def _replace(
    call: Call, kind: Kind, seen: Row, subscription: Subscription, body: dict[str, Any], own: ActiveContext
) -> bool:
    """Put a subscription in the place of what was seen of it; False where that has changed meanwhile."""
    async with call.broker.services.database.transaction(call.tenant) as connection:
        await kind.begin(connection)
        row = await repository.get(connection, seen.id, kind.about, for_update=True)
        if row is None:
            raise _unknown(seen.id)
        if (row.key, row.modified_at) != (seen.key, seen.modified_at):
            return False
        subscription.key = row.key
        await questions.check(connection, subscription)
        check_definition(call.request, row.modified_at)
        await words.keep(connection, row.key)
        await repository.update(connection, _row(subscription, body, own, now()))
        await _announce(call, kind, connection, seen.id)
        await call.note_write(connection, "change_subscription", [seen.id])
    return True


async def delete_subscription(call: Call, kind: Kind) -> Response:
    """DELETE /subscriptions/{id}, /csourceSubscriptions/{id}."""
    subscription_id = values.uri(call.segments[1], "id")
    async with call.broker.services.database.transaction(call.tenant) as connection:
        row = await repository.get(connection, subscription_id, kind.about, for_update=True)
        if row is None:
            raise _unknown(subscription_id)
        check_definition(call.request, row.modified_at)
        await repository.delete(connection, subscription_id, kind.about)
        await call.note_write(connection, "unsubscribe", [subscription_id])
    return Response(status_code=204)


def _unknown(subscription_id: str) -> Exception:
    return problems.not_found(f"There is no subscription {subscription_id}.")


def _as_given(body: dict[str, Any]) -> dict[str, Any]:
    """What a client says of a subscription, without what only Vidik provides, or what is none of its members."""
    kept = {name: value for name, value in body.items() if name in _MEMBERS}
    notification = kept.get("notification")
    if isinstance(notification, dict):
        kept["notification"] = {
            name: value for name, value in notification.items() if name not in _PROVIDED_OF_NOTIFICATION
        }
    return kept


def _patched(body: dict[str, Any], fragment: dict[str, Any]) -> dict[str, Any]:
    """The subscription after a fragment (clause 5.5.8): its members take the place of those before.

    "urn:ngsi-ld:null" removes a member; null is none of its values.
    """
    for name, value in fragment.items():
        if value is None:
            raise problems.bad_data(f"{name} cannot be null.", name)
        if value == values.NULL:
            body.pop(name, None)
        else:
            body[name] = value
    return body


async def _announce(call: Call, kind: Kind, connection: Connection, subscription_id: str) -> None:
    row = await repository.get(connection, subscription_id, kind.about)
    if row is not None:
        await kind.announce(connection, call.broker.contexts, row)


async def _words(call: Call, body: dict[str, Any]) -> ActiveContext | None:
    """The @context that receivers are notified in, where it is another than the subscription's own."""
    if len(orjson.dumps(body)) > MAXIMUM_SIZE:
        raise problems.too_large(MAXIMUM_SIZE)
    notified = body.get("jsonldContext")
    return None if notified is None else await call.broker.contexts.resolve(values.uri(notified, "jsonldContext"))


def _checked(
    call: Call,
    kind: Kind,
    body: dict[str, Any],
    context: ActiveContext,
    words: ActiveContext | None,
    moment: datetime,
    *,
    fragment: Any = None,
) -> Subscription:
    """The subscription, if everything about it holds; `fragment` is what is new of it, where not all is."""
    subscription = parse_subscription(body, context, words)
    subscription.about = kind.about
    kind.check(subscription, body)
    new = body if fragment is None else fragment
    if "expiresAt" in new and subscription.expires_at is not None and subscription.expires_at <= moment:
        raise problems.bad_data("expiresAt is in the past.", "expiresAt")
    host = subscription.endpoint.address.hostname
    check_endpoint(host, "notification.endpoint.uri", call.broker.services.settings)
    return subscription


def _row(subscription: Subscription, body: dict[str, Any], context: ActiveContext, moment: datetime) -> Row:
    return Row(
        key=subscription.key,
        id=subscription.id,
        body=body,
        context=context.source,
        is_active=subscription.is_active,
        expires_at=subscription.expires_at,
        since=0,
        created_at=moment,
        modified_at=moment,
        times_sent=0,
        times_failed=0,
        times_merged=0,
        last_notification=None,
        last_success=None,
        last_failure=None,
        about=subscription.about,
    )


async def _shown(call: Call, row: Row, context: ActiveContext) -> dict[str, Any]:
    """A subscription with its state, in the words of the reader's @context."""
    written_in = await call.broker.contexts.resolve(row.context)
    body = translated(row.body, written_in, context)
    body["status"] = _status(row)
    if row.about == "entities":
        body.setdefault("notificationTrigger", list(DEFAULT_TRIGGERS))
    notification = body["notification"]
    if row.times_sent or row.times_failed:
        # How the last attempt went. Times of the clock do not say that: it may have been ahead at a failure.
        is_well = row.last_success is not None and row.last_success == row.last_notification
        notification |= {"status": "ok" if is_well else "failed", "timesSent": row.times_sent}
        if row.times_failed:
            notification["timesFailed"] = row.times_failed
    if row.times_merged:
        notification["timesMerged"] = row.times_merged
    for name, moment in (
        ("lastNotification", row.last_notification),
        ("lastSuccess", row.last_success),
        ("lastFailure", row.last_failure),
    ):
        if moment is not None:
            notification[name] = iso(moment)
    if not call.principal.may(WRITE):
        # Who may only read the city's memory does not need the keys to other people's doors.
        endpoint = notification["endpoint"]
        endpoint["uri"] = without_keys(endpoint["uri"])
        for pair in endpoint.get("receiverInfo") or ():
            pair["value"] = "…"
    if "sysAttrs" in parameters.options(call.parameters) or call.parameters.flag("sysAttrs"):
        body |= {"createdAt": iso(row.created_at), "modifiedAt": iso(row.modified_at)}
    return body


def _status(row: Row) -> str:
    if row.expires_at is not None and row.expires_at <= now():
        return "expired"
    return "active" if row.is_active else "paused"
