"""All SQL of incidents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import CITYS, EVERYWHERE, Belonging, Reach, named
from vidik.kernel.scripts import fold
from vidik.operations import twins
from vidik.operations.entities import REQUEST_TYPES
from vidik.operations.incidents.incident import Act, Actor, Entry, Incident, Link, LinkKind, Origin, Role

Which = Literal["open", "closed", "all"]
_WHICH: Mapping[Which, str] = {
    "open": "state IN ('open', 'contained')",
    "closed": "state IN ('closed', 'merged')",
    "all": "true",
}
_FIELDS = (
    "id", "number", "type", "severity", "state", "title", "titles", "summary", "address", "place", "area", "origin",
    "opened_at", "opened_by", "opened_from", "contained_at", "closed_at", "closed_by", "cause", "lesson",
    "merged_into", "split_from", "exercise_id", "changed_at", "changed_by", "version", "client_id", "organisations",
    "areas", "people",
)  # fmt: skip
_COLUMNS = f"SELECT {', '.join(_FIELDS)} FROM incident"
_JSON = frozenset({"titles", "place", "area"})
_GIVEN_ONCE = frozenset({"id", "client_id"})
# What the table keeps by itself: links, crews, places and roles add to it (t0026).
_KEPT_BY_THE_TABLE = frozenset({"organisations", "areas", "people"})
_BELONGING = "organisations, areas, people"
_OF_STANDING = """
    SELECT l.incident, a.id
      FROM incident_link l
      JOIN alarm a ON a.id = CASE WHEN l.kind = 'alarm' THEN l.target::bigint END
     WHERE l.kind = 'alarm' AND l.unlinked_at IS NULL AND l.incident = ANY(%(incidents)s)
     UNION ALL
    -- An alarm that hangs on an incident by itself has left its group's.
    SELECT l.incident, a.id
      FROM incident_link l
      JOIN alarm a ON a.alarm_group = CASE WHEN l.kind = 'alarm-group' THEN l.target::bigint END
     WHERE l.kind = 'alarm-group' AND l.unlinked_at IS NULL AND l.incident = ANY(%(incidents)s)
       AND NOT EXISTS (SELECT FROM incident_link own
                        WHERE own.kind = 'alarm' AND own.target = a.id::text AND own.unlinked_at IS NULL)
