"""All SQL of citizens' requests. What they say is read from their entities, never copied into rows of operations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach, named
from vidik.operations.requests.request import Decision, Facts
from vidik.operations.rules.fences import Place
from vidik.operations.rules.gathering import Report

Which = Literal["open", "new", "ended", "all"]
_WHICH: Mapping[Which, str] = {
    "open": "state IN ('new', 'in_work')",
    "new": "state = 'new'",
    "ended": "state NOT IN ('new', 'in_work')",
    "all": "true",
}
# Its incident's word counts most, then the desk's, then its sender's; a status that we wrote is not the sender's.
_STANDING = """
    SELECT r.entity_id, r.seen_at, r.requested_at, r.service_code, r.longitude, r.latitude, r.exercise_id,
           r.organisations, r.areas, r.decision,
           r.reason, r.forwarded_to, r.decided_at, r.decided_by, r.told, r.version, r.changed_at, r.changed_by,
           i.id AS incident, i.number, i.state AS incident_state, i.closed_at,
           CASE WHEN i.state = 'closed' THEN 'done'
                WHEN i.id IS NOT NULL THEN 'in_work'
                WHEN r.decision IS NOT NULL THEN r.decision
                WHEN r.status = 'closed' AND coalesce(r.told ->> 'state', '') NOT IN ('done', 'refused')
                THEN 'withdrawn'
                ELSE 'new' END AS state
      FROM citizen_request r
      LEFT JOIN incident_link l ON l.kind = 'request' AND l.target = r.entity_id AND l.unlinked_at IS NULL
      LEFT JOIN incident i ON i.id = l.incident
"""
_ROWS = f"SELECT s.*, entity.document FROM ({_STANDING}) AS s JOIN entity_whole AS entity ON entity.id = s.entity_id"


async def put(connection: Connection, entity_id: str, facts: Facts, seen_at: datetime) -> bool:
    """Write what is known of a request for finding and counting it; returns whether a rule should look at it (again).

    That is so when it is new, or is about something else or somewhere else than before.
    """
    cursor = await connection.execute(
        """
        WITH before AS (
            SELECT service_code, longitude, latitude FROM citizen_request WHERE entity_id = %(id)s
        ), written AS (
            INSERT INTO citizen_request AS r (entity_id, seen_at, requested_at, service_code, longitude, latitude,
                                              exercise_id, organisations, status, changed_at, changed_by)
            VALUES (%(id)s, %(seen)s, %(requested)s, %(code)s, %(longitude)s, %(latitude)s,
                    %(exercise)s, %(organisations)s, %(status)s, %(seen)s, '')
                ON CONFLICT (entity_id) DO UPDATE
               SET requested_at = EXCLUDED.requested_at, service_code = EXCLUDED.service_code,
                   longitude = EXCLUDED.longitude, latitude = EXCLUDED.latitude,
                   organisations = EXCLUDED.organisations, status = EXCLUDED.status,
                   version = r.version + 1, changed_at = EXCLUDED.changed_at, changed_by = ''
            RETURNING service_code, longitude, latitude
        )
        SELECT NOT EXISTS (SELECT FROM before, written
                            WHERE (before.service_code, before.longitude, before.latitude)
                                  IS NOT DISTINCT FROM (written.service_code, written.longitude, written.latitude))
               AS fresh
        """,
        {
            "id": entity_id,
            "seen": seen_at,
            "requested": facts.requested_at,
            "code": facts.service_code,
            "longitude": facts.place.longitude if facts.place else None,
            "latitude": facts.place.latitude if facts.place else None,
            "exercise": facts.exercise,
            "organisations": [facts.agency] if facts.agency else [],
            "status": facts.status,
        },
    )
    row = await cursor.fetchone()
    return bool(row and row["fresh"])


async def known(connection: Connection, entity_ids: Collection[str]) -> dict[str, DictRow]:
    """Return when requests first came (`seen_at`) and what their entities were last told, of those that are known."""
    cursor = await connection.execute(
        "SELECT entity_id, seen_at, told FROM citizen_request WHERE entity_id = ANY(%s)", [list(entity_ids)]
    )
    return {row["entity_id"]: row for row in await cursor.fetchall()}


async def untold(connection: Connection, entity_id: str) -> None:
    """Note that a sender wrote over what an entity was told, so that it is told again."""
    await connection.execute("UPDATE citizen_request SET told = '{}' WHERE entity_id = %s", [entity_id])


async def forget(connection: Connection, entity_ids: Collection[str]) -> set[str]:
    """Remove requests whose entities are gone; returns those that were known."""
    cursor = await connection.execute(
        "DELETE FROM citizen_request WHERE entity_id = ANY(%s) RETURNING entity_id", [list(entity_ids)]
    )
    return {row["entity_id"] for row in await cursor.fetchall()}


async def unknown(connection: Connection, types: Sequence[str], limit: int) -> list[str]:
    """Return entities of some (expanded) types that are not known as requests yet."""
    cursor = await connection.execute(
        """
        SELECT id
          FROM entity
          JOIN kind USING (kind)
         WHERE types && %s::text[]
           AND NOT EXISTS (SELECT FROM citizen_request r WHERE r.entity_id = entity.id)
         LIMIT %s
        """,
        [list(types), limit],
    )
    return [row["id"] for row in await cursor.fetchall()]


async def list_requests(
    connection: Connection,
    *,
    which: Which,
    code: str | None,
    limit: int,
    after: str | None,
    reach: Reach = EVERYWHERE,
) -> list[DictRow]:
    """Return requests within reach with their entities' documents, the newest first, behind (older than) one."""
    within, parameters = named(reach.condition())
    cursor = await connection.execute(
        f"""
        SELECT * FROM ({_ROWS}) AS q
         WHERE {_WHICH[which]} AND {within}
           AND (%(code)s::text IS NULL OR service_code = %(code)s)
           AND (%(after)s::text IS NULL
                OR (requested_at, entity_id)
                   < (SELECT requested_at, entity_id FROM citizen_request WHERE entity_id = %(after)s))
         ORDER BY requested_at DESC, entity_id DESC
         LIMIT %(limit)s
        """,
        {"code": code, "after": after, "limit": limit, **parameters},
    )
    return await cursor.fetchall()


