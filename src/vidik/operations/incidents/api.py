"""Incidents over HTTP: listed, opened, read, changed, and what hangs on them."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound, Unprocessable
from vidik.kernel.forms import Keepable, Number, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.identity import repository as accounts
from vidik.kernel.identity.reach import Belonging
from vidik.kernel.identity.roles import grants_of, permissions_of
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations import journal
from vidik.operations.alarms import repository as alarms
from vidik.operations.alarms.belonging import of_alarm, of_group
from vidik.operations.alarms.view import alarm_view
from vidik.operations.incidents import incident as core
from vidik.operations.incidents import repository, service
from vidik.operations.incidents.forms import ChangeForm, LinkForm, NoteForm, OpenForm, PresenceForm
from vidik.operations.incidents.incident import Incident, Link, LinkKind, OpenedFrom
from vidik.operations.incidents.types import IncidentType, incident_types
from vidik.operations.incidents.view import entry_view, summaries, whole
from vidik.operations.reaching import may_act, must_reach, reaching
from vidik.operations.rules.service import standing_rules
from vidik.operations.version_header import read_version

router = APIRouter(tags=["incidents"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
Manager = Annotated[Principal, Depends(require("incidents.manage"))]
reaching_incident = partial(reaching, "incident", "incident_id", repository.belonging, see="incidents.read")
ReaderOfOne = Annotated[Principal, Depends(reaching_incident())]
ManagerOfOne = Annotated[Principal, Depends(reaching_incident(act="incidents.manage"))]
CloserOfOne = Annotated[Principal, Depends(reaching_incident(act="incidents.close"))]
Seen = Annotated[int, Depends(read_version)]


async def answer(connection: Connection, incident: Incident, response: Response) -> dict[str, Any]:
    """Return an incident as it stands, with its version as ETag."""
    response.headers["ETag"] = f'"{incident.version}"'
    return await whole(connection, incident)


async def note_on_record(
    connection: Connection, principal: Principal, verb: str, incident: Incident, **details: Any
) -> None:
    """Put an action on the audit record."""
    facts = {"number": incident.number, **details}
    await audit.record(connection, principal, f"incident.{verb}", f"incident:{incident.id}", details=facts)


@router.get("/incident-types")
async def list_types(connection: Transaction, services: ServicesOf, _: Reader) -> dict[str, Any]:
    """List the kinds of incidents, with the groups and rules that open one by themselves."""
    standing = await standing_rules(connection, services.settings)
    items = []
    for kind in incident_types(services.settings.data).values():
        rules = sorted(code for code, found in standing.items() if found.rule.incident == kind.code)
        items.append({**kind.model_dump(mode="json"), "title": kind.title.scripts(), "rules": rules})
    return {"items": items}


@router.get("/incidents")
async def list_incidents(
    connection: Transaction,
    principal: Reader,
    state: repository.Which = "open",
    q: Keepable = "",
    organisation: Annotated[Keepable | None, Query(description="Only what concerns it.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[Number | None, Query(description="Only incidents older than this one (paging).")] = None,
) -> dict[str, Any]:
    """List incidents, newest first; `q` is looked for in number and words, in any script."""
    reach = principal.reach("incidents.read")
    found = await repository.list_incidents(
        connection, state=state, words=q, limit=limit, after=after, organisation=organisation, reach=reach
    )
    following = str(found[-1].id) if len(found) == limit else None
    counts = await repository.count(connection, reach)
    return {"items": await summaries(connection, found), "counts": counts, "next": following}


@router.get("/incidents/figures")
async def read_figures(
    connection: Transaction, principal: Reader, days: Annotated[int, Query(ge=1, le=366)] = 7
) -> dict[str, Any]:
    """Return what became of incidents in the last days; exercises do not count."""
    reach = principal.reach("incidents.read")
    found = await repository.figures(connection, now() - timedelta(days=days), reach)
    return {"days": days, **{name: round(value, 1) if value is not None else None for name, value in found.items()}}


@router.get("/incidents/people")
async def list_people(connection: Transaction, services: ServicesOf, _: Manager) -> dict[str, Any]:
    """List the people who may lead an incident: login and name."""
    rows = await accounts.accounts(connection, services.settings.tenant)
    return {"items": [{"login": row["login"], "name": row["name"]} for row in rows if _may_lead(row)]}


def _may_lead(row: dict[str, Any]) -> bool:
    # Services of this machine have accounts without a password: no person is behind them.
    is_person = row["password_hash"] is not None or row["linked"]
    return is_person and bool(row["stands"]) and "incidents.read" in permissions_of(grants_of(row))


@router.post("/incidents", status_code=201)
async def open_incident(
    body: OpenForm, connection: Transaction, services: ServicesOf, principal: Manager, response: Response
) -> dict[str, Any]:
    """Open an incident; a repeat with the same `client_id` returns the first one."""
    kind = known_type(incident_types(services.settings.data), body.type)
    moment = now()
    actor = service.actor_of(principal)
    usual: OpenedFrom = "system" if principal.kind == "token" else "person"
    opening = body.opening(kind, principal.owners("incidents.manage"), usual)
    await may_hang(connection, principal, opening.links)
    incident = await service.open_incident(connection, opening, actor, moment)
    may_act(principal, "incidents.manage", incident.belonging)
    response.headers["Location"] = f"/api/incidents/{incident.id}"
    view = await answer(connection, incident, response)
    if incident.opened_at != moment:  # a repeat: it was opened, and put on record, before
        return view
    await note_on_record(connection, principal, "open", incident, type=incident.type, severity=incident.severity)
    return view


async def may_hang(connection: Connection, principal: Principal, links: Iterable[Link]) -> None:
    """Raise NotFound for an alarm, group or request that the person may not see: it cannot be hung on anything."""
    finds = {"alarm": ("alarm", of_alarm), "alarm-group": ("group", of_group)}
    for link in links:
        if link.kind in finds and link.number is not None:
            thing, find = finds[link.kind]
            await must_reach(connection, link.number, principal, thing, find, see="alarms.read")
        elif link.kind == "request":
            whose = await repository.belonging_of_request(connection, link.target)
            if not principal.reaches("requests.read", whose):
                raise NotFound(f"There is no request {link.target}.", field="links")


def known_type(types: Any, code: str) -> IncidentType:
    """Return the type of a code; raises Unprocessable."""
    kind: IncidentType | None = types.get(code)
    if kind is None:
        raise Unprocessable(f"There is no type of incident {code}.", field="type", code="unknown-type")
    return kind


@router.get("/incidents/{incident_id}")
async def read_incident(
    incident_id: RowId, connection: Transaction, _: ReaderOfOne, response: Response
) -> dict[str, Any]:
    """Return one incident with what hangs on it, its roles and the newest lines of its timeline."""
    return await answer(connection, await service.get(connection, incident_id), response)


@router.patch("/incidents/{incident_id}")
async def change_incident(
    incident_id: RowId,
    body: ChangeForm,
    connection: Transaction,
    services: ServicesOf,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Put other facts in the place of those that stand."""
    changes = body.changes
    if "type" in changes:
        known_type(incident_types(services.settings.data), changes["type"])
    actor = service.actor_of(principal)
    incident = await service.take_step(
        connection, incident_id, version, actor, lambda found, act: core.changed(found, changes, act)
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "change", incident, changed=sorted(changes))
    return view