"""


def _to_incident(row: DictRow) -> Incident:
    client_id = row["client_id"]
    return Incident(**{**row, "client_id": str(client_id) if client_id else None})


def _parameters(incident: Incident, names: Sequence[str]) -> list[Any]:
    values = []
    for name in names:
        value = getattr(incident, name)
        if name == "organisations":
            value = list(value)
        values.append(Jsonb(dict(value)) if name in _JSON and value is not None else value)
    return values


def _folded(incident: Incident) -> str:
    titles = (incident.titles or {}).values()
    texts = (incident.number, incident.title, *titles, incident.summary, incident.address)
    return fold(" ".join((*texts, incident.cause or "", incident.lesson or "")))


async def lock_numbers(connection: Connection, moment: datetime) -> str:
    """Return the next number of the year, and keep others from taking it until the transaction ends."""
    year = moment.astimezone(CITY_ZONE).year
    cursor = await connection.execute(
        """
        INSERT INTO incident_number (year, last) VALUES (%s, 0)
            ON CONFLICT (year) DO UPDATE SET last = incident_number.last
        RETURNING last
        """,
        [year],
    )
    row = await cursor.fetchone()
    return f"{year}-{(row['last'] if row else 0) + 1:04d}"


async def insert(connection: Connection, incident: Incident) -> int:
    """Write a new incident under its number, which is taken with it; returns its id."""
    year, _, last = incident.number.partition("-")
    await connection.execute("UPDATE incident_number SET last = %s WHERE year = %s", [int(last), int(year)])
    names = [name for name in _FIELDS if name not in ("id", "areas", "people")]
    cursor = await connection.execute(
        f"INSERT INTO incident ({', '.join(names)}, folded) VALUES ({', '.join(['%s'] * len(names))}, %s) RETURNING id",
        [*_parameters(incident, names), _folded(incident)],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])


async def update(connection: Connection, incident: Incident) -> Incident:
    """Write what changed of an incident; returns it with whom it concerns and where it lies now."""
    names = [name for name in _FIELDS if name not in _GIVEN_ONCE | _KEPT_BY_THE_TABLE]
    cursor = await connection.execute(
        f"UPDATE incident SET {', '.join(f'{name} = %s' for name in names)}, folded = %s WHERE id = %s"
        f" RETURNING {_BELONGING}",
        [*_parameters(incident, names), _folded(incident), incident.id],
    )
    row = await cursor.fetchone()
    return replace(incident, **row) if row else incident


async def set_organisations(connection: Connection, incident_id: int, organisations: Sequence[str]) -> None:
    """Write whom an incident concerns."""
    await connection.execute("UPDATE incident SET organisations = %s WHERE id = %s", [list(organisations), incident_id])


async def concern(connection: Connection, incident_id: int, organisations: Collection[str]) -> None:
    """Add those whom an incident concerns, too."""
    await connection.execute("SELECT incident_concerns(%s, %s)", [incident_id, sorted(organisations)])


async def belonging(connection: Connection, incident_id: int) -> Belonging | None:
    """Return whose an incident is; None when there is none."""
    row = await (await connection.execute(f"SELECT {_BELONGING} FROM incident WHERE id = %s", [incident_id])).fetchone()
    return Belonging.of(row) if row else None


async def belonging_of_request(connection: Connection, entity_id: str) -> Belonging:
    """Return whose a citizen's request is; the city's while it is not known yet."""
    query = "SELECT organisations, areas FROM citizen_request WHERE entity_id = %s"
    row = await (await connection.execute(query, [entity_id])).fetchone()
    return Belonging.of(row) if row else CITYS


async def find(connection: Connection, incident_id: int, *, lock: bool = False) -> Incident | None:
    """Return one incident, locked until the transaction ends if asked for."""
    ending = "FOR UPDATE" if lock else ""
    row = await (await connection.execute(f"{_COLUMNS} WHERE id = %s {ending}", [incident_id])).fetchone()
    return _to_incident(row) if row else None


async def find_by_client(connection: Connection, client_id: str) -> Incident | None:
    """Return the incident that a client opened under its own id."""
    row = await (await connection.execute(f"{_COLUMNS} WHERE client_id = %s::uuid", [client_id])).fetchone()
    return _to_incident(row) if row else None


async def find_many(connection: Connection, incident_ids: Collection[int]) -> list[Incident]:
    """Return incidents by id, in no particular order."""
    cursor = await connection.execute(f"{_COLUMNS} WHERE id = ANY(%s)", [list(incident_ids)])
    return [_to_incident(row) for row in await cursor.fetchall()]


async def list_incidents(
    connection: Connection,
    *,
    state: Which,
    words: str = "",
    limit: int,
    after: int | None = None,
    organisation: str | None = None,
    reach: Reach = EVERYWHERE,
) -> list[Incident]:
    """Return incidents within reach, newest first: with every one of some words, behind (older than) one of them.

    `organisation` chooses incidents that concern it.
    """
    within, parameters = reach.condition(people="people")
    conditions = [_WHICH[state], within]
    if after is not None:
        conditions.append("id < %s")
        parameters.append(after)
    if organisation is not None:
        conditions.append("%s = ANY(organisations)")
        parameters.append(organisation)
    for word in fold(words).split():
        conditions.append("folded LIKE %s")
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters.append(f"%{escaped}%")
    cursor = await connection.execute(
        f"{_COLUMNS} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT %s", [*parameters, limit]
    )
    return [_to_incident(row) for row in await cursor.fetchall()]


async def count(connection: Connection, reach: Reach = EVERYWHERE) -> dict[str, int]:
    """Return how many incidents within reach there are in each state, exercises left out."""
    within, parameters = reach.condition(people="people")
    cursor = await connection.execute(
        f"SELECT state, count(*) AS incidents FROM incident WHERE exercise_id IS NULL AND {within} GROUP BY state",
        parameters,
    )
    counts = dict.fromkeys(("open", "contained", "closed", "merged"), 0)
    return counts | {row["state"]: row["incidents"] for row in await cursor.fetchall()}


async def figures(connection: Connection, since: datetime, reach: Reach = EVERYWHERE) -> DictRow:
    """Return what became of real incidents within reach since a time: opened, closed, medians in minutes or None."""
    within, parameters = named(reach.condition(people="people"))
    cursor = await connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE opened_at >= %(since)s AND merged_into IS NULL) AS opened,
               count(*) FILTER (WHERE closed_at >= %(since)s) AS closed,
               count(*) FILTER (WHERE opened_at >= %(since)s AND merged_into IS NULL
                                  AND opened_from NOT IN ('person', 'request', 'system')) AS opened_by_themselves,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM contained_at - opened_at) / 60)
                   FILTER (WHERE contained_at >= %(since)s) AS median_minutes_to_contain,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at) / 60)
                   FILTER (WHERE closed_at >= %(since)s) AS median_minutes_to_close
          FROM incident
         WHERE exercise_id IS NULL AND {within}
        """,
        {"since": since, **parameters},
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (an aggregate has one row)
    return row


