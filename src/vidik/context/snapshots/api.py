"""Snapshots over HTTP (ETSI GS CIM 009, clauses 5.16 and 6.36 to 6.38)."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

import orjson
from psycopg.errors import DeadlockDetected
from starlette.background import BackgroundTask
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, MERGE_PATCH
from vidik.context.ngsild.query import q
from vidik.context.ngsild.query.expressions import Expression, Leaf
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.snapshots import filling, model, repository
from vidik.context.snapshots.model import Json, Snapshot
from vidik.context.subscriptions.addresses import check_endpoint
from vidik.context.subscriptions.notification import Message
from vidik.context.subscriptions.questions import Questions
from vidik.context.subscriptions.senders import Senders
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services

WRITE: Final = "context.write"
MAXIMUM_SNAPSHOTS: Final = 10
_ATTEMPTS: Final = 5
_log = get_logger("vidik.snapshots")


async def create_snapshot(call: Call) -> Response:
    """POST /snapshots: freeze what queries find. It is filled when the client has its answer."""
    given, context = await call.body()
    body = model.parse(given, queries=True)
    _check_endpoint(call, body)
    snapshot = _new(body)
    response = await _created(call, snapshot, "create_snapshot")
    response.background = BackgroundTask(_filled, call, snapshot, context)
    return response


async def _filled(call: Call, snapshot: Snapshot, context: ActiveContext) -> None:
    filled = await filling.run(call, snapshot, context)
    if filled is not None:
        await notify(call.broker.services, call.tenant, filled)


async def clone_snapshot(call: Call) -> Response:
    """POST /snapshots/{id}/clone."""
    source_id = _id(call)
    given, _ = await call.body()
    body = model.parse(given, queries=False)
    _check_endpoint(call, body)
    async with call.broker.reader.session(call.tenant) as connection:
        source = await repository.get(connection, source_id)
    if source is None:
        raise _unknown(source_id)
    if source.status == "preparing":
        raise Conflict(f"The snapshot {source_id} is being prepared still.", field="id")
    kept = {name: source.body[name] for name in (*model.QUERIES, *model.DETAILS.values()) if name in source.body}
    snapshot = _new({**kept, **body})
    snapshot.status = source.status

    async def fill(connection: Connection) -> None:
        if await repository.get(connection, source_id, for_update=True) is None:
            raise _unknown(source_id)
        await repository.clone(connection, source, snapshot)

    response = await _created(call, snapshot, "clone_snapshot", fill)
    response.background = _notice(call, snapshot)
    return response


async def _created(
    call: Call, snapshot: Snapshot, operation: str, fill: Callable[[Connection], Awaitable[None]] | None = None
) -> Response:
    database = call.broker.services.database
    async with database.transaction(call.tenant) as connection:
        present = await repository.every(connection)
        if not await repository.add(connection, snapshot):
            raise Conflict(
                f"The snapshot {snapshot.id} already exists.",
                field="id",
                type_uri=problems.ERRORS + "AlreadyExists",
            )
        if fill is not None:
            await fill(connection)
        # The least important goes, and of those the one that was not used for longest (clause 5.5.15).
        crowded = present[: max(0, len(present) + 1 - MAXIMUM_SNAPSHOTS)]
        for one in crowded:
            await repository.delete(connection, one)
        await call.note_write(connection, operation, [snapshot.id])
    for one in crowded:
        await database.forget(one.tenant)
    location = f"/ngsi-ld/v1/snapshots/{quote(snapshot.id, safe=':')}"
    return Response(status_code=201, headers={"Location": location})


def _new(body: Json) -> Snapshot:
    moment = now()
    snapshot_id = body.pop("id", None) or f"urn:ngsi-ld:Snapshot:{uuid.uuid4()}"
    body.pop("type")
    priority = body.pop("snapshotPriority", model.DEFAULT_PRIORITY)
    expires_at = moment + model.lifetime_of(body)
    return Snapshot(
        snapshot_id, uuid.uuid4().hex, body, "preparing", priority, moment, moment, expires_at, last_used_at=moment
    )


async def retrieve_snapshot(call: Call) -> Response:
    """GET /snapshots/{id}."""
    kind = call.accept(JSON, LD_JSON)
    snapshot_id = _id(call)
    context = await call.reading_context()
    async with call.broker.reader.session(call.tenant) as connection:
        snapshot = await repository.get(connection, snapshot_id)
    if snapshot is None:
        raise _unknown(snapshot_id)
    return _answer(call, snapshot, kind, context)


async def update_snapshot(call: Call) -> Response:
    """PATCH /snapshots/{id}: its lifetime (from now on), its priority, and who is told."""
    kind = call.accept(JSON, LD_JSON)
    snapshot_id = _id(call)
    given, context = await call.body(JSON, LD_JSON, MERGE_PATCH)
    fragment = model.parse_fragment(given, snapshot_id)
    _check_endpoint(call, fragment)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        snapshot = await repository.get(connection, snapshot_id, for_update=True)
        if snapshot is None:
            raise _unknown(snapshot_id)
        snapshot.modified_at = now()
        snapshot.priority = fragment.pop("snapshotPriority", snapshot.priority)
        if "snapshotLifetime" in fragment:
            snapshot.expires_at = snapshot.modified_at + model.lifetime_of(fragment)
        snapshot.body |= fragment
        await repository.update(connection, snapshot)
        await call.note_write(connection, "change_snapshot", [snapshot_id])
    response = _answer(call, snapshot, kind, context)
    response.background = _notice(call, snapshot)
    return response


async def delete_snapshot(call: Call) -> Response:
    """DELETE /snapshots/{id}."""
    return await _deleted(call, partial(_named, snapshot_id=_id(call)), "delete_snapshot")


async def _named(connection: Connection, snapshot_id: str) -> list[Snapshot]:
    snapshot = await repository.get(connection, snapshot_id, for_update=True)
    if snapshot is None:
        raise _unknown(snapshot_id)
    return [snapshot]


async def _deleted(call: Call, find: Callable[[Connection], Awaitable[list[Snapshot]]], operation: str) -> Response:
    """Delete what is found, with its tables."""
    database = call.broker.services.database
    for attempt in range(_ATTEMPTS):
        try:
            async with database.transaction(call.tenant) as connection:
                found = await find(connection)
                for one in found:
                    await repository.delete(connection, one)
                await call.note_write(connection, operation, [one.id for one in found])
            break
        except DeadlockDetected:
            # Who reads in it takes its tables one by one, in an order of their own.
            if attempt == _ATTEMPTS - 1:
                raise
    for one in found:
        await database.forget(one.tenant)
    return Response(status_code=204)


async def purge_snapshots(call: Call) -> Response:
    """DELETE /snapshots?q=...: delete those whose own members fit; raises NotFound where none does."""
    context = await call.reading_context()
    text = call.parameters.get("q")
    if text is None:
        raise problems.bad_data("A purge of snapshots has a q.", "q")
    query = q.parse_q(text)
    _check_members(query)

    async def fitting(connection: Connection) -> list[Snapshot]:
        found = await _fitting(connection, await repository.every(connection), query, context)
        if not found:
            raise problems.not_found("There is no such snapshot.")
        return found

    return await _deleted(call, fitting, "purge_snapshots")


def _check_members(query: Expression[q.Term]) -> None:
    if not isinstance(query, Leaf):
        for part in query.parts:
            _check_members(part)
    elif query.term.path.attributes[0] not in model.MEMBERS or query.term.path.linked is not None:
        raise problems.bad_data(f"{query.term.path.attributes[0]} is no member of a snapshot to ask for.", "q")


async def _fitting(
    connection: Connection, snapshots: list[Snapshot], query: Expression[q.Term], context: ActiveContext
) -> list[Snapshot]:
    questions = Questions()
    asked = []
    for one in snapshots:
        told = model.shown(one, secrets=False)
        document = {
            context.expand(name): {"type": "Property", "value": told[name]} for name in model.MEMBERS if name in told
        }
        asked.append(Stored(one.id, (), None, document))
        questions.ask_query(query, context, asked[-1])
    await questions.answer(connection)
    return [one for one, entity in zip(snapshots, asked, strict=True) if questions.fits(query, context, entity)]


def _id(call: Call) -> str:
    return values.uri(call.segments[1], "id")


def _unknown(snapshot_id: str) -> Exception:
    return problems.not_found(f"There is no snapshot {snapshot_id}.")


def _answer(call: Call, snapshot: Snapshot, kind: str, context: ActiveContext) -> Response:
    # Who may only read does not need the keys to other people's doors.
    body = model.shown(snapshot, secrets=call.principal.may(WRITE))
    return exchange.answer(body, kind, context)


def _check_endpoint(call: Call, body: Json) -> None:
    uri = body.get("endpoint")
    if uri is not None:
        check_endpoint(urlsplit(uri).hostname, "endpoint", call.broker.services.settings)


def _notice(call: Call, snapshot: Snapshot) -> BackgroundTask | None:
    """Tell the endpoint of a snapshot how it is, once the client has its answer (clause 5.16.6)."""
    return None if snapshot.endpoint is None else BackgroundTask(notify, call.broker.services, call.tenant, snapshot)


async def notify(services: Services, tenant: str, snapshot: Snapshot) -> None:
    """Tell the endpoint of a snapshot, where it has one, how it is; who does not take it is not told again."""
    endpoint = snapshot.endpoint
    if endpoint is None:
        return
    headers = {"Content-Type": JSON}
    if tenant != services.settings.tenant:
        headers["NGSILD-Tenant"] = tenant
    headers |= dict(endpoint.receiver_info)
    body = model.notification(snapshot, now(), f"urn:ngsi-ld:Notification:{uuid.uuid4()}")
    try:
        answer = await Senders.of(services).send(endpoint, Message(headers, orjson.dumps(body)))
    except (OSError, ValueError) as error:
        _log.warning("nobody took the notice about a snapshot", snapshot=snapshot.id, reason=type(error).__name__)
    else:
        if answer.status >= 300:
            _log.warning("the notice about a snapshot was refused", snapshot=snapshot.id, status=answer.status)
