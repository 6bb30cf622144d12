"""Trying a rule against history over HTTP: "this rule would have raised 14 alarms last month"."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from vidik.kernel.clock import iso, now
from vidik.kernel.errors import BadInput, NotFound
from vidik.kernel.forms import Form, Moment
from vidik.kernel.identity import Principal, require_in_the_city
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.rule_changes import trials_repository
from vidik.operations.rule_changes.trials import AT_ONCE, past_of, triable, try_rule
from vidik.operations.rules.service import definition_of, merged, standing_rules

router = APIRouter(tags=["operations"])
Manager = Annotated[Principal, Depends(require_in_the_city("rules.manage"))]
_USUALLY = timedelta(days=30)
_AT_MOST = timedelta(days=366)


class DryRun(Form):
    """A rule, or changes of the standing one of its code, and the time to try it against: the last 30 days."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    rule: dict[str, Any] = Field(description="With `code`; fields that are left out are those of the standing rule.")
    begin: Moment | None = Field(None, alias="from")
    until: Moment | None = None


@router.post("/rules/dry-run")
async def try_a_rule(body: DryRun, services: ServicesOf, principal: Manager, response: Response) -> dict[str, Any]:
    """Say what a rule would have raised; much history makes it a job (202), to be asked for by its `id`.

    No connection is held while it is tried: the trial takes one for each day that it reads.
    """
    code = body.rule.get("code")
    if not isinstance(code, str):
        raise BadInput("The rule needs a code.", field="rule.code", code="rule-without-code")
    database, tenant = services.database, services.settings.tenant
    moment = now()
    async with database.session(tenant) as connection:
        standing = (await standing_rules(connection, services.settings)).get(code)
        rule = triable(merged(standing.rule if standing else None, code, body.rule))
        begin, until = _span(body, moment)
        past = await past_of(connection, rule)
        numbers = [one.number for one in past.series]
        values = await trials_repository.count_values(connection, numbers, begin, until)
    if values <= AT_ONCE:
        return {"id": None, "state": "done", "result": await try_rule(database, tenant, rule, begin, until)}
    async with database.transaction(tenant) as connection:
        number = await trials_repository.insert(connection, definition_of(rule), begin, until, principal.name, moment)
    response.status_code = 202
    response.headers["Location"] = f"/api/rules/dry-run/{number}"
    return {"id": str(number), "state": "waiting", "result": None}


@router.get("/rules/dry-run/{number}")
async def read_trial(number: UUID, connection: Transaction, _: Manager) -> dict[str, Any]:
    """Return how far a trial has come (`done` of `of` days), and its result when it is done."""
    row = await trials_repository.find(connection, number)
    if row is None:
        raise NotFound(f"There is no trial {number}; results are kept for 30 days.")
    return {
        "id": str(row["id"]),
        "state": row["state"],
        "done": row["done"],
        "of": row["of_steps"],
        "from": iso(row["begins_at"]),
        "until": iso(row["ends_at"]),
        "asked_by": row["asked_by"],
        "asked_at": iso(row["asked_at"]),
        "result": row["result"],
    }


def _span(body: DryRun, moment: datetime) -> tuple[datetime, datetime]:
    until = body.until or moment
    begin = body.begin or until - _USUALLY
    if begin >= until or until - begin > _AT_MOST:
        raise BadInput(
            "The time to try against must not be empty nor longer than a year.", field="from", code="trial-time"
        )
    return begin, until
