"""Repeated work of requests: telling them how they stand, and the end of personal data."""

from datetime import datetime, timedelta

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.services import Services

SETTLE_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 86_400.0
KEPT = timedelta(days=5 * 365)
"""How long it stays who decided, and why."""


async def forget_people(services: Services, tenant: str) -> None:
    """Take names and reasons out of decisions of long ago; that a request was refused or forwarded stays."""
    async with services.database.transaction(tenant) as connection:
        await forget(connection, now() - KEPT)


async def forget(connection: Connection, before: datetime) -> None:
    """Take names and reasons out of decisions made before a time."""
    await connection.execute(
        """
        UPDATE citizen_request
           SET reason = '', decided_by = CASE WHEN decided_by IS NOT NULL THEN '—' END, changed_by = '—',
               told = CASE WHEN told ? 'reason' THEN told || '{"reason": ""}' ELSE told END
         WHERE changed_at < %s AND changed_by <> '—'
        """,
        [before],
    )
