"""Hiding alarms over HTTP: shelve, suppress, take out of service, and back."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.errors import BadInput, Conflict, Forbidden, NotFound
from vidik.kernel.forms import Form, Moment, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.identity.reach import CITYS, Belonging
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.alarms import holds_repository, repository
from vidik.operations.alarms.alarm import Alarm, HoldKind
from vidik.operations.alarms.api import Reader, alarm_of, facts_of
from vidik.operations.alarms.belonging import entities_within, of_alarm, of_entity
from vidik.operations.alarms.hiding import settle_alarms
from vidik.operations.alarms.holds import SHELVED_AT_MOST, Hold
from vidik.operations.alarms.holds_repository import to_hold
from vidik.operations.alarms.standing import hold_view, view_of
from vidik.operations.reaching import may_act, reaching
from vidik.operations.rules.service import standing_rules
from vidik.operations.words import Reason

router = APIRouter(tags=["operations"])
Shelver = Annotated[Principal, Depends(require("alarms.shelve"))]
Suppressor = Annotated[Principal, Depends(require("alarms.suppress"))]
_reaching = partial(reaching, "alarm", "alarm_id", of_alarm, see="alarms.read")
ShelverOfOne = Annotated[Principal, Depends(_reaching(act="alarms.shelve"))]
SuppressorOfOne = Annotated[Principal, Depends(_reaching(act="alarms.suppress"))]
_VERBS: dict[HoldKind, str] = {
    "shelved": "alarm.shelve",
    "suppressed": "alarm.suppress",
    "out_of_service": "alarm.out-of-service",
}


class Shelf(Form):
    """Why an alarm is put aside, and until when: a day at most."""

    reason: Reason = Field(max_length=500)
    until: Moment


class Suppression(Form):
    """Why an alarm is hidden, and until when, if that is known."""

    reason: Reason = Field(max_length=500)
    until: Moment | None = None


class Maintenance(Suppression):
    """A hold on all alarms of a rule, of an entity, or of both; it may begin later."""

    kind: Literal["suppressed", "out_of_service"] = "out_of_service"
    rule: str | None = Field(None, max_length=61)
    entity_id: str | None = Field(None, min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f]+$")
    begins_at: Moment | None = None


@router.get("/alarm-holds")
async def list_holds(connection: Transaction, principal: Reader) -> dict[str, Any]:
    """List what hides alarms now, and what is planned: of every asset (a rule's), and of those that one may see."""
    rows = await holds_repository.hold_rows(connection)
    named = sorted({row["entity_id"] for row in rows if row["entity_id"] is not None})
    seen = await entities_within(connection, named, principal.reach("alarms.read"))
    return {"items": [hold_view(row) for row in rows if row["entity_id"] is None or row["entity_id"] in seen]}


@router.post("/alarm-holds", status_code=201)
async def place_hold(
    body: Maintenance, connection: Transaction, services: ServicesOf, principal: Suppressor
) -> dict[str, Any]:
    """Suppress, or take out of service, every alarm of a rule or an entity, now or from a time on."""
    if body.rule is None and body.entity_id is None:
        raise BadInput("Say whose alarms: a rule, an entity, or both.", field="entity_id", code="hold-of-nothing")
    moment = now()
    begins_at = body.begins_at or moment
    _check_end(body.until, max(begins_at, moment))
    rules = {code: found.rule for code, found in (await standing_rules(connection, services.settings)).items()}
    if body.rule is not None and body.rule not in rules:
        raise NotFound(f"There is no rule {body.rule}.", field="rule")
    may_act(principal, "alarms.suppress", await _whose(connection, body.entity_id))
    await repository.lock_alarms(connection)
    hold_id = await holds_repository.place_hold(
        connection,
        kind=body.kind,
        rule=body.rule,
        entity_id=body.entity_id,
        attribute=None,
        begins_at=begins_at,
        until=body.until,
        reason=body.reason,
        person=principal.name,
        moment=moment,
    )
    await settle_alarms(connection, rules, moment)
    row = await holds_repository.find_hold(connection, hold_id)
    if row is None:
        raise LookupError("a hold that was just placed is gone")
    view = hold_view(row)
    await audit.record(connection, principal, _VERBS[body.kind], f"hold:{hold_id}", reason=body.reason, details=view)
    return view


@router.post("/alarm-holds/{hold_id}/end")
async def end_hold(hold_id: RowId, connection: Transaction, services: ServicesOf, principal: Shelver) -> dict[str, Any]:
    """End a hold before its time: its alarms that are still active call a person anew."""
    await repository.lock_alarms(connection)
    row = await holds_repository.find_hold(connection, hold_id)
    if row is None:
        raise NotFound(f"There is no hold {hold_id} that still counts.")
    if row["kind"] != "shelved" and not principal.may("alarms.suppress"):
        raise Forbidden("Only who may suppress alarms may end this.")
    whose = await _whose(connection, row["entity_id"])
    if row["entity_id"] is not None and not principal.reaches("alarms.read", whose):
        raise NotFound(f"There is no hold {hold_id} that still counts.")
    may_act(principal, "alarms.shelve" if row["kind"] == "shelved" else "alarms.suppress", whose)
    await _end(connection, services, principal, [to_hold(row)])
    view = hold_view(row)
    await audit.record(connection, principal, f"{_VERBS[row['kind']]}.end", f"hold:{hold_id}", details=view)
    return view


@router.post("/alarms/{alarm_id}/shelve")
async def shelve(
    alarm_id: RowId, body: Shelf, connection: Transaction, services: ServicesOf, principal: ShelverOfOne
) -> dict[str, Any]:
    """Put an alarm aside until a time; it comes back by itself, and calls anew if it is still active."""
    if body.until > now() + SHELVED_AT_MOST:
        raise BadInput(
            "A shelf lasts a day at most; what must stay away longer is out of service.",
            field="until",
            code="shelf-too-long",
        )
    return await _hide(alarm_id, "shelved", body.reason, body.until, connection, services, principal)


@router.post("/alarms/{alarm_id}/unshelve")
async def unshelve(
    alarm_id: RowId, connection: Transaction, services: ServicesOf, principal: ShelverOfOne
) -> dict[str, Any]:
    """Bring a shelved alarm back before its time."""
    return await _show(alarm_id, "shelved", connection, services, principal)


@router.post("/alarms/{alarm_id}/suppress")
async def suppress(
    alarm_id: RowId, body: Suppression, connection: Transaction, services: ServicesOf, principal: SuppressorOfOne
) -> dict[str, Any]:
    """Suppress an alarm by design: it means nothing in the present situation."""
    return await _hide(alarm_id, "suppressed", body.reason, body.until, connection, services, principal)


@router.post("/alarms/{alarm_id}/unsuppress")
async def unsuppress(
    alarm_id: RowId, connection: Transaction, services: ServicesOf, principal: SuppressorOfOne
) -> dict[str, Any]:
    """End a suppression that a person placed on this alarm."""
    return await _show(alarm_id, "suppressed", connection, services, principal)


@router.post("/alarms/{alarm_id}/out-of-service")
async def take_out_of_service(
    alarm_id: RowId, body: Suppression, connection: Transaction, services: ServicesOf, principal: SuppressorOfOne
) -> dict[str, Any]:
    """Take an alarm out of service, for maintenance."""
    return await _hide(alarm_id, "out_of_service", body.reason, body.until, connection, services, principal)


@router.post("/alarms/{alarm_id}/back-in-service")
async def back_in_service(
    alarm_id: RowId, connection: Transaction, services: ServicesOf, principal: SuppressorOfOne
) -> dict[str, Any]:
    """Put an alarm back into service."""
    return await _show(alarm_id, "out_of_service", connection, services, principal)


async def _hide(
    alarm_id: int,
    kind: HoldKind,
    reason: str,
    until: datetime | None,
    connection: Transaction,
    services: ServicesOf,
    principal: Principal,
) -> dict[str, Any]:
    moment = now()
    _check_end(until, moment)
    await repository.lock_alarms(connection)
    alarm = await alarm_of(connection, alarm_id)
    if await _holds_of(connection, alarm, kind):
        raise Conflict("The alarm is already put aside this way: bring it back first.", code="already-hidden")
    await holds_repository.place_hold(
        connection,
        kind=kind,
        rule=alarm.key.rule,
        entity_id=alarm.key.entity_id,
        attribute=alarm.key.attribute,
        begins_at=moment,
        until=until,
        reason=reason,
        person=principal.name,
        moment=moment,
    )
    rules = {code: found.rule for code, found in (await standing_rules(connection, services.settings)).items()}
    await settle_alarms(connection, rules, moment)
    view = await view_of(connection, alarm_id)
    details = facts_of(alarm) | {"until": iso(until) if until else None}
    await audit.record(connection, principal, _VERBS[kind], f"alarm:{alarm_id}", reason=reason, details=details)
    return view


async def _show(
    alarm_id: int, kind: HoldKind, connection: Transaction, services: ServicesOf, principal: Principal
) -> dict[str, Any]:
    await repository.lock_alarms(connection)
    alarm = await alarm_of(connection, alarm_id)
    holds = await _holds_of(connection, alarm, kind)
    if not holds:
        raise Conflict("Nobody has put this alarm aside this way.", code="not-hidden")
    await _end(connection, services, principal, holds)
    view = await view_of(connection, alarm_id)
    await audit.record(connection, principal, f"{_VERBS[kind]}.end", f"alarm:{alarm_id}", details=facts_of(alarm))
    return view


async def _end(connection: Transaction, services: ServicesOf, principal: Principal, holds: list[Hold]) -> None:
    moment = now()
    for hold in holds:
        await holds_repository.end_hold(connection, hold.id, principal.name, moment)
    rules = {code: found.rule for code, found in (await standing_rules(connection, services.settings)).items()}
    await settle_alarms(connection, rules, moment, principal.name, holds)


async def _holds_of(connection: Transaction, alarm: Alarm, kind: HoldKind) -> list[Hold]:
    """Return the holds of a kind on exactly this alarm."""
    holds = [to_hold(row) for row in await holds_repository.hold_rows(connection) if row["kind"] == kind]
    return [hold for hold in holds if (hold.rule, hold.entity_id, hold.attribute) == tuple(alarm.key)]


async def _whose(connection: Transaction, entity_id: str | None) -> Belonging:
    """Return whose a hold is: that of its asset; one of a rule alone holds in the whole city."""
    return CITYS if entity_id is None else await of_entity(connection, entity_id)


def _check_end(until: datetime | None, begin: datetime) -> None:
    if until is not None and until <= begin:
        raise BadInput("The end must lie ahead, and after the beginning.", field="until", code="end-not-ahead")
