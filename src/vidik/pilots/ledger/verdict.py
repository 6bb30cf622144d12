"""The verdict: what was decided about a pilot, entered in the ledger once, with the data that it rests on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict
from vidik.kernel.identity import Principal
from vidik.pilots.ledger import repository
from vidik.pilots.ledger.figures import figures
from vidik.pilots.outcome import Outcome
from vidik.pilots.plain import plain
from vidik.pilots.plans import repository as plans
from vidik.pilots.plans.canonical import digest
from vidik.pilots.plans.data import Data
from vidik.pilots.plans.freezing import Standing, changed_after_start
from vidik.pilots.plans.overlaps import share_of
from vidik.pilots.plans.service import local_date
from vidik.pilots.reports.packing import build_extract


@dataclass(frozen=True)
class Basis:
    """What a verdict rests on: the plan, the data of now and of the freeze's window, what was computed from them."""

    row: DictRow
    standing: Standing
    read: Data
    before: Data
    outcome: Outcome
    result: dict[str, Any]


def request_of(principal: Principal, decision: str, note: str, corrects: int | None) -> dict[str, Any]:
    """What a verdict's job must know: who decided what."""
    person = {name: getattr(principal, name) for name in ("kind", "id", "login", "name", "organisation", "tenant")}
    return {"person": person, "decision": decision, "note": note, "corrects": corrects}


async def refuse_verdict(connection: Connection, row: DictRow, standing: Standing, corrects: int | None) -> None:
    """Raise Conflict where nothing can be decided: too early, questions open, or decided already."""
    specification = standing.specification
    if local_date(specification.zone, now()) <= specification.reporting.last:
        raise Conflict(
            f"The reporting period ends on {specification.reporting.last}; the verdict comes after it.",
            code="not-ended",
            values={"last": str(specification.reporting.last)},
        )
    if row["open_events"]:
        raise Conflict(
            f"{row['open_events']} events of plan {row['id']} wait for an answer: were they the pilot's doing?",
            code="open-events",
            values={"events": row["open_events"]},
        )
    entry = await repository.entry_of(connection, row["id"])
    if (entry["id"] if entry else None) != corrects:
        raise Conflict(
            f"Plan {row['id']} is decided in entry {entry['id']}; a new entry must say that it corrects that one."
            if entry
            else f"Plan {row['id']} has no entry {corrects} to correct.",
            field="corrects",
            code="already-decided",
        )


async def enter_verdict(connection: Connection, job: DictRow, basis: Basis) -> dict[str, Any]:
    """Write the entry and its extract; raises Conflict as `refuse_verdict`, or when the plan was amended meanwhile."""
    plan, request = job["plan"], job["request"]
    # Packing takes seconds, in which nobody else could sign or amend: it comes before the locks.
    await _refuse_now(connection, plan, basis, request["corrects"])
    events = await _events_of(connection, plan)
    entry = entry_content(basis, request, iso(now()))
    archive, text = await asyncio.to_thread(
        build_extract,
        plan,
        basis.row,
        basis.standing,
        basis.read,
        basis.before,
        basis.result,
        basis.outcome.hours,
        entry,
        events,
    )
    await plans.lock_freezing(connection)
    await plans.lock_plan(connection, plan)
    await _refuse_now(connection, plan, basis, request["corrects"])
    if await _events_of(connection, plan) != events:
        raise _amended_meanwhile()
    person = Principal(roles=frozenset(), **request["person"])
    extract, hash_ = digest(archive), digest(text)
    position = await audit.record(
        connection,
        person,
        "pilot.verdict",
        f"pilot:{plan}",
        reason=request["note"],
        details={
            "verdict": entry["verdict"],
            "decision": entry["decision"],
            "rule_decision": entry["rule_decision"],
            "entry": hash_,
            "extract": extract,
            "corrects": request["corrects"],
        },
    )
    await repository.insert_extract(connection, extract, archive)
    await repository.insert_entry(connection, plan, request["corrects"], text, hash_, extract, position)
    written = await repository.entry_of(connection, plan)
    assert written is not None  # noqa: S101  (inserted in this transaction)
    return written


async def _refuse_now(connection: Connection, plan: int, basis: Basis, corrects: int | None) -> None:
    row = await plans.find_plan(connection, plan)
    if row is None or len(row["amendments"]) != len(basis.standing.amendments):
        raise _amended_meanwhile()
    await refuse_verdict(connection, row, basis.standing, corrects)


async def _events_of(connection: Connection, plan: int) -> list[Any]:
    return [plain(dict(event)) for event in await plans.events_of(connection, plan)]


def _amended_meanwhile() -> Conflict:
    return Conflict("The plan was amended while the verdict was computed; decide again.", code="plan-amended")


def entry_content(basis: Basis, request: dict[str, Any], decided_at: str) -> dict[str, Any]:
    """What an entry says, plain: figures after the plan's share."""
    specification, outcome = basis.standing.specification, basis.outcome
    share = share_of(specification)
    return {
        **figures(specification, outcome, share),
        "decided_at": decided_at,
        "decided_by": request["person"]["name"],
        "decision": request["decision"],
        "note": request["note"],
        "simulated": basis.row["simulated"],
        "plan_hash": basis.standing.hash,
        "plan_head": basis.standing.head,
        "signed_at": iso(basis.row["signed_at"]),
        "data_changed": bool(basis.result["changes"]),
        "signed_late": local_date(specification.zone, basis.row["signed_at"]) >= basis.standing.began,
        "changed_late": changed_after_start(basis.standing),
    }
