"""Calling for help: what nobody acknowledges goes to the next person. Every step is a row, moved in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict
from vidik.operations import journal
from vidik.operations.duty import calls, messages, roster
from vidik.operations.duty.belonging import of_escalations
from vidik.operations.duty.plan import Call, Place, Plan, who_is_next
from vidik.operations.duty.views import notice_view
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK, Actor

_LOOK_AGAIN = timedelta(minutes=1)


class About(NamedTuple):
    """What a procedure's message is about: its incident, and what the message says."""

    incident: int
    facts: Mapping[str, Any]
    exercise_id: int | None


async def escalate(connection: Connection, tenant: str, moment: datetime) -> None:
    """End what was taken, open what calls, and ask the next person wherever that is due.

    Safe to be killed at any point and run by two at once: the caller's transaction has all of it or nothing.
    """
    await calls.lock(connection)
    settled = (calls.settled_alarms, calls.settled_incidents, calls.settled_procedures)
    for row in [row for find in settled for row in await find(connection)]:
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
) -> list[int]:
    """Ask whoever is next; returns the numbers of the messages."""
    # A plan that was made shorter meanwhile goes on with its next round.
    step = row["step"]
    place = Place(row["round"], step) if step < len(plan.steps) else Place(row["round"] + 1)
    found = who_is_next(plan, moment, place, on_shift)
    if isinstance(found, Call):
        new = await messages.insert_notices(connection, row, found, names, moment)
        await calls.move(connection, row["id"], found.following, moment + timedelta(minutes=found.wait_minutes))
        await tell(connection, new)
        if new and row["cause"] != "alarm":
            await _note_in_timeline(connection, row, found, names, moment)
        return new
    if found.left:
        await calls.move(connection, row["id"], place, moment + _LOOK_AGAIN)
    else:
        await _end(connection, row["id"], "exhausted", None, moment)
    return []


async def call_for_procedure(
    connection: Connection,
    tenant: str,
    code: str,
    told: Sequence[tuple[str, str, str]],
    about: About,
    answer_minutes: int | None,
    moment: datetime,
) -> tuple[int, list[int]]:
    """Send a procedure's message that somebody must answer; returns the escalation and the messages sent by now.

    `told` (login, shown name, channel) are told at once. The plan asks its people from the moment on, or, where
    `answer_minutes` are given and somebody is told already, only when nobody has answered by then. Raises Conflict
    when the plan is gone or switched off (`unknown-plan`), or nobody at all can be told now (`nobody-to-tell`).
    """
    row = next((one for one in await roster.plan_rows(connection) if one["code"] == code and one["enabled"]), None)
    if row is None:
        raise Conflict(f"There is no on-call plan {code} in use.", field="do.plan", code="unknown-plan")
    plan = Plan.model_validate(row["definition"])
    on_shift = await roster.on_shift(connection, moment)
    if not told and not isinstance(who_is_next(plan, moment, Place(), on_shift), Call):
        raise Conflict(f"The on-call plan {code} has nobody to ask now.", field="do.plan", code="nobody-to-tell")
    wait = timedelta(minutes=answer_minutes or 0) if told else timedelta()
    call = await calls.open_for_procedure(
        connection, code, about.incident, about.facts, moment, moment + wait, about.exercise_id
    )
    new = await messages.insert_messages(connection, told, about.facts, moment, about.exercise_id, call["id"])
    await tell(connection, new)
    if not wait:
        names = await roster.people(connection, tenant)
        new += await _ask(connection, call, plan, on_shift, names, moment)
    return call["id"], new


async def _note_in_timeline(
    connection: Connection, row: Mapping[str, Any], call: Call, names: Mapping[str, str], moment: datetime
) -> None:
    kind = "notice.sent" if call.place == Place() else "notice.escalated"
    people = ", ".join(names.get(login, login) for login in call.people)
    data = {"title": people, "channels": list(call.channels), "exercise": row["exercise_id"] is not None}
    await incidents.add_entry(connection, row["subject"], kind, data, VIDIK, moment)


async def _end(connection: Connection, escalation: int, ending: calls.Ending, by: str | None, moment: datetime) -> None:
    await tell(connection, await calls.end(connection, escalation, ending, by, moment))


async def take_over(connection: Connection, row: Mapping[str, Any], actor: Actor, moment: datetime) -> None:
    """Say that a person has taken what an escalation calls for: nobody else is asked."""
    await _end(connection, row["id"], "acknowledged", actor.name, moment)
    if row["cause"] != "alarm":
        said = {"title": actor.name, "exercise": row["exercise_id"] is not None}
        await incidents.add_entry(connection, row["subject"], "notice.acknowledged", said, actor, moment)


async def call_off(connection: Connection, escalations: Sequence[int], moment: datetime) -> None:
    """End escalations that still wait: what they call for is not needed any more."""
    for escalation in escalations:
        row = await calls.find(connection, escalation)
        if row is not None and row["state"] == "waiting":
            await _end(connection, escalation, "over", None, moment)


async def tell(connection: Connection, notices: Sequence[int]) -> None:
    """Show messages as they now are at every desk."""
    rows = await messages.notices(connection, notices)
    whose = await of_escalations(connection, {row["escalation"] for row in rows if row["escalation"] is not None})
    for row in rows:
        mine = {"organisations": [], "areas": [], "people": [row["login"]]}
        await journal.tell(connection, "notice", row["id"], notice_view(row) | whose.get(row["escalation"], mine))
