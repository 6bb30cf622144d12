"""All SQL of the links between a provider's people and accounts (platform schema)."""

from __future__ import annotations

from vidik.kernel.database import Connection


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
