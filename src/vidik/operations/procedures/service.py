"""Procedures in the database: drafted, checked, published, withdrawn. What was published never changes.

Every function works in the caller's transaction and never commits; the doors put what people do on the audit record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from vidik.intake.devices.belonging import belonging_of
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Forbidden, NotFound, Unprocessable, VidikError
from vidik.kernel.identity import Principal
from vidik.kernel.settings import Settings
from vidik.kernel.versions import Changed
from vidik.operations.duty import channels, roster
from vidik.operations.duty.plan import WEB_PUSH
from vidik.operations.incidents.types import incident_types
from vidik.operations.procedures import repository
from vidik.operations.procedures.checks import Known, Problem, entities_of, problems_of
from vidik.operations.procedures.definition import Command, Definition, read_definition
from vidik.operations.procedures.packaged_procedures import packaged_procedures
from vidik.operations.procedures.view import draft_view, version_view
from vidik.operations.tasks.skills import skills_of


class Unfinished(VidikError):
    """A procedure with problems, which nobody may publish."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "The procedure has problems"
    default_code: ClassVar[str] = "procedure-problems"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            f"Mend the problems of the procedure first, {len(problems)} in all. The first: {problems[0].detail}",
            field=problems[0].field,
            values={"count": len(problems)},
        )
        self.problems = problems

    def problem(self) -> dict[str, Any]:
        """The problem with all of what is wrong."""
        return super().problem() | {"problems": [one.plain() for one in self.problems]}


def read(content: Any) -> Definition:
    """Return the definition that JSON says; raises Unprocessable (`procedure-shape`) naming the field."""
    found = read_definition(content)
    if isinstance(found, Definition):
        return found
    first = found[0]
    raise Unprocessable(
        f"This is no procedure: {first.field}: {first.reason}.",
        field=f"definition.{first.field}" if first.field != "definition" else "definition",
        code="procedure-shape",
        values={"reason": first.reason},
    )


async def check(connection: Connection, settings: Settings, tenant: str, content: Any) -> list[Problem]:
    """Return every problem of what may be a definition."""
    found = read_definition(content)
    if isinstance(found, Definition):
        return await problems(connection, settings, tenant, found)
    return [Problem("shape", one.field, one.reason, None, {"reason": one.reason}) for one in found]


async def problems(connection: Connection, settings: Settings, tenant: str, definition: Definition) -> list[Problem]:
    """Return every problem of a definition, names that lead nowhere in this city too."""
    asked = sorted(entities_of(definition))
    known = Known(
        types=incident_types(settings.data),
        skills=skills_of(settings),
        people=await roster.people(connection, tenant),
        plans=[row["code"] for row in await roster.plan_rows(connection)],
        channels={WEB_PUSH, *await asyncio.to_thread(channels.read, settings)},
        entities=await repository.existing_entities(connection, asked),
        commanded=await repository.devices_of(connection, asked),
    )
    return problems_of(definition, known)


async def create(connection: Connection, settings: Settings, principal: Principal, content: Any) -> dict[str, Any]:
    """Begin a procedure of a new code; raises Conflict when there is one of this code."""
    definition = read(content)
    await repository.lock(connection)
    code = definition.code
    if await repository.newest(connection, code) is not None or await repository.draft(connection, code) is not None:
        raise Conflict(f"There is a procedure {code} already.", field="definition.code", code="procedure-exists")
    return await _written(connection, settings, principal, definition, None)


async def read_draft(connection: Connection, settings: Settings, tenant: str, code: str) -> dict[str, Any]:
    """Return the draft of a procedure, or its newest version as what an editor begins with; raises NotFound."""
    row = await repository.draft(connection, code)
    if row is None:
        newest = await _newest(connection, code)
        row = {
            "code": code,
            "definition": newest["definition"],
            "based_on": newest["version"],
            "version": 0,
            "changed_by": None,
            "changed_at": None,
        }
    return draft_view(row, await problems(connection, settings, tenant, Definition.model_validate(row["definition"])))


async def write_draft(
    connection: Connection, settings: Settings, principal: Principal, code: str, content: Any, version: int
) -> dict[str, Any]:
    """Write a draft over the version that the person saw (0: there was none); raises NotFound, Changed."""
    definition = read(content)
    if definition.code != code:
        raise Unprocessable("The code of a procedure stays what it is.", field="definition.code", code="code-changed")
    await repository.lock(connection)
    standing = await _seen(connection, settings, principal.tenant, code, version)
    if standing is not None:
        return await _written(connection, settings, principal, definition, standing["based_on"])
    newest = await _newest(connection, code)
    return await _written(connection, settings, principal, definition, newest["version"])


async def _seen(
    connection: Connection, settings: Settings, tenant: str, code: str, version: int
) -> Mapping[str, Any] | None:
    """Return the draft at the version that was seen, None when there was and is none; raises NotFound, Changed."""
    row = await repository.draft(connection, code)
    if (row["version"] if row else 0) == version:
        return row
    newest = await repository.newest(connection, code)
    if row is None and newest is None:
        raise NotFound(f"There is no procedure {code}.")
    current = await read_draft(connection, settings, tenant, code)
    # Without a draft, somebody has published it or thrown it away.
    raise Changed(current, row["changed_by"] if row else newest["published_by"] if newest else "")


