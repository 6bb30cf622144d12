"""All SQL of the phones that crews carry (platform schema)."""

from typing import Any

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Reach, named

Row = dict[str, Any]

# A phone belongs where the crews are of the people who use it, and to the organisation of who registered it.
_PHONE = """
    SELECT crew_device.id, crew_device.name, crew_device.organisation, registered_at,
           crew_device.last_seen_at, revoked_at, account.name AS registered_by, used.people,
           together(ARRAY[crew_device.organisation], crews_organisations(used.logins)) AS organisations,
           crews_areas(used.logins) AS areas
      FROM platform.crew_device
      LEFT JOIN platform.account ON account.id = registered_by
     CROSS JOIN LATERAL (
           SELECT coalesce(array_agg(DISTINCT person.name) FILTER (WHERE is_on_it), '{}') AS people,
                  array_agg(person.login) AS logins
             FROM platform.account AS person
            CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM platform.session
                                                WHERE session.account = person.id
                                                  AND session.device = crew_device.id
                                                  AND session.expires_at > now()) AS is_on_it) AS now
            WHERE is_on_it OR person.id = registered_by) AS used
     WHERE crew_device.tenant = %(tenant)s
"""


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


async def phones(connection: Connection, tenant: str, reach: Reach) -> list[Row]:
    """Every phone within reach, with who registered it and who is signed in on it now. The tenant's transaction."""
    condition, parameters = named(reach.condition())
    query = f"""
        SELECT * FROM ({_PHONE}) AS phone
         WHERE {condition}
         ORDER BY revoked_at IS NOT NULL, name, id
    """
    return await (await connection.execute(query, {"tenant": tenant, **parameters})).fetchall()


async def lock_phone(connection: Connection, tenant: str, phone: int, reach: Reach) -> Row | None:
    """A phone within reach by its number, locked until the transaction ends. The tenant's transaction."""
    await connection.execute("SELECT FROM platform.crew_device WHERE id = %s FOR UPDATE", [phone])
    condition, parameters = named(reach.condition())
    query = f"SELECT * FROM ({_PHONE}) AS phone WHERE id = %(phone)s AND {condition}"
    return await (await connection.execute(query, {"tenant": tenant, "phone": phone, **parameters})).fetchone()


async def revoke_phone(connection: Connection, phone: int) -> None:
    """End a phone's registration and every session on it."""
    await connection.execute("UPDATE platform.crew_device SET revoked_at = now() WHERE id = %s", [phone])
    await connection.execute("DELETE FROM platform.session WHERE device = %s", [phone])
