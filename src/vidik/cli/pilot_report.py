"""`vidik pilot verify`: an auditor's second look at a report, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidik.cli import console, pilot
from vidik.kernel.errors import BadInput


@pilot.command()
def verify(
    report: Annotated[Path, typer.Argument(help="The extract (zip), or a report (HTML, PDF) with its zip beside it.")],
    extract: Annotated[Path | None, typer.Option(help="The extract of a report that lies elsewhere.")] = None,
    entry: Annotated[str | None, typer.Option(help="The entry's hash as the ledger shows it.")] = None,
) -> None:
    """Compute a pilot's report again from its plan and data, and say what holds and what does not."""
    from rich.markup import escape

    from vidik.pilots.reports.extract import read_extract
    from vidik.pilots.reports.verify import verify as checks_of

    is_archive = report.suffix.lower() == ".zip"
    archive = report if is_archive else extract or _beside(report)
    holds = True
    page = None if is_archive else _read(report)
    for check in checks_of(read_extract(_read(archive)), report=page, ledger_hash=entry):
        mark = "[green]holds[/]        " if check.holds else "[bold red]does not hold[/]"
        console.print(f"{mark} {escape(check.name)}: {escape(check.detail)}", markup=True)
        holds = holds and check.holds
    if not holds:
        console.print("[bold red]This report cannot be relied upon.[/]")
    elif entry is None:
        console.print("Everything holds together. That the city entered it, only its ledger can say: --entry HASH.")
    else:
        console.print("Everything holds, and it is what the ledger has.")
    if not holds:
        raise typer.Exit(1)


def _beside(report: Path) -> Path:
    """The one archive in the report's folder, or the one that bears its name."""
    named = report.with_suffix(".zip")
    if named.is_file():
        return named
    found = sorted(report.parent.glob("*.zip"))
    if len(found) != 1:
        what = "no extract (zip)" if not found else "more than one zip"
        raise BadInput(f"There is {what} beside {report.name}: name it with --extract.", field="extract")
    return found[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
