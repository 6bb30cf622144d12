"""The end of an exercise: nothing of it stands open, so that what is open is real."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vidik.kernel.database import Connection
from vidik.kernel.identity import system_principal
from vidik.kernel.services import Services
from vidik.operations.alarms import repository as alarms
from vidik.operations.alarms.alarm import Act, let_go
from vidik.operations.exercises import repository
from vidik.operations.exercises.scenario import Scenario
from vidik.operations.exercises.twinning import take_away
from vidik.operations.incidents import incident as incident_core
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK
from vidik.operations.tasks import service as tasks
from vidik.operations.warnings import repository as warnings_sql
from vidik.operations.warnings import service as warnings

CAUSE = "Вежба је завршена. / The exercise is over."
LESSON = "Види оцену вежбе. / See the score of the exercise."

_LEFT = """
    WITH own AS (SELECT id FROM incident WHERE exercise_id = %(exercise)s)
    SELECT 'task' AS what, id, version, '' AS state
      FROM task
     WHERE incident IN (SELECT id FROM own) AND state NOT IN ('done', 'failed', 'cancelled')
     UNION ALL
    SELECT 'warning', id, version, state
      FROM warning
     WHERE state IN ('draft', 'released')
       AND content ->> 'status' = 'Exercise'
       AND (incident IN (SELECT id FROM own)
            OR (incident IS NULL AND drafted_at >= %(begin)s AND drafted_at <= %(end)s))
     UNION ALL
    SELECT 'incident', id, version, state
      FROM incident
     WHERE exercise_id = %(exercise)s AND state IN ('open', 'contained')
     ORDER BY what DESC, id
"""


async def clear(services: Services, tenant: str, moment: datetime) -> bool:
    """Clear away what one exercise that is over left; returns whether there was one."""
    async with services.database.transaction(tenant) as connection:
        row = await repository.lock_left(connection)
        if row is None:
            return False
        await _let_alarms_go(connection, row["id"], moment)
        await _end_what_stands(connection, tenant, row, moment)
        await repository.mark_cleared(connection, row["id"], moment)
        await take_away(connection, row["id"], Scenario.model_validate(row["definition"]))
        return True


async def _let_alarms_go(connection: Connection, exercise: int, moment: datetime) -> None:
    """Ask nobody for what came good unseen; the alarms that stand end with their twins."""
    await alarms.lock_alarms(connection)
    moved, events = [], []
    for alarm in await alarms.returned_alarms_of_exercise(connection, exercise):
        after, event = let_go(alarm, Act("gone", moment))
        if after.id is not None and event is not None:
            moved.append(after)
            events.append((after.id, event))
    await alarms.update_alarms(connection, moved)
    await alarms.append_events(connection, events)


async def _end_what_stands(connection: Connection, tenant: str, row: Mapping[str, Any], moment: datetime) -> None:
    principal = system_principal("exercises", tenant, frozenset({"tasks.manage", "warnings.draft"}))
    cursor = await connection.execute(
        _LEFT, {"exercise": row["id"], "begin": row["started_at"], "end": row["ended_at"]}
    )
    for left in await cursor.fetchall():
        match left["what"], left["state"]:
            case "task", _:
                await tasks.decide(connection, left["id"], "cancel", principal, version=left["version"], note=CAUSE)
            case "warning", "draft":
                await warnings.discard(connection, principal, left["id"], left["version"], moment)
            case "warning", _:
                await warnings_sql.set_state(connection, left["id"], "expired", principal.name, moment)
                await warnings.told(connection, left["id"])
            case _:
                await _close(connection, left["id"])


async def _close(connection: Connection, incident: int) -> None:
    # The cancelled tasks wrote into its timeline, which leaves its version; a version seen before may be gone.
    standing = await incidents.seen(connection, incident, None)
    await incidents.take_step(
        connection,
        incident,
        standing.version,
        VIDIK,
        lambda found, act: incident_core.close(found, CAUSE, LESSON, act),
    )
