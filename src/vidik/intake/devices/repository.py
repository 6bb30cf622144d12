"""All SQL of the device registry."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from vidik.intake.devices.belonging import within
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach

Row = dict[str, Any]

# A gateway brings no readings of its own: it was seen when a device behind it was.
# The CASE is health_of() of records.py as SQL; a test holds the two together.
_KNOWN = """
    SELECT device.*, seen.last_seen, health.door, health.last_observed, health.last_rejected,
           coalesce(health.messages, 0) AS messages, coalesce(health.rejected, 0) AS rejected,
           CASE WHEN seen.last_seen IS NULL THEN 'never'
                WHEN now() - seen.last_seen > 3 * device.expected_interval THEN 'silent'
                WHEN health.last_rejected >= seen.last_seen THEN 'rejecting'
                WHEN now() - seen.last_seen > device.expected_interval THEN 'late'
                ELSE 'ok'
            END AS health
      FROM device
      LEFT JOIN device_health AS health USING (device_id)
      LEFT JOIN LATERAL (
               SELECT CASE WHEN device.profile IS NULL
                           THEN (SELECT max(behind.last_seen)
                                   FROM device AS child
                                   JOIN device_health AS behind ON behind.device_id = child.device_id
                                  WHERE child.gateway_id = device.device_id)
                           ELSE health.last_seen
                       END AS last_seen) AS seen ON true
"""
_WANTED = """
     WHERE (%(profiles)s::text[] IS NULL OR device.profile = ANY (%(profiles)s))
       AND (%(devices)s::text[] IS NULL OR device.device_id = ANY (%(devices)s))
"""
_REGISTERED = """
      FROM jsonb_to_recordset(%s)
        AS new (device_id text, profile text, entity_id text, gateway_id text, name text, organisation text,
                place jsonb, origin text, expected_interval_seconds float8, secret_hash text, enabled boolean)
     ORDER BY device_id
"""
_INSERT = f"""
    INSERT INTO device (device_id, profile, entity_id, gateway_id, name, organisation, place, origin,
                        expected_interval, secret_hash, enabled)
    SELECT device_id, profile, entity_id, gateway_id, name, organisation, place, origin,
           make_interval(secs => expected_interval_seconds), decode(secret_hash, 'hex'), enabled
    {_REGISTERED}
"""
_REGISTER = _INSERT + " ON CONFLICT (device_id) DO NOTHING RETURNING device_id"
_REGISTER_OR_UPDATE = (
    _INSERT
    + """
    ON CONFLICT (device_id) DO UPDATE
       SET profile = excluded.profile,
           entity_id = excluded.entity_id,
           gateway_id = excluded.gateway_id,
           name = excluded.name,
           organisation = excluded.organisation,
           place = excluded.place,
           origin = excluded.origin,
           expected_interval = excluded.expected_interval,
           secret_hash = coalesce(excluded.secret_hash, device.secret_hash),
           enabled = excluded.enabled
     WHERE (device.profile, device.entity_id, device.gateway_id, device.name, device.organisation, device.place,
            device.origin, device.expected_interval, device.enabled)
           IS DISTINCT FROM
           (excluded.profile, excluded.entity_id, excluded.gateway_id, excluded.name, excluded.organisation,
            excluded.place, excluded.origin, excluded.expected_interval, excluded.enabled)
        OR excluded.secret_hash IS NOT NULL
    """
)


async def listed(connection: Connection, criteria: Mapping[str, Any], reach: Reach = EVERYWHERE) -> list[Row]:
    """Devices within reach in the order of their ids: criteria profiles, devices, state, after, limit."""
    condition, parameters = within(reach)
    query = f"""
        WITH known AS ({_KNOWN} {_WANTED} AND {condition})
        SELECT * FROM known
         WHERE (%(state)s::text IS NULL OR health = %(state)s)
           AND (%(after)s::text IS NULL OR device_id > %(after)s)
         ORDER BY device_id
         LIMIT %(limit)s
    """
    return await (await connection.execute(query, {**criteria, **parameters})).fetchall()


async def counted(connection: Connection, criteria: Mapping[str, Any], reach: Reach = EVERYWHERE) -> dict[str, int]:
    """How many devices within reach are in each health, whatever state and page are asked for."""
    condition, parameters = within(reach)
    query = f"""
        WITH known AS ({_KNOWN} {_WANTED} AND {condition})
        SELECT health, count(*) AS count FROM known GROUP BY health
    """
    rows = await (await connection.execute(query, {**criteria, **parameters})).fetchall()
    return {row["health"]: row["count"] for row in rows}


async def one(connection: Connection, device_id: str) -> Row | None:
    """A device with its health."""
    query = f"{_KNOWN} WHERE device.device_id = %s"
    return await (await connection.execute(query, [device_id])).fetchone()


async def lock(connection: Connection, device_ids: Sequence[str]) -> dict[str, Row]:
    """Those of the devices that exist (entity_id, gateway_id), by id, locked until the transaction ends."""
    query = """
        SELECT device_id, entity_id, gateway_id FROM device
         WHERE device_id = ANY (%s)
         ORDER BY device_id
           FOR UPDATE
    """
    rows = await (await connection.execute(query, [list(device_ids)])).fetchall()
    return {row["device_id"]: row for row in rows}


async def insert(connection: Connection, devices: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert devices in one statement; returns those that were new."""
    rows = await (await connection.execute(_REGISTER, [_json(devices)])).fetchall()
    return {row["device_id"] for row in rows}


async def insert_or_update(connection: Connection, devices: Sequence[Mapping[str, Any]]) -> None:
    """Insert devices or bring them to this state in one statement; what is the same already stays untouched."""
    await connection.execute(_REGISTER_OR_UPDATE, [_json(devices)])


async def set_secret(connection: Connection, device_id: str, secret_hash: bytes | None) -> None:
    """Give a device another credential, or none."""
    await connection.execute("UPDATE device SET secret_hash = %s WHERE device_id = %s", [secret_hash, device_id])


async def delete(connection: Connection, device_id: str) -> None:
    """Remove a device with its health and commands; its readings and dead letters stay."""
    await connection.execute("DELETE FROM device_health WHERE device_id = %s", [device_id])
    await connection.execute("DELETE FROM device WHERE device_id = %s", [device_id])


def _json(devices: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(devices)).decode()
