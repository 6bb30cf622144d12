"""What Vidik does for a step: telling people, giving a command, opening a task; and what conditions look at.

Each goes through the same rules as the door by which a person would do it. What does not work is a VidikError; the
caller keeps it with the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from vidik.context.jsonld import names
from vidik.context.store import entities
from vidik.intake.commands import service as commands
from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Unprocessable
from vidik.kernel.identity import Principal, system_principal
from vidik.kernel.settings import Settings
from vidik.operations.duty import escalating, messages, roster
from vidik.operations.entities import value_of
from vidik.operations.incidents import repository as incident_rows
from vidik.operations.incidents.incident import Incident
from vidik.operations.procedures import repository
from vidik.operations.procedures.conditions import Facts
from vidik.operations.procedures.definition import AttributeFact, Command, Definition, Notify, OpenTask, Step
from vidik.operations.tasks import crews_service, skills
from vidik.operations.tasks import service as tasks
from vidik.operations.tasks.forms import Opening

_LIFETIME = timedelta(hours=1)


class Record(NamedTuple):
    """A line for the audit record, which is written last."""

    principal: Principal
    action: str
    subject: str
    details: Mapping[str, Any]


class Done(NamedTuple):
    """What came of a step, and what goes on record."""

    result: Mapping[str, Any]
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a step happens: the run's number and procedure, and the incident that its work belongs to."""

    connection: Connection
    settings: Settings
    tenant: str
    run: int
    definition: Definition
    incident: Incident
    moment: datetime

    @property
    def exercise(self) -> bool:
        """Whether nothing of this is real."""
        return self.incident.exercise_id is not None

    def vidik(self) -> Principal:
        """Vidik itself, with what steps may need."""
        return system_principal("procedures", self.tenant, frozenset({"tasks.manage", "devices.command"}))


async def perform(scene: Scene, step: Step, person: Principal | None) -> Done:
    """Do what a step says; raises VidikError. `person`: who confirmed it, if a person did."""
    match step.do:
        case Notify():
            return await _notify(scene, step.do)
        case Command():
            return await _command(scene, step.do, person or scene.vidik())
        case OpenTask():
            return await _open_task(scene, step, step.do)
        case None:
            return Done({})


async def _notify(scene: Scene, deed: Notify) -> Done:
    connection, incident = scene.connection, scene.incident
    everybody = await roster.people(connection, scene.tenant)
    logins = list(deed.people)
    if deed.roles:
        held = await incident_rows.roles_of(connection, [incident.id])
        logins += [row["person"] for row in held if row["role"] in deed.roles]
    chosen = {login: everybody[login] for login in logins if login in everybody}
    told = [(login, name, channel) for login, name in chosen.items() for channel in dict.fromkeys(deed.channels)]
    facts = {
        "kind": "procedure",
        "subject": str(scene.run),
        "incident": str(incident.id),
        "number": incident.number,
        "title": incident.title,
        "titles": incident.titles,
        "text": deed.text.scripts(),
        "origin": incident.origin,
    }
    result: dict[str, Any] = {}
    if deed.plan is not None:
        about = escalating.About(incident.id, facts, incident.exercise_id)
        call, new = await escalating.call_for_procedure(
            connection, scene.tenant, deed.plan, told, about, deed.answer_minutes, scene.moment
        )
        result["call"] = {"id": str(call), "plan": deed.plan}
    elif not told:
        raise Unprocessable("Nobody is there to be told.", field="do", code="nobody-to-tell")
    else:
        new = await messages.insert_messages(connection, told, facts, scene.moment, incident.exercise_id)
        await escalating.tell(connection, new)
    rows = await messages.notices(connection, new)
    result["notices"] = [{"id": str(row["id"]), "person": row["person"], "channel": row["channel"]} for row in rows]
    return Done(result)


async def _command(scene: Scene, deed: Command, principal: Principal) -> Done:
    if scene.exercise:
        return Done({"left-out": "exercise"})
    device = (await repository.devices_of(scene.connection, [deed.entity])).get(deed.entity)
    if device is None:
        raise Conflict(
            f"No device takes commands for {deed.entity}.",
            field="do.entity",
            code="unknown-device",
            values={"name": deed.entity},
        )
    reason = f"procedure {scene.definition.code}, incident {scene.incident.number}"
    row = await commands.give(
        scene.connection,
        principal,
        device["device_id"],
        name=deed.command,
        parameters=deed.parameters,
        lifetime=_LIFETIME,
        reason=reason,
    )
    details = {"command": row["id"], "name": deed.command, "parameters": deed.parameters, "run": scene.run}
    record = Record(principal, "device.command", f"device:{row['device_id']}", details)
    return Done({"command": {"id": str(row["id"]), "device": row["device_id"]}}, (record,))


async def _open_task(scene: Scene, step: Step, deed: OpenTask) -> Done:
    incident = scene.incident
    if deed.skill is not None:
        skills.check_skills(scene.settings, [deed.skill], "do.skill")
    title, text = deed.title or step.title, deed.instructions or step.text
    opening = Opening.model_validate(
        {
            "title": title.sr,
            "kind": deed.kind,
            "instructions": text.sr if text else "",
            "place": incident.place,
            "address": incident.address[:200],
            "priority": deed.priority,
            "skill": deed.skill,
            "incident": incident.id,
            "origin": "real" if incident.origin == "real" else "simulated",
        }
    )
    crew = await _best_crew(scene, opening) if deed.crew == "best" else None
    principal = scene.vidik()
    in_all_scripts = {"titles": title.scripts(), "instruction_texts": text.scripts() if text else None}
    columns = opening.model_dump(exclude={"crew"}) | in_all_scripts
    view, _ = await tasks.open_task(scene.connection, columns, principal, crew=crew)
    details = {"title": view["title"], "incident": view["incident"], "crew": crew, "run": scene.run}
    record = Record(principal, "task.open", f"task:{view['id']}", details)
    return Done({"task": {name: view[name] for name in ("id", "number", "crew")}}, (record,))


async def _best_crew(scene: Scene, opening: Opening) -> int | None:
    found = await crews_service.suggest(
        await crews_service.crews_for(scene.connection),
        scene.settings,
        skill=opening.skill,
        place=opening.place.point if opening.place else None,
        priority=opening.priority,
    )
    best = next((item for item in found["items"] if item["suitable"]), None)
    return int(best["crew"]["id"]) if best else None


async def facts_for(scene: Scene, step: Step) -> Facts:
    """Return what the conditions of a step look at."""
    incident = scene.incident
    counts = await incident_rows.alarm_counts(scene.connection, [incident.id])
    conditions = [one for branch in step.branches for one in branch.when]
    asked = [one for one in conditions if isinstance(one, AttributeFact)]
    return Facts(
        severity=incident.severity,
        type=incident.type,
        state=incident.state,
        alarms=counts[incident.id]["open"] if incident.id in counts else 0,
        hour=scene.moment.astimezone(CITY_ZONE).hour,
        attributes=await values_of(scene.connection, asked),
    )


async def values_of(connection: Connection, asked: list[AttributeFact]) -> dict[str, dict[str, Any]]:
    """Return the present values of attributes, by entity and name; of what nobody knows there is none."""
    rows = await entities.load(connection, sorted({one.entity for one in asked})) if asked else {}
    found: dict[str, dict[str, Any]] = {}
    for one in asked:
        row = rows.get(one.entity)
        if row is not None:
            value = value_of(row.document, names.expand_attribute(one.attribute))
            found.setdefault(one.entity, {})[one.attribute] = value
    return found
