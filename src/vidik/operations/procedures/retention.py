"""The end of personal data of runs: the periods of personal_data.yaml."""

from datetime import datetime, timedelta

from vidik.kernel.database import Connection

KEPT = timedelta(days=5 * 365)
"""How long names and notes stay after a run has ended: as long as those of its incident."""
NOBODY = "—"


async def forget(connection: Connection, moment: datetime) -> None:
    """Take names and what people typed out of runs that ended long ago; what was done, and when, stays."""
    values = {"nobody": NOBODY, "before": moment - KEPT}
    await connection.execute(
        """
        UPDATE procedure_visit v
           SET person = CASE WHEN person IS NOT NULL THEN %(nobody)s END,
               login = CASE WHEN login IS NOT NULL THEN '' END,
               note = '',
               result = result - 'notices'
          FROM procedure_run r
         WHERE r.id = v.run AND r.ended_at < %(before)s AND r.started_login <> ''
        """,
        values,
    )
    await connection.execute(
        """
        UPDATE procedure_run
           SET started_by = %(nobody)s, started_login = '',
               ended_by = %(nobody)s, ended_login = '',
               reason = CASE WHEN reason IS NOT NULL THEN %(nobody)s END
         WHERE ended_at < %(before)s AND started_login <> ''
        """,
        values,
    )
