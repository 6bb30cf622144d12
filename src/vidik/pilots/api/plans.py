"""Plans over HTTP: drafts, freezing, amendments, signals and files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, Unprocessable
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import ServicesOf, Transaction
from vidik.pilots.api.forms import Amend, Draft, Freeze
from vidik.pilots.ledger import repository as ledger
from vidik.pilots.plans import data, repository, service, signals
from vidik.pilots.plans.checking import boundary_of, check
from vidik.pilots.plans.overlaps import Overlap, overlaps_of
from vidik.pilots.plans.views import file_view, overlap_view, plan_row, plan_view

router = APIRouter(prefix="/pilots", tags=["pilots"])

Reader = Annotated[Principal, Depends(require("pilots.read"))]
Manager = Annotated[Principal, Depends(require("pilots.manage"))]
Signer = Annotated[Principal, Depends(require("pilots.sign"))]


async def whole_plan(connection: Connection, plan: int) -> dict[str, Any]:
    """A plan as it is shown, with what it shares with others."""
    row = await service.existing(connection, plan)
    standing = service.standing_of(row)
    specification, problems = (standing.specification, []) if standing else check(row["draft"])
    overlaps: list[Overlap] = []
    origins: dict[str, int] | None = None
    # With whom it must share can be said before it is said how, and before anything else is.
    boundary = specification or boundary_of(row["draft"])
    if boundary is not None:
        overlaps = overlaps_of(boundary, await service.frozen_others(connection, plan))
    if specification is not None:
        origins = await data.origins(connection, specification)
        if standing is None:
            problems = await data.problems_of_sources(connection, specification)
    entry = await ledger.entry_of(connection, plan)
    return plan_view(row, problems, entry, overlaps, origins, now())


async def plan_rows(connection: Connection) -> list[dict[str, Any]]:
    """Every plan as a line of a list, the newest first."""
    entries = {entry["plan"]: entry for entry in await ledger.entries(connection) if entry["corrected_by"] is None}
    moment = now()
    return [plan_row(row, entries.get(row["id"]), moment) for row in await repository.list_plans(connection)]


@router.get("/plans")
async def list_plans(connection: Transaction, _: Reader) -> dict[str, Any]:
    """List every plan with its state and what is known of its saving."""
    return {"items": await plan_rows(connection)}


@router.post("/plans", status_code=201)
async def create_plan(body: Draft, connection: Transaction, principal: Manager) -> dict[str, Any]:
    """Begin a plan; it may be incomplete."""
    return await whole_plan(connection, await service.create(connection, principal, body.specification))


@router.get("/plans/{plan}")
async def read_plan(plan: int, connection: Transaction, _: Reader) -> dict[str, Any]:
    """Return one plan: what was typed and what it lacks, or what was signed and amended."""
    return await whole_plan(connection, plan)


@router.get("/plans/{plan}/overlaps")
async def read_overlaps(plan: int, connection: Transaction, _: Reader) -> dict[str, Any]:
    """List the frozen plans that count the same saving, also by a meter under another name: its numbers are compared.

    A draft is told as soon as it names units and periods. Units whose data cannot be read are compared by name alone.
    """
    row = await service.existing(connection, plan)
    standing = service.standing_of(row)
    boundary = standing.specification if standing else boundary_of(row["draft"])
    if boundary is None:
        return {"items": []}
    try:
        found = await service.overlaps_now(connection, plan, boundary)
    except (BadInput, Unprocessable):
        found = overlaps_of(boundary, await service.frozen_others(connection, plan))
    return {"items": [overlap_view(one, boundary.allocation) for one in found]}


@router.put("/plans/{plan}")
async def change_plan(plan: int, body: Draft, connection: Transaction, principal: Manager) -> dict[str, Any]:
    """Put another text in the place of a draft."""
    await service.change(connection, principal, plan, body.specification)
    return await whole_plan(connection, plan)


@router.delete("/plans/{plan}", status_code=204)
async def discard_plan(plan: int, connection: Transaction, principal: Manager) -> Response:
    """Take a draft away; a frozen plan stays."""
    await service.discard(connection, principal, plan)
    return Response(status_code=204)


@router.post("/plans/{plan}/freeze")
async def freeze_plan(plan: int, body: Freeze, connection: Transaction, principal: Signer) -> dict[str, Any]:
    """Sign a plan: from now on it can only be amended."""
    await service.freeze(connection, principal, plan, body.hash, body.statement)
    return await whole_plan(connection, plan)


@router.post("/plans/{plan}/amendments")
async def amend_plan(plan: int, body: Amend, connection: Transaction, principal: Signer) -> dict[str, Any]:
    """Change a frozen plan in the open, with a reason."""
    await service.amend(connection, principal, plan, body.changes, body.reason)
    return await whole_plan(connection, plan)


@router.get("/signals")
async def list_signals(
    connection: Transaction, _: Reader, q: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 30
) -> dict[str, Any]:
    """Find attributes with numbers that a plan can measure, by words in any script."""
    return {"items": await signals.choosable(connection, q, limit)}


@router.get("/files")
async def list_files(connection: Transaction, _: Reader) -> dict[str, Any]:
    """List the files that were given in."""
    return {"items": [file_view(row) for row in await repository.list_files(connection)]}


@router.post("/files", status_code=201)
async def give_file(
    request: Request,
    services: ServicesOf,
    principal: Manager,
    name: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] = "file.csv",
    simulated: bool = False,
) -> dict[str, Any]:
    """Give in a CSV file (the body); kept once by its SHA-256, never changed."""
    # Before the transaction: neither a slow client nor a large file must hold a connection.
    given = await signals.read_given(name, await request.body())
    async with services.database.transaction(services.settings.tenant) as connection:
        return file_view(await signals.keep_file(connection, principal, given, simulated=simulated))
