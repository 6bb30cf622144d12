"""What people do with an incident: contain, close, reopen, merge, split, hand over, give roles."""

from typing import Any

from fastapi import APIRouter, Response

from vidik.kernel.database import Connection
from vidik.kernel.errors import Unprocessable
from vidik.kernel.forms import RowId
from vidik.kernel.identity import repository as accounts
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents import incident as core
from vidik.operations.incidents import repository, service
from vidik.operations.incidents.api import (
    CloserOfOne,
    ManagerOfOne,
    Seen,
    answer,
    known_type,
    note_on_record,
)
from vidik.operations.incidents.forms import (
    CloseForm,
    ContainForm,
    HandoverForm,
    MergeForm,
    ReopenForm,
    RoleForm,
    SplitForm,
)
from vidik.operations.incidents.incident import Actor
from vidik.operations.incidents.types import incident_types
from vidik.operations.reaching import must_reach

router = APIRouter(prefix="/incidents/{incident_id}", tags=["incidents"])


@router.post("/contain")
async def contain(
    incident_id: RowId,
    body: ContainForm,
    connection: Transaction,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Say that it spreads no further."""
    incident = await service.take_step(
        connection,
        incident_id,
        version,
        service.actor_of(principal),
        lambda found, act: core.contain(found, body.note, act),
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "contain", incident)
    return view


@router.post("/close")
async def close(
    incident_id: RowId,
    body: CloseForm,
    connection: Transaction,
    principal: CloserOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """End it, with its cause and what was learnt."""
    incident = await service.take_step(
        connection,
        incident_id,
        version,
        service.actor_of(principal),
        lambda found, act: core.close(found, body.cause, body.lesson, act),
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "close", incident, cause=body.cause, lesson=body.lesson)
    return view


@router.post("/reopen")
async def reopen(
    incident_id: RowId,
    body: ReopenForm,
    connection: Transaction,
    principal: CloserOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Open it again: it was not contained, or it came back."""
    incident = await service.take_step(
        connection,
        incident_id,
        version,
        service.actor_of(principal),
        lambda found, act: core.reopen(found, {"reason": body.reason}, act),
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "reopen", incident, reason=body.reason)
    return view


@router.post("/merge")
async def merge(
    incident_id: RowId,
    body: MergeForm,
    connection: Transaction,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Make it part of another incident, which is returned."""
    actor = service.actor_of(principal)
    await must_reach(
        connection,
        body.into,
        principal,
        "incident",
        repository.belonging,
        see="incidents.read",
        act="incidents.manage",
    )
    target = await service.merge(connection, incident_id, version, body.into, body.into_version, actor)
    view = await answer(connection, target, response)
    await note_on_record(connection, principal, "merge", target, merged=incident_id)
    return view


@router.post("/split", status_code=201)
async def split(
    incident_id: RowId,
    body: SplitForm,
    connection: Transaction,
    services: ServicesOf,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Open a new incident with some of what hangs on this one; the new one is returned."""
    before = await service.get(connection, incident_id)
    if body.type is not None:
        known_type(incident_types(services.settings.data), body.type)
    chosen = frozenset(one.link for one in body.links)
    opening = body.opening(before.type, before.severity)
    new = await service.split(connection, incident_id, version, chosen, opening, service.actor_of(principal))
    response.headers["Location"] = f"/api/incidents/{new.id}"
    view = await answer(connection, new, response)
    await note_on_record(connection, principal, "split", new, of=before.number)
    return view


@router.post("/roles")
async def give_role(
    incident_id: RowId,
    body: RoleForm,
    connection: Transaction,
    services: ServicesOf,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Give a role to a person, or to nobody."""
    person = await _person(connection, services.settings.tenant, body.person, "person") if body.person else None
    incident = await service.give_role(
        connection, incident_id, version, body.role, person, body.note, service.actor_of(principal)
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "role", incident, role=body.role, person=body.person)
    return view


@router.post("/handover")
async def hand_over(
    incident_id: RowId,
    body: HandoverForm,
    connection: Transaction,
    services: ServicesOf,
    principal: ManagerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Hand a role over to somebody else, with what they must know."""
    person = await _person(connection, services.settings.tenant, body.to, "to")
    incident = await service.give_role(
        connection, incident_id, version, body.role, person, body.note, service.actor_of(principal)
    )
    view = await answer(connection, incident, response)
    await note_on_record(connection, principal, "handover", incident, role=body.role, person=body.to)
    return view


async def _person(connection: Connection, tenant: str, login: str, field: str) -> Actor:
    """Return a person who may sign in, by login; raises Unprocessable."""
    row = await accounts.account_by_login(connection, tenant, login.strip().lower())
    if row is None or not row["stands"]:
        raise Unprocessable(f"There is nobody with the login {login}.", field=field, code="unknown-person")
    return Actor(row["name"], row["login"])
