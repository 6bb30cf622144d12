"""Running pilots over HTTP: power, watch, events, verdict, and the jobs behind them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound
from vidik.kernel.identity import Principal
from vidik.kernel.web import Transaction
from vidik.pilots.api.forms import AnswerEvent, Decide
from vidik.pilots.api.plans import Manager, Reader, Signer
from vidik.pilots.ledger.verdict import refuse_verdict, request_of
from vidik.pilots.plans import repository, service
from vidik.pilots.plans.checking import check
from vidik.pilots.plans.service import Answer
from vidik.pilots.plans.views import job_view, watch_view
from vidik.pilots.plans.watching import last_day

router = APIRouter(prefix="/pilots", tags=["pilots"])


async def _watch(connection: Connection, plan: int) -> dict[str, Any]:
    row = await service.existing(connection, plan)
    job = await repository.open_job(connection, plan, "watch")
    failure = await repository.last_failure(connection, plan, "watch")
    events = await repository.events_of(connection, plan)
    return {**watch_view(row, events, str(job["id"]) if job else None), "failure": failure}


async def _asked(
    connection: Connection, principal: Principal, kind: Literal["power", "watch"], plan: int
) -> dict[str, Any]:
    """A computation that a person asked for, in the record with its job."""
    job = str(await repository.insert_job(connection, kind, plan, {}, now()))
    await audit.record(connection, principal, f"pilot.{kind}", f"pilot:{plan}", details={"job": job})
    return {"job": job}


@router.get("/jobs/{job}")
async def read_job(job: UUID, connection: Transaction, _: Reader) -> dict[str, Any]:
    """Say how far long work is, and what came of it."""
    row = await repository.find_job(connection, job)
    if row is None:
        raise NotFound("There is no such job.")
    return job_view(row)


@router.post("/plans/{plan}/power", status_code=202)
async def ask_power(plan: int, connection: Transaction, principal: Manager) -> dict[str, Any]:
    """Ask what saving this plan will be able to show."""
    row = await service.existing(connection, plan)
    if service.standing_of(row) is None and (problems := check(row["draft"])[1]):
        raise service.incomplete(problems[0])
    return await _asked(connection, principal, "power", plan)


@router.get("/plans/{plan}/power")
async def read_power(plan: int, connection: Transaction, _: Reader) -> dict[str, Any]:
    """Return the newest power curve of a plan."""
    row = await service.existing(connection, plan)
    if row["power"] is None:
        raise NotFound("Nobody has asked yet what this plan can show.", code="no-power")
    power: dict[str, Any] = row["power"]
    return power


@router.get("/plans/{plan}/watch")
async def read_watch(plan: int, connection: Transaction, _: Reader) -> dict[str, Any]:
    """Return what a pilot has saved up to the last computation, and what it asks about."""
    return await _watch(connection, plan)


@router.post("/plans/{plan}/watch", status_code=202)
async def ask_watch(plan: int, connection: Transaction, principal: Manager) -> dict[str, Any]:
    """Ask for a new computation, up to yesterday."""
    standing = (await service.frozen_plan(connection, plan))[1]
    specification = standing.specification
    if last_day(specification, service.local_date(specification.zone, now())) < specification.reporting.first:
        raise Conflict(
            f"The reporting period begins on {specification.reporting.first}; there is nothing to see yet.",
            code="not-begun",
            values={"first": str(specification.reporting.first)},
        )
    return await _asked(connection, principal, "watch", plan)


@router.post("/plans/{plan}/events/{event}/answer")
async def answer_event(
    plan: int, event: int, body: AnswerEvent, connection: Transaction, principal: Manager
) -> dict[str, Any]:
    """Say whether an event belongs to the pilot; an exclusion or adjustment becomes an amendment."""
    await service.answer_event(connection, principal, plan, event, Answer(**body.model_dump()))
    return await _watch(connection, plan)


@router.post("/plans/{plan}/verdict", status_code=202)
async def ask_verdict(plan: int, body: Decide, connection: Transaction, principal: Signer) -> dict[str, Any]:
    """Decide about a pilot that has ended: it is computed once more and entered in the ledger."""
    await repository.lock_plan(connection, plan)
    row, standing = await service.frozen_plan(connection, plan)
    await refuse_verdict(connection, row, standing, body.corrects)
    request = request_of(principal, body.decision, body.note, body.corrects)
    open_one = await repository.open_job(connection, plan, "verdict")
    if open_one is not None and open_one["request"] != request:
        raise Conflict("Another verdict about this plan is being entered.", code="verdict-under-way")
    job = await repository.insert_job(connection, "verdict", plan, request, now())
    await audit.record(
        connection,
        principal,
        "pilot.decide",
        f"pilot:{plan}",
        reason=body.note,
        details={"decision": body.decision, "corrects": body.corrects, "job": str(job)},
    )
    return {"job": str(job)}
