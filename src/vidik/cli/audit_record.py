"""Commands about the audit record: does it hold?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidik.cli import audit, console
from vidik.cli.access import with_services

if TYPE_CHECKING:
    from vidik.kernel.audit import Walked
    from vidik.kernel.services import Services


@audit.command("verify")
def audit_verify(
    file: Annotated[
        Path | None, typer.Argument(help="An exported record (audit.ndjson); this installation's own when left out.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="A head noted earlier, POSITION:HASH: it must be in the chain, or its end was cut off."),
    ] = None,
) -> None:
    """Walk the hash chain of the audit record; the exit status is 1 when it is broken."""
    from vidik.kernel.audit import walk_export
    from vidik.kernel.errors import BadInput

    noted = _noted(head)
    if file is None:
        walked = with_services(lambda services: _walk(services, noted))
    else:
        try:
            with file.open("rb") as lines:
                walked = walk_export(lines, noted)
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}.", field="file") from error
    if walked.broken is not None:
        console.print(f"[bold red]Broken at record {walked.broken.position}: {walked.broken.reason}.[/]")
        raise typer.Exit(1)
    console.print(f"The chain holds: {walked.records} records. Head: {walked.records}:{walked.head}")


def _noted(head: str | None) -> tuple[int, str] | None:
    from vidik.kernel.errors import BadInput

    if head is None:
        return None
    position, _, hashed = head.partition(":")
    if not position.isdecimal() or len(hashed) != 64:
        raise BadInput("A head is POSITION:HASH, with the 64 letters of a SHA-256.", field="--head")
    return int(position), hashed.lower()


async def _walk(services: Services, noted: tuple[int, str] | None) -> Walked:
    from vidik.kernel.audit import Walked, export, verify, walk_export

    tenant = services.settings.tenant
    async with services.database.platform() as connection:
        broken = await verify(connection, tenant)  # the columns beside the records, too
        if broken is not None:
            return Walked(0, "", broken)
        return walk_export([line async for line in export(connection, tenant)], noted)
