"""Whose calls, messages and handovers are: those of the alarm or incident that they are about, and of who is called."""

from collections.abc import Collection
from typing import Any

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Belonging, Place, Reach

_WHOSE = """
    SELECT e.id,
           coalesce(a.organisations, i.organisations, '{}') AS organisations,
           coalesce(a.areas, i.areas, '{}') AS areas,
           together(i.people, (SELECT array_agg(login) FROM notice WHERE notice.escalation = e.id)) AS people
      FROM escalation e
      LEFT JOIN alarm a ON e.cause = 'alarm' AND a.id = e.subject
      LEFT JOIN incident i ON e.cause <> 'alarm' AND i.id = e.subject
"""


def escalations_within(reach: Reach) -> tuple[str, list[Any]]:
    """Return a query for the numbers of the escalations within reach, with its parameters."""
    if reach.is_everywhere:
        return "SELECT id FROM escalation", []
    within, parameters = reach.condition(people="people")
    return f"SELECT id FROM ({_WHOSE}) AS whose WHERE {within}", parameters


async def of_escalations(connection: Connection, escalations: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return organisations, areas and people of escalations by number."""
    cursor = await connection.execute(f"{_WHOSE} WHERE e.id = ANY(%s)", [list(escalations)])
    return {row.pop("id"): row for row in await cursor.fetchall()}


async def of_escalation(connection: Connection, escalation: int) -> Belonging | None:
    """Return whose an escalation is; None when there is none."""
    found = (await of_escalations(connection, [escalation])).get(escalation)
    return Belonging.of(found) if found else None


def written(reach: Reach) -> list[dict[str, str | None]]:
    """Return from where the facts of a handover come, as they are signed; empty: from the whole city."""
    return [] if reach.is_everywhere else [place._asdict() for place in sorted(reach.places, key=str)]


def covers(reach: Reach, places: Collection[dict[str, str | None]]) -> bool:
    """Whether somebody reaches everything that a handover from some places (none: the whole city) may tell."""
    of = [Place(**place) for place in places] or [Place()]
    return all(reach.includes(Belonging.to(one.organisation, [one.area] if one.area else [])) for one in of)
