"""`vidik replay`: what the command line calls."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vidik.intake.profiles import Profile, load_profiles
from vidik.intake.replay.doors import Door, HttpDoor, MqttDoor
from vidik.intake.replay.player import Bookmark, Played, play
from vidik.intake.replay.timeline import read_timeline
from vidik.kernel.clock import CITY_ZONE, from_microseconds, iso
from vidik.kernel.errors import BadInput, NotFound, VidikError
from vidik.kernel.settings import Settings, get_settings

DoorName = Literal["mqtt", "http"]


async def replay(
    file: Path,
    profile: str,
    *,
    speed: float,
    secret: str,
    device_id: str | None = None,
    user: str | None = None,
    door: DoorName = "mqtt",
    address: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    longest_pause: float | None = None,
    resume: bool = True,
    settings: Settings | None = None,
    tell: Callable[[Played], None] = lambda _: None,
) -> Played:
    """Send the lines of `file` as the devices that recorded them.

    `device_id` is the device of every line, needed when the file does not name devices. `user` and `secret`
    are the credential of that device or of its gateway. `address` is the door's (default: this machine's).
    Raises VidikError.
    """
    settings = settings or get_settings()
    found = _profile(profile, settings)
    if found.lines is None:
        raise BadInput(f"The profile {profile} reads {found.format}; a replay needs one that reads csv.")
    lines = await asyncio.to_thread(read_timeline, file, found, start=start, end=end)
    if device_id is None and any(line.device_id is None for line in lines):
        raise BadInput("The file does not say which device each line is from: name it with --device.", field="device")
    login = user or device_id
    if login is None:
        raise BadInput("Say whose credential this is: --device or --user.", field="user")
    bookmark = Bookmark(settings.data / "replay", file, profile, device_id) if resume and not (start or end) else None
    async with _door(door, address, login, secret, settings) as opened:
        return await play(
            lines, opened, device_id, speed=speed, bookmark=bookmark, longest_pause=longest_pause, tell=tell
        )


def replay_command(
    file: Annotated[Path, typer.Argument(help="Recorded lines: CSV or CSV.gz, in any order.")],
    profile: Annotated[str, typer.Option(help="Device profile that reads the lines.")],
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0 is as fast as possible.")] = 1.0,
    device: Annotated[str | None, typer.Option(help="Device that the lines are from.")] = None,
    user: Annotated[str | None, typer.Option(help="Gateway whose credential is used (default: the device).")] = None,
    secret: Annotated[str, typer.Option(envvar="VIDIK_DEVICE_SECRET", prompt=True, hide_input=True)] = "",
    door: Annotated[str, typer.Option(help="mqtt or http.")] = "mqtt",
    address: Annotated[str | None, typer.Option(help="host:port of MQTT, or the address of the web door.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First time, ISO 8601; local when no offset.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="End, not included.")] = None,
    longest_pause: Annotated[float | None, typer.Option(min=0, help="Cut longer waits, in seconds.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="From the beginning, not from where it stopped.")] = False,
) -> None:
    """Replay recorded readings through a public door, original times kept; continues where it stopped."""
    console = Console(stderr=True)
    if door not in ("mqtt", "http"):
        raise typer.BadParameter("mqtt or http", param_hint="--door")
    with Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[moment]}"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task(file.name, total=None, moment="")

        def tell(played: Played) -> None:
            moment = iso(from_microseconds(played.observed_at)) if played.observed_at else ""
            progress.update(bar, total=played.total, completed=played.sent, moment=moment)

        try:
            played = asyncio.run(
                replay(
                    file,
                    profile,
                    speed=speed,
                    secret=secret,
                    device_id=device,
                    user=user,
                    door="http" if door == "http" else "mqtt",
                    address=address,
                    start=_moment(from_, "--from"),
                    end=_moment(to, "--to"),
                    longest_pause=longest_pause,
                    resume=not restart,
                    tell=tell,
                )
            )
        except VidikError as error:
            progress.stop()
            console.print(f"[red]{error.detail}[/red]", highlight=False)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            progress.stop()
            console.print("Stopped; the next run continues here.")
            raise typer.Exit(130) from None
    console.print(_summary(played), highlight=False)


def _summary(played: Played) -> str:
    parts = [f"{played.stored} messages are on disk"]
    if played.refused:
        parts.append(f"{played.refused} went to dead letters")
    if played.resumed_at:
        parts.append(f"{played.resumed_at} had been sent before")
    return "; ".join(parts) + "."


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time such as 2024-12-01 or 2024-12-01T06:00", param_hint=option) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=CITY_ZONE)


def _profile(name: str, settings: Settings) -> Profile:
    profiles = load_profiles(settings.data / "profiles")
    if name not in profiles:
        raise NotFound(f"There is no profile {name}. There are: {', '.join(sorted(profiles))}.", field="profile")
    return profiles[name]


def _door(name: DoorName, address: str | None, login: str, secret: str, settings: Settings) -> Door:
    if name == "http":
        return HttpDoor(address or f"http://{settings.host}:{settings.port}", login, secret)
    where = urlsplit(f"//{address}" if address else f"//{settings.host}:{settings.mqtt_port}")
    if where.hostname is None:
        raise BadInput("The address of the MQTT door is host:port.", field="address")
    return MqttDoor(where.hostname, where.port or 1883, login, secret)
