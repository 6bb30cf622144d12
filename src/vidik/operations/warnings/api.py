"""Warnings over HTTP, for those who write and release them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.city import load_city
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.forms import Form, Number, RowId
from vidik.kernel.identity import Principal, require, require_in_the_city
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.repository import belonging as belonging_of_incident
from vidik.operations.incidents.types import incident_types
from vidik.operations.reaching import must_reach
from vidik.operations.version_header import read_version
from vidik.operations.warnings import cap, page, proposal, repository, service
from vidik.operations.warnings.content import Content, MessageType

router = APIRouter(prefix="/warnings", tags=["warnings"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
Author = Annotated[Principal, Depends(require("warnings.draft"))]
Releaser = Annotated[Principal, Depends(require_in_the_city("warnings.release"))]
Seen = Annotated[int, Depends(read_version)]


class DraftForm(Form):
    """A warning to begin; an update or a cancellation says what it follows."""

    content: Content
    kind: MessageType = "Alert"
    follows: Number | None = None
    incident: Number | None = None
    client_id: UUID | None = None


class ChangeForm(Form):
    """What a draft says now."""

    content: Content


@router.get("")
async def list_warnings(
    connection: Transaction,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    before: Annotated[Number | None, Query(description="Only warnings with a smaller number (paging).")] = None,
) -> dict[str, Any]:
    """List warnings and drafts, newest first."""
    rows = await repository.newest(connection, limit, before)
    return {"items": [service.view(row) for row in rows], "next": rows[-1]["id"] if len(rows) == limit else None}


@router.post("", status_code=201)
async def draft(body: DraftForm, connection: Transaction, principal: Author) -> dict[str, Any]:
    """Begin a warning."""
    if body.incident is not None:
        await _must_see(connection, body.incident, principal)
    row, is_new = await service.draft(
        connection,
        principal,
        body.content,
        now(),
        kind=body.kind,
        follows=body.follows,
        incident=body.incident,
        client_id=body.client_id,
    )
    view = service.view(row)
    if not is_new:
        return view
    await audit.record(connection, principal, "warning.draft", f"warning:{view['id']}", details={"kind": body.kind})
    return view


@router.get("/proposal")
async def propose(
    connection: Transaction, services: ServicesOf, principal: Author, incident: Annotated[Number, Query()]
) -> dict[str, Any]:
    """Return what a warning about an incident could say, for its author to complete; nothing is written."""
    await _must_see(connection, incident, principal)
    found = await incidents.get(connection, incident)
    kind = incident_types(services.settings.data).get(found.type)
    event = kind.title.scripts()["sr-Cyrl"] if kind is not None else ""
    return {"content": proposal.propose(found, event, now()), "incident": str(found.id), "number": found.number}


async def _must_see(connection: Connection, incident: int, principal: Principal) -> None:
    await must_reach(connection, incident, principal, "incident", belonging_of_incident, see="incidents.read")


@router.get("/{warning}")
async def read_warning(warning: RowId, connection: Transaction, _: Reader) -> dict[str, Any]:
    """Return one warning."""
    return service.view(await service.get(connection, warning))


@router.put("/{warning}")
async def change(
    warning: RowId, body: ChangeForm, connection: Transaction, principal: Author, version: Seen
) -> dict[str, Any]:
    """Change a draft; who does is one of its authors, and cannot release it."""
    view = service.view(await service.change(connection, principal, warning, version, body.content, now()))
    await audit.record(connection, principal, "warning.change", f"warning:{warning}")
    return view


@router.post("/{warning}/discard")
async def discard(warning: RowId, connection: Transaction, principal: Author, version: Seen) -> dict[str, Any]:
    """Throw a draft away."""
    view = service.view(await service.discard(connection, principal, warning, version, now()))
    await audit.record(connection, principal, "warning.discard", f"warning:{warning}")
    return view


@router.post("/{warning}/release")
async def release(
    warning: RowId, connection: Transaction, services: ServicesOf, principal: Releaser, version: Seen
) -> dict[str, Any]:
    """Send a warning to the public; another person than its authors does it."""
    row = await service.release(connection, services.settings, principal, warning, version, now())
    view = service.view(row)
    details = {"identifier": view["identifier"], "kind": view["kind"], "status": view["content"]["status"]}
    await audit.record(connection, principal, "warning.release", f"warning:{warning}", details=details)
    return view


@router.get("/{warning}/preview.html")
async def preview(
    warning: RowId,
    connection: Transaction,
    services: ServicesOf,
    _: Reader,
    language: Literal["en", "sr-Cyrl", "sr-Latn"] = "sr-Cyrl",
) -> Response:
    """Return a warning as citizens see it."""
    row = await service.get(connection, warning)
    text = page.page([row], load_city(services.settings).name[language], language, preview=True)
    return Response(text, media_type="text/html; charset=utf-8")


@router.get("/{warning}/preview.xml")
async def preview_document(warning: RowId, connection: Transaction, services: ServicesOf, _: Reader) -> Response:
    """Return the CAP document that a release now would send."""
    row = await service.get(connection, warning)
    earlier = await repository.before(connection, row["follows"])
    content = Content.model_validate(row["content"])
    message = service.message_of(services.settings, row, content, row["sent_at"] or now(), earlier)
    return Response(cap.to_xml(message), media_type=cap.MEDIA_TYPE)
