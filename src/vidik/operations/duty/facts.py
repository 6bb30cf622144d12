"""What happened between two times, read from what the rooms of operations keep: the facts of a handover."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach, named
from vidik.operations.duty.belonging import written

LISTED = 100

_ALARM_COUNTS = """
    SELECT count(*) FILTER (WHERE e.transition = 'raised' AND a.priority = 'critical') AS critical,
           count(*) FILTER (WHERE e.transition = 'raised' AND a.priority = 'high') AS high,
           count(*) FILTER (WHERE e.transition = 'raised' AND a.priority = 'medium') AS medium,
           count(*) FILTER (WHERE e.transition = 'raised' AND a.priority = 'low') AS low,
           count(*) FILTER (WHERE e.transition = 'acknowledged') AS acknowledged,
           count(*) FILTER (WHERE e.transition = 'shelved') AS shelved
      FROM alarm_event e
      JOIN alarm a ON a.id = e.alarm
     WHERE e.at >= %(begin)s AND e.at < %(end)s AND a.exercise_id IS NULL AND {of_a}
"""
# What stands at the end is what stood then, not what stands when the report is drawn up a little later.
_ALARMS = """
    SELECT id, priority, entity_name, message, raised_at, acknowledged_by, hidden_by, origin
      FROM alarm
     WHERE raised_at < %(end)s
       AND exercise_id IS NULL
       AND {alarms}
       AND (cleared_at IS NULL OR cleared_at >= %(end)s)
     ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], priority), raised_at DESC, id
     LIMIT %(limit)s
"""
_INCIDENTS = """
    SELECT number, title, titles, severity, opened_at, closed_at, cause, lesson,
           CASE WHEN closed_at IS NULL OR closed_at >= %(end)s THEN 'open' ELSE 'closed' END AS state
      FROM incident
     WHERE merged_into IS NULL
       AND exercise_id IS NULL
       AND {incidents}
       AND opened_at < %(end)s
       AND (closed_at IS NULL OR closed_at >= %(begin)s)
     ORDER BY opened_at, id
     LIMIT %(limit)s
"""
_TASKS = """
    SELECT id, title, titles, priority, state, opened_at, ended_at, result_note,
           (SELECT name FROM crew WHERE crew.id = task.crew) AS crew
      FROM task
     WHERE NOT exercise
       AND (incident IN (SELECT id FROM incident WHERE {incidents}) OR {alarms})
       AND opened_at < %(end)s
       AND (ended_at IS NULL OR ended_at >= %(begin)s)
     ORDER BY opened_at, id
     LIMIT %(limit)s
"""
# What was said to the public and still stands or ended in this time, and what waits for a release.
_WARNINGS = """
    SELECT id, kind, state, content -> 'sr' ->> 'headline' AS headline, content -> 'en' ->> 'headline' AS headline_en,
           content ->> 'status' AS status, drafted_at, sent_at, expires_at, released_by
      FROM warning
     WHERE content ->> 'status' <> 'Exercise'
       AND ((sent_at < %(end)s AND (changed_at >= %(begin)s OR state = 'released'))
        OR (state = 'draft' AND drafted_at < %(end)s))
     ORDER BY sent_at NULLS LAST, id
     LIMIT %(limit)s
"""
# What still ran at the end: at which step it stood then, and what that step waits for.
_PROCEDURES = """
    SELECT r.id, coalesce(m.number, i.number) AS number, coalesce(m.title, i.title) AS incident,
           CASE WHEN m.id IS NULL THEN i.titles ELSE m.titles END AS incident_titles,
           d.definition -> 'title' AS title, r.started_at, r.started_by,
           s.step -> 'title' AS step, s.step ->> 'kind' AS kind, s.step ->> 'role' AS role, h.person_name AS held_by,
           v.since, v.due_at, coalesce(v.overdue_at < %(end)s, false) AS overdue, v.state = 'failed' AS failed
      FROM procedure_run r
      JOIN procedure_version d ON (d.code, d.version) = (r.procedure, r.procedure_version)
      JOIN incident i ON i.id = r.incident
      LEFT JOIN incident m ON m.id = i.merged_into
     CROSS JOIN LATERAL (
        SELECT * FROM procedure_visit WHERE run = r.id AND since < %(end)s ORDER BY number DESC LIMIT 1
     ) AS v
     CROSS JOIN LATERAL (
        SELECT step FROM jsonb_array_elements(d.definition -> 'steps') AS e (step) WHERE step ->> 'id' = v.step
     ) AS s
      LEFT JOIN LATERAL (
        SELECT person_name
          FROM incident_role
         WHERE incident = coalesce(m.id, i.id) AND role = s.step ->> 'role' AND until IS NULL
         LIMIT 1
     ) AS h ON true
     WHERE r.exercise_id IS NULL
       AND i.id IN (SELECT id FROM incident WHERE {incidents})
       AND r.started_at < %(end)s
       AND (r.ended_at IS NULL OR r.ended_at >= %(end)s)
     ORDER BY r.started_at, r.id
     LIMIT %(limit)s
"""
_NOTICES = """
    SELECT count(*) FILTER (WHERE sent_at IS NOT NULL) AS sent,
           count(*) FILTER (WHERE state = 'acknowledged') AS acknowledged,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'given_up' AND problem IS DISTINCT FROM 'not-needed') AS given_up
      FROM notice
     WHERE made_at >= %(begin)s AND made_at < %(end)s AND exercise_id IS NULL
"""
_LOG = """
    SELECT at, desk, person, text
      FROM duty_log
     WHERE at >= %(begin)s AND at < %(end)s
     ORDER BY at, id
     LIMIT %(limit)s
"""
_PEOPLE = """
    SELECT person, desk, begins_at, ends_at
      FROM shift
     WHERE begins_at < %(end)s AND ends_at > %(begin)s
     ORDER BY begins_at, id
     LIMIT %(limit)s
"""


async def gather(connection: Connection, begin: datetime, end: datetime, reach: Reach = EVERYWHERE) -> dict[str, Any]:
    """Return the facts of a time within reach as JSON: counts, and at most LISTED rows of each list.

    Exercises are none. Who was on duty, the log, warnings and messages are the whole city's; `places` says from where
    the rest comes, when that is not everywhere.
    """
    alarms_within, parameters = named(reach.condition())
    conditions = {
        "alarms": alarms_within,
        "of_a": named(reach.condition("a.organisations", "a.areas"))[0],
        "incidents": named(reach.condition(people="people"))[0],
    }
    values = {"begin": begin, "end": end, "limit": LISTED, **parameters, **named(reach.condition(people="people"))[1]}

    async def rows(query: str) -> list[dict[str, Any]]:
        cursor = await connection.execute(query.format(**conditions), values)
        return [_plain(row) for row in await cursor.fetchall()]

    alarms, notices = (await rows(_ALARM_COUNTS))[0], (await rows(_NOTICES))[0]
    return {
        "begins_at": iso(begin),
        "ends_at": iso(end),
        **({} if reach.is_everywhere else {"places": written(reach)}),
        "people": await rows(_PEOPLE),
        "alarms": {"counts": alarms, "standing": await rows(_ALARMS)},
        "incidents": await rows(_INCIDENTS),
        "procedures": await rows(_PROCEDURES),
        "tasks": await rows(_TASKS),
        "warnings": await rows(_WARNINGS),
        "notices": notices,
        "log": await rows(_LOG),
    }


def _plain(row: DictRow) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}
