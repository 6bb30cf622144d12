"""SQL of escalations: what people are called for, and how far each call has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach
from vidik.operations.duty.belonging import escalations_within
from vidik.operations.duty.plan import Place, Plan

Ending = Literal["acknowledged", "over", "exhausted"]
_LOCK = 0x564C_4455  # "VLDU"
ESCALATION = """
    SELECT id, plan, cause, subject, call, facts, state, round, step, opened_at, due_at, ended_at, ended_by, exercise_id
      FROM escalation
"""


async def lock(connection: Connection) -> None:
    """Be the only one who moves escalations until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_LOCK])


async def open_for_alarms(connection: Connection, code: str, plan: Plan, since: datetime) -> list[DictRow]:
    """Open an escalation for every alarm that calls a person, and that the plan listens to; returns the new ones.

    What is hidden or over calls nobody. Of alarms of one group one is enough: while somebody is being asked about
    it no other calls, and whoever takes it over (or everybody, when the plan came to its end) was asked about all
    that had been raised by then. Each raising is one call: an alarm that comes back calls anew.
    """
    cursor = await connection.execute(
        """
        INSERT INTO escalation (plan, cause, subject, call, facts, state, opened_at, due_at, exercise_id)
        SELECT DISTINCT ON (coalesce(-a.alarm_group, a.id))
               %(code)s, 'alarm', a.id, r.call,
               jsonb_build_object('priority', a.priority, 'entity_name', a.entity_name, 'service', a.service,
                                  'message', a.message, 'origin', a.origin),
               'waiting', r.at, r.at + %(after)s, a.exercise_id
          FROM alarm a
         CROSS JOIN LATERAL (
            SELECT e.id AS call, e.at
              FROM alarm_event e
             WHERE e.alarm = a.id AND e.transition = 'raised'
             ORDER BY e.id DESC
             LIMIT 1
         ) AS r
         WHERE a.cleared_at IS NULL
           AND a.hidden_by IS NULL
           AND a.state IN ('unacknowledged', 'latched_unacknowledged')
           AND a.priority = ANY(%(priorities)s)
           AND (%(services)s = '{}'::text[] OR a.service = ANY(%(services)s))
           AND r.at >= %(since)s
           AND NOT EXISTS (
            SELECT 1
              FROM escalation e
              JOIN alarm m ON m.id = e.subject
             WHERE e.plan = %(code)s AND e.cause = 'alarm' AND m.alarm_group = a.alarm_group
               AND (e.state = 'waiting' OR (e.state IN ('acknowledged', 'exhausted') AND e.ended_at >= r.at))
           )
         ORDER BY coalesce(-a.alarm_group, a.id), a.id
        ON CONFLICT (plan, cause, subject, call) DO NOTHING
        RETURNING id
        """,
        {
            "code": code,
            "priorities": list(plan.priorities),
            "services": list(plan.services),
            "since": since,
            "after": timedelta(minutes=plan.after_minutes),
        },
    )
    return await _escalations(connection, [row["id"] for row in await cursor.fetchall()])


async def open_for_incidents(connection: Connection, code: str, plan: Plan, since: datetime) -> list[DictRow]:
    """Open an escalation for every open incident that the plan listens to and that nobody leads; returns the new.

    Each opening is one call: an incident that is opened again calls anew.
    """
    cursor = await connection.execute(
        """
        INSERT INTO escalation (plan, cause, subject, call, facts, state, opened_at, due_at, exercise_id)
        SELECT %(code)s, 'incident', i.id, o.call,
               jsonb_build_object('number', i.number, 'title', i.title, 'titles', i.titles, 'severity', i.severity,
                                  'origin', i.origin),
               'waiting', o.at, o.at + %(after)s, i.exercise_id
          FROM incident i
         CROSS JOIN LATERAL (
            SELECT count(*) AS call, coalesce(max(e.at), i.opened_at) AS at
              FROM incident_entry e
             WHERE e.incident = i.id AND e.kind = 'reopened'
         ) AS o
         WHERE i.state = 'open'
           AND i.severity = ANY(%(severities)s)
           AND o.at >= %(since)s
           AND NOT EXISTS (SELECT 1 FROM incident_role r WHERE r.incident = i.id AND r.until IS NULL)
        ON CONFLICT (plan, cause, subject, call) DO NOTHING
        RETURNING id
        """,
        {
            "code": code,
            "severities": list(plan.severities),
            "since": since,
            "after": timedelta(minutes=plan.after_minutes),
        },
    )
    return await _escalations(connection, [row["id"] for row in await cursor.fetchall()])


async def open_for_procedure(
    connection: Connection,
    code: str,
    incident: int,
    facts: Mapping[str, Any],
    opened_at: datetime,
    due_at: datetime,
    exercise_id: int | None,
) -> DictRow:
    """Open an escalation for a message of a procedure that somebody must answer; each message is one call."""
    cursor = await connection.execute(
        """
        INSERT INTO escalation (plan, cause, subject, call, facts, state, opened_at, due_at, exercise_id)
        VALUES (%s, 'procedure', %s, nextval('escalation_call'), %s, 'waiting', %s, %s, %s)
        RETURNING id
        """,
        [code, incident, Jsonb(dict(facts)), opened_at, due_at, exercise_id],
    )
    return (await _escalations(connection, [row["id"] for row in await cursor.fetchall()]))[0]


