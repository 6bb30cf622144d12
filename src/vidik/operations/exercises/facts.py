"""SQL of what people did in an exercise: when, never who."""

from collections import defaultdict
from datetime import datetime
from typing import cast

from vidik.kernel.database import Connection
from vidik.operations.exercises.scenario import Deed

_FACTS = """
    WITH own AS (SELECT id FROM incident WHERE exercise_id = %(exercise)s)
    SELECT 'alarm_acknowledged' AS what, e.at
      FROM alarm_event e
      JOIN alarm a ON a.id = e.alarm
     WHERE a.exercise_id = %(exercise)s AND e.transition = 'acknowledged'
     UNION ALL
    SELECT 'incident_opened', opened_at FROM incident WHERE exercise_id = %(exercise)s
     UNION ALL
    SELECT CASE e.kind
             WHEN 'procedure.started' THEN 'procedure_started'
             WHEN 'procedure.ended' THEN 'procedure_ended'
             WHEN 'task.assigned' THEN 'crew_sent'
             WHEN 'task.arrived' THEN 'crew_arrived'
             WHEN 'task.done' THEN 'task_done'
             WHEN 'contained' THEN 'contained'
             WHEN 'closed' THEN 'closed'
             ELSE 'command_taken'
           END,
           e.at
      FROM incident_entry e
     WHERE e.incident IN (SELECT id FROM own)
       AND (e.kind IN ('procedure.started', 'task.assigned', 'task.arrived', 'task.done', 'contained', 'closed')
            OR (e.kind = 'procedure.ended' AND (e.data ->> 'stopped') IS DISTINCT FROM 'true')
            OR (e.kind IN ('role', 'handover') AND e.data ->> 'role' = 'command' AND e.data ->> 'to' IS NOT NULL))
     UNION ALL
    SELECT deed.what, deed.at
      FROM warning w
     CROSS JOIN LATERAL (VALUES ('warning_drafted', w.drafted_at), ('warning_released', w.sent_at)) AS deed (what, at)
     WHERE deed.at IS NOT NULL
       AND w.drafted_at >= %(begin)s
       AND (w.incident IN (SELECT id FROM own) OR (w.incident IS NULL AND w.content ->> 'status' = 'Exercise'))
"""


async def deeds(connection: Connection, exercise: int, begin: datetime) -> dict[Deed, list[datetime]]:
    """Return when each kind of deed was done in an exercise that began at a time."""
    cursor = await connection.execute(_FACTS, {"exercise": exercise, "begin": begin})
    found: dict[Deed, list[datetime]] = defaultdict(list)
    for row in await cursor.fetchall():
        found[cast(Deed, row["what"])].append(row["at"])
    return found
