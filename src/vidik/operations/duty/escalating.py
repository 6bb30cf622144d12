"""Calling for help: what nobody acknowledges goes to the next person. Every step is a row, moved in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from vidik.kernel.database import Connection
from vidik.operations import journal
from vidik.operations.duty import calls, roster
from vidik.operations.duty.plan import Call, Place, Plan, who_is_next
from vidik.operations.duty.views import notice_view
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK

_LOOK_AGAIN = timedelta(minutes=1)


async def escalate(connection: Connection, tenant: str, moment: datetime) -> None:
    """End what was taken, open what calls, and ask the next person wherever that is due.

    Safe to be killed at any point and run by two at once: the caller's transaction has all of it or nothing.
    """
    await calls.lock(connection)
    for row in [*await calls.settled_alarms(connection), *await calls.settled_incidents(connection)]:
        await _end(connection, row["id"], row["ending"], row["by"], moment)
    plans = {
        row["code"]: (Plan.model_validate(row["definition"]), row)
        for row in await roster.plan_rows(connection)
        if row["enabled"]
    }
    for code, (plan, row) in plans.items():
        if plan.priorities:
            await calls.open_for_alarms(connection, code, plan, row["stands_since"])
        if plan.severities:
            await calls.open_for_incidents(connection, code, plan, row["stands_since"])
    waiting = await calls.due(connection, moment)
    if not waiting:
        return
    on_shift = await roster.on_shift(connection, moment)
    names = await roster.people(connection, tenant)
    for row in waiting:
        standing = plans.get(row["plan"])
        if standing is None:
            await _end(connection, row["id"], "over", None, moment)
        else:
            await _ask(connection, row, standing[0], on_shift, names, moment)


async def _ask(
    connection: Connection,
    row: Mapping[str, Any],
    plan: Plan,
    on_shift: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    moment: datetime,
) -> None:
    # A plan that was made shorter meanwhile goes on with its next round.
    step = row["step"]
    place = Place(row["round"], step) if step < len(plan.steps) else Place(row["round"] + 1)
    found = who_is_next(plan, moment, place, on_shift)
    if isinstance(found, Call):
        new = await calls.insert_notices(connection, row, found, names, moment)
        await calls.move(connection, row["id"], found.following, moment + timedelta(minutes=found.wait_minutes))
        await tell(connection, new)
        if new and row["cause"] == "incident":
            await _note_in_timeline(connection, row, found, names, moment)
    elif found.left:
        await calls.move(connection, row["id"], place, moment + _LOOK_AGAIN)
    else:
        await _end(connection, row["id"], "exhausted", None, moment)


async def _note_in_timeline(
    connection: Connection, row: Mapping[str, Any], call: Call, names: Mapping[str, str], moment: datetime
) -> None:
    kind = "notice.sent" if call.place == Place() else "notice.escalated"
    people = ", ".join(names.get(login, login) for login in call.people)
    data = {"title": people, "channels": list(call.channels), "exercise": row["exercise_id"] is not None}
    await incidents.add_entry(connection, row["subject"], kind, data, VIDIK, moment)


async def _end(connection: Connection, escalation: int, ending: calls.Ending, by: str | None, moment: datetime) -> None:
    await tell(connection, await calls.end(connection, escalation, ending, by, moment))


async def take_over(connection: Connection, escalation: int, person: str, moment: datetime) -> None:
    """Say that a person has taken what an escalation calls for: nobody else is asked."""
    await _end(connection, escalation, "acknowledged", person, moment)


async def tell(connection: Connection, notices: Sequence[int]) -> None:
    """Show messages as they now are at every desk."""
    for row in await calls.notices(connection, notices):
        await journal.tell(connection, "notice", row["id"], notice_view(row))
