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


JSON = "--json"


def main() -> None:
    """Run the command line; an error is a sentence, and the exit status is 1 (2 for options that are wrong).

    Who asked for JSON is told what is wrong with the options in JSON, too, on standard error.
    """
    from vidik.cli import (  # noqa: F401  each registers its commands
        accounts,
        audit_record,
        city,
        devices,
        family,
        pilot_report,
        pilots,
    )

    wants_json = JSON in sys.argv
    try:
        sys.exit(app(standalone_mode=not wants_json))
    except typer.TyperException as error:
        typer.echo(_as_json(error), err=True)
        sys.exit(error.exit_code)
    except VidikError as error:
        where = f"{error.field}: " if error.field else ""
        complaints.print(f"[bold red]{where}{error.detail}[/]")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)


def _as_json(error: typer.TyperException) -> str:
    """A usage error in the form of every other refusal: code, detail, and the option (or argument) at fault."""
    import json

    parameter = getattr(error, "param", None)
    option = parameter.opts[0] if parameter is not None else getattr(error, "option_name", None)
    detail = " ".join(error.format_message().split())
    return json.dumps({"error": {"code": "usage", "detail": detail, "field": option and option.lstrip("-")}})
