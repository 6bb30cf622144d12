"""All SQL of the console."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from psycopg.rows import DictRow

from vidik.intake.devices.belonging import sent_within, within
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach

# Small enough that taking one in (some 45 µs an asset) does not hold up the web process.
_BATCH = 500


async def stream_assets(connection: Connection, types: Sequence[str]) -> AsyncIterator[list[DictRow]]:
    """Yield, in batches, every entity that has one of these (expanded) types; needs a transaction."""
    async with connection.cursor(name="console_assets") as cursor:
        await cursor.execute(
            """
            SELECT id, types, document, modified_at, observed_at
              FROM entity
              JOIN kind USING (kind)
             WHERE types && %s::text[]
               AND (expires_at IS NULL OR expires_at > now())
            """,
            [list(types)],
        )
        while rows := await cursor.fetchmany(_BATCH):
            yield rows


async def devices_of_assets(connection: Connection, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return what the console must know of every device with a profile within reach, and when it was heard last."""
    condition, parameters = within(reach)
    cursor = await connection.execute(
        f"""
        SELECT device_id, profile, entity_id, gateway_id, name, enabled, expected_interval, origin,
               last_seen, last_rejected
          FROM device
          LEFT JOIN device_health USING (device_id)
         WHERE profile IS NOT NULL AND {condition}
        """,
        parameters,
    )
    return await cursor.fetchall()


async def device_of_asset(
    connection: Connection, entity_id: str, device_id: str | None, reach: Reach = EVERYWHERE
) -> DictRow | None:
    """Return the device within reach that feeds an entity, by its record or its id; of several the one heard last."""
    condition, parameters = within(reach)
    cursor = await connection.execute(
        f"""
        SELECT device_id, profile, gateway_id, expected_interval, enabled, last_seen, last_rejected, door
          FROM device
          LEFT JOIN device_health USING (device_id)
         WHERE (entity_id = %(entity)s OR (entity_id IS NULL AND device_id = %(device)s)) AND {condition}
         ORDER BY last_seen DESC NULLS LAST
         LIMIT 1
        """,
        {"entity": entity_id, "device": device_id, **parameters},
    )
    return await cursor.fetchone()


async def devices_revision(connection: Connection) -> int:
    """Return the revision of the register of devices; it grows with every change."""
    cursor = await connection.execute("SELECT revision FROM device_registry")
    row = await cursor.fetchone()
    return int(row["revision"]) if row else 0


async def newest_dead_letters(connection: Connection, limit: int) -> list[DictRow]:
    """Return the newest refused messages, with what their devices are about."""
    cursor = await connection.execute(
        """
        SELECT letter.id, letter.device_id, letter.received_at, letter.field, letter.reason,
               device.name, device.profile, device.entity_id
          FROM (SELECT * FROM dead_letter ORDER BY id DESC LIMIT %s) AS letter
          LEFT JOIN device USING (device_id)
         ORDER BY letter.id DESC
        """,
        [limit],
    )
    return await cursor.fetchall()


async def newest_dead_letter_of_each(connection: Connection, limit: int, reach: Reach = EVERYWHERE) -> list[DictRow]:
    """Return the newest refused message of each device within reach and field among the newest five hundred."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    cursor = await connection.execute(
        f"""
        SELECT DISTINCT ON (letter.device_id, letter.field)
               letter.id, letter.device_id, letter.received_at, letter.field, letter.reason,
               device.name, device.profile, device.entity_id
          FROM (SELECT * FROM dead_letter WHERE {condition} ORDER BY id DESC LIMIT 500) AS letter
          LEFT JOIN device USING (device_id)
         ORDER BY letter.device_id, letter.field, letter.id DESC
         LIMIT %(limit)s
        """,
        {"limit": limit, **parameters},
    )
    return await cursor.fetchall()


async def entity_document(connection: Connection, entity_id: str) -> DictRow | None:
    """Return one entity: types, document, modified_at, observed_at."""
    cursor = await connection.execute(
        """
        SELECT id, types, document, modified_at, observed_at
          FROM entity
          JOIN kind USING (kind)
         WHERE id = %s
        """,
        [entity_id],
    )
    return await cursor.fetchone()


async def entity_rows(connection: Connection, entity_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return entities by id: id, types, document, modified_at, observed_at."""
    cursor = await connection.execute(
        """
        SELECT id, types, document, modified_at, observed_at
          FROM entity
          JOIN kind USING (kind)
         WHERE id = ANY(%s)
        """,
        [list(entity_ids)],
    )
    return await cursor.fetchall()
