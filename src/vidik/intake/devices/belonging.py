"""Whose a device is: its organisation's, where its asset is; one without an asset where it was registered to stand.

A device of no place lies nowhere: it follows its organisation, and a role in an area does not reach it. Messages of
devices that nobody registered are the whole city's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Belonging, Reach, named

_ORGANISATIONS = "ARRAY[device.organisation]"
_AREAS = "areas_of_device(device.entity_id, device.place)"
_BELONGING = f"device_id, array_remove({_ORGANISATIONS}, NULL) AS organisations, {_AREAS} AS areas"


def within(reach: Reach) -> tuple[str, dict[str, Any]]:
    """Return the condition on the table `device` that a reach is, with its named parameters."""
    return named(reach.condition(_ORGANISATIONS, _AREAS))


def sent_within(reach: Reach, column: str) -> tuple[str, dict[str, Any]]:
    """Return the condition that a column names a device within reach, with its named parameters."""
    if reach.is_everywhere:
        return "true", {}
    condition, parameters = within(reach)
    return f"{column} IN (SELECT device_id FROM device WHERE {condition})", parameters


async def belonging_of(connection: Connection, device_ids: Sequence[str]) -> dict[str, Belonging]:
    """Return whose devices are, of those that are registered."""
    query = f"SELECT {_BELONGING} FROM device WHERE device_id = ANY (%s)"
    return _by_id(await (await connection.execute(query, [list(device_ids)])).fetchall())


async def belonging_of_feeders(connection: Connection, entity_ids: Sequence[str]) -> dict[str, Belonging]:
    """Return whose the devices are that feed some entities."""
    query = f"SELECT {_BELONGING} FROM device WHERE entity_id = ANY (%s)"
    return _by_id(await (await connection.execute(query, [list(entity_ids)])).fetchall())


async def belonging_of_new(connection: Connection, devices: Sequence[Mapping[str, Any]]) -> dict[str, Belonging]:
    """Return whose devices will be when they are registered so (device_id, entity_id, organisation, place)."""
    query = f"""
        SELECT {_BELONGING}
          FROM jsonb_to_recordset(%s) AS device (device_id text, entity_id text, organisation text, place jsonb)
    """
    rows = await (await connection.execute(query, [orjson.dumps(list(devices)).decode()])).fetchall()
    return _by_id(rows)


def _by_id(rows: Sequence[Mapping[str, Any]]) -> dict[str, Belonging]:
    return {row["device_id"]: Belonging.of(row) for row in rows}
