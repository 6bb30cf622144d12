"""HTTP: read, verify and export the audit record."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from vidik.kernel import audit
from vidik.kernel.errors import Forbidden
from vidik.kernel.forms import Keepable, RowId
from vidik.kernel.identity.authentication import require
from vidik.kernel.identity.principal import Principal
from vidik.kernel.services import Services
from vidik.kernel.web import ServicesOf

router = APIRouter(tags=["audit"])


async def _reader(principal: Annotated[Principal, Depends(require("audit.read"))]) -> Principal:
    # The record tells of every organisation, so a role in one of them is not enough.
    if not principal.may("audit.read", None):
        raise Forbidden("Reading the audit record needs a role in the whole city.")
    return principal


Reader = Annotated[Principal, Depends(_reader)]


@router.get("/audit")
async def list_records(
    principal: Reader,
    services: ServicesOf,
    before: RowId | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    actor: Keepable | None = None,
    subject: Keepable | None = None,
) -> dict[str, Any]:
    """Records from the newest back; `next` is the `before` of the following page."""
    async with services.database.platform() as connection:
        items = await audit.newest(
            connection, principal.tenant, before=before, limit=limit, actor=actor, subject=subject
        )
    return {"items": items, "next": items[-1]["position"] if len(items) == limit else None}


@router.get("/audit/verify")
async def verify_records(principal: Reader, services: ServicesOf) -> dict[str, Any]:
    """Walk the whole chain: {holds, records, head, broken_at, reason}."""
    async with services.database.platform() as connection:
        broken = await audit.verify(connection, principal.tenant)
        position, head = await audit.head(connection, principal.tenant)
    return {
        "holds": broken is None,
        "records": position,
        "head": head,
        "broken_at": broken.position if broken else None,
        "reason": broken.reason if broken else None,
    }


@router.get("/audit/export")
async def export_records(principal: Reader, services: ServicesOf) -> StreamingResponse:
    """The whole record as lines of JSON, verifiable without Vidik; the export itself is recorded."""
    async with services.database.platform() as connection:
        await audit.record(connection, principal, "audit.export", "audit")
    return StreamingResponse(
        _lines(services, principal.tenant),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": 'attachment; filename="audit.ndjson"'},
    )


async def _lines(services: Services, tenant: str) -> AsyncIterator[bytes]:
    """Read some records at a time: nobody signs in with a connection that a slow client holds."""
    after = 0
    while True:
        async with services.database.platform() as connection:
            lines, after = await audit.export_some(connection, tenant, after)
        if not lines:
            return
        yield b"".join(lines)
