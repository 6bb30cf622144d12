"""`vidik demo`: the demo city beside a Vidik that runs anywhere, with a token of it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from vidik.demo.door import DoorClosed
from vidik.demo.running import run
from vidik.kernel.settings import get_settings

_SMALL = 0.1


def demo_command(
    token_file: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="File with an API token that may manage devices and entities."),
    ],
    url: Annotated[str | None, typer.Option(help="Address of Vidik's web door (default: this machine's).")] = None,
    mqtt: Annotated[str | None, typer.Option(help="host:port of Vidik's MQTT door (default: this machine's).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.")] = 7,
    small: Annotated[bool, typer.Option("--small", help="A tenth of the city.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder for credentials and meters.")] = None,
    recordings: Annotated[Path | None, typer.Option(help="Folder of real recordings to replay.")] = None,
) -> None:
    """Run the demo city: simulated devices that come in through the public doors."""
    settings = get_settings()
    console = Console(stderr=True)
    host, _, port = (mqtt or f"{settings.host}:{settings.mqtt_port}").rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("host:port", param_hint="--mqtt")
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as progress:
        bars: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in bars:
                bars[step] = progress.add_task(step.capitalize(), total=total)
            progress.update(bars[step], completed=done, total=total)

        try:
            asyncio.run(
                run(
                    url or f"http://{settings.host}:{settings.port}",
                    host,
                    int(port),
                    token_file.read_text().strip(),
                    seed=seed,
                    scale=_SMALL if small else 1.0,
                    data_folder=data or settings.data,
                    recordings=recordings or settings.recordings,
                    tell=tell,
                )
            )
        except* DoorClosed as refused:
            console.print(f"[red]{refused.exceptions[0]}[/red]", highlight=False)
            raise typer.Exit(1) from None
        except* KeyboardInterrupt:
            console.print("The demo city stops.")
