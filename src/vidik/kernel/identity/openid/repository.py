"""All SQL of the links between a provider's people and accounts (platform schema)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidik.kernel.database import Connection

if TYPE_CHECKING:
    from vidik.kernel.identity.openid.logout_token import Farewell


async def linked_account(connection: Connection, tenant: str, issuer: str, subject: str) -> int | None:
    """The account that is a provider's person, or None; attempts of one person at once come one after another."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [issuer, subject])
    query = "SELECT account FROM platform.account_link WHERE tenant = %s AND issuer = %s AND subject = %s"
    row = await (await connection.execute(query, [tenant, issuer, subject])).fetchone()
    return None if row is None else int(row["account"])


async def link(connection: Connection, tenant: str, issuer: str, subject: str, account: int) -> None:
    """Note that an account is a provider's person."""
    await connection.execute(
        "INSERT INTO platform.account_link (tenant, issuer, subject, account) VALUES (%s, %s, %s, %s)",
        [tenant, issuer, subject, account],
    )


async def note_sign_in(connection: Connection, account: int, tokens_days: int) -> None:
    """Note that the provider has just vouched for an account; its API tokens count for so many days from now."""
    await connection.execute(
        """
        UPDATE platform.account_link
           SET vouched_at = now(), tokens_until = now() + make_interval(days => %s)
         WHERE account = %s
        """,
        [tokens_days, account],
    )


async def name_session(connection: Connection, secret_hash: bytes, name: str) -> None:
    """Note what the provider calls a session (`sid`)."""
    await connection.execute(
        "UPDATE platform.session SET provider_session = %s WHERE secret_hash = %s", [name, secret_hash]
    )


async def end_sessions(connection: Connection, tenant: str, issuer: str, farewell: Farewell) -> list[int]:
    """End the sessions that began at a provider and that it names; the account of each.

    One whose name was never told ends with all of its person's. What began after the token was issued stays.
    """
    cursor = await connection.execute(
        """
        DELETE FROM platform.session s
         USING platform.account_link l
         WHERE l.account = s.account
           AND (l.tenant, l.issuer) = (%(tenant)s, %(issuer)s)
           AND s.began_by = 'provider'
           AND s.created_at < %(issued)s + interval '1 second'
           AND (%(subject)s::text IS NULL OR l.subject = %(subject)s)
           AND (%(session)s::text IS NULL
                OR s.provider_session = %(session)s
                OR (s.provider_session IS NULL AND %(subject)s::text IS NOT NULL))
        RETURNING s.account
        """,
        {
            "tenant": tenant,
            "issuer": issuer,
            "issued": farewell.issued_at,
            "subject": farewell.subject,
            "session": farewell.session,
        },
    )
    return [row["account"] for row in await cursor.fetchall()]
