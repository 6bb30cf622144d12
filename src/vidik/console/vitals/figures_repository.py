"""SQL of the figures of operations: what stood at some moments, and what was answered when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Reach, named
from vidik.operations.tasks.task import WITH_CREW


async def alarms_standing(connection: Connection, when: Sequence[datetime], age: timedelta, reach: Reach) -> list[int]:
    """Return how many alarms stood at each moment that were raised so long before it, without what is hidden now."""
    within, parameters = named(reach.condition())
    cursor = await connection.execute(
        f"""
        WITH stood AS MATERIALIZED (
            SELECT raised_at, cleared_at
              FROM alarm
             WHERE raised_at <= %(last)s
               AND (cleared_at IS NULL OR cleared_at > %(first)s)
               AND hidden_by IS NULL
               AND exercise_id IS NULL
               AND {within}
        )
        SELECT count(stood.raised_at) AS count
          FROM unnest(%(when)s::timestamptz[]) WITH ORDINALITY AS moment (at, place)
          LEFT JOIN stood ON stood.raised_at <= moment.at - %(age)s::interval
                        AND (stood.cleared_at IS NULL OR stood.cleared_at > moment.at)
         GROUP BY place
         ORDER BY place
        """,
        {"when": list(when), "first": when[0], "last": when[-1], "age": age, **parameters},
    )
    return [row["count"] for row in await cursor.fetchall()]


async def calls_with_answers(connection: Connection, begin: datetime, end: datetime, reach: Reach) -> list[DictRow]:
    """Return every call of a time in order: `at`, when it was acknowledged and when it was over, or None."""
    within, parameters = named(reach.condition("a.organisations", "a.areas"))
    cursor = await connection.execute(
        f"""
        SELECT e.at,
               (SELECT min(next.at)
                  FROM alarm_event next
                 WHERE next.alarm = e.alarm AND next.id > e.id
                   AND next.transition = 'acknowledged') AS acknowledged_at,
               (SELECT min(next.at)
                  FROM alarm_event next
                 WHERE next.alarm = e.alarm AND next.id > e.id
                   AND next.transition IN ('cleared', 'faded')) AS over_at
          FROM alarm_event e
          JOIN alarm a ON a.id = e.alarm
         WHERE e.transition = 'raised'
           AND a.exercise_id IS NULL
           AND e.at > %(begin)s
           AND e.at <= %(end)s
           AND {within}
         ORDER BY e.at, e.id
        """,
        {"begin": begin, "end": end, **parameters},
    )
    return await cursor.fetchall()


async def incidents_uncontained(
    connection: Connection, when: Sequence[datetime], allowed: timedelta | None, reach: Reach
) -> list[int]:
    """Return how many incidents were open at each moment; with `allowed`, those not contained in that time."""
    within, parameters = named(reach.condition(people="people"))
    over = "closed_at" if allowed is None else "least(contained_at, closed_at)"
    cursor = await connection.execute(
        f"""
        WITH stood AS MATERIALIZED (
            SELECT opened_at, {over} AS over_at
              FROM incident
             WHERE opened_at <= %(last)s
               AND ({over} IS NULL OR {over} > %(first)s)
               AND merged_into IS NULL
               AND exercise_id IS NULL
               AND {within}
        )
        SELECT count(stood.opened_at) AS count
          FROM unnest(%(when)s::timestamptz[]) WITH ORDINALITY AS moment (at, place)
          LEFT JOIN stood ON stood.opened_at <= moment.at - %(allowed)s::interval
                        AND (stood.over_at IS NULL OR stood.over_at > moment.at)
         GROUP BY place
         ORDER BY place
        """,
        {"when": list(when), "first": when[0], "last": when[-1], "allowed": allowed or timedelta(), **parameters},
    )
    return [row["count"] for row in await cursor.fetchall()]


async def requests_with_answers(connection: Connection, begin: datetime, end: datetime, reach: Reach) -> list[DictRow]:
    """Return every request that came in a time, in order: `seen_at`, and when the desk first did something about it.

    What its sender withdrew unanswered is left out.
    """
    within, parameters = named(reach.condition("r.organisations", "r.areas"))
    cursor = await connection.execute(
        f"""
        SELECT seen_at, answered_at
          FROM (SELECT r.seen_at, r.status,
                       least(r.decided_at, (SELECT min(linked_at)
                                              FROM incident_link
                                             WHERE kind = 'request' AND target = r.entity_id)) AS answered_at
                  FROM citizen_request r
                 WHERE r.seen_at > %(begin)s
                   AND r.seen_at <= %(end)s
                   AND r.exercise_id IS NULL
                   AND {within}) AS found
         WHERE answered_at IS NOT NULL OR status = 'open'
         ORDER BY seen_at
        """,
        {"begin": begin, "end": end, **parameters},
    )
    return await cursor.fetchall()


async def crews_on_duty(connection: Connection, when: Sequence[datetime], reach: Reach) -> list[int | None]:
    """Return how many crews were on duty at each moment; None for moments before the first duty that was kept."""
    whose = "CASE WHEN c.organisation IS NULL THEN '{}'::text[] ELSE ARRAY[c.organisation] END"
    within, parameters = named(reach.condition(whose, "c.areas"))
    cursor = await connection.execute(
        f"""
        SELECT count(DISTINCT d.crew) AS count, moment.at >= (SELECT min(since) FROM crew_duty) AS is_known
          FROM unnest(%(when)s::timestamptz[]) WITH ORDINALITY AS moment (at, place)
          LEFT JOIN (crew_duty d JOIN crew c ON c.id = d.crew AND {within})
                 ON d.since <= moment.at AND (d.until IS NULL OR d.until > moment.at)
         GROUP BY place, moment.at
         ORDER BY place
        """,
        {"when": list(when), **parameters},
    )
    return [row["count"] if row["is_known"] else None for row in await cursor.fetchall()]


async def arrivals(connection: Connection, begin: datetime, end: datetime, reach: Reach) -> list[DictRow]:
    """Return every arrival of a crew in a time, in order: `at`, and the minutes since it was sent."""
    within, parameters = named(
        reach.condition("together(t.organisations, i.organisations)", "together(t.areas, i.areas)", "i.people")
    )
    cursor = await connection.execute(
        f"""
        SELECT at, extract(epoch FROM at - decided_at)::float8 / 60 AS minutes
          FROM (SELECT (t.acts -> 'arrive' ->> 0)::timestamptz AS at, t.decided_at
                  FROM task t
                  LEFT JOIN incident i ON i.id = t.incident
                 WHERE t.acts ? 'arrive'
                   AND t.decision = 'assigned'
                   AND (t.state = ANY(%(with_crew)s) OR t.ended_at > %(begin)s)
                   AND NOT t.exercise
                   AND {within}) AS found
         WHERE at > %(begin)s AND at <= %(end)s AND at >= decided_at
         ORDER BY at
        """,
        {"begin": begin, "end": end, "with_crew": list(WITH_CREW), **parameters},
    )
    return await cursor.fetchall()
