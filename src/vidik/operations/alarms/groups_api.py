"""Groups of alarms over HTTP: one line for one cause, and one hand for all of it."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.errors import NotFound
from vidik.kernel.forms import RowId
from vidik.kernel.identity import Principal
from vidik.kernel.web import Transaction
from vidik.operations.alarms import groups_repository, repository
from vidik.operations.alarms.alarm import acknowledge_alarm
from vidik.operations.alarms.api import Acknowledgement, Reader
from vidik.operations.alarms.belonging import of_group
from vidik.operations.alarms.view import alarm_view
from vidik.operations.entities import name_of
from vidik.operations.reaching import reaching

router = APIRouter(tags=["operations"])
_reaching = partial(reaching, "group", "group_id", of_group, see="alarms.read")
ReaderOfOne = Annotated[Principal, Depends(_reaching())]
AcknowledgerOfOne = Annotated[Principal, Depends(_reaching(act="alarms.acknowledge"))]


@router.get("/alarm-groups")
async def list_groups(
    connection: Transaction, principal: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """List groups with open alarms, newest first: how many they are, which, and what the worst of them says."""
    rows = await groups_repository.list_groups(connection, limit, principal.reach("alarms.read"))
    items = []
    for row in rows:
        document = row.pop("document")
        times = {name: iso(row[name]) for name in ("opened_at", "newest_at")}
        name = name_of(row["subject"], document or {}) if row["kind"] == "related" else row["subject"]
        numbers = [str(number) for number in row["open_alarms"]]
        exercise = {"exercise": row.pop("exercise_id") is not None}
        items.append({**row, **times, **exercise, "id": str(row["id"]), "subject_name": name, "open_alarms": numbers})
    return {"items": items}


@router.get("/alarm-groups/{group_id}/alarms")
async def list_members(group_id: RowId, connection: Transaction, principal: ReaderOfOne) -> dict[str, Any]:
    """List every alarm of a group that one may see."""
    rows = await groups_repository.members(connection, group_id, principal.reach("alarms.read"))
    if not rows:
        raise NotFound(f"There is no group {group_id}.")
    return {"items": [alarm_view(row) for row in rows]}


@router.post("/alarm-groups/{group_id}/acknowledge")
async def acknowledge_group(
    group_id: RowId,
    connection: Transaction,
    principal: AcknowledgerOfOne,
    body: Annotated[Acknowledgement | None, Body()] = None,
) -> dict[str, Any]:
    """Acknowledge every alarm of a group that still asks for it and that one may; returns how many those were."""
    reach = principal.reach("alarms.acknowledge")
    if not await groups_repository.members(connection, group_id, reach):
        raise NotFound(f"There is no group {group_id}.")
    await repository.lock_alarms(connection)
    note = body.note or None if body else None
    moment = now()
    asking = await groups_repository.unacknowledged_members(connection, group_id, reach)
    moved = [acknowledge_alarm(alarm, person=principal.name, note=note, now=moment) for alarm in asking]
    await repository.update_alarms(connection, [after for after, _ in moved])
    events = [(after.id, event) for after, event in moved if after.id is not None]
    await repository.append_events(connection, events)
    details = {"alarms": len(events)}
    await audit.record(
        connection, principal, "alarm-group.acknowledge", f"alarm-group:{group_id}", reason=note, details=details
    )
    return details
