"""Giving a device a command: the one way, for a person's door and for whatever else gives commands."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from vidik.intake.commands import repository
from vidik.intake.commands.target import show_on_entity
from vidik.intake.devices.registry import load_managed
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict
from vidik.kernel.identity import Principal


async def give(
    connection: Connection,
    principal: Principal,
    device_id: str,
    *,
    name: str,
    parameters: Mapping[str, Any],
    lifetime: timedelta,
    reason: str | None,
) -> dict[str, Any]:
    """Give a device a command and return its row; it is sent when the device is connected, until it expires.

    Raises NotFound, Forbidden, or Conflict for a device that is switched off. The caller puts it on the audit record.
    """
    device = await load_managed(connection, principal, device_id, "devices.command")
    if not device["enabled"]:
        raise Conflict("This device is switched off in the registry.", code="device-disabled")
    command = await repository.insert(
        connection,
        {
            "device_id": device_id,
            "name": name,
            "parameters": dict(parameters),
            "created_by": principal.actor,
            "reason": reason,
            "lifetime": lifetime,
        },
    )
    await show_on_entity(connection, command)
    return command
