"""Commands about devices and their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vidik.cli import console, device
from vidik.cli.access import with_services
from vidik.kernel.errors import BadInput

if TYPE_CHECKING:
    from vidik.kernel.services import Services

_MARKS = {"ok": "green", "late": "yellow", "silent": "red", "rejecting": "yellow", "never": "dim"}


@device.command("add")
def device_add(
    device_id: Annotated[str, typer.Argument(help="The device's id; a part of its MQTT topic.")],
    profile: Annotated[str | None, typer.Option(help="Profile that reads it; none for a gateway.")] = None,
    name: Annotated[str | None, typer.Option(help="Name that people see (default: its id).")] = None,
    gateway: Annotated[str | None, typer.Option(help="Gateway that brings its readings.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Organisation that it belongs to.")] = None,
    place: Annotated[str | None, typer.Option(help="longitude,latitude")] = None,
    origin: Annotated[str, typer.Option(help="real, simulated or recorded.")] = "real",
    secret: Annotated[bool, typer.Option("--secret/--no-secret", help="Make a secret, shown once.")] = True,
) -> None:
    """Register a device, and show its secret once."""
    from vidik.cli.operator import operator
    from vidik.intake.devices.registry import Registered, Registration, register
    from vidik.intake.profiles import load_profiles

    registration = Registration(
        device_id=device_id,
        profile=profile,
        entity_id=None,
        gateway_id=gateway,
        name=name or device_id,
        organisation=organisation,
        place=_point(place),
        origin=_origin(origin),
        expected_interval_seconds=None,
        enabled=True,
        with_secret=secret,
    )

    async def work(services: Services) -> Registered:
        settings = services.settings
        profiles = load_profiles([settings.data / "profiles"])
        async with services.database.transaction(settings.tenant) as connection:
            made = await register(
                connection, operator(services), [registration], profiles, city=settings.city, existing="refuse"
            )
        return made[0]

    made = with_services(work)
    entity = f", entity {made.entity_id}" if made.entity_id else ""
    console.print(f"Device [bold]{made.device_id}[/] registered{entity}")
    if made.secret:
        console.print(f"Its secret, shown once: [bold]{made.secret}[/]")
    topic = f"devices/{made.device_id}/readings" if profile else "devices/<id>/readings, for the devices behind it,"
    console.print(f"It publishes to {topic} as user {gateway or made.device_id}.")


@device.command("list")
def device_list(
    search: Annotated[str | None, typer.Option(help="Part of an id or a name.")] = None,
    state: Annotated[str | None, typer.Option(help="ok, late, silent, rejecting or never.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000)] = 100,
) -> None:
    """List devices with their health."""
    from rich.table import Table

    from vidik.intake.devices import DeviceDirectory, repository

    async def work(services: Services) -> list[dict[str, Any]]:
        found = None
        if search:
            directory = DeviceDirectory(services.database, services.settings.tenant)
            await directory.refresh()
            found = directory.search(search)
        criteria = {"profiles": None, "devices": found, "state": state, "after": None, "limit": limit}
        async with services.database.session(services.settings.tenant) as connection:
            return list(await repository.listed(connection, criteria))

    table = Table("Device", "Name", "Profile", "Health", "Last seen", "Messages", "Refused", box=None)
    for row in with_services(work):
        seen = row["last_seen"].strftime("%Y-%m-%d %H:%M:%S") if row["last_seen"] else ""
        health = f"[{_MARKS[row['health']]}]{row['health']}[/]"
        counts = (str(row["messages"] or 0), str(row["rejected"] or 0))
        table.add_row(row["device_id"], row["name"], row["profile"] or "gateway", health, seen, *counts)
    console.print(table)


@device.command("secret")
def device_secret(device_id: Annotated[str, typer.Argument(help="Which device.")]) -> None:
    """Give a device a new secret, shown once; the old one ends now."""
    from vidik.cli.operator import operator
    from vidik.intake.devices.registry import rotate_secret

    async def work(services: Services) -> str:
        async with services.database.transaction(services.settings.tenant) as connection:
            return await rotate_secret(connection, operator(services), device_id)

    console.print(f"New secret of {device_id}, shown once: [bold]{with_services(work)}[/]")


def _point(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput("A place is longitude,latitude in degrees, such as 21.896,43.321.", field="place") from None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _origin(text: str) -> Literal["real", "simulated", "recorded"]:
    match text:
        case "real" | "simulated" | "recorded":
            return text
        case _:
            raise BadInput("An origin is real, simulated or recorded.", field="origin")
