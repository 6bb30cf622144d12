"""What the worker does for a pilot: foresee its power, watch it, and enter its verdict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from psycopg.rows import DictRow

from vidik.kernel.clock import iso, now
from vidik.kernel.errors import Conflict
from vidik.kernel.services import Services
from vidik.pilots.calculation import elsewhere
from vidik.pilots.ledger.verdict import Basis, enter_verdict
from vidik.pilots.outcome import Outcome
from vidik.pilots.plans import repository
from vidik.pilots.plans.checking import check
from vidik.pilots.plans.data import read_data
from vidik.pilots.plans.service import digests_of, existing, frozen_plan, incomplete, local_date, standing_of
from vidik.pilots.plans.watching import ask_about_events, changes_since_freeze, last_day, result_of
from vidik.pilots.specification import Specification

STEPS = 3


class Progress(Protocol):
    """Whom the work tells how far it is."""

    async def at(self, stage: str, done: int, of_steps: int) -> None:
        """The work has come to a stage."""


async def foresee_power(services: Services, tenant: str, job: DictRow, progress: Progress) -> dict[str, Any]:
    """Compute what a plan will be able to show, from the data up to the end of its baseline."""
    await progress.at("reading", 0, STEPS)
    async with services.database.session(tenant) as connection:
        row = await existing(connection, job["plan"])
        specification = _specification_of(row)
        # Nothing after the baseline may be looked at, also where the reporting period lies in the past.
        read = await read_data(connection, specification, specification.baseline.last)
    await progress.at("computing", 1, STEPS)
    curve: dict[str, Any] = await elsewhere("power", specification, read)
    curve["computed_at"] = iso(now())
    await progress.at("writing", 2, STEPS)
    async with services.database.transaction(tenant) as connection:
        await repository.write_power(connection, job["plan"], curve)
    return curve


def _specification_of(row: DictRow) -> Specification:
    standing = standing_of(row)
    if standing is not None:
        return standing.specification
    specification, problems = check(row["draft"])
    if specification is None:
        raise incomplete(problems[0])
    return specification


async def watch(services: Services, tenant: str, job: DictRow, progress: Progress) -> dict[str, Any]:
    """Compute how a pilot stands up to yesterday, keep it, and ask about events."""
    await _watched(services, tenant, job, progress)
    return {"plan": job["plan"]}


async def decide_finally(services: Services, tenant: str, job: DictRow, progress: Progress) -> dict[str, Any]:
    """Compute a pilot over its whole reporting period and enter the verdict in the ledger."""
    basis = await _watched(services, tenant, job, progress)
    async with services.database.transaction(tenant) as connection:
        entry = await enter_verdict(connection, job, basis)
    return {"entry": entry}


async def _watched(services: Services, tenant: str, job: DictRow, progress: Progress) -> Basis:
    await progress.at("reading", 0, STEPS)
    async with services.database.session(tenant) as connection:
        row, standing = await frozen_plan(connection, job["plan"])
        specification = standing.specification
        until = last_day(specification, local_date(specification.zone, now()))
        if until < specification.reporting.first:
            raise Conflict(
                f"The reporting period begins on {specification.reporting.first}; there is nothing to see yet.",
                code="not-begun",
                values={"first": str(specification.reporting.first)},
            )
        read = await read_data(connection, specification, until)
        before = await read_data(connection, specification, digests_of(row, standing)[1])
    await progress.at("computing", 1, STEPS)
    cut = until if until < specification.reporting.last else None
    outcome: Outcome = await elsewhere("evaluated", specification, read, cut)
    await progress.at("writing", 2, STEPS)
    result = result_of(specification, outcome, changes_since_freeze(row, standing, before), standing.head)
    moment = now()
    async with services.database.transaction(tenant) as connection:
        await repository.insert_watch(connection, job["plan"], moment, until, result)
        await ask_about_events(connection, job["plan"], outcome.findings, moment)
    return Basis(row, standing, read, before, outcome, result)


Work = Callable[[Services, str, DictRow, Progress], Awaitable[dict[str, Any]]]
WORK: Mapping[str, Work] = {"power": foresee_power, "watch": watch, "verdict": decide_finally}
