"""Procedures over HTTP: listed, drafted, checked, tried, published, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from vidik.kernel import audit
from vidik.kernel.clock import CITY_ZONE, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound
from vidik.kernel.identity import Principal, require, require_in_the_city
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents.incident import Severity
from vidik.operations.incidents.types import incident_types
from vidik.operations.procedures import effects, repository, service
from vidik.operations.procedures.conditions import Facts
from vidik.operations.procedures.definition import AttributeFact, Definition
from vidik.operations.procedures.forms import AnythingForm, DefinitionForm, FactsForm, PublishForm, ReasonForm, TryForm
from vidik.operations.procedures.trying import walk
from vidik.operations.procedures.view import summary_view, version_view, walk_view
from vidik.operations.version_header import read_version

router = APIRouter(prefix="/procedures", tags=["procedures"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
Manager = Annotated[Principal, Depends(require_in_the_city("procedures.manage"))]
Seen = Annotated[int, Depends(read_version)]
CodeInPath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
VersionInPath = Annotated[int, Path(ge=1, le=1_000_000_000)]


def _tagged(response: Response, view: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{view["version"]}"'
    return view


async def _on_record(connection: Connection, principal: Principal, verb: str, code: str, **details: Any) -> None:
    await audit.record(connection, principal, f"procedure.{verb}", f"procedure:{code}", details=details)


@router.get("")
async def list_procedures(connection: Transaction, principal: Reader) -> dict[str, Any]:
    """List every procedure: its newest version, whether there is a draft, and how many runs one sees of it now."""
    rows = await repository.summaries(connection, principal.reach("incidents.read"))
    return {"items": [summary_view(row) for row in rows]}


@router.post("", status_code=201)
async def create(
    body: DefinitionForm, connection: Transaction, services: ServicesOf, principal: Manager, response: Response
) -> dict[str, Any]:
    """Begin a procedure of a new code as a draft, which may be half finished."""
    view = await service.create(connection, services.settings, principal, body.definition)
    response.headers["Location"] = f"/api/procedures/{view['code']}/draft"
    await _on_record(connection, principal, "draft", view["code"], version=view["version"])
    return _tagged(response, view)


@router.post("/check")
async def check(body: AnythingForm, connection: Transaction, services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """Say what is wrong with a definition; nothing is kept."""
    found = await service.check(connection, services.settings, principal.tenant, body.definition)
    return {"problems": [one.plain() for one in found]}


@router.get("/{code}/draft")
async def read_draft(
    code: CodeInPath, connection: Transaction, services: ServicesOf, principal: Reader, response: Response
) -> dict[str, Any]:
    """Return the draft; without one, what an editor begins with (the newest version, as version 0)."""
    return _tagged(response, await service.read_draft(connection, services.settings, principal.tenant, code))


@router.put("/{code}/draft")
async def write_draft(
    code: CodeInPath,
    body: DefinitionForm,
    connection: Transaction,
    services: ServicesOf,
    principal: Manager,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Write the draft over the version that was seen; its problems are returned, and kept with it."""
    view = await service.write_draft(connection, services.settings, principal, code, body.definition, version)
    await _on_record(connection, principal, "draft", code, version=view["version"])
    return _tagged(response, view)


@router.delete("/{code}/draft", status_code=204)
async def discard_draft(
    code: CodeInPath, connection: Transaction, services: ServicesOf, principal: Manager, version: Seen
) -> None:
    """Throw the draft away."""
    await service.discard(connection, services.settings, principal, code, version)
    await _on_record(connection, principal, "discard", code, version=version)


@router.post("/{code}/publish")
async def publish(
    code: CodeInPath,
    body: PublishForm,
    connection: Transaction,
    services: ServicesOf,
    principal: Manager,
    version: Seen,
    response: Response,
) -> dict[str, Any]:
    """Let runs go by the draft that was seen from now on; what runs goes on by its own version."""
    view = await service.publish(connection, services.settings, principal, code, version, body.note)
    await _on_record(connection, principal, "publish", code, version=view["version"], note=body.note)
    return _tagged(response, view)


@router.post("/{code}/withdraw")
async def withdraw(
    code: CodeInPath, body: ReasonForm, connection: Transaction, principal: Manager, version: Seen, response: Response
) -> dict[str, Any]:
    """Let no new run begin by the published version; what runs goes on."""
    view = await service.withdraw(connection, principal, code, version, body.reason)
    await _on_record(connection, principal, "withdraw", code, version=version, reason=body.reason)
    return _tagged(response, view)


@router.get("/{code}/versions")
async def list_versions(code: CodeInPath, connection: Transaction, _: Reader) -> dict[str, Any]:
    """List what was published, newest first."""
    rows = await repository.versions(connection, code)
    if not rows and await repository.draft(connection, code) is None:
        raise NotFound(f"There is no procedure {code}.")
    items = [version_view(row) for row in rows]
    return {"items": [{name: value for name, value in item.items() if name != "definition"} for item in items]}


@router.get("/{code}/versions/{number}")
async def read_one_version(
    code: CodeInPath, number: VersionInPath, connection: Transaction, _: Reader
) -> dict[str, Any]:
    """Return one version with its definition."""
    return await service.read_version(connection, code, number)


@router.post("/{code}/try")
async def try_out(
    code: CodeInPath, body: TryForm, connection: Transaction, services: ServicesOf, _: Reader
) -> dict[str, Any]:
    """Walk through a procedure without any effect, as far as the answers lead: what would happen."""
    definition = await service.definition_to_try(connection, code, body.definition, body.version)
    kinds = incident_types(services.settings.data)
    facts = await _facts(connection, definition, body.facts, {kind.code: kind.severity for kind in kinds.values()})
    return walk_view(walk(definition, facts, [one.answer() for one in body.answers], now()))


async def _facts(
    connection: Connection, definition: Definition, said: FactsForm, severities: Mapping[str, Severity]
) -> Facts:
    """Return what was said, and for the rest what an incident of the procedure's first type would have now."""
    conditions = [one for step in definition.steps for branch in step.branches for one in branch.when]
    known = await effects.values_of(connection, [one for one in conditions if isinstance(one, AttributeFact)])
    attributes = {
        entity: {**known.get(entity, {}), **values} for entity, values in {**known, **said.attributes}.items()
    }
    kind = said.type or next(iter(definition.incident_types), "other")
    return Facts(
        severity=said.severity or severities.get(kind, "moderate"),
        type=kind,
        state=said.state,
        alarms=said.alarms,
        hour=said.hour if said.hour is not None else now().astimezone(CITY_ZONE).hour,
        attributes=attributes,
    )
