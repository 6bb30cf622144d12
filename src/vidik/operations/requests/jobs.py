"""Repeated work of requests: telling them how they stand, and the end of personal data."""

from datetime import datetime, timedelta

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.services import Services

SETTLE_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 86_400.0
KEPT = timedelta(days=5 * 365)
"""How long it stays who decided, and why."""
WORDS_KEPT = timedelta(days=365)
"""How long it stays what a citizen wrote, where the sender has not deleted it before."""


async def forget_people(services: Services, tenant: str) -> None:
    """Take names and reasons out of decisions of long ago; that a request was refused or forwarded stays."""
    async with services.database.transaction(tenant) as connection:
        await forget(connection, now() - KEPT)
        await forget_words(connection, now() - WORDS_KEPT)


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


async def forget_words(connection: Connection, before: datetime) -> None:
    """Forget what citizens wrote in requests of which nothing has changed since a time."""
    await connection.execute(
        "DELETE FROM entity_words said USING citizen_request r WHERE r.entity_id = said.id AND r.changed_at < %s",
        [before],
    )