async def _written(
    connection: Connection, settings: Settings, principal: Principal, definition: Definition, based_on: int | None
) -> dict[str, Any]:
    row = await repository.write_draft(
        connection, definition.code, definition.plain(), based_on=based_on, person=principal.name, moment=now()
    )
    return draft_view(row, await problems(connection, settings, principal.tenant, definition))


async def discard(connection: Connection, settings: Settings, principal: Principal, code: str, version: int) -> None:
    """Throw a draft away; raises NotFound, Changed."""
    await repository.lock(connection)
    if await _seen(connection, settings, principal.tenant, code, version) is None:
        raise NotFound(f"There is no draft of {code}.")
    await repository.delete_draft(connection, code)


async def publish(
    connection: Connection, settings: Settings, principal: Principal, code: str, version: int, note: str
) -> dict[str, Any]:
    """Make the draft that the person saw the version by which runs go from now on.

    Raises NotFound, Changed, Unfinished, or Forbidden when it confirms a command that the person may not give.
    """
    await repository.lock(connection)
    row = await _seen(connection, settings, principal.tenant, code, version)
    if row is None:
        raise NotFound(f"There is no draft of {code}.")
    definition = Definition.model_validate(row["definition"])
    found = await problems(connection, settings, principal.tenant, definition)
    if found:
        raise Unfinished(found)
    await _may_confirm(connection, principal, definition)
    moment = now()
    await repository.end_published(connection, code, "replaced", person=principal.name, moment=moment)
    number = await repository.insert_version(
        connection, code, definition.plain(), source="city", note=note, person=principal.name, moment=moment
    )
    await repository.delete_draft(connection, code)
    return await read_version(connection, code, number)


async def _may_confirm(connection: Connection, principal: Principal, definition: Definition) -> None:
    confirmed = {
        step.do.entity: place
        for place, step in enumerate(definition.steps)
        if isinstance(step.do, Command) and step.do.confirmed
    }
    devices = await repository.devices_of(connection, list(confirmed))
    whose = await belonging_of(connection, [device["device_id"] for device in devices.values()])
    for entity, device in devices.items():
        if not principal.reaches("devices.command", whose[device["device_id"]]):
            raise Forbidden(
                f"You may not confirm commands to {entity}: your roles do not reach its device.",
                field=f"steps.{confirmed[entity]}.do.confirmed",
            )


async def withdraw(
    connection: Connection, principal: Principal, code: str, version: int, reason: str
) -> dict[str, Any]:
    """Let no new run begin by the published version that the person saw; raises NotFound, Changed, Conflict."""
    await repository.lock(connection)
    newest = await _newest(connection, code)
    if newest["version"] != version:
        raise Changed(version_view(newest), newest["published_by"])
    if newest["state"] != "published":
        raise Conflict("This procedure is withdrawn already.", code="procedure-withdrawn")
    await repository.end_published(connection, code, "withdrawn", person=principal.name, moment=now(), reason=reason)
    return await read_version(connection, code, version)


async def read_version(connection: Connection, code: str, number: int) -> dict[str, Any]:
    """Return one version with its definition; raises NotFound."""
    row = await repository.version(connection, code, number)
    if row is None:
        raise NotFound(f"There is no version {number} of {code}.")
    return version_view(row)


async def _newest(connection: Connection, code: str) -> Mapping[str, Any]:
    row = await repository.newest(connection, code)
    if row is None:
        raise NotFound(f"There is no procedure {code}.")
    return row


async def definition_to_try(connection: Connection, code: str, content: Any | None, version: int | None) -> Definition:
    """Return what a trial walks through: what was sent, a version, or the draft or else the newest version.

    Raises NotFound, Unprocessable, Unfinished.
    """
    if content is not None:
        definition = read(content)
    elif version is not None:
        definition = Definition.model_validate((await read_version(connection, code, version))["definition"])
    else:
        row = await repository.draft(connection, code) or await _newest(connection, code)
        definition = Definition.model_validate(row["definition"])
    found = problems_of(definition)
    if found:
        raise Unfinished(found)
    return definition


async def settle_packaged(connection: Connection) -> list[str]:
    """Publish packaged procedures that are new, or that changed with Vidik; returns their codes.

    What a city has published or withdrawn itself stays as the city wants it.
    """
    await repository.lock(connection)
    changed = []
    for code, definition in packaged_procedures().items():
        row = await repository.newest(connection, code)
        if row is not None and (
            row["source"] == "city" or row["state"] == "withdrawn" or row["definition"] == definition.plain()
        ):
            continue
        moment = now()
        await repository.end_published(connection, code, "replaced", person="Vidik", moment=moment)
        await repository.insert_version(
            connection, code, definition.plain(), source="package", note="", person="Vidik", moment=moment
        )
        changed.append(code)
    return changed
