"""Runs in the database: started in an incident, moved by people, by Vidik and by the clock, told to every desk.

A run's row is locked while it moves, and everything that follows (rows of tasks, messages, commands, the timeline) is
written in the same transaction: killed in between, all of it or nothing has happened. Nobody commits here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Forbidden, NotFound, Unprocessable, VidikError
from vidik.kernel.identity import Principal
from vidik.kernel.settings import Settings
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.duty import escalating
from vidik.operations.incidents import incident as incident_core
from vidik.operations.incidents import repository as incident_rows
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import Actor, Incident
from vidik.operations.procedures import effects, repository, runs_repository
from vidik.operations.procedures import run as core
from vidik.operations.procedures.conditions import choose, seen_by
from vidik.operations.procedures.definition import Definition, Step
from vidik.operations.procedures.effects import Record, Scene
from vidik.operations.procedures.run import VIDIK, ActName, Ending, Person, Run, Visit
from vidik.operations.procedures.view import run_view


@dataclass
class _Work:
    """One run while it is moved in a transaction."""

    scene: Scene
    row: Mapping[str, Any]
    run: Run
    records: list[Record] = field(default_factory=list)

    @property
    def step(self) -> Step:
        return self.scene.definition.step(self.run.visit.step)


async def start(
    connection: Connection,
    settings: Settings,
    principal: Principal,
    incident_id: int,
    procedure: str,
    client_id: str | None,
) -> tuple[dict[str, Any], bool]:
    """Start a procedure in an incident; returns the run, and whether it is new (not so for a known `client_id`).

    Raises NotFound, Conflict.
    """
    incident = await _whole_incident(connection, incident_id)
    if client_id is not None and (known := await runs_repository.find_by_client(connection, client_id)) is not None:
        return await read(connection, known), False
    _check_running(incident)
    row = await repository.newest(connection, procedure)
    if row is None:
        raise NotFound(f"There is no procedure {procedure}.", field="procedure")
    if row["state"] != "published":
        raise Conflict("This procedure is withdrawn.", field="procedure", code="procedure-withdrawn")
    definition = Definition.model_validate(row["definition"])
    moment = now()
    run = core.begin(definition, moment)
    values = {
        "procedure": procedure,
        "procedure_version": row["version"],
        "incident": incident.id,
        "exercise_id": incident.exercise_id,
        "at": moment,
        "by": principal.name,
        "login": principal.login,
        "client_id": client_id,
    }
    number = await runs_repository.insert(connection, values, run)
    if number is None:
        return await _there_already(connection, incident, procedure, client_id), False
    standing = await runs_repository.find(connection, number)
    assert standing is not None  # noqa: S101  (just written)
    work = _Work(Scene(connection, settings, principal.tenant, number, definition, incident, moment), *standing)
    said = {"procedure": procedure}
    await _tell_incident(work, "started", incidents.actor_of(principal), said)
    details = {"procedure": procedure, "version": row["version"], "incident": incident.number}
    work.records.append(Record(principal, "procedure.start", f"procedure-run:{number}", details))
    return await _go_on(work), True


async def _there_already(
    connection: Connection, incident: Incident, procedure: str, client_id: str | None
) -> dict[str, Any]:
    known = await runs_repository.find_by_client(connection, client_id) if client_id is not None else None
    if known is not None:
        return await read(connection, known)
    other = await runs_repository.running_of(connection, incident.id, procedure)
    raise Conflict(
        "This procedure runs in this incident already.",
        field="procedure",
        code="already-running",
        values={"run": str(other)},
    )


async def act(
    connection: Connection,
    settings: Settings,
    principal: Principal,
    run_id: int,
    step_id: str,
    verb: ActName,
    *,
    version: int,
    note: str = "",
    reason: str = "",
    branch: int | None = None,
) -> dict[str, Any]:
    """Do something with the current step of a run as a person; returns the run.

    Raises NotFound, Changed (another step is the current one), Conflict, Unprocessable, Forbidden.
    """
    work = await _work(connection, settings, principal.tenant, run_id)
    if step_id not in {step.id for step in work.scene.definition.steps}:
        raise NotFound(f"This procedure has no step {step_id}.")
    if step_id != work.run.visit.step or work.run.state != "running" or not core.was_seen(work.run, version):
        raise Changed(await read(connection, run_id), _changed_by(work.run, await _visits(connection, run_id)))
    _check_running(work.scene.incident)
    step = core.check_act(work.scene.definition, work.run, verb, branch=branch, reason=reason)
    await _check_role(connection, work, step, principal, note or reason)
    person = Person(principal.name, principal.login)
    details: dict[str, Any] = {"step": step_id, "act": verb, "incident": work.scene.incident.number}
    if branch is not None and verb == "choose":
        details["branch"] = branch
    work.records.append(
        Record(principal, "procedure.step", f"procedure-run:{run_id}", details | ({"reason": reason} if reason else {}))
    )
    actor = incidents.actor_of(principal)
    if verb == "confirm":
        await _perform(work, step, person, actor, principal, note)
    else:
        taken = branch if verb == "choose" else None
        said = "\n".join(text for text in (reason, note) if text)
        await _leave(work, Ending("skipped" if verb == "skip" else "done", person, said, taken), actor)
    return await _go_on(work)


async def stop(
    connection: Connection, settings: Settings, principal: Principal, run_id: int, version: int, reason: str
) -> dict[str, Any]:
    """Stop a run where it stands; raises NotFound, Changed, Conflict."""
    work = await _work(connection, settings, principal.tenant, run_id)
    if not core.was_seen(work.run, version):
        raise Changed(await read(connection, run_id), _changed_by(work.run, await _visits(connection, run_id)))
    work.run = core.stop(work.run, reason, Person(principal.name, principal.login), work.scene.moment)
    # Before the timeline: who asks the next person has the call locked when writing to it.
    results = [visit["result"] or {} for visit in await _visits(connection, run_id)]
    asking = [int(result["call"]["id"]) for result in results if "call" in result]
    await escalating.call_off(connection, asking, work.scene.moment)
    await _tell_incident(work, "ended", incidents.actor_of(principal), {"stopped": True, "note": reason})
    details = {"procedure": work.row["procedure"], "incident": work.scene.incident.number, "reason": reason}
    work.records.append(Record(principal, "procedure.stop", f"procedure-run:{run_id}", details))
    return await _settle(work)


async def fire(connection: Connection, settings: Settings, tenant: str, run_id: int, moment: datetime) -> None:
    """Let the clock do what is due with a run: end a wait, or note that a step is overdue. Once, if asked twice."""
    work = await _work(connection, settings, tenant, run_id, moment)
    due_at = core.due_at(work.run)
    if due_at is None or due_at > moment:
        return
    if work.scene.incident.state == "closed":
        await _stop_with_incident(work)
    elif work.step.kind == "wait":
        await _leave(work, Ending("done", VIDIK), incident_core.VIDIK)
        await _go_on(work)
    else:
        work.run = core.fall_overdue(work.run, moment)
        await runs_repository.write_visit(connection, run_id, work.run.visit)
        await _tell_incident(work, "step.overdue", incident_core.VIDIK, _said(work.step))
        await _settle(work)


async def stop_with_incident(connection: Connection, settings: Settings, tenant: str, run_id: int) -> None:
    """Stop a run whose incident was closed."""
    work = await _work(connection, settings, tenant, run_id)
    if work.run.state == "running":
        await _stop_with_incident(work)


async def _stop_with_incident(work: _Work) -> None:
    work.run = core.stop(work.run, core.INCIDENT_CLOSED, VIDIK, work.scene.moment)
    said = {"stopped": True, "cause": core.INCIDENT_CLOSED}
    await _tell_incident(work, "ended", incident_core.VIDIK, said)
    await _settle(work)


async def read(connection: Connection, run_id: int) -> dict[str, Any]:
    """Return a run as it stands; raises NotFound."""
    standing = await runs_repository.find(connection, run_id)
    if standing is None:
        raise NotFound(f"There is no run {run_id}.")
    return (await views(connection, [standing.row]))[0]


async def views(connection: Connection, rows: list[Any]) -> list[dict[str, Any]]:
    """Return runs as the API shows them."""
    visits = await runs_repository.visits_of(connection, [row["id"] for row in rows])
    definitions = {
        key: await _definition(connection, *key)
        for key in {(row["procedure"], row["procedure_version"]) for row in rows}
    }
    wholes = {number: await _whole_incident(connection, number) for number in {row["incident"] for row in rows}}
    held = await incident_rows.roles_of(connection, {incident.id for incident in wholes.values()})
    found = []
    for row in rows:
        incident = wholes[row["incident"]]
        definition = definitions[row["procedure"], row["procedure_version"]]
        roles = {one["role"]: one for one in held if one["incident"] == incident.id}
        standing = Run(
            visit=_to_visit(visits[row["id"]][-1]),
            **{name: row[name] for name in ("state", "version", "ended_at", "ended_by", "ended_login", "reason")},
        )
        found.append(run_view(row, standing, visits[row["id"]], definition, incident, roles))
    return found


def _to_visit(row: Mapping[str, Any]) -> Visit:
    return Visit(**{name: value for name, value in row.items() if name != "run"})


async def _work(
    connection: Connection, settings: Settings, tenant: str, run_id: int, moment: datetime | None = None
) -> _Work:
    standing = await runs_repository.find(connection, run_id, lock=True)
    if standing is None:
        raise NotFound(f"There is no run {run_id}.")
    row = standing.row
    definition = await _definition(connection, row["procedure"], row["procedure_version"])
    incident = await _whole_incident(connection, row["incident"])
    scene = Scene(connection, settings, tenant, run_id, definition, incident, moment or now())
    return _Work(scene, row, standing.run)


async def _definition(connection: Connection, code: str, number: int) -> Definition:
    row = await repository.version(connection, code, number)
    assert row is not None  # noqa: S101  (a foreign key)
    return Definition.model_validate(row["definition"])


async def _whole_incident(connection: Connection, incident_id: int) -> Incident:
    """Return an incident, or the one that it was merged into; raises NotFound."""
    incident = await incidents.get(connection, incident_id)
    while incident.merged_into is not None:
        incident = await incidents.get(connection, incident.merged_into)
    return incident


def _check_running(incident: Incident) -> None:
    if not incident.is_running:
        raise Conflict(
            f"Incident {incident.number} is {incident.state}.",
            code="incident-state",
            values={"number": incident.number, "state": incident.state},
        )


async def _check_role(connection: Connection, work: _Work, step: Step, principal: Principal, said: str) -> None:
    """Raise unless the person runs procedures or holds the step's role; who acts in another's place says a word."""
    held = await incident_rows.roles_of(connection, [work.scene.incident.id])
    holder = next((row for row in held if row["role"] == step.role), None)
    is_holder = holder is not None and holder["person"] == principal.login
    if not is_holder and not principal.reaches("procedures.run", work.scene.incident.belonging):
        raise Forbidden("This step belongs to another role of the incident.")
    if holder is not None and not is_holder and not said:
        raise Unprocessable(
            f"{holder['person_name']} holds the role of this step: say why you do it.",
            field="note",
            code="note-missing",
            values={"person": holder["person_name"], "role": holder["role"]},
        )


async def _visits(connection: Connection, run_id: int) -> list[Any]:
    return (await runs_repository.visits_of(connection, [run_id]))[run_id]


def _changed_by(run: Run, visits: list[Any]) -> str:
    """Who moved a run last."""
    if run.ended_by is not None:
        return run.ended_by
    return next((visit["person"] for visit in reversed(visits) if visit["person"]), "Vidik")


async def _go_on(work: _Work) -> dict[str, Any]:
    """Pass what Vidik passes by itself, then write where the run stands, tell everybody, and put it on record."""
    while core.vidik_goes_on(work.step, work.run):
        step = work.step
        if step.kind == "condition":
            facts = await effects.facts_for(work.scene, step)
            ending = Ending("done", VIDIK, branch=choose(step, facts), result={"facts": seen_by(step, facts)})
            await _leave(work, ending, incident_core.VIDIK)
        else:
            await _perform(work, step, VIDIK, incident_core.VIDIK, None, "")
    return await _settle(work)


async def _perform(
    work: _Work, step: Step, person: Person, actor: Actor, principal: Principal | None, note: str
) -> None:
    """Do what a step says; what does not work stays with the step (an optional one is passed over)."""
    try:
        async with work.scene.connection.transaction():
            done = await effects.perform(work.scene, step, principal)
    except VidikError as error:
        if isinstance(error, Forbidden) and principal is not None:
            raise
        problem = {"code": error.code, "detail": error.detail, "values": error.values}
        if step.optional and principal is None:
            await _leave(work, Ending("skipped", VIDIK, problem=problem), incident_core.VIDIK)
            return
        work.run = core.fail(work.run, problem)
        await runs_repository.write_visit(work.scene.connection, work.scene.run, work.run.visit)
        await _tell_incident(work, "step.failed", incident_core.VIDIK, _said(step) | {"code": error.code})
        return
    work.records += done.records
    await _leave(work, Ending("done", person, note, result=done.result), actor)


async def _leave(work: _Work, ending: Ending, actor: Actor) -> None:
    """End the current visit and enter the next step."""
    step = work.step
    moved = core.move(work.scene.definition, work.run, ending, work.scene.moment)
    await runs_repository.write_visit(work.scene.connection, work.scene.run, moved.left)
    if moved.run.visit.number != moved.left.number:
        await runs_repository.write_visit(work.scene.connection, work.scene.run, moved.run.visit)
    said = _said(step)
    if ending.note:
        said["note"] = ending.note
    if ending.branch is not None:
        said["branch"] = step.branches[ending.branch].label.scripts()
    await _tell_incident(work, f"step.{ending.state}", actor, said)
    work.run = moved.run
    if moved.run.state == "ended":
        await _tell_incident(work, "ended", actor, {"stopped": False})
    elif moved.run.state == "stopped":
        await _tell_incident(work, "ended", incident_core.VIDIK, {"stopped": True, "cause": moved.run.reason})


async def _settle(work: _Work) -> dict[str, Any]:
    connection, run_id = work.scene.connection, work.scene.run
    await runs_repository.update(connection, run_id, work.run)
    view = await read(connection, run_id)
    await journal.tell(connection, "procedure-run", run_id, view)
    for one in work.records:
        await audit.record(connection, one.principal, one.action, one.subject, details=one.details)
    return view


def _said(step: Step) -> dict[str, Any]:
    return {"step": step.title.sr, "steps": step.title.scripts()}


async def _tell_incident(work: _Work, kind: str, actor: Actor, said: Mapping[str, Any]) -> None:
    title = work.scene.definition.title
    data = {"run": str(work.scene.run), "title": title.sr, "titles": title.scripts(), **said}
    await incidents.add_entry(
        work.scene.connection, work.scene.incident.id, f"procedure.{kind}", data, actor, work.scene.moment
    )
