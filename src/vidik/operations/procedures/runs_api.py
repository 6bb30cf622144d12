"""Runs over HTTP: started in an incident, followed, moved by people, stopped."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel.forms import Keepable, Number, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.api import reaching_incident
from vidik.operations.incidents.types import incident_types
from vidik.operations.procedures import repository, running, runs_repository
from vidik.operations.procedures.forms import ActForm, ReasonForm, StartForm
from vidik.operations.procedures.run import ActName
from vidik.operations.procedures.view import proposal_view
from vidik.operations.reaching import reaching
from vidik.operations.version_header import read_version

router = APIRouter(tags=["procedures"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
ReaderOfIncident = Annotated[Principal, Depends(reaching_incident())]
RunnerOfIncident = Annotated[Principal, Depends(reaching_incident(act="procedures.run"))]
_reaching = partial(reaching, "run", "run_id", runs_repository.belonging, see="incidents.read")
ReaderOfOne = Annotated[Principal, Depends(_reaching())]
RunnerOfOne = Annotated[Principal, Depends(_reaching(act="procedures.run"))]
Seen = Annotated[int, Depends(read_version)]
_SHOWN = 50


def _tagged(response: Response, view: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{view["version"]}"'
    return view


@router.get("/incidents/{incident_id}/procedures")
async def list_of_incident(
    incident_id: RowId, connection: Transaction, services: ServicesOf, _: ReaderOfIncident
) -> dict[str, Any]:
    """Return the procedures that may be started in an incident, that of its type and suggested ones first; its runs."""
    incident = await incidents.get(connection, incident_id)
    kind = incident_types(services.settings.data).get(incident.type)
    own = kind.procedure if kind is not None else None
    items = [
        proposal_view(
            row,
            suggested=row["code"] == own or incident.type in row["definition"]["incident_types"],
        )
        for row in await repository.published(connection)
    ]
    rows = await runs_repository.listed(connection, incident=incident_id, state="all", limit=_SHOWN, after=None)
    return {
        "items": sorted(items, key=lambda item: (item["code"] != own, not item["suggested"])),
        "runs": await running.views(connection, rows),
    }


@router.post("/incidents/{incident_id}/procedures", status_code=201)
async def start(
    incident_id: RowId,
    body: StartForm,
    connection: Transaction,
    services: ServicesOf,
    principal: RunnerOfIncident,
    response: Response,
) -> dict[str, Any]:
    """Start a procedure; a repeat with the same `client_id` answers 200 with the first run."""
    client_id = str(body.client_id) if body.client_id else None
    view, new = await running.start(connection, services.settings, principal, incident_id, body.procedure, client_id)
    if not new:
        response.status_code = 200
    response.headers["Location"] = f"/api/procedure-runs/{view['id']}"
    return _tagged(response, view)


@router.get("/procedure-runs")
async def list_runs(
    connection: Transaction,
    principal: Reader,
    incident: Annotated[Number | None, Query()] = None,
    state: runs_repository.Which = "running",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Number | None, Query(description="Only runs older than this one (paging).")] = None,
) -> dict[str, Any]:
    """List runs, newest first; of an incident those of incidents merged into it too."""
    rows = await runs_repository.listed(
        connection,
        incident=incident,
        state=state,
        limit=limit,
        after=after,
        reach=principal.reach("incidents.read"),
    )
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return {"items": await running.views(connection, rows), "next": following}


@router.get("/procedure-runs/{run_id}")
async def read_run(run_id: RowId, connection: Transaction, _: ReaderOfOne, response: Response) -> dict[str, Any]:
    """Return one run with every step as it stands."""
    return _tagged(response, await running.read(connection, run_id))


@router.post("/procedure-runs/{run_id}/steps/{step_id}/{verb}")
async def act(
    run_id: RowId,
    step_id: Keepable,
    verb: ActName,
    body: ActForm,
    connection: Transaction,
    services: ServicesOf,
    principal: ReaderOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Do, leave out, choose or confirm the current step: whoever runs procedures, or holds the step's role."""
    view = await running.act(
        connection,
        services.settings,
        principal,
        run_id,
        step_id,
        verb,
        version=version,
        note=body.note,
        reason=body.reason,
        branch=body.branch,
    )
    return _tagged(response, view)


@router.post("/procedure-runs/{run_id}/stop")
async def stop(
    run_id: RowId,
    body: ReasonForm,
    connection: Transaction,
    services: ServicesOf,
    principal: RunnerOfOne,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Stop a run where it stands."""
    view = await running.stop(connection, services.settings, principal, run_id, version, body.reason)
    return _tagged(response, view)