async def find(connection: Connection, entity_id: str, *, lock: bool = False) -> DictRow | None:
    """Return one request with its entity's document, locked until the transaction ends if asked for."""
    if lock:
        await connection.execute("SELECT 1 FROM citizen_request WHERE entity_id = %s FOR UPDATE", [entity_id])
    return await (await connection.execute(f"{_ROWS} WHERE s.entity_id = %s", [entity_id])).fetchone()


async def find_many(connection: Connection, entity_ids: Collection[str]) -> list[DictRow]:
    """Return requests with their entities' documents, in no particular order."""
    cursor = await connection.execute(f"{_ROWS} WHERE s.entity_id = ANY(%s)", [list(entity_ids)])
    return await cursor.fetchall()


async def near(
    connection: Connection, code: str, begin: datetime, end: datetime, exercise: int | None, limit: int
) -> list[DictRow]:
    """Return requests of one service code that nobody works on, sent between two times, the newest first."""
    cursor = await connection.execute(
        f"""
        SELECT * FROM ({_ROWS}) AS q
         WHERE service_code = %s AND requested_at BETWEEN %s AND %s AND state = 'new'
           AND exercise_id IS NOT DISTINCT FROM %s
         ORDER BY requested_at DESC, entity_id
         LIMIT %s
        """,
        [code, begin, end, exercise, limit],
    )
    return await cursor.fetchall()


