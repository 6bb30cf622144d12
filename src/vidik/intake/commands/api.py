"""HTTP: commands to devices."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from vidik.intake.commands import repository, service
from vidik.intake.commands.target import show_on_entity
from vidik.intake.devices.registry import load, load_managed
from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.errors import Conflict
from vidik.kernel.forms import Form, Keepable, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import Transaction

router = APIRouter(tags=["commands"])

Reader = Annotated[Principal, Depends(require("devices.read"))]
Commander = Annotated[Principal, Depends(require("devices.command"))]


class NewCommand(Form):
    """A command: what the device shall do, with what, until when it is worth doing."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=100)
    expires_in_seconds: int = Field(3600, ge=5, le=7 * 86400)
    reason: str | None = Field(None, max_length=500)


@router.post("/devices/{device_id}/commands", status_code=202)
async def send_command(
    device_id: Keepable, body: NewCommand, principal: Commander, connection: Transaction
) -> dict[str, Any]:
    """Give a device a command; it is sent when the device is connected, and stays until it expires."""
    command = await service.give(
        connection,
        principal,
        device_id,
        name=body.name,
        parameters=body.parameters,
        lifetime=timedelta(seconds=body.expires_in_seconds),
        reason=body.reason,
    )
    details = {"command": command["id"], "name": body.name, "parameters": body.parameters}
    await audit.record(
        connection, principal, "device.command", f"device:{device_id}", reason=body.reason, details=details
    )
    return _shown(command)


@router.get("/devices/{device_id}/commands")
async def list_commands(
    device_id: Keepable,
    principal: Reader,
    connection: Transaction,
    before: RowId | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Commands of a device from the newest back; `next` is the following `before`."""
    await load(connection, principal, device_id)
    rows = await repository.listed(connection, device_id, before, limit)
    return {"items": [_shown(row) for row in rows], "next": rows[-1]["id"] if len(rows) == limit else None}


@router.delete("/devices/{device_id}/commands/{command}", status_code=204)
async def cancel_command(
    device_id: Keepable, command: RowId, principal: Commander, connection: Transaction
) -> Response:
    """Take back a command that the device has not acknowledged."""
    await load_managed(connection, principal, device_id, "devices.command")
    row = await repository.failed(connection, device_id, command, f"taken back by {principal.login}")
    if row is None:
        raise Conflict("This command does not wait any more.", code="command-ended")
    await show_on_entity(connection, row)
    await audit.record(
        connection, principal, "device.command_cancel", f"device:{device_id}", details={"command": command}
    )
    return Response(status_code=204)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "device_id": row["device_id"],
        "name": row["name"],
        "parameters": row["parameters"],
        "state": row["state"],
        "created_at": iso(row["created_at"]),
        "created_by": row["created_by"],
        "reason": row["reason"],
        "expires_at": iso(row["expires_at"]),
        "sent_at": _iso(row["sent_at"]),
        "delivered_at": _iso(row["delivered_at"]),
        "attempts": row["attempts"],
        "failure": row["failure"],
        "taken_by": row["taken_by"],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
