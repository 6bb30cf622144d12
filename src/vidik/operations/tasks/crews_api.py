"""Crews over HTTP: who they are, on and off duty, where they are while they are on duty."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.errors import Forbidden
from vidik.kernel.forms import Keepable, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.tasks import crews_repository, crews_service, skills
from vidik.operations.tasks.forms import CrewEdited, CrewMade, Duty, Position
from vidik.operations.tasks.sync import crew_for, works_for
from vidik.operations.tasks.view import belonging_of_crew, crew_seen_by
from vidik.operations.version_header import read_version

router = APIRouter(prefix="/crews", tags=["tasks"])
Dispatcher = Annotated[Principal, Depends(require("tasks.manage"))]
Manager = Annotated[Principal, Depends(require("crews.manage"))]
Worker = Annotated[Principal, Depends(require("tasks.work"))]
Seen = Annotated[int, Depends(read_version)]


def _tagged(response: Response, view: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{view["version"]}"'
    return view


@router.get("")
async def list_crews(
    connection: Transaction, principal: Dispatcher, organisation: Annotated[Keepable | None, Query()] = None
) -> dict[str, Any]:
    """List crews with their load, those on duty first; where they are while on duty only for who may send them."""
    rows = await crews_repository.list_crews(connection)
    chosen = [row for row in rows if organisation is None or row["organisation"] == organisation]
    return {"items": [crew_seen_by(row, principal) for row in chosen]}


@router.post("", status_code=201)
async def make_crew(
    body: CrewMade, connection: Transaction, principal: Manager, services: ServicesOf, response: Response
) -> dict[str, Any]:
    """Make a crew."""
    skills.check_skills(services.settings, body.skills, "skills")
    view = await crews_service.make_crew(connection, body.model_dump(), principal)
    details = {"name": view["name"], "skills": view["skills"], "members": body.members}
    await audit.record(connection, principal, "crew.create", f"crew:{view['id']}", details=details)
    return _tagged(response, view)


@router.get("/{crew}")
async def read_crew(crew: RowId, connection: Transaction, principal: Dispatcher, response: Response) -> dict[str, Any]:
    """Return one crew."""
    return _tagged(response, crew_seen_by(await crews_service.row_of(connection, crew), principal))


@router.patch("/{crew}")
async def change_crew(
    crew: RowId,
    body: CrewEdited,
    connection: Transaction,
    principal: Manager,
    seen: Seen,
    services: ServicesOf,
    response: Response,
) -> dict[str, Any]:
    """Change a crew: its name, skills, members, vehicle, depot, or that it is in use no more."""
    edits = body.model_dump(exclude_unset=True)
    for name in ("name", "skills", "members", "vehicle", "in_use"):
        if name in edits and edits[name] is None:
            del edits[name]
    if "skills" in edits:
        skills.check_skills(services.settings, edits["skills"], "skills")
    view = await crews_service.change_crew(connection, crew, edits, principal, version=seen)
    await audit.record(connection, principal, "crew.change", f"crew:{crew}", details={"changed": sorted(edits)})
    return _tagged(response, view)


@router.post("/{crew}/duty")
async def set_duty(
    crew: RowId, body: Duty, connection: Transaction, principal: Worker, response: Response
) -> dict[str, Any]:
    """Put a crew on or off duty: its members, or who sends it. Off duty no position is taken or shown."""
    row = await crews_service.row_of(connection, crew, lock=True)
    if not works_for(row, principal) and not principal.reaches("tasks.manage", belonging_of_crew(row)):
        raise Forbidden(f"You do not belong to {row['name']}.")
    view = await crews_service.set_duty(connection, row, on_duty=body.on_duty, until=body.until, principal=principal)
    details = {"on_duty": body.on_duty, "until": view["on_duty_until"]}
    await audit.record(connection, principal, "crew.duty", f"crew:{crew}", details=details)
    return _tagged(response, view)


@router.post("/{crew}/position", status_code=204)
async def take_position(crew: RowId, body: Position, connection: Transaction, principal: Worker) -> Response:
    """Take in where a crew is; refused off duty, forgotten after 24 hours (setting)."""
    row = await crew_for(connection, crew, principal)
    await crews_service.take_position(connection, row, body.place.point, body.accuracy_metres, body.at)
    return Response(status_code=204)
