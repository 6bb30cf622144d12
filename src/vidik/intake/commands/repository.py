"""All SQL of commands to devices."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection

Row = dict[str, Any]

_COLUMNS = """
    id, device_id, name, parameters, state, created_at, created_by, reason, expires_at, sent_at, delivered_at,
    attempts, failure, taken_by
"""
_INSERT = f"""
    INSERT INTO command (device_id, name, parameters, created_by, reason, expires_at)
    VALUES (%(device_id)s, %(name)s, %(parameters)s, %(created_by)s, %(reason)s, now() + %(lifetime)s)
    RETURNING {_COLUMNS}
"""
# Taken with a lock that others skip, and marked as sent before it goes out: two intake processes that both hold a
# connection of the device must not send it twice at once. A process that dies in between frees it after a minute.
_TAKE = f"""
    UPDATE command
       SET state = 'sent', sent_at = now(), attempts = attempts + 1
     WHERE id IN (SELECT id
                    FROM command
                   WHERE device_id = ANY (%(devices)s)
                     AND expires_at > now()
                     AND (state = 'pending' OR state = 'sent' AND sent_at < now() - %(patience)s)
                   ORDER BY id
                   LIMIT %(limit)s
                     FOR UPDATE SKIP LOCKED)
 RETURNING {_COLUMNS}
"""
_WAITING_DEVICES = """
    SELECT DISTINCT device_id
      FROM command
     WHERE state IN ('pending', 'sent') AND expires_at > now()
"""


async def insert(connection: Connection, values: Mapping[str, Any]) -> Row:
    """Insert a command; the dispatcher is woken at the commit."""
    row = await (await connection.execute(_INSERT, {**values, "parameters": Jsonb(values["parameters"])})).fetchone()
    if row is None:
        raise LookupError("the command was not stored")
    return row


async def listed(connection: Connection, device_id: str, before: int | None, limit: int) -> list[Row]:
    """Commands of a device from the newest back."""
    query = f"""
        SELECT {_COLUMNS} FROM command
         WHERE device_id = %(device_id)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
         ORDER BY id DESC
         LIMIT %(limit)s
    """
    criteria = {"device_id": device_id, "before": before, "limit": limit}
    return await (await connection.execute(query, criteria)).fetchall()


async def waiting_devices(connection: Connection) -> list[str]:
    """Devices for which a command waits."""
    return [row["device_id"] for row in await (await connection.execute(_WAITING_DEVICES)).fetchall()]


async def take(connection: Connection, devices: Sequence[str], patience: timedelta, limit: int) -> list[Row]:
    """Take waiting commands of these devices to send them, oldest first; nobody else takes them meanwhile."""
    criteria = {"devices": list(devices), "patience": patience, "limit": limit}
    rows = await (await connection.execute(_TAKE, criteria)).fetchall()
    return sorted(rows, key=lambda row: row["id"])


async def delivered(connection: Connection, command: int, taken_by: str) -> Row | None:
    """Note who has acknowledged a command (device or broker); also one that expired while it was under way."""
    query = f"""
        UPDATE command SET state = 'delivered', delivered_at = now(), failure = NULL, taken_by = %s
         WHERE id = %s AND state IN ('sent', 'expired')
     RETURNING {_COLUMNS}
    """
    return await (await connection.execute(query, [taken_by, command])).fetchone()


async def put_back(connection: Connection, command: int, failure: str) -> None:
    """Let a command wait again after an attempt that did not reach the device."""
    await connection.execute(
        "UPDATE command SET state = 'pending', failure = %s WHERE id = %s AND state = 'sent'", [failure, command]
    )


async def failed(connection: Connection, device_id: str, command: int, failure: str) -> Row | None:
    """Give a waiting command of a device up; None when it does not wait any more."""
    query = f"""
        UPDATE command SET state = 'failed', failure = %s
         WHERE device_id = %s AND id = %s AND state IN ('pending', 'sent')
     RETURNING {_COLUMNS}
    """
    return await (await connection.execute(query, [failure, device_id, command])).fetchone()


async def expire(connection: Connection) -> list[Row]:
    """Mark what nobody acknowledged in time."""
    query = f"""
        UPDATE command SET state = 'expired'
         WHERE state IN ('pending', 'sent') AND expires_at <= now()
     RETURNING {_COLUMNS}
    """
    return await (await connection.execute(query)).fetchall()


async def remove_old(connection: Connection, kept: timedelta) -> None:
    """Remove commands that ended long ago."""
    await connection.execute(
        "DELETE FROM command WHERE state NOT IN ('pending', 'sent') AND created_at < now() - %s", [kept]
    )
