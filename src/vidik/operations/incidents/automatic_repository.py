"""SQL of incidents that alarms open by themselves."""

from collections.abc import Collection

from psycopg.rows import DictRow

from vidik.kernel.database import Connection


async def anything_new(connection: Connection) -> bool:
    """Whether something happened to alarms since the last look."""
    cursor = await connection.execute(
        "SELECT alarm_event < (SELECT coalesce(max(id), 0) FROM alarm_event) AS new FROM incident_cursor"
    )
    row = await cursor.fetchone()
    return bool(row and row["new"])


async def lock_cursor(connection: Connection) -> int:
    """Return the last event of alarms that was looked at; nobody else looks until the transaction ends."""
    row = await (await connection.execute("SELECT alarm_event FROM incident_cursor FOR UPDATE")).fetchone()
    return int(row["alarm_event"]) if row else 0


async def move_cursor(connection: Connection, event: int) -> None:
    """Say up to which event alarms have been looked at."""
    await connection.execute("UPDATE incident_cursor SET alarm_event = %s", [event])


async def events_between(connection: Connection, after: int, until: int) -> list[DictRow]:
    """Return what happened to each alarm after one event up to another: alarm, raised, at (when), cleared."""
    cursor = await connection.execute(
        """
        SELECT alarm, bool_or(transition = 'raised') AS raised, max(at) FILTER (WHERE transition = 'raised') AS at,
               bool_or(transition IN ('cleared', 'latched')) AS cleared
          FROM alarm_event
         WHERE id > %s AND id <= %s
         GROUP BY alarm
         ORDER BY min(id)
        """,
        [after, until],
    )
    return await cursor.fetchall()


async def groups(connection: Connection, group_ids: Collection[int]) -> list[DictRow]:
    """Return groups with how many alarms they have, the worst open priority, origin and the entities, oldest first."""
    cursor = await connection.execute(
        """
        SELECT g.id, g.kind, g.subject, g.service, g.exercise_id, count(*) AS alarms,
               count(*) FILTER (WHERE a.cleared_at IS NULL AND a.hidden_by IS NULL) AS open,
               (ARRAY['critical', 'high', 'medium', 'low'])[
                   min(array_position(ARRAY['critical', 'high', 'medium', 'low'], a.priority))] AS priority,
               CASE WHEN bool_and(a.origin <> 'real') THEN min(a.origin) ELSE 'real' END AS origin,
               array_agg(DISTINCT a.entity_id) AS entities,
               array_agg(a.id::text) AS members,
               (SELECT document FROM entity_whole WHERE g.kind = 'related' AND id = g.subject) AS document
          FROM alarm_group g
          JOIN alarm a ON a.alarm_group = g.id
         WHERE g.id = ANY(%s)
         GROUP BY g.id
         ORDER BY g.id
        """,
        [list(group_ids)],
    )
    return await cursor.fetchall()


async def documents(connection: Connection, entity_ids: Collection[str]) -> list[DictRow]:
    """Return the documents of the entities that exist."""
    cursor = await connection.execute("SELECT id, document FROM entity_whole WHERE id = ANY(%s)", [list(entity_ids)])
    return await cursor.fetchall()