async def numbers_of(connection: Connection, incident_ids: Collection[int]) -> dict[int, str]:
    """Return the numbers of incidents by id."""
    cursor = await connection.execute("SELECT id, number FROM incident WHERE id = ANY(%s)", [list(incident_ids)])
    return {row["id"]: row["number"] for row in await cursor.fetchall()}


async def append_entry(connection: Connection, incident_id: int, entry: Entry, act: Act) -> None:
    """Add to the timeline; `act.at` is when it happened."""
    await connection.execute(
        "INSERT INTO incident_entry (incident, at, kind, person, actor, data) VALUES (%s, %s, %s, %s, %s, %s)",
        [incident_id, act.at, entry.kind, act.actor.name, act.actor.actor, Jsonb(dict(entry.data))],
    )


async def entries(
    connection: Connection,
    incident_id: int,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    kind: str | None = None,
) -> list[DictRow]:
    """Return entries of an incident and of those merged into it: oldest first behind `after`, else newest first."""
    cursor = await connection.execute(
        f"""
        WITH RECURSIVE part (id) AS (
            SELECT %s::bigint
             UNION
            SELECT i.id FROM incident i JOIN part ON i.merged_into = part.id
        )
        SELECT e.id, e.incident, e.at, e.recorded_at, e.kind, e.person, e.data
          FROM incident_entry e
          JOIN part ON part.id = e.incident
         WHERE (%s::bigint IS NULL OR e.id > %s)
           AND (%s::bigint IS NULL OR e.id < %s)
           AND (%s::text IS NULL OR e.kind = %s OR e.kind LIKE %s || '.%%')
         ORDER BY e.id {"ASC" if after is not None else "DESC"}
         LIMIT %s
        """,
        [incident_id, after, after, before, before, kind, kind, kind, limit],
    )
    return await cursor.fetchall()


async def links_of(connection: Connection, incident_ids: Collection[int]) -> list[DictRow]:
    """Return what hangs on incidents, in the order it came, with the document of an asset or request."""
    cursor = await connection.execute(
        """
        SELECT l.incident, l.kind, l.target, l.linked_at, l.linked_by, entity.document
          FROM incident_link l
          LEFT JOIN entity_whole AS entity ON l.kind IN ('asset', 'request') AND entity.id = l.target
         WHERE l.incident = ANY(%s) AND l.unlinked_at IS NULL
         ORDER BY l.id
        """,
        [list(incident_ids)],
    )
    return await cursor.fetchall()


