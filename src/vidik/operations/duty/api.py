"""Duty over HTTP: who is on, who is called next, the roster, the duty log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound, Unprocessable
from vidik.kernel.forms import Moment, Number, RowId
from vidik.kernel.identity import Principal, require, require_in_the_city
from vidik.kernel.versions import Changed
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations import journal
from vidik.operations.duty import calls, handovers, roster
from vidik.operations.duty.facts import gather
from vidik.operations.duty.forms import NoteForm, ShiftForm
from vidik.operations.duty.plan import Call, Place, Plan, who_is_next
from vidik.operations.duty.views import escalation_view, shift_view
from vidik.operations.version_header import read_version

router = APIRouter(prefix="/duty", tags=["duty"])
Reader = Annotated[Principal, Depends(require("duty.read"))]
Manager = Annotated[Principal, Depends(require_in_the_city("duty.manage"))]
Seen = Annotated[int, Depends(read_version)]
_LONGEST = timedelta(days=62)


@router.get("/now")
async def read_now(connection: Transaction, services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """Return who is at each desk and comes next, who each plan would ask now, and what is being called for."""
    moment = now()
    names = await roster.people(connection, services.settings.tenant)
    desks: dict[str, dict[str, Any]] = {}
    for row in await roster.shifts_between(connection, moment, moment + timedelta(days=7)):
        desk = desks.setdefault(row["desk"], {"desk": row["desk"], "on": [], "next": None})
        if row["begins_at"] <= moment:
            desk["on"].append(shift_view(row))
        elif desk["next"] is None:
            desk["next"] = shift_view(row)
    on_shift = await roster.on_shift(connection, moment)
    plans = [
        {"code": row["code"], "title": row["definition"]["title"], **_next_of(row, Place(), on_shift, names, moment)}
        for row in await roster.plan_rows(connection)
        if row["enabled"]
    ]
    by_code = {row["code"]: row for row in await roster.plan_rows(connection)}
    escalations = []
    for row in await calls.newest(connection, 30, principal.reach("duty.read")):
        view = escalation_view(row)
        if row["state"] == "waiting" and row["plan"] in by_code:
            view |= _next_of(by_code[row["plan"]], Place(row["round"], row["step"]), on_shift, names, row["due_at"])
        escalations.append(view)
    return {"at": iso(moment), "desks": list(desks.values()), "plans": plans, "escalations": escalations}


def _next_of(
    row: Mapping[str, Any], place: Place, on_shift: Mapping[str, list[str]], names: Mapping[str, str], at: datetime
) -> dict[str, Any]:
    """Who is asked from a place of a plan on, as JSON; `people` is empty when nobody can be asked."""
    plan = Plan.model_validate(row["definition"])
    place = place if place.step < len(plan.steps) else Place(place.round + 1)
    found = who_is_next(plan, at, place, on_shift)
    if not isinstance(found, Call):
        return {"people": [], "channels": [], "wait_minutes": None}
    people = [{"login": login, "person": names.get(login, login)} for login in found.people]
    return {"people": people, "channels": list(found.channels), "wait_minutes": found.wait_minutes}


@router.get("/people")
async def list_people(connection: Transaction, services: ServicesOf, _: Reader) -> dict[str, Any]:
    """List who can be on duty: everybody with an account."""
    found = await roster.people(connection, services.settings.tenant)
    return {"items": [{"login": login, "person": name} for login, name in found.items()]}


@router.get("/shifts")
async def list_shifts(
    connection: Transaction,
    _: Reader,
    begin: Annotated[Moment, Query(alias="from")],
    end: Annotated[Moment, Query(alias="to")],
) -> dict[str, Any]:
    """List the shifts between two times, two months at most."""
    if not timedelta(0) < end - begin <= _LONGEST:
        raise Unprocessable("`to` lies after `from`, two months at most.", field="to")
    return {"items": [shift_view(row) for row in await roster.shifts_between(connection, begin, end)]}


@router.post("/shifts", status_code=201)
async def plan_shift(
    body: ShiftForm, connection: Transaction, services: ServicesOf, principal: Manager
) -> dict[str, Any]:
    """Put a person at a desk for a time."""
    values = await _values(connection, services, body, principal)
    row = await roster.insert_shift(connection, {**values, "client_id": body.client_id})
    if row is None:
        known = await roster.shift_of_client(connection, body.client_id) if body.client_id else None
        if known is None:
            raise _twice(values)
        return shift_view(known)
    return await _say(connection, principal, "shift.plan", row)


@router.put("/shifts/{shift}")
async def change_shift(
    shift: RowId, body: ShiftForm, connection: Transaction, services: ServicesOf, principal: Manager, version: Seen
) -> dict[str, Any]:
    """Change a shift."""
    await _existing(connection, shift, version)
    values = await _values(connection, services, body, principal)
    try:
        async with connection.transaction():
            row = await roster.update_shift(connection, shift, values)
    except psycopg.errors.ExclusionViolation as error:
        raise _twice(values) from error
    return await _say(connection, principal, "shift.change", row)


@router.delete("/shifts/{shift}", status_code=204)
async def remove_shift(shift: RowId, connection: Transaction, principal: Manager, version: Seen) -> Response:
    """Take a shift out of the roster."""
    row = await _existing(connection, shift, version)
    await roster.delete_shift(connection, shift)
    await journal.tell(connection, "shift", shift, {**shift_view(row), "removed": True})
    await audit.record(connection, principal, "shift.remove", f"shift:{shift}", details=shift_view(row))
    return Response(status_code=204)


async def _existing(connection: Connection, shift: int, version: int) -> Mapping[str, Any]:
    row = await roster.find_shift(connection, shift)
    if row is None:
        raise NotFound(f"There is no shift {shift}.")
    if row["version"] != version:
        raise Changed(shift_view(row), row["changed_by"])
    return row


async def _values(
    connection: Connection, services: ServicesOf, body: ShiftForm, principal: Principal
) -> dict[str, Any]:
    names = await roster.people(connection, services.settings.tenant)
    if body.login not in names:
        raise Unprocessable("There is no account with this login.", field="login", code="unknown-person")
    kept = body.model_dump(include={"desk", "login", "begins_at", "ends_at"})
    return {**kept, "person": names[body.login], "by": principal.name, "at": now()}


def _twice(values: Mapping[str, Any]) -> Conflict:
    return Conflict(
        f"{values['person']} is on duty at this time already.",
        field="login",
        code="on-duty-already",
        values={"person": values["person"]},
    )


async def _say(connection: Connection, principal: Principal, action: str, row: Mapping[str, Any]) -> dict[str, Any]:
    view = shift_view(row)
    await journal.tell(connection, "shift", row["id"], view)
    await audit.record(connection, principal, action, f"shift:{row['id']}", details=view)
    return view


@router.get("/log")
async def read_log(
    connection: Transaction,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[Number | None, Query(description="Only lines with a smaller number (paging).")] = None,
) -> dict[str, Any]:
    """Return the duty log, newest first."""
    rows = await handovers.newest_notes(connection, limit, before)
    return {"items": [_note_view(row) for row in rows], "next": rows[-1]["id"] if len(rows) == limit else None}


@router.post("/log", status_code=201)
async def write_log(body: NoteForm, connection: Transaction, principal: Reader) -> dict[str, Any]:
    """Add a line to the duty log; it can never be changed."""
    moment = now()
    if body.at is not None and body.at > moment + timedelta(minutes=1):
        raise Unprocessable(
            "What is written down has happened: the time lies ahead.", field="at", code="not-happened-yet"
        )
    row, is_new = await handovers.write_note(
        connection, body.at or moment, body.desk, principal.name, body.text, moment, body.client_id
    )
    view = _note_view(row)
    if not is_new:
        return view
    await journal.tell(connection, "shift", f"log-{row['id']}", {"note": view})
    await audit.record(connection, principal, "duty.note", f"duty-log:{row['id']}")
    return view


def _note_view(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {"at": iso(row["at"]), "recorded_at": iso(row["recorded_at"])}
    return {"id": str(row["id"]), "desk": row["desk"], "person": row["person"], "text": row["text"], **times}


@router.get("/facts")
async def read_facts(
    connection: Transaction,
    principal: Reader,
    begin: Annotated[Moment, Query(alias="from")],
    end: Annotated[Moment, Query(alias="to")],
) -> dict[str, Any]:
    """Return what happened between two times (36 hours at most): what a handover of that time would say."""
    if not timedelta(0) < end - begin <= timedelta(hours=36):
        raise Unprocessable("`to` lies after `from`, 36 hours at most.", field="to")
    return await gather(connection, begin, end, principal.reach("duty.read"))
