"""Incidents in the database: opened once, changed by the version that was seen, told to every desk.

Every function works in the caller's transaction and never commits. What people do is put on the audit record by the
door, last.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound
from vidik.kernel.identity import Principal
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.incidents import incident as core
from vidik.operations.incidents import repository
from vidik.operations.incidents.incident import Act, Actor, Entry, Incident, Link, Opening, Origin, Role, Step
from vidik.operations.incidents.view import whole

_TOLD = 5


def actor_of(principal: Principal) -> Actor:
    """Return who acts for a door."""
    return Actor(principal.name, principal.actor)


async def get(connection: Connection, incident_id: int) -> Incident:
    """Return an incident; raises NotFound."""
    return _there(await repository.find(connection, incident_id), incident_id)


async def seen(connection: Connection, incident_id: int, version: int | None) -> Incident:
    """Return an incident, locked; raises NotFound, or Changed when it is no longer the version that was seen."""
    incident = _there(await repository.find(connection, incident_id, lock=True), incident_id)
    if version is not None and version != incident.version:
        raise Changed(await whole(connection, incident), incident.changed_by)
    return incident


def _there(incident: Incident | None, incident_id: int) -> Incident:
    if incident is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return incident


async def open_incident(connection: Connection, opening: Opening, actor: Actor, at: datetime | None = None) -> Incident:
    """Open an incident with what hangs on it, and return it; the same `client_id` returns the first one.

    What is opened for alarms of an exercise belongs to it. Raises NotFound for a link to nothing, Conflict when an
    alarm, group or request has an incident (`already-linked`), or some are real and some are not (`link-exercise`).
    """
    act = Act(actor, at or now())
    number = await repository.lock_numbers(connection, act.at)
    if opening.client_id is not None:
        known = await repository.find_by_client(connection, opening.client_id)
        if known is not None:
            return known
    origin = await _origin_of(connection, opening)
    opening = replace(opening, exercise_id=await _exercise_of(connection, opening), origin=origin)
    incident, entry = core.opened(opening, act)
    incident = replace(incident, number=number)
    incident = replace(incident, id=await repository.insert(connection, incident))
    for link in opening.links:
        await _hang(connection, incident, link, act)
    incident = await get(connection, incident.id)
    said = [{"kind": link.kind, "target": link.target} for link in opening.links]
    data = dict(entry.data) | ({"links": said} if said else {})
    await repository.append_entry(connection, incident.id, Entry(entry.kind, data), act)
    await tell(connection, incident)
    return incident


async def add_entry(
    connection: Connection,
    incident_id: int,
    kind: str,
    data: Mapping[str, Any],
    actor: Actor,
    at: datetime | None = None,
) -> None:
    """Add a line to an incident's timeline and tell the desks; one that was merged passes it on.

    `at` is when it happened, if not now. Raises NotFound.
    """
    incident = await get(connection, incident_id)
    while incident.merged_into is not None:
        incident = await get(connection, incident.merged_into)
    await repository.append_entry(connection, incident.id, Entry(kind, data), Act(actor, at or now()))
    await tell(connection, incident)


async def take_step(
    connection: Connection, incident_id: int, version: int, actor: Actor, step: Callable[[Incident, Act], Step | None]
) -> Incident:
    """Move an incident that stands at the version that was seen; a step that changes nothing leaves it as it is."""
    incident = await seen(connection, incident_id, version)
    act = Act(actor, now())
    taken = step(incident, act)
    if taken is None:
        return incident
    if taken[0].organisations != incident.organisations:
        await repository.set_organisations(connection, incident_id, taken[0].organisations)
    return await write(connection, taken, act)


async def link(connection: Connection, incident_id: int, what: Link, actor: Actor) -> Incident:
    """Hang something on a running incident; what hangs on it already is left. Raises NotFound, Conflict."""
    incident = await seen(connection, incident_id, None)
    act = Act(actor, now())
    after = core.touched(incident, act)
    if not await _hang(connection, incident, what, act):
        return incident
    return await write(connection, (after, Entry("linked", {"kind": what.kind, "target": what.target})), act)


async def unlink(connection: Connection, incident_id: int, what: Link, actor: Actor) -> Incident:
    """Take something off a running incident. Raises NotFound, Conflict."""
    incident = await seen(connection, incident_id, None)
    act = Act(actor, now())
    after = core.touched(incident, act)
    if not await repository.end_links(connection, incident_id, [what], act.at):
        raise NotFound(f"The {what.kind} {what.target} does not hang on this incident.")
    return await write(connection, (after, Entry("unlinked", {"kind": what.kind, "target": what.target})), act)


async def give_role(
    connection: Connection, incident_id: int, version: int, role: Role, person: Actor | None, note: str, actor: Actor
) -> Incident:
    """Give a role of a running incident to a person (login and name), or to nobody. Raises NotFound, Conflict."""
    incident = await seen(connection, incident_id, version)
    act = Act(actor, now())
    before = next((row for row in await repository.roles_of(connection, [incident_id]) if row["role"] == role), None)
    if (before["person"] if before else None) == (person.actor if person else None):
        return incident
    after = core.touched(incident, act)
    await repository.end_roles(connection, incident_id, [role], act.at)
    if person is not None:
        await repository.begin_role(connection, incident_id, role, person, act.at)
    said = {
        "role": role,
        "from": before["person_name"] if before else None,
        "to": person.name if person else None,
        **({"note": note} if note else {}),
    }
    kind = "handover" if before and person else "role"
    return await write(connection, (after, Entry(kind, said)), act)


async def merge(
    connection: Connection, source_id: int, version: int, target_id: int, target_version: int | None, actor: Actor
) -> Incident:
    """Make an incident part of another, which is returned. Raises NotFound, Changed, Conflict."""
    # Always the lower number first: two people who merge each other's would wait for one another.
    for incident_id in sorted({source_id, target_id}):
        await repository.find(connection, incident_id, lock=True)
    source = await seen(connection, source_id, version)
    target = await seen(connection, target_id, target_version)
    act = Act(actor, now())
    of_source, of_target = await _links(connection, source_id), await _links(connection, target_id)
    merged = core.merge(source, target, of_source, of_target, act)
    await repository.concern(connection, target_id, source.organisations)
    await repository.end_links(connection, source_id, merged.moved, act.at)
    for what in sorted(merged.moved):
        await repository.add_link(connection, target_id, what, act)
    await repository.end_roles(connection, source_id, core.ROLES, act.at)
    await write(connection, merged.source, act)
    return await write(connection, merged.target, act)


async def split(
    connection: Connection, incident_id: int, version: int, chosen: frozenset[Link], opening: Opening, actor: Actor
) -> Incident:
    """Open a new incident with some of what hangs on another; returns the new one. Raises Changed, Conflict."""
    # The repeat of a split that was done comes with a version that is gone: its answer is the first one's.
    known = await repository.find_by_client(connection, opening.client_id) if opening.client_id else None
    if known is not None:
        return known
    act = Act(actor, now())
    # Numbers before incidents, as everywhere: who opens one at this moment holds them, and may wait for our links.
    await repository.lock_numbers(connection, act.at)
    incident = await seen(connection, incident_id, version)
    links = set(await _links(connection, incident_id))
    links |= {Link("alarm", str(number)) for number in await repository.alarm_ids(connection, incident_id)}
    parts = core.split(incident, links, sorted(chosen), opening, act)
    await repository.end_links(connection, incident_id, parts.taken, act.at)
    new = await open_incident(connection, parts.opening, actor, act.at)
    said = {"incident": new.id, "number": new.number, "title": new.title, "links": len(parts.taken)}
    await write(connection, (parts.rest, Entry("split", said)), act)
    return new


async def tell(connection: Connection, incident: Incident) -> None:
    """Tell every desk how an incident stands, with its newest lines: one transaction may write several."""
    await journal.tell(connection, "incident", incident.id, await whole(connection, incident, newest=_TOLD))


async def _links(connection: Connection, incident_id: int) -> list[Link]:
    return [Link(row["kind"], row["target"]) for row in await repository.links_of(connection, [incident_id])]


async def _exercise_of(connection: Connection, opening: Opening) -> int | None:
    if opening.exercise_id is not None:
        return opening.exercise_id
    exercises = {link: await repository.exercise_of(connection, link) for link in opening.links}
    found = set(exercises.values()) - {None}
    if len(found) > 1:
        raise _mixed(next(iter(exercises)))
    return found.pop() if found else None


async def _origin_of(connection: Connection, opening: Opening) -> Origin:
    """What hangs on simulated alarms alone is simulated, whoever opens it."""
    if opening.origin != "real" or not opening.links:
        return opening.origin
    origins = {await repository.origin_of(connection, link) for link in opening.links}
    return "real" if "real" in origins else min(origins)


def _mixed(what: Link) -> Conflict:
    return Conflict(
        "An exercise and real work cannot be mixed.",
        field="links",
        code="link-exercise",
        values={"kind": what.kind, "target": what.target},
    )


async def _hang(connection: Connection, incident: Incident, what: Link, act: Act) -> bool:
    """Whether it was not there before."""
    if not await repository.exists(connection, what):
        raise NotFound(f"There is no {what.kind} {what.target}.", field="links")
    of = await repository.exercise_of(connection, what)
    if of != incident.exercise_id and not (of is None and what.kind == "asset"):
        raise _mixed(what)
    if await repository.add_link(connection, incident.id, what, act):
        return True
    holder = (await repository.holders(connection, what.kind, [what.target])).get(what.target)
    if holder is None or what.kind == "asset" or holder == incident.id:
        return False
    other = await get(connection, holder)
    raise Conflict(
        f"The {what.kind} {what.target} belongs to incident {other.number}.",
        field="links",
        code="already-linked",
        values={"incident": str(other.id), "number": other.number, "kind": what.kind, "target": what.target},
    )


async def write(connection: Connection, step: Step, act: Act) -> Incident:
    """Write a step that an incident took, and tell the desks."""
    incident, entry = step
    incident = await repository.update(connection, incident)
    await repository.append_entry(connection, incident.id, entry, act)
    await tell(connection, incident)
    return incident
