"""Incidents that alarms open by themselves: one for one cause, also when the worker is killed in between.

What was looked at moves with what came of it, in one transaction; that an alarm or group hangs on one incident only is
a promise of the table. A person who was quicker has the incident: the group then joins theirs.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vidik.context.jsonld import names
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.scripts import to_latin
from vidik.operations.alarms import repository as alarms
from vidik.operations.entities import name_of, value_of
from vidik.operations.incidents import automatic_repository as sql
from vidik.operations.incidents import incident as core
from vidik.operations.incidents import places, repository, service
from vidik.operations.incidents.incident import SEVERITIES, VIDIK, Act, Incident, Link, Opening, Severity
from vidik.operations.incidents.types import IncidentType

_AT_LEAST: Mapping[str, Severity] = {"critical": "severe"}
"""A group or alarm of this priority makes an incident of at least this severity."""


@dataclass
class Look:
    """What one look at the alarms did: incidents opened, opened again, and told of."""

    opened: list[Incident] = field(default_factory=list)
    reopened: list[Incident] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)


async def look_at_alarms(
    connection: Connection, types: Mapping[str, IncidentType], opening_rules: Mapping[str, str]
) -> Look:
    """Open, join and reopen incidents by what happened to alarms since the last look.

    `opening_rules` gives the type of incident of the rules that say one.
    """
    look = Look()
    since = await sql.lock_cursor(connection)
    until = await alarms.newest_event(connection)
    if until <= since:
        return look
    events = await sql.events_between(connection, since, until)
    rows = {row["id"]: row for row in await alarms.alarm_rows(connection, [event["alarm"] for event in events])}
    raised = {event["alarm"]: event["at"] for event in events if event["raised"] and event["alarm"] in rows}
    if raised:
        # Numbers before incidents, as everywhere: what is joined below is locked, and some may be opened after it.
        await repository.lock_numbers(connection, now())
    await _look_at_groups(connection, types, rows, raised, look)
    await _look_at_single(connection, types, opening_rules, rows, raised, look)
    await _tell_what_moved(connection, rows, {event["alarm"] for event in events if event["cleared"]}, look)
    await sql.move_cursor(connection, until)
    return look


async def _look_at_groups(
    connection: Connection,
    types: Mapping[str, IncidentType],
    rows: Mapping[int, Mapping[str, Any]],
    raised: Mapping[int, datetime],
    look: Look,
) -> None:
    fresh: dict[int, list[int]] = defaultdict(list)
    for number in raised:
        if rows[number]["alarm_group"] is not None:
            fresh[rows[number]["alarm_group"]].append(number)
    for group in await sql.groups(connection, list(fresh)):
        coming = fresh[group["id"]]
        link = Link("alarm-group", str(group["id"]))
        held = (await repository.holders(connection, "alarm-group", [link.target])).get(link.target)
        if held is None:
            single = await repository.holders(connection, "alarm", group["members"])
            held = await _running_one(connection, sorted(set(single.values())))
            if held is not None:
                await service.link(connection, held, link, VIDIK)
        if held is not None:
            newest = max(raised[number] for number in coming)
            await repository.concern(connection, held, {one for n in coming for one in rows[n]["organisations"]})
            said = {"group": link.target, "alarms": len(coming), "total": group["alarms"]}
            await _join(connection, held, newest, said, look)
            continue
        kind = next((found for found in types.values() if found.takes(group["service"], group["alarms"])), None)
        if kind is not None and group["open"]:
            name = name_of(group["subject"], group["document"]) if group["document"] else None
            said = {"group": link.target, "alarms": group["alarms"]}
            await _open(connection, kind, group, group["entities"], name, link, said, look)


async def _look_at_single(
    connection: Connection,
    types: Mapping[str, IncidentType],
    opening_rules: Mapping[str, str],
    rows: Mapping[int, Mapping[str, Any]],
    raised: Mapping[int, datetime],
    look: Look,
) -> None:
    # Asked once for all of a storm: what is opened below takes its own alarm only.
    holders = await repository.holders(connection, "alarm", [str(number) for number in raised])
    for number, at in raised.items():
        row = rows[number]
        link = Link("alarm", str(number))
        held = holders.get(link.target)
        if held is not None:
            await _join(connection, held, at, {"alarm": link.target}, look)
            continue
        kind = types.get(opening_rules.get(row["rule"], ""))
        if kind is None or row["cleared_at"] is not None or row["hidden_by"] is not None:
            continue
        group = str(row["alarm_group"]) if row["alarm_group"] is not None else None
        if group is not None and await repository.holders(connection, "alarm-group", [group]):
            continue
        said = {"alarm": link.target, "rule": row["rule"]}
        await _open(connection, kind, row, [row["entity_id"]], row["entity_name"], link, said, look)


async def _running_one(connection: Connection, incident_ids: list[int]) -> int | None:
    found = await repository.find_many(connection, incident_ids)
    return min((incident.id for incident in found if incident.is_running), default=None)


async def _join(connection: Connection, incident_id: int, at: datetime, said: Mapping[str, Any], look: Look) -> None:
    incident = await service.seen(connection, incident_id, None)
    if incident.is_running:
        look.touched.add(incident_id)
        if "alarms" in said and incident_id not in {one.id for one in look.opened}:
            await repository.append_entry(connection, incident_id, core.Entry("alarms.joined", said), Act(VIDIK, now()))
    elif incident.closed_at is not None and at > incident.closed_at:
        step = core.reopen(incident, {"returned": dict(said)}, Act(VIDIK, now()))
        look.reopened.append(await service.write(connection, step, Act(VIDIK, now())))


async def _open(
    connection: Connection,
    kind: IncidentType,
    facts: Mapping[str, Any],
    entities: list[str],
    name: str | None,
    link: Link,
    said: Mapping[str, Any],
    look: Look,
) -> None:
    titles = dict(kind.title.scripts())
    if name:
        titles = {
            script: f"{title}: {name if script == 'sr-Cyrl' else to_latin(name)}" for script, title in titles.items()
        }
    documents = [row["document"] for row in await sql.documents(connection, entities)]
    found = [places.position_of(value_of(document, names.LOCATION)) for document in documents]
    positions = [position for position in found if position is not None]
    opening = Opening(
        type=kind.code,
        severity=max(kind.severity, _AT_LEAST.get(facts["priority"], kind.severity), key=SEVERITIES.index),
        title=titles["en"],
        titles=titles,
        opened_from="alarm-group" if link.kind == "alarm-group" else "rule",
        place=places.middle(positions),
        area=places.area_around(positions),
        origin="simulated" if facts["exercise_id"] is not None else facts["origin"],
        exercise_id=facts["exercise_id"],
        links=(link,),
        data=said,
    )
    look.opened.append(await service.open_incident(connection, opening, VIDIK))


async def _tell_what_moved(
    connection: Connection, rows: Mapping[int, Mapping[str, Any]], cleared: set[int], look: Look
) -> None:
    """Say of incidents whose alarms moved how many are open, and when the last of them is over."""
    moved = await _holding(connection, rows.values())
    ending = await _holding(connection, [row for number, row in rows.items() if number in cleared])
    counts = await repository.alarm_counts(connection, moved)
    new = {incident.id for incident in look.opened}
    for incident in await repository.find_many(connection, moved | look.touched):
        if not incident.is_running or incident.id in new:
            continue
        count = counts.get(incident.id)
        if incident.id in ending and count is not None and count["open"] == 0:
            said = core.Entry("alarms.over", {"total": count["total"]})
            await repository.append_entry(connection, incident.id, said, Act(VIDIK, now()))
        await service.tell(connection, incident)


async def _holding(connection: Connection, rows: Collection[Mapping[str, Any]]) -> set[int]:
    single = await repository.holders(connection, "alarm", [str(row["id"]) for row in rows])
    groups = {str(row["alarm_group"]) for row in rows if row["alarm_group"] is not None}
    return {*single.values(), *(await repository.holders(connection, "alarm-group", groups)).values()}
