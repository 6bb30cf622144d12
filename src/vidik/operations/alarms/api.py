"""Alarms over HTTP: listed, acknowledged, reset, and what happened to each."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound
from vidik.kernel.forms import Form, Keepable, Number, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import Transaction
from vidik.operations.alarms import repository
from vidik.operations.alarms.alarm import Act, Alarm, acknowledge_alarm, reset_alarm
from vidik.operations.alarms.belonging import of_alarm
from vidik.operations.alarms.standing import view_of, views_of
from vidik.operations.reaching import reaching
from vidik.operations.words import Words

router = APIRouter(tags=["operations"])
Reader = Annotated[Principal, Depends(require("alarms.read"))]
_reaching = partial(reaching, "alarm", "alarm_id", of_alarm, see="alarms.read")
ReaderOfOne = Annotated[Principal, Depends(_reaching())]
AcknowledgerOfOne = Annotated[Principal, Depends(_reaching(act="alarms.acknowledge"))]


class Acknowledgement(Form):
    """What a person may say when acknowledging or resetting."""

    note: Words | None = Field(None, max_length=2000)


async def alarm_of(connection: Connection, alarm_id: int) -> Alarm:
    """Return an alarm, locked until the transaction ends; raises NotFound."""
    alarm = await repository.find_alarm(connection, alarm_id)
    if alarm is None:
        raise NotFound(f"There is no alarm {alarm_id}.")
    return alarm


def facts_of(alarm: Alarm) -> dict[str, Any]:
    """Return what the audit record says of an alarm beside its number."""
    return {"rule": alarm.key.rule, "entity": alarm.key.entity_id, "priority": alarm.priority}


@router.get("/alarms")
async def list_alarms(
    connection: Transaction,
    principal: Reader,
    state: repository.Which = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before: Annotated[Number | None, Query(description="Only alarms with a smaller number (paging).")] = None,
    entity_id: Keepable | None = None,
    service: Keepable | None = None,
) -> dict[str, Any]:
    """List alarms with how many are open of each priority.

    `open`: not over and not hidden; `unacknowledged`: asking for a person, also after the readings are good again;
    `returned`: good again before anybody acknowledged them; `hidden`: shelved, suppressed by design or out of service.
    `lists` says how many stand in each list.
    """
    reach = principal.reach("alarms.read")
    rows = await repository.list_alarms(
        connection, state=state, limit=limit, before=before, entity_id=entity_id, service=service, reach=reach
    )
    items = await views_of(connection, rows)
    following = min(row["id"] for row in rows) if state != "open" and len(rows) == limit else None
    counts = await repository.count_open(connection, reach)
    lists = await repository.count_lists(connection, reach)
    return {"items": items, "counts": counts, "lists": lists, "next": following}


@router.get("/alarms/{alarm_id}")
async def read_alarm(alarm_id: RowId, connection: Transaction, _: ReaderOfOne) -> dict[str, Any]:
    """Return one alarm."""
    return await view_of(connection, alarm_id)


@router.get("/alarms/{alarm_id}/events")
async def read_events(alarm_id: RowId, connection: Transaction, _: ReaderOfOne) -> dict[str, Any]:
    """List every transition of an alarm with its cause, person and time, oldest first."""
    await view_of(connection, alarm_id)
    rows = await repository.events_of(connection, alarm_id)
    return {"items": [{**row, "id": str(row["id"]), "at": iso(row["at"])} for row in rows]}


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge(
    alarm_id: RowId,
    connection: Transaction,
    principal: AcknowledgerOfOne,
    body: Annotated[Acknowledgement | None, Body()] = None,
) -> dict[str, Any]:
    """Put the signed-in person's name and time on an alarm, with a note if there is one."""
    alarm = await alarm_of(connection, alarm_id)
    note = body.note or None if body else None
    acknowledged, event = acknowledge_alarm(alarm, person=principal.name, note=note, now=now())
    await repository.update_alarms(connection, [acknowledged])
    await repository.append_events(connection, [(alarm_id, event)])
    view = await view_of(connection, alarm_id)
    await audit.record(
        connection, principal, "alarm.acknowledge", f"alarm:{alarm_id}", reason=note, details=facts_of(alarm)
    )
    return view


@router.post("/alarms/{alarm_id}/reset")
async def reset(
    alarm_id: RowId,
    connection: Transaction,
    principal: AcknowledgerOfOne,
    body: Annotated[Acknowledgement | None, Body()] = None,
) -> dict[str, Any]:
    """End a latched alarm whose readings are good again."""
    alarm = await alarm_of(connection, alarm_id)
    note = body.note or None if body else None
    after, event = reset_alarm(alarm, Act("person", now(), principal.name, note))
    await repository.update_alarms(connection, [after])
    await repository.append_events(connection, [(alarm_id, event)])
    view = await view_of(connection, alarm_id)
    await audit.record(connection, principal, "alarm.reset", f"alarm:{alarm_id}", reason=note, details=facts_of(alarm))
    return view
