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


# A provider says nothing when somebody leaves the city: who has not come for so long has left.
_UNVOUCHED_ACCOUNTS = """
    DELETE FROM platform.account
     WHERE tenant = %s
       AND password_hash IS NULL
       AND id IN (SELECT account FROM platform.account_link WHERE vouched_at < now() - interval '180 days')
 RETURNING id
"""


async def remove_ended(services: Services, tenant: str) -> None:
    """Remove sessions that ended, tokens 30 days after, brakes after a day, accounts 30 days past, phones 90 days.

    Accounts of a provider's people go 180 days after it last vouched for them."""
    async with services.database.platform() as connection:
        for statement in _EXPIRED:
            await connection.execute(statement)
        retention = system_principal("retention", tenant, frozenset())
        for query, reason in (
            (_ENDED_ACCOUNTS, "past its end date"),
            (_UNVOUCHED_ACCOUNTS, "not vouched for by the provider for 180 days"),
        ):
            for row in await (await connection.execute(query, [tenant])).fetchall():
                await audit.record(connection, retention, "account.erase", f"account:{row['id']}", reason=reason)


async def note_audit_head(services: Services, tenant: str) -> None:
    """Write the newest record's hash to the log: kept apart, it proves later that the end was not cut off."""
    async with services.database.platform() as connection:
        position, head = await audit.head(connection, tenant)
    _log.info("audit head", tenant=tenant, position=position, hash=head)
