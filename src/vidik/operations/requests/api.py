"""Citizens' requests over HTTP: listed, read with what they may belong to, refused, forwarded."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from psycopg.rows import DictRow
from pydantic import Field, StrictStr

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.forms import Form, Keepable
from vidik.kernel.identity import Principal, require
from vidik.kernel.identity.reach import Belonging, Reach
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents import repository as incidents
from vidik.operations.incidents.types import incident_types
from vidik.operations.incidents.view import summaries
from vidik.operations.requests import repository, service
from vidik.operations.requests.request import Decision, facts_of
from vidik.operations.requests.services import RequestService, incident_type_of, request_services
from vidik.operations.requests.suggesting import Where, metres_from, suggest
from vidik.operations.requests.view import request_view
from vidik.operations.version_header import read_version
from vidik.operations.words import Reason

router = APIRouter(prefix="/requests", tags=["requests"])
Reader = Annotated[Principal, Depends(require("requests.read"))]
Manager = Annotated[Principal, Depends(require("requests.manage"))]
Seen = Annotated[int, Depends(read_version)]
Decide = Callable[..., Awaitable[dict[str, Any]]]
_MOST_INCIDENTS = 1000
_MOST_ALIKE = 20
_HOURS_ALIKE = 24.0
_METRES_ALIKE = 200.0


class RefuseForm(Form):
    """A request that is not accepted; the reason is told to whoever sent it."""

    request: Annotated[StrictStr, Field(min_length=1, max_length=2_000)]
    reason: Annotated[Reason, Field(max_length=1_000)]


class ForwardForm(RefuseForm):
    """A request that somebody else must do."""

    to: Annotated[Reason, Field(max_length=200)]


@router.get("")
async def list_requests(
    connection: Transaction,
    services: ServicesOf,
    principal: Reader,
    state: repository.Which = "open",
    code: Annotated[Keepable | None, Query(description="Only one service code.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[Keepable | None, Query(description="Only requests older than this one (paging).")] = None,
) -> dict[str, Any]:
    """List requests, the newest first; exercises are among them, and are not counted."""
    reach = principal.reach("requests.read")
    rows = await repository.list_requests(connection, which=state, code=code, limit=limit, after=after, reach=reach)
    known = request_services(services.settings.data)
    following = rows[-1]["entity_id"] if len(rows) == limit else None
    counts = await repository.count(connection, reach)
    return {"items": [request_view(row, known) for row in rows], "counts": counts, "next": following}


@router.get("/services")
async def list_services(services: ServicesOf, _: Reader) -> dict[str, Any]:
    """List what citizens report: code, name, the type of incident that is proposed, how near and recent one must be."""
    known = request_services(services.settings.data).values()
    return {"items": [{**one.model_dump(mode="json"), "title": one.title.scripts()} for one in known]}


def _decider(
    connection: Transaction, services: ServicesOf, principal: Manager, version: Seen, response: Response
) -> Decide:
    """Decides of the version of a request that the person saw, and answers with how it stands then."""

    async def decide(body: RefuseForm, decision: Decision | None, to: str = "") -> dict[str, Any]:
        kept = body.reason if decision is not None else ""
        row = await service.decide(connection, body.request, version, decision, principal, now(), reason=kept, to=to)
        facts = {"decision": decision or "taken back"} | ({"to": to} if to else {})
        subject = f"request:{body.request}"
        await audit.record(connection, principal, "request.decide", subject, reason=body.reason, details=facts)
        return _answered(row, request_services(services.settings.data), response)

    return decide


Decider = Annotated[Decide, Depends(_decider)]


@router.post("/refuse")
async def refuse(body: RefuseForm, decide: Decider) -> dict[str, Any]:
    """Do not accept a request; its sender is told why."""
    return await decide(body, "refused")


@router.post("/forward")
async def forward(body: ForwardForm, decide: Decider) -> dict[str, Any]:
    """Leave a request to somebody else; its sender is told to whom and why."""
    return await decide(body, "forwarded", body.to)


@router.post("/take-back")
async def take_back(body: RefuseForm, decide: Decider) -> dict[str, Any]:
    """Take a refusal or forwarding back: the request is new again."""
    return await decide(body, None)


def _answered(row: DictRow, known: Mapping[str, RequestService], response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{row["version"]}"'
    return request_view(row, known)


# The last of the GETs: an id may be any address, slashes and all.
@router.get("/{request_id:path}")
async def read_request(
    request_id: Keepable, connection: Transaction, services: ServicesOf, principal: Reader, response: Response
) -> dict[str, Any]:
    """Return one request, the running incidents that it may belong to, and others that may be about the same thing.

    `type` is the type of incident that is proposed for it; `metres` of the others is null where a place is missing.
    """
    row = await service.get(connection, request_id, principal)
    known = request_services(services.settings.data)
    facts = facts_of(row["entity_id"], row["document"], row["seen_at"])
    found = known.get(facts.service_code)
    kind = incident_type_of(found, incident_types(services.settings.data))
    where = Where(kind, facts.place, facts.requested_at, facts.exercise)
    reach = principal.reach("incidents.read")
    running = await incidents.list_incidents(connection, state="open", limit=_MOST_INCIDENTS, reach=reach)
    proposed = suggest(where, found, running)
    views = await summaries(connection, [one.incident for one in proposed])
    return {
        **_answered(row, known, response),
        "type": kind,
        "suggested": [
            {"incident": view, "metres": round(one.metres)} for view, one in zip(views, proposed, strict=True)
        ],
        "alike": await _alike(connection, row, where, found, known, principal.reach("requests.read")),
    }


async def _alike(
    connection: Connection,
    row: DictRow,
    where: Where,
    service: RequestService | None,
    known: Mapping[str, RequestService],
    reach: Reach,
) -> list[dict[str, Any]]:
    reach_m = service.near_m if service is not None else _METRES_ALIKE
    hours = timedelta(hours=service.within_hours if service is not None else _HOURS_ALIKE)
    if where.place is None or not row["service_code"]:
        return []
    rows = await repository.near(
        connection,
        row["service_code"],
        where.requested_at - hours,
        where.requested_at + hours,
        where.exercise,
        500,
    )
    found: list[dict[str, Any]] = []
    for other in rows:
        view = request_view(other, known)
        metres = metres_from(where.place, view["place"])
        is_seen = view["id"] != row["entity_id"] and reach.includes(Belonging.of(other))
        if is_seen and metres is not None and metres <= reach_m:
            found.append({"request": view, "metres": round(metres)})
    found.sort(key=itemgetter("metres"))
    return found[:_MOST_ALIKE]