async def add_link(connection: Connection, incident_id: int, link: Link, act: Act) -> bool:
    """Hang something on an incident; False when it hangs on this or (all but assets) on another one already."""
    cursor = await connection.execute(
        """
        INSERT INTO incident_link (incident, kind, target, linked_at, linked_by)
        VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        [incident_id, link.kind, link.target, act.at, act.actor.name],
    )
    return await cursor.fetchone() is not None


async def end_links(connection: Connection, incident_id: int, links: Collection[Link], moment: datetime) -> int:
    """Take links off an incident; returns how many stood."""
    cursor = await connection.execute(
        """
        UPDATE incident_link SET unlinked_at = %s
         WHERE incident = %s
           AND unlinked_at IS NULL
           AND (kind, target) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
        """,
        [moment, incident_id, [link.kind for link in links], [link.target for link in links]],
    )
    return cursor.rowcount


async def holders(connection: Connection, kind: LinkKind, targets: Collection[str]) -> dict[str, int]:
    """Return the incident on which each target hangs, of those that do."""
    cursor = await connection.execute(
        "SELECT target, incident FROM incident_link WHERE kind = %s AND target = ANY(%s) AND unlinked_at IS NULL",
        [kind, list(targets)],
    )
    return {row["target"]: row["incident"] for row in await cursor.fetchall()}


async def exists(connection: Connection, link: Link) -> bool:
    """Whether an alarm, group, asset or request is there."""
    if link.kind in ("asset", "request"):
        query = "SELECT 1 FROM entity JOIN kind USING (kind) WHERE id = %s AND (types && %s::text[]) = %s"
        parameters = [link.target, list(REQUEST_TYPES), link.kind == "request"]
        return await (await connection.execute(query, parameters)).fetchone() is not None
    table = "alarm" if link.kind == "alarm" else "alarm_group"
    cursor = await connection.execute(f"SELECT 1 FROM {table} WHERE id = %s", [link.number])
    return await cursor.fetchone() is not None


async def exercise_of(connection: Connection, link: Link) -> int | None:
    """Return the exercise that something belongs to; None for what is real, and for what is not there."""
    if link.kind in ("asset", "request"):
        return twins.exercise_of(link.target)
    if not await exists(connection, link):
        return None
    table = "alarm" if link.kind == "alarm" else "alarm_group"
    cursor = await connection.execute(f"SELECT exercise_id FROM {table} WHERE id = %s", [int(link.target)])
    row = await cursor.fetchone()
    return row["exercise_id"] if row else None


async def origin_of(connection: Connection, link: Link) -> Origin:
    """Return the origin of the alarms that something is; what is no alarm counts as real."""
    if link.kind not in ("alarm", "alarm-group") or not await exists(connection, link):
        return "real"
    column = "id" if link.kind == "alarm" else "alarm_group"
    cursor = await connection.execute(
        f"""
        SELECT CASE WHEN count(*) = 0 OR bool_or(origin = 'real') THEN 'real'
                    WHEN bool_and(origin = 'recorded') THEN 'recorded'
                    ELSE 'simulated' END AS origin
          FROM alarm
         WHERE {column} = %s
        """,
        [int(link.target)],
    )
    row = await cursor.fetchone()
    return cast(Origin, row["origin"]) if row else "real"


async def alarm_ids(connection: Connection, incident_id: int) -> list[int]:
    """Return the numbers of an incident's alarms, those of its groups too."""
    cursor = await connection.execute(_OF_STANDING, {"incidents": [incident_id]})
    return [row["id"] for row in await cursor.fetchall()]


async def alarm_counts(connection: Connection, incident_ids: Collection[int]) -> dict[int, DictRow]:
    """Return how many alarms incidents have, how many are open and unacknowledged, and the worst open priority."""
    cursor = await connection.execute(
        f"""
        SELECT member.incident, count(*) AS total,
               count(*) FILTER (WHERE a.cleared_at IS NULL AND a.hidden_by IS NULL) AS open,
               count(*) FILTER (WHERE a.state IN ('unacknowledged', 'latched_unacknowledged')) AS unacknowledged,
               (ARRAY['critical', 'high', 'medium', 'low'])[
                   min(array_position(ARRAY['critical', 'high', 'medium', 'low'], a.priority))
                   FILTER (WHERE a.cleared_at IS NULL AND a.hidden_by IS NULL)] AS priority
          FROM ({_OF_STANDING}) AS member
          JOIN alarm a ON a.id = member.id
         GROUP BY member.incident
        """,
        {"incidents": list(incident_ids)},
    )
    return {row.pop("incident"): row for row in await cursor.fetchall()}


async def roles_of(connection: Connection, incident_ids: Collection[int]) -> list[DictRow]:
    """Return who holds which role of incidents now."""
    cursor = await connection.execute(
        "SELECT incident, role, person, person_name, begins_at FROM incident_role"
        " WHERE incident = ANY(%s) AND until IS NULL ORDER BY id",
        [list(incident_ids)],
    )
    return await cursor.fetchall()


async def end_roles(connection: Connection, incident_id: int, roles: Collection[Role], moment: datetime) -> None:
    """End who holds some roles."""
    await connection.execute(
        "UPDATE incident_role SET until = %s WHERE incident = %s AND role = ANY(%s) AND until IS NULL",
        [moment, incident_id, list(roles)],
    )


async def begin_role(connection: Connection, incident_id: int, role: Role, person: Actor, moment: datetime) -> None:
    """Give a role to a person: the login as `actor`, and the name."""
    await connection.execute(
        "INSERT INTO incident_role (incident, role, person, person_name, begins_at) VALUES (%s, %s, %s, %s, %s)",
        [incident_id, role, person.actor, person.name, moment],
    )
