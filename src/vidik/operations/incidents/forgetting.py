"""The end of personal data of incidents: the periods of personal_data.yaml."""

from datetime import datetime, timedelta

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.services import Services

KEPT = timedelta(days=5 * 365)
"""How long names and free text stay after an incident has ended."""
NOBODY = "—"


async def forget_people(services: Services, tenant: str) -> None:
    """Take names and notes out of incidents that ended long ago; what happened, and when, stays."""
    async with services.database.transaction(tenant) as connection:
        await forget(connection, now() - KEPT)


async def forget(connection: Connection, ended_before: datetime) -> None:
    """Take names and free text out of incidents that ended before a time."""
    await connection.execute("SELECT set_config('vidik.forgetting', 'on', true)")
    for statement in (
        # A change keeps what stood before: summary and address, too.
        """
        UPDATE incident_entry
           SET person = %(nobody)s, actor = '',
               data = data - '{text,note,to,from,reason,summary,address}'::text[]
         WHERE incident IN (SELECT id FROM incident_to_forget) AND actor NOT IN ('', 'system:vidik')
        """,
        # Vidik's own lines on whom it called name people.
        """
        UPDATE incident_entry SET data = data - 'title'
         WHERE incident IN (SELECT id FROM incident_to_forget) AND kind LIKE 'notice.%%' AND data ? 'title'
        """,
        "DELETE FROM incident_role WHERE incident IN (SELECT id FROM incident_to_forget)",
        """
        UPDATE incident_link SET linked_by = %(nobody)s
         WHERE incident IN (SELECT id FROM incident_to_forget) AND linked_by <> %(nobody)s
        """,
        """
        UPDATE incident SET summary = '', address = '', folded = number, opened_by = %(nobody)s,
               changed_by = %(nobody)s, closed_by = CASE WHEN closed_by IS NOT NULL THEN %(nobody)s END
         WHERE id IN (SELECT id FROM incident_to_forget) AND folded <> number
        """,
    ):
        found = """
            WITH incident_to_forget AS (
                SELECT id FROM incident WHERE state IN ('closed', 'merged') AND changed_at < %(before)s
            )
        """
        await connection.execute(f"{found} {statement}", {"before": ended_before, "nobody": NOBODY})
    await connection.execute("SELECT set_config('vidik.forgetting', 'off', true)")
