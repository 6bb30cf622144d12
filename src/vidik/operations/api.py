"""Alarms and rules over HTTP."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query
from pydantic import BaseModel, Field

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.errors import NotFound
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations import repository
from vidik.operations.alarm import acknowledge_alarm
from vidik.operations.alarm_view import alarm_view
from vidik.operations.rules_model import AnyRule
from vidik.operations.rules_service import StandingRule, definition_of, merged, standing_rules

router = APIRouter(tags=["operations"])


class Acknowledgement(BaseModel):
    """What a person may say when acknowledging."""

    note: str | None = Field(None, max_length=2000)


@router.get("/alarms")
async def list_alarms(
    connection: Transaction,
    _: Annotated[Principal, Depends(require("alarms.read"))],
    state: Literal["open", "cleared", "all"] = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before: Annotated[int | None, Query(description="Only alarms with a smaller number (paging).")] = None,
    entity_id: str | None = None,
    service: str | None = None,
) -> dict[str, Any]:
    """List alarms with how many are open of each priority."""
    rows = await repository.list_alarms(
        connection, state=state, limit=limit, before=before, entity_id=entity_id, service=service
    )
    items = [alarm_view(row) for row in rows]
    following = min(row["id"] for row in rows) if state != "open" and len(rows) == limit else None
    return {"items": items, "counts": await repository.count_open(connection), "next": following}


@router.get("/alarms/{alarm_id}")
async def read_alarm(
    alarm_id: int, connection: Transaction, _: Annotated[Principal, Depends(require("alarms.read"))]
) -> dict[str, Any]:
    """Return one alarm."""
    rows = await repository.alarm_rows(connection, [alarm_id])
    if not rows:
        raise NotFound(f"There is no alarm {alarm_id}.")
    return alarm_view(rows[0])


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge(
    alarm_id: int,
    connection: Transaction,
    principal: Annotated[Principal, Depends(require("alarms.acknowledge"))],
    body: Annotated[Acknowledgement | None, Body()] = None,
) -> dict[str, Any]:
    """Put the signed-in person's name and time on an alarm, with a note if there is one."""
    alarm = await repository.find_alarm(connection, alarm_id)
    if alarm is None:
        raise NotFound(f"There is no alarm {alarm_id}.")
    note = body.note.strip() or None if body and body.note else None
    moment = now()
    acknowledged, transition = acknowledge_alarm(alarm, person=principal.name, note=note, now=moment)
    await repository.update_alarm(connection, acknowledged)
    await repository.append_events(connection, [(alarm_id, transition)], moment, principal.name)
    (row,) = await repository.alarm_rows(connection, [alarm_id])
    await audit.record(
        connection,
        principal,
        "alarm.acknowledge",
        f"alarm:{alarm_id}",
        reason=note,
        details={"rule": alarm.key.rule, "entity": alarm.key.entity_id, "priority": alarm.priority},
    )
    return alarm_view(row)


@router.get("/rules")
async def list_rules(
    connection: Transaction,
    services: ServicesOf,
    _: Annotated[Principal, Depends(require("alarms.read"))],
) -> dict[str, Any]:
    """List every rule that stands, with where it comes from."""
    standing = await standing_rules(connection, services.settings)
    return {"items": [_rule_view(found) for found in sorted(standing.values(), key=_by_service)]}


@router.put("/rules/{code}")
async def change_rule(
    code: str,
    changes: Annotated[dict[str, Any], Body()],
    connection: Transaction,
    services: ServicesOf,
    principal: Annotated[Principal, Depends(require("rules.manage"))],
) -> dict[str, Any]:
    """Change fields of a rule, or make a new one when the body is a whole rule; takes effect at once."""
    standing = (await standing_rules(connection, services.settings)).get(code)
    reason = changes.pop("reason", None)
    rule: AnyRule = merged(standing.rule if standing else None, code, changes)
    moment = now()
    await repository.write_override(connection, code, definition_of(rule), principal.name, moment)
    await repository.rules_changed(connection)
    await audit.record(
        connection,
        principal,
        "rule.change",
        f"rule:{code}",
        reason=str(reason) if reason else None,
        details={"before": definition_of(standing.rule) if standing else None, "after": definition_of(rule)},
    )
    return _rule_view(StandingRule(rule, "override", principal.name, moment))


def _by_service(found: StandingRule) -> tuple[str, str]:
    return found.rule.service, found.rule.code


def _rule_view(found: StandingRule) -> dict[str, Any]:
    rule = found.rule
    view = rule.model_dump(mode="json")
    view["title"] = rule.title.scripts()
    view["message"] = rule.message.scripts()
    view["advice"] = rule.advice.scripts() if rule.advice else None
    view["definition"] = definition_of(rule)
    view["source"] = found.source
    view["changed_by"] = found.changed_by
    view["changed_at"] = iso(found.changed_at) if found.changed_at else None
    return view