@router.post("/incidents/{incident_id}/presence", status_code=204)
async def be_there(incident_id: RowId, body: PresenceForm, connection: Transaction, principal: ReaderOfOne) -> None:
    """Say that one has the incident open (or leaves it), so that colleagues see it; kept nowhere."""
    incident = await service.get(connection, incident_id)
    whose = {name: getattr(incident, name) for name in ("organisations", "areas", "people")}
    said = {"login": principal.login, "name": principal.name, "here": body.here, "whose": whose}
    await journal.tell_presence(connection, "incident", incident_id, said)


@router.get("/incidents/{incident_id}/alarms")
async def list_alarms(incident_id: RowId, connection: Transaction, principal: ReaderOfOne) -> dict[str, Any]:
    """List the alarms of an incident that one may see, those of its groups too: open ones and the worst first, 500.

    `total` is how many it has.
    """
    reach = principal.reach("alarms.read")
    await service.get(connection, incident_id)
    numbers = await repository.alarm_ids(connection, incident_id)
    order = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    rows = sorted(
        await alarms.alarm_rows(connection, numbers),
        key=lambda row: (row["cleared_at"] is not None, order[row["priority"]], row["id"]),
    )
    seen = [row for row in rows if reach.includes(Belonging.of(row))]
    return {"items": [alarm_view(row) for row in seen[:500]], "total": len(rows)}


@router.post("/incidents/{incident_id}/links", status_code=201)
async def add_link(
    incident_id: RowId, body: LinkForm, connection: Transaction, principal: ManagerOfOne, response: Response
) -> dict[str, Any]:
    """Hang an alarm, group, asset or request on an incident; what hangs there already is left."""
    await may_hang(connection, principal, [body.link])
    incident = await service.link(connection, incident_id, body.link, service.actor_of(principal))
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "link", incident, kind=body.kind, target=body.target)
    return view


@router.delete("/incidents/{incident_id}/links/{kind}/{target:path}")
async def remove_link(
    incident_id: RowId,
    kind: LinkKind,
    target: Keepable,
    connection: Transaction,
    principal: ManagerOfOne,
    response: Response,
) -> dict[str, Any]:
    """Take something off an incident."""
    incident = await service.unlink(connection, incident_id, Link(kind, target), service.actor_of(principal))
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "unlink", incident, kind=kind, target=target)
    return view


@router.get("/incidents/{incident_id}/entries")
async def list_entries(
    incident_id: RowId,
    connection: Transaction,
    _: ReaderOfOne,
    after: Annotated[Number | None, Query(description="Only later lines, oldest first.")] = None,
    before: Annotated[Number | None, Query(description="Only earlier lines, newest first.")] = None,
    kind: Annotated[Keepable | None, Query(description="Only one kind of line, or of a family (task).")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """List lines of the timeline, those of incidents merged into this one too."""
    await service.get(connection, incident_id)
    rows = await repository.entries(connection, incident_id, limit=limit, after=after, before=before, kind=kind)
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return {"items": [entry_view(row) for row in rows], "next": following}


@router.post("/incidents/{incident_id}/entries", status_code=201)
async def add_note(
    incident_id: RowId, body: NoteForm, connection: Transaction, principal: ManagerOfOne, response: Response
) -> dict[str, Any]:
    """Write a line into the timeline; it stays as it was typed."""
    actor = service.actor_of(principal)
    await service.add_entry(connection, incident_id, "note", {"text": body.text}, actor, body.at)
    incident = await service.get(connection, incident_id)
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "note", incident)
    return view
