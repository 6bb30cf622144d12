"""The command line: `vidik`. Every command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from vidik.kernel.errors import VidikError

app = typer.Typer(
    name="vidik",
    help="Vidik, the open city platform: one lookout over a city.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
device = typer.Typer(help="Devices and their secrets.", no_args_is_help=True)
account = typer.Typer(help="People who may sign in.", no_args_is_help=True)
audit = typer.Typer(help="The audit record.", no_args_is_help=True)
token = typer.Typer(help="Tokens for other systems.", no_args_is_help=True)
pilot = typer.Typer(help="What pilots saved: evaluated from meters, verified from reports.", no_args_is_help=True)
importing = typer.Typer(help="Bring data of the city in.", no_args_is_help=True)
app.add_typer(device, name="device")
app.add_typer(account, name="account")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.add_typer(importing, name="import")
app.add_typer(pilot, name="pilot")
app.add_typer(pilot, name="pilots", hidden=True)

console = Console(highlight=False, soft_wrap=True)
complaints = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; an error is a sentence, and the exit status is 1."""
    from vidik.cli import (  # noqa: F401  each registers its commands
        accounts,
        audit_record,
        city,
        devices,
        family,
        pilot_report,
        pilots,
    )

    try:
        app()
    except VidikError as error:
        where = f"{error.field}: " if error.field else ""
        complaints.print(f"[bold red]{where}{error.detail}[/]")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
