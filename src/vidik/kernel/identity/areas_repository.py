"""SQL of areas (tenant schema). Triggers keep the rings, and the areas of whatever work lies in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection

Row = dict[str, Any]

REACH_CHANNEL = "vidik_reach"
"""On which triggers tell (a tenant's schema) that whose things are, or where they lie, has changed."""

_AREA = "SELECT code, name, shape, version, changed_by, changed_at FROM area"


async def areas(connection: Connection) -> list[Row]:
    """Return every area, by code."""
    return await (await connection.execute(f"{_AREA} ORDER BY code")).fetchall()


async def lock_area(connection: Connection, code: str) -> Row | None:
    """Return one area, locked until the transaction ends."""
    return await (await connection.execute(f"{_AREA} WHERE code = %s FOR UPDATE", [code])).fetchone()


async def insert_area(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Write a new area; False when its code is taken."""
    query = """
        INSERT INTO area (code, name, shape, changed_by, changed_at)
        VALUES (%(code)s, %(name)s, %(shape)s, %(by)s, now())
            ON CONFLICT (code) DO NOTHING
    """
    return (await connection.execute(query, {**values, "shape": Jsonb(values["shape"])})).rowcount > 0


async def update_area(connection: Connection, code: str, name: str, shape: Mapping[str, Any] | None, by: str) -> None:
    """Write another name, and another shape if there is one."""
    if shape is not None:
        await connection.execute("UPDATE area SET shape = %s WHERE code = %s", [Jsonb(dict(shape)), code])
    await connection.execute(
        "UPDATE area SET name = %s, version = version + 1, changed_by = %s, changed_at = now() WHERE code = %s",
        [name, by, code],
    )


async def delete_area(connection: Connection, code: str) -> None:
    """Remove an area."""
    await connection.execute("DELETE FROM area WHERE code = %s", [code])


async def unknown(connection: Connection, codes: Collection[str]) -> list[str]:
    """Return which of these codes no area has."""
    cursor = await connection.execute(
        "SELECT code FROM unnest(%s::text[]) AS wanted (code) WHERE code NOT IN (SELECT code FROM area) ORDER BY code",
        [sorted(set(codes))],
    )
    return [row["code"] for row in await cursor.fetchall()]


async def holders(connection: Connection, tenant: str) -> dict[str, list[str]]:
    """Return the logins whose roles are limited to each area."""
    cursor = await connection.execute(
        """
        SELECT area, array_agg(DISTINCT login ORDER BY login) AS logins
          FROM platform.account_role
          JOIN platform.account ON account.id = account_role.account
         WHERE tenant = %s AND area IS NOT NULL
         GROUP BY area
        """,
        [tenant],
    )
    return {row["area"]: row["logins"] for row in await cursor.fetchall()}
