"""Incidents as the API and the journal show them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.operations.entities import name_of
from vidik.operations.incidents import repository
from vidik.operations.incidents.incident import Incident

NEWEST_ENTRIES = 30
_AS_STORED = (
    "number", "type", "severity", "state", "title", "titles", "summary", "address", "place", "area", "origin",
    "opened_by", "opened_from", "closed_by", "cause", "lesson", "changed_by", "version", "organisations", "areas",
    "people",
)  # fmt: skip
_TIMES = ("opened_at", "contained_at", "closed_at", "changed_at")
_NO_ALARMS: Mapping[str, Any] = {"total": 0, "open": 0, "unacknowledged": 0, "priority": None}


async def summaries(connection: Connection, incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    """Return incidents as a list shows them: facts, roles, what hangs on each, and how many alarms."""
    ids = [incident.id for incident in incidents]
    counts = await repository.alarm_counts(connection, ids)
    related = {other for one in incidents for other in (one.merged_into, one.split_from) if other is not None}
    numbers = await repository.numbers_of(connection, related)
    links: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in await repository.links_of(connection, ids):
        links[row["incident"]].append(
            {
                "kind": row["kind"],
                "target": row["target"],
                "name": name_of(row["target"], row["document"]) if row["document"] else None,
                "linked_at": iso(row["linked_at"]),
                "linked_by": row["linked_by"],
            }
        )
    roles: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in await repository.roles_of(connection, ids):
        roles[row["incident"]].append(
            {
                "role": row["role"],
                "person": row["person"],
                "name": row["person_name"],
                "since": iso(row["begins_at"]),
            }
        )
    return [
        {
            "id": str(incident.id),
            **{name: getattr(incident, name) for name in _AS_STORED},
            **{name: _time(getattr(incident, name)) for name in _TIMES},
            "merged_into": _other(incident.merged_into, numbers),
            "split_from": _other(incident.split_from, numbers),
            "exercise_id": str(incident.exercise_id) if incident.exercise_id is not None else None,
            "exercise": incident.exercise_id is not None,
            "roles": roles[incident.id],
            "links": links[incident.id],
            "alarms": dict(counts.get(incident.id, _NO_ALARMS)),
        }
        for incident in incidents
    ]


async def whole(connection: Connection, incident: Incident, newest: int = NEWEST_ENTRIES) -> dict[str, Any]:
    """Return one incident with the newest lines of its timeline, the newest first."""
    (view,) = await summaries(connection, [incident])
    view["entries"] = [entry_view(row) for row in await repository.entries(connection, incident.id, limit=newest)]
    return view


def entry_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the timeline; `incident` is another one when that was merged into this."""
    return {
        "id": str(row["id"]),
        "incident": str(row["incident"]),
        "at": iso(row["at"]),
        "recorded_at": iso(row["recorded_at"]),
        "kind": row["kind"],
        "person": row["person"],
        "data": row["data"],
    }


def _time(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _other(incident: int | None, numbers: Mapping[int, str]) -> dict[str, str] | None:
    return {"id": str(incident), "number": numbers[incident]} if incident is not None else None