async def settled_procedures(connection: Connection) -> list[DictRow]:
    """Return escalations of procedures whose incident, or the one that it was merged into, is closed."""
    cursor = await connection.execute(
        """
        SELECT e.id, 'over' AS ending, NULL AS by
          FROM escalation e
         CROSS JOIN LATERAL (
            WITH RECURSIVE whole AS (
                SELECT id, state, merged_into FROM incident WHERE id = e.subject
                 UNION ALL
                SELECT i.id, i.state, i.merged_into FROM incident i JOIN whole w ON i.id = w.merged_into
            )
            SELECT state FROM whole WHERE merged_into IS NULL
         ) AS i
         WHERE e.state = 'waiting'
           AND e.cause = 'procedure'
           AND i.state = 'closed'
           FOR UPDATE OF e
        """
    )
    return await cursor.fetchall()


async def settled_incidents(connection: Connection) -> list[DictRow]:
    """Return escalations of incidents that somebody leads (`by`), or that are open no more."""
    cursor = await connection.execute(
        """
        SELECT e.id,
               CASE WHEN r.person_name IS NULL THEN 'over' ELSE 'acknowledged' END AS ending,
               r.person_name AS by
          FROM escalation e
          JOIN incident i ON i.id = e.subject
          LEFT JOIN LATERAL (
            SELECT person_name FROM incident_role WHERE incident = i.id AND until IS NULL ORDER BY begins_at LIMIT 1
          ) AS r ON true
         WHERE e.state = 'waiting'
           AND e.cause = 'incident'
           AND (i.state <> 'open' OR r.person_name IS NOT NULL)
           FOR UPDATE OF e
        """
    )
    return await cursor.fetchall()


async def settled_alarms(connection: Connection) -> list[DictRow]:
    """Return escalations of alarms that need no call any more: `ending`, and `by`, who acknowledged."""
    cursor = await connection.execute(
        """
        SELECT e.id,
               CASE WHEN a.state IN ('acknowledged', 'latched_acknowledged') THEN 'acknowledged' ELSE 'over' END
                   AS ending,
               CASE WHEN a.state IN ('acknowledged', 'latched_acknowledged') THEN a.acknowledged_by END AS by
          FROM escalation e
          JOIN alarm a ON a.id = e.subject
         WHERE e.state = 'waiting'
           AND e.cause = 'alarm'
           AND (a.cleared_at IS NOT NULL OR a.hidden_by IS NOT NULL
                OR a.state NOT IN ('unacknowledged', 'latched_unacknowledged'))
           FOR UPDATE OF e
        """
    )
    return await cursor.fetchall()


async def due(connection: Connection, moment: datetime, limit: int = 100) -> list[DictRow]:
    """Return escalations whose next step is due, locked until the transaction ends."""
    cursor = await connection.execute(
        f"{ESCALATION} WHERE state = 'waiting' AND due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        [moment, limit],
    )
    return await cursor.fetchall()


async def find(connection: Connection, escalation: int) -> DictRow | None:
    """Return one escalation, locked until the transaction ends."""
    return await (await connection.execute(f"{ESCALATION} WHERE id = %s FOR UPDATE", [escalation])).fetchone()


async def newest(connection: Connection, limit: int, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return escalations within reach that wait, then the newest others."""
    within, parameters = escalations_within(reach)
    cursor = await connection.execute(
        f"{ESCALATION} WHERE id IN ({within}) ORDER BY (state = 'waiting') DESC, id DESC LIMIT %s",
        [*parameters, limit],
    )
    return await cursor.fetchall()


async def _escalations(connection: Connection, ids: Sequence[int]) -> list[DictRow]:
    if not ids:
        return []
    return await (await connection.execute(f"{ESCALATION} WHERE id = ANY(%s) ORDER BY id", [list(ids)])).fetchall()


async def move(connection: Connection, escalation: int, place: Place, due_at: datetime) -> None:
    """Say where an escalation goes on, and when."""
    await connection.execute(
        "UPDATE escalation SET round = %s, step = %s, due_at = %s WHERE id = %s", [*place, due_at, escalation]
    )


async def end(connection: Connection, escalation: int, ending: Ending, by: str | None, moment: datetime) -> list[int]:
    """End an escalation with its messages and return the numbers of these: what was sent is answered,
    what was not is not sent any more. One that ran out of people leaves its messages as they are."""
    await connection.execute(
        "UPDATE escalation SET state = %s, ended_by = %s, ended_at = %s WHERE id = %s",
        [ending, by, moment, escalation],
    )
    if ending == "exhausted":
        return []
    cursor = await connection.execute(
        """
        UPDATE notice
           SET state = CASE WHEN state = 'sent' THEN 'acknowledged' ELSE 'given_up' END,
               problem = CASE WHEN state = 'sent' THEN NULL ELSE 'not-needed' END,
               ended_at = %s
         WHERE escalation = %s
           AND state IN ('due', 'failed', 'sent')
        RETURNING id
        """,
        [moment, escalation],
    )
    return [row["id"] for row in await cursor.fetchall()]
