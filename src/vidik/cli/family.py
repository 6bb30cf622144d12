"""Commands about the installation as a whole: up, migrate, doctor, version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from vidik.cli import app, console

if TYPE_CHECKING:
    from vidik.app.family import Family
    from vidik.kernel.settings import Settings


@app.command()
def up(
    demo: Annotated[
        bool,
        typer.Option("--demo/--no-demo", help="With the demo city: simulated devices, and recordings when there are."),
    ] = False,
) -> None:
    """Start everything on this machine, and keep it running until Ctrl-C."""
    from vidik import __version__
    from vidik.app.family import Family
    from vidik.kernel.settings import get_settings

    began = time.monotonic()
    settings = get_settings()
    console.print(f"[bold]Vidik {__version__}[/], data in {settings.data}")
    family = Family(settings, demo=demo, say=_say)
    family.run(lambda: _welcome(family, settings, time.monotonic() - began))
    console.print("Stopped.")


def _say(sentence: str) -> None:
    console.print(f"  {time.strftime('%H:%M:%S')}  {sentence}")


def _welcome(family: Family, settings: Settings, seconds: float) -> None:
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.host  # noqa: S104
    address = settings.public_url or f"http://{host}:{family.web_port}"
    console.print(f"\n[bold green]Vidik is ready[/] ({seconds:.1f} s)\n")
    console.print(f"  Console    [bold]{address}[/]")
    login, password = family.prepared.get("login"), family.prepared.get("password")
    if password:
        console.print(f"  Sign in    [bold]{login}[/]  password [bold]{password}[/]")
        console.print("             made for this installation; change it with 'vidik account password'")
    console.print(f"  Interfaces {address}/api/docs  {address}/ngsi-ld/v1")
    if settings.mqtt_port:
        console.print(f"  MQTT       {host}:{settings.mqtt_port}")
    console.print(f"  Logs       {settings.data / 'logs'}")
    console.print("\n  Ctrl-C stops it.\n")


@app.command()
def migrate() -> None:
    """Bring the database to this release's version (done at every start too)."""
    from vidik.app.prepare import migrate_all
    from vidik.cli.access import reachable_database
    from vidik.kernel.settings import get_settings

    settings = get_settings()
    with reachable_database(settings) as url:
        changed = migrate_all(settings, url)
    console.print(f"Migrated: {', '.join(changed)}." if changed else "Already at this release's version.")


@app.command()
def doctor() -> None:
    """Look at this machine and this installation, and say what is wrong and what to do."""
    from vidik.cli.checks import examine
    from vidik.kernel.settings import get_settings

    findings = examine(get_settings())
    marks = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[bold red]bad [/]"}
    for finding in findings:
        console.print(f"{marks[finding.level]}  {finding.sentence}")
    if any(finding.level == "bad" for finding in findings):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Say which release this is."""
    from vidik import __version__

    console.print(f"vidik {__version__}")
