"""Exercises over HTTP: scenarios to choose from, the one that is played, and how people did."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict
from vidik.kernel.forms import Form, Number, RowId
from vidik.kernel.identity import Principal, require, require_in_the_city
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.exercises import repository, service
from vidik.operations.exercises.scenario import scenario_of, scenarios
from vidik.operations.exercises.view import exercise_view, scenario_view
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.api import answer, known_type, may_hang, note_on_record
from vidik.operations.incidents.forms import OpenForm
from vidik.operations.incidents.types import incident_types
from vidik.operations.reaching import may_act
from vidik.operations.version_header import read_version
from vidik.operations.words import Words

router = APIRouter(tags=["exercises"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
Leader = Annotated[Principal, Depends(require_in_the_city("exercises.run"))]
Manager = Annotated[Principal, Depends(require("incidents.manage"))]
Seen = Annotated[int, Depends(read_version)]


class StartForm(Form):
    """Which scenario to play, and how many times faster than people's its clock runs."""

    scenario: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
    speed: Annotated[float, Field(ge=1, le=60)] = 1
    client_id: UUID | None = None


class StopForm(Form):
    """Why it is stopped, if there is something to say."""

    note: Annotated[Words, Field(max_length=4_000)] = ""


@router.get("/exercise-scenarios")
async def list_scenarios(services: ServicesOf, _: Leader) -> dict[str, Any]:
    """List the scenarios with what happens in each; who is exercised does not see them."""
    return {"items": [scenario_view(found) for found in scenarios(services.settings.data).values()]}


@router.get("/exercises")
async def list_exercises(
    connection: Transaction,
    _: Reader,
    which: repository.Which = "all",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[Number | None, Query(description="Only exercises with a smaller number (paging).")] = None,
) -> dict[str, Any]:
    """List exercises, newest first; `which=playing` is the one that is played now."""
    rows = await repository.list_exercises(connection, which, limit, before)
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return {"items": [exercise_view(row) for row in rows], "next": following}


@router.post("/exercises", status_code=201)
async def start(
    body: StartForm, connection: Transaction, services: ServicesOf, principal: Leader, response: Response
) -> dict[str, Any]:
    """Begin an exercise; a repeat with the same `client_id` returns the first one."""
    scenario = scenario_of(services.settings.data, body.scenario)
    row, new = await service.start(connection, scenario, body.speed, principal.name, now(), body.client_id)
    response.headers["Location"] = f"/api/exercises/{row['id']}"
    if not new:
        response.status_code = 200
    view = await _answer(connection, row, principal, response)
    if new:
        await _on_record(connection, principal, "start", row, speed=body.speed)
    return view


@router.get("/exercises/{exercise_id}")
async def read_exercise(
    exercise_id: RowId, connection: Transaction, principal: Reader, response: Response
) -> dict[str, Any]:
    """Return an exercise; what is still to come and the score so far only to those who may lead one."""
    return await _answer(connection, await service.existing(connection, exercise_id), principal, response)


@router.post("/exercises/{exercise_id}/pause")
async def pause(
    exercise_id: RowId, connection: Transaction, principal: Leader, version: Seen, response: Response
) -> dict[str, Any]:
    """Stop the clock."""
    row = await service.pause(connection, exercise_id, version, principal.name, now())
    view = await _answer(connection, row, principal, response)
    await _on_record(connection, principal, "pause", row)
    return view


@router.post("/exercises/{exercise_id}/resume")
async def resume(
    exercise_id: RowId, connection: Transaction, principal: Leader, version: Seen, response: Response
) -> dict[str, Any]:
    """Let the clock go on."""
    row = await service.resume(connection, exercise_id, version, principal.name, now())
    view = await _answer(connection, row, principal, response)
    await _on_record(connection, principal, "resume", row)
    return view


@router.post("/exercises/{exercise_id}/stop")
async def stop(
    exercise_id: RowId,
    body: StopForm,
    connection: Transaction,
    principal: Leader,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """End an exercise before its time; its score stands."""
    row = await service.stop(connection, exercise_id, version, principal.name, body.note, now())
    view = await _answer(connection, row, principal, response)
    await _on_record(connection, principal, "stop", row, **row["score"]["totals"])
    return view


@router.post("/exercises/{exercise_id}/incidents", status_code=201)
async def open_incident(
    exercise_id: RowId,
    body: OpenForm,
    connection: Transaction,
    services: ServicesOf,
    principal: Manager,
    response: Response,
) -> dict[str, Any]:
    """Open an incident that belongs to the exercise; a repeat with the same `client_id` returns the first one."""
    row = await service.existing(connection, exercise_id)
    if row["ended_at"] is not None:
        raise Conflict("The exercise is over.", code="exercise-over")
    kind = known_type(incident_types(services.settings.data), body.type)
    opening = replace(
        body.opening(kind, principal.owners("incidents.manage")), exercise_id=row["id"], origin="simulated"
    )
    await may_hang(connection, principal, opening.links)
    incident = await incidents.open_incident(connection, opening, incidents.actor_of(principal))
    may_act(principal, "incidents.manage", incident.belonging)
    response.headers["Location"] = f"/api/incidents/{incident.id}"
    view = await answer(connection, incident, response)
    facts = {"type": incident.type, "severity": incident.severity, "exercise": str(row["id"])}
    await note_on_record(connection, principal, "open", incident, **facts)
    return view


async def _answer(connection: Connection, row: Any, principal: Principal, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{row["version"]}"'
    leading = principal.may("exercises.run", None)
    return await service.whole(connection, row, leading=leading, moment=now())


async def _on_record(connection: Connection, principal: Principal, verb: str, row: Any, **details: Any) -> None:
    facts = {"scenario": row["scenario"], **details}
    await audit.record(connection, principal, f"exercise.{verb}", f"exercise:{row['id']}", details=facts)
