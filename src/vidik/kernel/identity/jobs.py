"""Retention: what has ended is removed; the head of the audit record is noted outside the database."""

import structlog

from vidik.kernel import audit
from vidik.kernel.identity.principal import system_principal
from vidik.kernel.services import Services

_log = structlog.get_logger(__name__)

# The periods are those of personal_data.yaml.
_EXPIRED = (
    "DELETE FROM platform.session WHERE expires_at < now() OR last_seen_at < now() - interval '8 hours'",
    "DELETE FROM platform.crew_device WHERE coalesce(revoked_at, last_seen_at) < now() - interval '90 days'",
    "DELETE FROM platform.api_token WHERE expires_at < now() - interval '30 days'",
    "DELETE FROM platform.sign_in_throttle WHERE last_attempt < now() - interval '1 day'",
    "DELETE FROM platform.sign_in_known WHERE last_success < now() - interval '90 days'",
)
_ENDED_ACCOUNTS = """
    DELETE FROM platform.account
     WHERE tenant = %s AND ends_at < now() - interval '30 days'
 RETURNING id
"""


async def remove_ended(services: Services, tenant: str) -> None:
    """Remove sessions that ended, tokens 30 days after, brakes after a day, accounts 30 days past, phones 90 days."""
    async with services.database.platform() as connection:
        for statement in _EXPIRED:
            await connection.execute(statement)
        rows = await (await connection.execute(_ENDED_ACCOUNTS, [tenant])).fetchall()
        retention = system_principal("retention", tenant, frozenset())
        for row in rows:
            await audit.record(
                connection, retention, "account.erase", f"account:{row['id']}", reason="past its end date"
            )


async def note_audit_head(services: Services, tenant: str) -> None:
    """Write the newest record's hash to the log: kept apart, it proves later that the end was not cut off."""
    async with services.database.platform() as connection:
        position, head = await audit.head(connection, tenant)
    _log.info("audit head", tenant=tenant, position=position, hash=head)