async def count(connection: Connection, reach: Reach = EVERYWHERE) -> dict[str, int]:
    """Return how many requests within reach are in each state, exercises left out."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        f"SELECT state, count(*) AS requests FROM ({_STANDING}) AS s"
        f" WHERE exercise_id IS NULL AND {within} GROUP BY state",
        parameters,
    )
    none = dict.fromkeys(("new", "in_work", "done", "refused", "forwarded", "withdrawn"), 0)
    return none | {row["state"]: row["requests"] for row in await cursor.fetchall()}


async def decide(
    connection: Connection, entity_id: str, decision: Decision | None, reason: str, to: str, at: datetime, by: str
) -> None:
    """Write what the desk decided of a request; None takes it back."""
    await connection.execute(
        """
        UPDATE citizen_request
           SET decision = %(decision)s, reason = %(reason)s, forwarded_to = %(to)s,
               decided_at = CASE WHEN %(decision)s::text IS NOT NULL THEN %(at)s::timestamptz END,
               decided_by = CASE WHEN %(decision)s::text IS NOT NULL THEN %(by)s::text END,
               version = version + 1, changed_at = %(at)s, changed_by = %(by)s
         WHERE entity_id = %(id)s
        """,
        {"id": entity_id, "decision": decision, "reason": reason, "to": to, "at": at, "by": by},
    )


async def to_tell(connection: Connection, limit: int, since: datetime | None) -> list[DictRow]:
    """Return requests whose entities have not been told how they stand: by the oldest, so many at most.

    `since` leaves out those of which nothing has changed after it, nor of an incident that they hang or hung on: of
    30,000 requests a full look takes 0.1 s.
    """
    cursor = await connection.execute(
        f"""
        SELECT * FROM ({_STANDING}) AS s
         WHERE state <> 'withdrawn'
           AND (%(since)s::timestamptz IS NULL OR entity_id IN (
                SELECT entity_id FROM citizen_request WHERE changed_at >= %(since)s
                 UNION
                SELECT link.target
                  FROM incident
                  JOIN incident_link link ON link.incident = incident.id AND link.kind = 'request'
                 WHERE incident.changed_at >= %(since)s))
           AND (told IS NOT NULL OR state <> 'new')
           AND (told ->> 'state', told ->> 'number', told ->> 'reason', told ->> 'to') IS DISTINCT FROM
               (state, coalesce(number, ''),
                CASE WHEN incident IS NULL THEN reason ELSE '' END,
                CASE WHEN incident IS NULL THEN forwarded_to ELSE '' END)
         ORDER BY requested_at
         LIMIT %(limit)s
        """,
        {"since": since, "limit": limit},
    )
    return await cursor.fetchall()


async def set_told(connection: Connection, entity_id: str, said: Mapping[str, str], status: str, at: datetime) -> None:
    """Write what an entity was told."""
    await connection.execute(
        "UPDATE citizen_request SET told = %s, status = %s, version = version + 1, changed_at = %s"
        " WHERE entity_id = %s",
        [Jsonb(dict(said)), status, at, entity_id],
    )


async def reports(connection: Connection, codes: Sequence[str], begin: datetime, end: datetime) -> list[Report]:
    """Return the open requests of some service codes that were sent between two times, as rules see them."""
    cursor = await connection.execute(
        f"""
        SELECT entity_id, service_code, longitude, latitude, requested_at, exercise_id
          FROM ({_STANDING}) AS s
         WHERE service_code = ANY(%s) AND requested_at BETWEEN %s AND %s AND state IN ('new', 'in_work')
         ORDER BY requested_at, entity_id
        """,
        [list(codes), begin, end],
    )
    return [report_of(row) for row in await cursor.fetchall()]


def report_of(row: Mapping[str, Any]) -> Report:
    """Return a row as a rule sees it."""
    place = Place(row["longitude"], row["latitude"]) if row["longitude"] is not None else None
    return Report(row["entity_id"], row["service_code"], place, row["requested_at"], row["exercise_id"])


async def gathered(connection: Connection, rule: str, requests: Collection[str]) -> dict[str, str]:
    """Return the anchor of the requests that a rule took for one thing with others."""
    cursor = await connection.execute(
        "SELECT request, anchor FROM request_gathering WHERE rule = %s AND request = ANY(%s)", [rule, list(requests)]
    )
    return {row["request"]: row["anchor"] for row in await cursor.fetchall()}


async def join(connection: Connection, rule: str, anchor: str, requests: Collection[str]) -> int:
    """Add requests to a gathering; returns how many it has."""
    await connection.execute(
        "INSERT INTO request_gathering (rule, request, anchor)"
        " SELECT %s, unnest(%s::text[]), %s ON CONFLICT DO NOTHING",
        [rule, list(requests), anchor],
    )
    cursor = await connection.execute(
        "SELECT count(*) AS requests FROM request_gathering WHERE rule = %s AND anchor = %s", [rule, anchor]
    )
    row = await cursor.fetchone()
    return int(row["requests"]) if row else 0


async def over(connection: Connection) -> list[DictRow]:
    """Return the gatherings (rule, anchor) of which no request is open any more."""
    cursor = await connection.execute(
        f"""
        SELECT g.rule, g.anchor
          FROM request_gathering g
          JOIN ({_STANDING}) AS s ON s.entity_id = g.request
         GROUP BY g.rule, g.anchor
        HAVING bool_and(s.state NOT IN ('new', 'in_work'))
         ORDER BY g.rule, g.anchor
        """
    )
    return await cursor.fetchall()


async def dissolve(connection: Connection, rule: str, anchor: str) -> None:
    """Forget a gathering."""
    await connection.execute("DELETE FROM request_gathering WHERE rule = %s AND anchor = %s", [rule, anchor])


async def to_link(connection: Connection) -> list[DictRow]:
    """Return requests (request, incident) that gathered for an alarm that hangs on a running incident, and do not yet.

    One that a person took off that incident stays off.
    """
    cursor = await connection.execute(
        f"""
        SELECT DISTINCT g.request, held.incident
          FROM request_gathering g
          JOIN ({_STANDING}) AS s ON s.entity_id = g.request AND s.state = 'new'
          JOIN alarm a ON a.rule = g.rule AND a.entity_id = g.anchor AND a.cleared_at IS NULL
          JOIN incident_link held
            ON held.unlinked_at IS NULL
           AND ((held.kind = 'alarm' AND held.target = a.id::text)
                OR (held.kind = 'alarm-group' AND held.target = a.alarm_group::text))
          JOIN incident i ON i.id = held.incident AND i.state IN ('open', 'contained')
         WHERE NOT EXISTS (SELECT FROM incident_link former
                            WHERE former.kind = 'request' AND former.target = g.request
                              AND former.incident = held.incident)
         ORDER BY held.incident, g.request
        """
    )
    return await cursor.fetchall()
