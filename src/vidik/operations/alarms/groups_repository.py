"""SQL of groups of alarms."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from psycopg.rows import DictRow

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach
from vidik.operations.alarms.alarm import Alarm
from vidik.operations.alarms.grouping import Candidate, Group, GroupKind, Subject
from vidik.operations.alarms.repository import ALARM_COLUMNS, SHOWN_COLUMNS, to_alarm


async def lone_alarms(
    connection: Connection,
    services: Collection[str],
    begin: datetime,
    end: datetime,
    by: Mapping[str, GroupKind | None],
) -> list[Candidate]:
    """Return shown alarms of some services that stand in no group, observed between; `by` says it of each rule."""
    cursor = await connection.execute(
        """
        SELECT id, rule, service, related, observed_at, exercise_id
          FROM alarm
         WHERE service = ANY(%s)
           AND observed_at BETWEEN %s AND %s
           AND alarm_group IS NULL
           AND hidden_by IS NULL
        """,
        [list(services), begin, end],
    )
    return [
        Candidate(
            row["id"],
            row["service"],
            frozenset(row["related"]),
            row["observed_at"],
            by.get(row["rule"]),
            row["exercise_id"],
        )
        for row in await cursor.fetchall()
    ]


async def groups_near(connection: Connection, services: Collection[str], begin: datetime, end: datetime) -> list[Group]:
    """Return the groups of some services whose alarms were observed between."""
    cursor = await connection.execute(
        """
        SELECT id, kind, subject, service, exercise_id, opened_at, newest_at
          FROM alarm_group
         WHERE service = ANY(%s)
           AND newest_at >= %s
           AND opened_at <= %s
         ORDER BY id
        """,
        [list(services), begin, end],
    )
    return [
        Group(
            Subject(row["kind"], row["subject"], row["service"], row["exercise_id"]),
            row["opened_at"],
            row["newest_at"],
            row["id"],
        )
        for row in await cursor.fetchall()
    ]


async def write_groups(connection: Connection, groups: Sequence[Group]) -> None:
    """Write new groups, and what joins which."""
    for group in groups:
        number = group.id
        if number is None:
            cursor = await connection.execute(
                """
                INSERT INTO alarm_group (kind, subject, service, exercise_id, opened_at, newest_at)
                VALUES (%s, %s, %s, %s, %s, %s)
                RETURNING id
                """,
                [*group.subject, group.opened_at, group.newest_at],
            )
            row = await cursor.fetchone()
            number = row["id"] if row else None
        else:
            await connection.execute(
                "UPDATE alarm_group SET opened_at = %s, newest_at = %s WHERE id = %s",
                [group.opened_at, group.newest_at, number],
            )
        await connection.execute("UPDATE alarm SET alarm_group = %s WHERE id = ANY(%s)", [number, group.joining])


async def list_groups(connection: Connection, limit: int, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return groups with an alarm that is open and shown, newest first, each with what its alarms within reach are."""
    within, parameters = reach.condition()
    of_a, _ = reach.condition("a.organisations", "a.areas")
    cursor = await connection.execute(
        f"""
        SELECT g.id, g.kind, g.subject, g.service, g.exercise_id, g.opened_at, g.newest_at,
               g.alarms, g.open, g.unacknowledged, g.open_alarms, worst.priority, worst.message, worst.entity_name,
               (SELECT document FROM entity_whole WHERE g.kind = 'related' AND id = g.subject) AS document
          FROM (
            SELECT g.id, g.kind, g.subject, g.service, g.exercise_id, g.opened_at, g.newest_at,
                   count(*) AS alarms,
                   count(*) FILTER (WHERE a.cleared_at IS NULL AND a.hidden_by IS NULL) AS open,
                   count(*) FILTER (WHERE a.state IN ('unacknowledged', 'latched_unacknowledged')) AS unacknowledged,
                   array_agg(a.id ORDER BY a.id) FILTER (WHERE a.cleared_at IS NULL AND a.hidden_by IS NULL)
                       AS open_alarms
              FROM alarm_group g
              JOIN alarm a ON a.alarm_group = g.id
             WHERE g.id IN (SELECT alarm_group FROM alarm WHERE cleared_at IS NULL AND hidden_by IS NULL AND {within})
               AND {of_a}
             GROUP BY g.id
          ) AS g
         CROSS JOIN LATERAL (
            SELECT priority, message, entity_name
              FROM alarm
             WHERE alarm_group = g.id AND {within}
             ORDER BY cleared_at IS NOT NULL OR hidden_by IS NOT NULL,
                      array_position(ARRAY['critical', 'high', 'medium', 'low'], priority), observed_at, id
             LIMIT 1
         ) AS worst
         ORDER BY g.id DESC
         LIMIT %s
        """,
        [*parameters, *parameters, *parameters, limit],
    )
    return await cursor.fetchall()


async def members(connection: Connection, group_id: int, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return rows of the alarms of a group within reach, in the order of their numbers."""
    within, parameters = reach.condition()
    query = f"{SHOWN_COLUMNS} WHERE alarm_group = %s AND {within} ORDER BY id"
    cursor = await connection.execute(query, [group_id, *parameters])
    return await cursor.fetchall()


async def unacknowledged_members(connection: Connection, group_id: int, reach: Reach = EVERYWHERE) -> list[Alarm]:
    """Return the alarms of a group within reach that ask for a person, locked."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        f"{ALARM_COLUMNS} WHERE alarm_group = %s AND acknowledged_at IS NULL"
        " AND state IN ('unacknowledged', 'latched_unacknowledged', 'returned_unacknowledged')"
        f" AND {within} ORDER BY id FOR UPDATE",
        [group_id, *parameters],
    )
    return [to_alarm(row) for row in await cursor.fetchall()]
