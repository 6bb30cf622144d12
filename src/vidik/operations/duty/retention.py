"""Personal data of duty end in time; the periods are those of personal_data.yaml."""

from datetime import datetime, timedelta

from vidik.kernel.database import Connection

NOTICES_KEPT = timedelta(days=365)
SHIFTS_KEPT = timedelta(days=3 * 365)
CONTACTS_KEPT = timedelta(days=30)


async def forget(connection: Connection, tenant: str, moment: datetime) -> None:
    """Remove messages after a year, shifts after three, and how people are reached 30 days after their account ends."""
    await connection.execute(
        "DELETE FROM notice WHERE made_at < %s AND state NOT IN ('due', 'failed')", [moment - NOTICES_KEPT]
    )
    await connection.execute(
        "DELETE FROM escalation e WHERE e.ended_at < %s AND NOT EXISTS"
        " (SELECT 1 FROM notice n WHERE n.escalation = e.id)",
        [moment - NOTICES_KEPT],
    )
    await connection.execute("DELETE FROM shift WHERE ends_at < %s", [moment - SHIFTS_KEPT])
    for table in ("duty_contact", "duty_browser"):
        await connection.execute(
            f"""
            DELETE FROM {table} c
             WHERE NOT EXISTS (
                SELECT 1
                  FROM platform.account a
                 WHERE a.tenant = %s AND a.login = c.login AND (a.ends_at IS NULL OR a.ends_at > %s)
             )
            """,
            [tenant, moment - CONTACTS_KEPT],
        )
