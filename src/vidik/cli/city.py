"""Commands that bring data in: the base map, recordings, the demo city. Each lives beside its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from vidik.cli import app, importing

_FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("replay", add_help_option=False, context_settings=_FORWARDED)
def replay(context: typer.Context) -> None:
    """Replay recorded readings through a public door, original times kept."""
    from vidik.intake.replay.command import replay_command

    _forward(context, replay_command)


@importing.command("osm", add_help_option=False, context_settings=_FORWARDED)
def import_osm(context: typer.Context) -> None:
    """Draw the console's base map from an OpenStreetMap extract."""
    from vidik.console.osm_import import import_osm_command

    _forward(context, import_osm_command)


@importing.command("cameras", add_help_option=False, context_settings=_FORWARDED)
def import_cameras(context: typer.Context) -> None:
    """Bring a register of cameras in: places, owners, purposes; never a picture."""
    from vidik.console.cameras_import import import_cameras_command

    _forward(context, import_cameras_command)


@app.command("demo", add_help_option=False, context_settings=_FORWARDED)
def demo(context: typer.Context) -> None:
    """Run the demo city beside a Vidik that runs already; `up --demo` does both."""
    from vidik.demo.command import demo_command

    _forward(context, demo_command)


def _forward(context: typer.Context, command: Callable[..., Any]) -> None:
    """Let the command itself read its options: loading it takes a second, which `vidik --help` should not."""
    inner = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    inner.command()(command)
    status = typer.main.get_command(inner).main(
        args=context.args, prog_name=context.command_path, standalone_mode=False
    )
    if isinstance(status, int) and status:
        raise typer.Exit(status)
