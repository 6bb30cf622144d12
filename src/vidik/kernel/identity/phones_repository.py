"""All SQL of the phones that crews carry (platform schema)."""

from typing import Any

from vidik.kernel.database import Connection

Row = dict[str, Any]


async def insert_phone(
    connection: Connection, tenant: str, secret_hash: bytes, name: str, organisation: str | None, account: int
) -> int:
    """Insert a crew's phone and return its number."""
    query = """
        INSERT INTO platform.crew_device (tenant, secret_hash, name, organisation, registered_by)
        VALUES (%s, %s, %s, %s, %s)
        RETURNING id
    """
    row = await (await connection.execute(query, [tenant, secret_hash, name, organisation, account])).fetchone()
    if row is None:
        raise LookupError("the phone was not stored")
    return int(row["id"])


async def phone_by_secret(connection: Connection, tenant: str, secret_hash: bytes) -> Row | None:
    """The phone that a cookie names, whether or not it still stands."""
    query = """
        SELECT id, name, organisation, revoked_at
          FROM platform.crew_device
         WHERE tenant = %s AND secret_hash = %s
    """
    return await (await connection.execute(query, [tenant, secret_hash])).fetchone()


async def put_session_on_phone(connection: Connection, session: int, phone: int) -> None:
    """Note that a session is on a phone: it ends when the phone is revoked."""
    await connection.execute("UPDATE platform.session SET device = %s WHERE id = %s", [phone, session])


async def touch_phone(connection: Connection, session: int) -> None:
    """Note that the phone of a session is in use."""
    await connection.execute(
        """
        UPDATE platform.crew_device
           SET last_seen_at = now()
          FROM platform.session
         WHERE session.id = %s AND crew_device.id = session.device
        """,
        [session],
    )


async def phones(connection: Connection, tenant: str) -> list[Row]:
    """Every phone of a tenant, with who registered it and who is signed in on it now."""
    query = """
        SELECT crew_device.id, crew_device.name, crew_device.organisation, registered_at,
               crew_device.last_seen_at, revoked_at, account.name AS registered_by,
               (SELECT coalesce(array_agg(DISTINCT person.name), '{}')
                  FROM platform.session
                  JOIN platform.account AS person ON person.id = session.account
                 WHERE session.device = crew_device.id AND session.expires_at > now()) AS people
          FROM platform.crew_device
          LEFT JOIN platform.account ON account.id = registered_by
         WHERE crew_device.tenant = %s
         ORDER BY revoked_at IS NOT NULL, crew_device.name, crew_device.id
    """
    return await (await connection.execute(query, [tenant])).fetchall()


async def lock_phone(connection: Connection, tenant: str, phone: int) -> Row | None:
    """A phone by its number, locked until the transaction ends."""
    query = """
        SELECT id, name, organisation, revoked_at
          FROM platform.crew_device
         WHERE tenant = %s AND id = %s
           FOR UPDATE
    """
    return await (await connection.execute(query, [tenant, phone])).fetchone()


async def revoke_phone(connection: Connection, phone: int) -> None:
    """End a phone's registration and every session on it."""
    await connection.execute("UPDATE platform.crew_device SET revoked_at = now() WHERE id = %s", [phone])
    await connection.execute("DELETE FROM platform.session WHERE device = %s", [phone])
