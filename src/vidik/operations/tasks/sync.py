"""What a crew's phone brings when it has a line: its changes merged, its photos tied to them, one answer for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Forbidden, NotFound
from vidik.kernel.identity import Principal
from vidik.operations.tasks import crews_repository, repository, service
from vidik.operations.tasks.late import Change, Outcome, by_our_clock, merge
from vidik.operations.tasks.repository import Event, facts_of
from vidik.operations.tasks.task import Act, Task
from vidik.operations.tasks.view import belonging_of_crew, crew_view, refused_view, task_view, task_views

SHOWN_FOR = timedelta(days=7)
"""How long a phone shows what was refused."""
ENDED_FOR = timedelta(hours=16)
"""How long a phone shows what its crew ended."""


@dataclass(frozen=True, slots=True)
class Brought:
    """One change as the phone sends it. The act `note` says something without moving the task."""

    client_id: str
    task: int
    round: int
    act: Act | Literal["note"]
    at: datetime
    note: str = ""
    photos: tuple[str, ...] = ()


def works_for(row: dict[str, Any], principal: Principal) -> bool:
    """Whether a person may act for a crew: a member, or who administers crews of its organisation."""
    member = any(member["login"] == principal.login for member in row["members"])
    return member or principal.reaches("crews.manage", belonging_of_crew(row))


async def crew_for(connection: Connection, crew: int, principal: Principal, *, lock: bool = False) -> dict[str, Any]:
    """Return the row of a crew that the person may act for; raises NotFound or Forbidden."""
    row = await crews_repository.find_crew(connection, crew, lock=lock)
    if row is None:
        raise NotFound(f"There is no crew {crew}.", field="crew")
    if not works_for(row, principal):
        raise Forbidden(f"You do not belong to {row['name']}.")
    return row


async def mine(connection: Connection, principal: Principal, crew: int | None) -> dict[str, Any]:
    """Return a person's crews, and of the chosen one (or all) the tasks and what was refused lately."""
    if crew is None:
        crews: Sequence[dict[str, Any]] = await crews_repository.crews_of(connection, principal.login)
    else:
        crews = [await crew_for(connection, crew, principal)]
    moment = now()
    numbers = [row["id"] for row in crews]
    tasks = await repository.tasks_of_crews(connection, numbers, moment - ENDED_FOR)
    refused = await repository.refused_of_crews(connection, numbers, moment - SHOWN_FOR)
    return {
        "server_time": iso(moment),
        "crews": [crew_view(row) for row in crews],
        "tasks": task_views(tasks),
        "refused": [refused_view(row) for row in refused],
    }


async def take_changes(
    connection: Connection, crew: int, changes: Sequence[Brought], client_time: datetime, principal: Principal
) -> list[dict[str, Any]]:
    """Merge a phone's changes; returns what became of each, with the task as it stands now.

    Raises NotFound or Forbidden for a crew that is not the person's.
    """
    await crew_for(connection, crew, principal)
    received = now()
    rows = await repository.lock_tasks(connection, {change.task for change in changes})
    # After the locks: what another phone of the crew brings at this moment is then either before or after.
    known = await repository.known_changes(connection, {change.client_id for change in changes})
    acts = [
        Change(change.client_id, change.task, change.round, change.act, change.at)
        for change in changes
        if change.act != "note"
    ]
    facts = {number: facts_of(row) for number, row in rows.items()}
    after, outcomes = merge(facts, acts, crew=crew, known=known, client_time=client_time, received=received)
    by_id = {outcome.change.client_id: outcome for outcome in outcomes if outcome.result != "known"}
    given = await repository.tasks_ever_given(connection, crew, rows)
    answers: dict[str, dict[str, Any]] = {}
    events: dict[int, list[Event]] = {}
    for change in changes:
        if change.client_id in answers:
            continue
        if change.client_id in known:
            was = known[change.client_id]["refused"]
            answers[change.client_id] = {"result": "known", "was": "refused" if was else "accepted", "reason": was}
            continue
        outcome = by_id.get(change.client_id) or _said(change, facts, given, client_time, received)
        answers[change.client_id] = {"result": outcome.result, "reason": outcome.reason}
        # What somebody says of a task that was never theirs is answered, not kept.
        if change.task in rows and change.task in given:
            events.setdefault(change.task, []).append(_event(change, outcome, facts[change.task], crew, principal))
    for number, lines in sorted(events.items()):
        if after[number] != facts[number]:
            await service.take_facts(connection, number, after[number], _result_note(after[number], lines), principal)
        await service.record(connection, number, lines, principal)
        await service.tell(connection, number)
    standing = {number: task_view(await service.row_of(connection, number)) for number in rows}
    return [
        {"client_id": change.client_id, **answers[change.client_id], "task": standing.get(change.task)}
        for change in changes
    ]


def _result_note(facts: Task, lines: Sequence[Event]) -> str:
    """The note of the act that now stands as the result, when this phone brought it."""
    if facts.result is None:
        return ""
    return next((line.note for line in lines if line.client_id == facts.acts[facts.result].key), "")


def _said(
    change: Brought, facts: dict[int, Task], given: set[int], client_time: datetime, received: datetime
) -> Outcome:
    """What becomes of a note: it is kept with every task that the crew ever had."""
    at = by_our_clock(change.at, client_time=client_time, received=received, began=None)
    act = Change(change.client_id, change.task, change.round, "accept", change.at)
    if change.task not in given:
        return Outcome(act, "refused", at, "no-task")
    state = facts[change.task].state
    return replace(Outcome(act, "accepted", at), before=state, after=state)


def _event(change: Brought, outcome: Outcome, facts: Task, crew: int, principal: Principal) -> Event:
    return Event(
        change.act,
        outcome.at,
        principal.name,
        principal.login,
        change.round,
        outcome.before,
        outcome.after or facts.state,
        crew=crew,
        note=change.note,
        data={"photos": list(change.photos)} if change.photos else {},
        refused=outcome.reason,
        client_id=change.client_id,
    )
