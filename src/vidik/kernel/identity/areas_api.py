"""HTTP: the areas of the city, for whoever looks; drawn by whoever manages all accounts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound
from vidik.kernel.forms import Form, Keepable
from vidik.kernel.identity import areas_repository as repository
from vidik.kernel.identity.areas import Shape
from vidik.kernel.identity.authentication import require, require_in_the_city
from vidik.kernel.identity.principal import Principal
from vidik.kernel.versions import Changed
from vidik.kernel.web import Transaction

router = APIRouter(prefix="/areas", tags=["accounts"])

Reader = Annotated[Principal, Depends(require("context.read"))]
Manager = Annotated[Principal, Depends(require_in_the_city("accounts.manage"))]
Code = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Version = Annotated[int, Field(ge=0, le=1_000_000_000)]


class AreaForm(Form):
    """An area: its name in the city's own script, and its shape (GeoJSON, WGS 84). `version` 0 is a new one."""

    name: Annotated[Keepable, Field(min_length=1, max_length=100)]
    shape: Shape
    version: Version = 0


@router.get("")
async def list_areas(connection: Transaction, principal: Reader) -> dict[str, Any]:
    """List the areas; whoever manages accounts also sees whose roles are limited to each."""
    rows = await repository.areas(connection)
    holders = await repository.holders(connection, principal.tenant) if principal.may("accounts.manage", None) else {}
    return {"items": [_shown(row) | {"logins": holders.get(row["code"], [])} for row in rows]}


@router.put("/{code}")
async def write_area(code: Code, body: AreaForm, connection: Transaction, principal: Manager) -> dict[str, Any]:
    """Draw an area, or draw it anew over the version that was seen: whatever lies in it is placed anew at once."""
    shape = body.shape.model_dump(mode="json")
    if body.version == 0:
        values = {"code": code, "name": body.name, "shape": shape, "by": principal.name}
        if not await repository.insert_area(connection, values):
            raise Conflict(f"There is an area {code} already.", field="code", code="area-there")
        redrawn = True
    else:
        row = await _seen(connection, code, body.version)
        redrawn = shape != row["shape"]
        await repository.update_area(connection, code, body.name, shape if redrawn else None, principal.name)
    row = await _seen(connection, code, None)
    details = {"name": body.name, "redrawn": redrawn}
    if body.version == 0:
        await audit.record(connection, principal, "area.create", f"area:{code}", details=details)
    else:
        await audit.record(connection, principal, "area.change", f"area:{code}", details=details)
    return _shown(row)


@router.delete("/{code}", status_code=204)
async def remove_area(
    code: Code, connection: Transaction, principal: Manager, version: Annotated[int, Query(ge=1, le=1_000_000_000)]
) -> None:
    """Remove an area to which nobody's role is limited."""
    row = await _seen(connection, code, version)
    held = (await repository.holders(connection, principal.tenant)).get(code, [])
    if held:
        raise Conflict(
            f"Roles of {', '.join(held)} are limited to this area: change them first.",
            code="area-in-use",
            values={"logins": ", ".join(held)},
        )
    await repository.delete_area(connection, code)
    await audit.record(connection, principal, "area.remove", f"area:{code}", details={"name": row["name"]})


async def _seen(connection: Connection, code: str, version: int | None) -> dict[str, Any]:
    row = await repository.lock_area(connection, code)
    if row is None:
        raise NotFound(f"There is no area {code}.")
    if version is not None and row["version"] != version:
        raise Changed(_shown(row), row["changed_by"])
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "changed_at": iso(row["changed_at"])}
