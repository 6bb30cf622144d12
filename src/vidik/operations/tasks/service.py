"""What may be done with tasks, and what follows of it: history, journal, the incident's timeline. Never commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Forbidden, NotFound
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Belonging
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.incidents import service as incidents
from vidik.operations.reaching import may_act
from vidik.operations.tasks import crews_repository, repository, task
from vidik.operations.tasks.repository import EDITABLE, Event, facts_of
from vidik.operations.tasks.task import Task
from vidik.operations.tasks.view import belonging_of_crew, task_view

Verb = Literal["assign", "withdraw", "cancel", "close", "reopen"]
_KINDS: Mapping[Verb, str] = {
    "assign": "assigned",
    "withdraw": "withdrawn",
    "cancel": "cancelled",
    "close": "closed",
    "reopen": "reopened",
}


async def row_of(connection: Connection, number: int, *, lock: bool = False) -> dict[str, Any]:
    """Return a task's row, locked when asked; raises NotFound."""
    if lock:
        found = (await repository.lock_tasks(connection, [number])).get(number)
    else:
        found = await repository.find_task(connection, number)
    if found is None:
        raise NotFound(f"There is no task {number}.")
    return found


async def seen(connection: Connection, number: int, version: int) -> dict[str, Any]:
    """Return a task's row, locked; raises NotFound, or Changed when it is no longer the version that was seen."""
    row = await row_of(connection, number, lock=True)
    if row["version"] != version:
        raise Changed(task_view(row), row["changed_by"])
    return row


async def tell(connection: Connection, number: int) -> dict[str, Any]:
    """Tell every desk how a task stands now; returns its view."""
    view = task_view(await row_of(connection, number))
    await journal.tell(connection, "task", number, view)
    return view


async def open_task(
    connection: Connection, opening: Mapping[str, Any], principal: Principal, *, crew: int | None = None
) -> tuple[dict[str, Any], bool]:
    """Open a task (columns by name) and give it to a crew when one is named.

    Where Vidik wrote the words, `titles` and `instruction_texts` have them in every script.

    Returns its view, and whether it is new: the same `client_id` again returns what it opened the first time.
    Raises NotFound for an incident or crew that does not exist.
    """
    moment = now()
    by = principal.name
    incident = opening.get("incident")
    exercise = incident is not None and (await incidents.get(connection, incident)).exercise_id is not None
    values = (
        dict(opening)
        | {"exercise": exercise, "owners": principal.owners("tasks.manage")}
        | {"opened_at": moment, "opened_by": by, "changed_by": by, "changed_at": moment}
    )
    number = await repository.insert_task(connection, values)
    if number is None:
        return task_view(await repository.task_by_client_id(connection, values["client_id"])), False
    event = Event("created", moment, by, principal.login, 1, None, "open")
    await record(connection, number, [event], principal)
    if crew is None:
        return await tell(connection, number), True
    facts = Task()
    return await _decided(
        connection, number, facts, task.assign(facts, crew, moment), "assign", principal, moment
    ), True


async def decide(
    connection: Connection,
    number: int,
    verb: Verb,
    principal: Principal,
    *,
    version: int,
    crew: int | None = None,
    result: Literal["done", "failed"] = "done",
    note: str = "",
) -> dict[str, Any]:
    """Take a decision of the desk over the version that the person saw; returns the view.

    Raises NotFound, Changed, or Conflict for what the state does not allow.
    """
    row = await seen(connection, number, version)
    may_decide(row, principal)
    before, moment = facts_of(row), now()
    match verb:
        case "assign":
            if crew is None:
                raise Conflict("Say which crew.", field="crew")
            after = task.assign(before, crew, moment)
        case "withdraw":
            after = task.withdraw(before, moment)
        case "cancel":
            after = task.cancel(before, moment)
        case "close":
            after = task.close(before, result, moment)
        case "reopen":
            after = task.reopen(before, moment)
    return await _decided(connection, number, before, after, verb, principal, moment, note)


async def _decided(
    connection: Connection,
    number: int,
    before: Task,
    after: Task,
    verb: Verb,
    principal: Principal,
    moment: datetime,
    note: str = "",
) -> dict[str, Any]:
    if verb == "assign" and after.crew is not None:
        await may_give(connection, after.crew, principal)
    await repository.write_facts(
        connection, number, after, by=principal.name, at=moment, note=note if verb in ("close", "cancel") else ""
    )
    data = {} if before.standing_crew in (None, after.crew) else {"from_crew": before.standing_crew}
    event = Event(
        _KINDS[verb],
        moment,
        principal.name,
        principal.login,
        after.round,
        before.state,
        after.state,
        crew=after.crew if verb == "assign" else before.standing_crew,
        note=note,
        data=data,
    )
    await record(connection, number, [event], principal)
    return await tell(connection, number)


def may_decide(row: Mapping[str, Any], principal: Principal) -> None:
    """Raise Forbidden for a task beyond the person's reach; one that a crew has is for the desk of its organisation."""
    organisation = row["crew_organisation"]
    if facts_of(row).standing_crew is None or organisation is None:
        whose = Belonging(*map(frozenset, (row["all_organisations"], row["all_areas"], row["people"])))
        may_act(principal, "tasks.manage", whose)
        return
    if principal.reaches("tasks.manage", Belonging.to(organisation, row["all_areas"])):
        return
    raise Forbidden(
        f"A crew of {organisation} has this task, and you decide about tasks of other organisations only.",
        code="task-of-organisation",
        values={"organisation": organisation},
    )


async def may_give(connection: Connection, crew: int, principal: Principal) -> None:
    """Raise unless a crew exists, is in use, and the person may send crews of its organisation."""
    row = await crews_repository.find_crew(connection, crew)
    if row is None:
        raise NotFound(f"There is no crew {crew}.", field="crew")
    if not row["in_use"]:
        raise Conflict(f"{row['name']} is not in use any more.", field="crew", code="crew-not-in-use")
    if not principal.reaches("tasks.manage", belonging_of_crew(row)):
        raise Forbidden(f"You may not send crews of {row['organisation'] or 'the city'}.")


async def edit(
    connection: Connection,
    number: int,
    edits: Mapping[str, Any],
    principal: Principal,
    *,
    version: int,
) -> dict[str, Any]:
    """Change what is typed of a task; what a crew was told before stays in the history. Returns the view."""
    row = await seen(connection, number, version)
    may_decide(row, principal)
    changed = {name: edits[name] for name in EDITABLE if name in edits and edits[name] != row[name]}
    if not changed:
        return task_view(row)
    moment = now()
    await repository.write_edits(connection, number, changed, by=principal.name, at=moment)
    before = {name: _plain(row[name]) for name in changed}
    after = {name: _plain(value) for name, value in changed.items()}
    event = Event(
        "changed",
        moment,
        principal.name,
        principal.login,
        row["round"],
        row["state"],
        row["state"],
        data={"before": before, "after": after},
    )
    await record(connection, number, [event], principal)
    return await tell(connection, number)


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value


async def take_facts(connection: Connection, number: int, facts: Task, note: str, principal: Principal) -> None:
    """Write what a task came to by what its crew did (already merged by the core)."""
    await repository.write_facts(connection, number, facts, by=principal.name, at=now(), note=note)


_ENTRIES: Mapping[str, str] = {
    "created": "task.created",
    "assigned": "task.assigned",
    "accept": "task.accepted",
    "arrive": "task.arrived",
    "done": "task.done",
    "fail": "task.failed",
    "cancelled": "task.cancelled",
}


async def record(connection: Connection, number: int, events: Sequence[Event], principal: Principal) -> None:
    """Append to a task's history, and to the timeline of its incident what matters there."""
    await repository.append_events(connection, number, events, now())
    row = await row_of(connection, number)
    if row["incident"] is None:
        return
    data = {"task": number, "title": row["title"], "titles": row["titles"], "crew": row["crew_name"]}
    for event in events:
        kind = f"task.{event.after}" if event.kind == "closed" else _ENTRIES.get(event.kind)
        if kind is None or event.refused is not None:
            continue
        said = data | ({"note": event.note} if event.note else {})
        await incidents.add_entry(
            connection, row["incident"], kind, said, incidents.actor_of(principal), at=event.happened_at
        )
