"""HTTP: the device registry."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import Field, field_validator

from vidik.intake.devices import registry, repository
from vidik.intake.devices.directory import DeviceDirectory
from vidik.intake.devices.registry import Registration
from vidik.intake.pipeline import Pipeline
from vidik.intake.profiles import Profile
from vidik.kernel.clock import iso
from vidik.kernel.forms import Form, Keepable
from vidik.kernel.identity import Principal, require
from vidik.kernel.services import Services
from vidik.kernel.web import ServicesOf, Transaction

router = APIRouter(tags=["devices"])

Reader = Annotated[Principal, Depends(require("devices.read"))]
Manager = Annotated[Principal, Depends(require("devices.manage"))]


async def _settled(services: ServicesOf) -> AsyncIterator[None]:
    """Declared before the transaction, so its end comes after the commit and before the answer."""
    yield
    await services.get(DeviceDirectory).refresh()


Settled = Annotated[None, Depends(_settled, scope="function")]
Health = Literal["ok", "late", "silent", "rejecting", "never"]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Place = dict[str, Any] | list[float] | None

_HEALTHS: tuple[Health, ...] = ("ok", "late", "silent", "rejecting", "never")
_GEOMETRIES = frozenset({"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"})


class NewDevice(Form):
    """A device or (without a profile) a gateway."""

    device_id: str = Field(max_length=200)
    profile: Text | None = None
    entity_id: Text | None = None
    gateway_id: Text | None = None
    name: Text | None = None
    organisation: Text | None = None
    place: Place = None
    origin: Literal["real", "simulated", "recorded"] = "real"
    expected_interval_seconds: float | None = Field(None, gt=0, le=366 * 86400)
    enabled: bool = True
    with_secret: bool = False

    @field_validator("place")
    @classmethod
    def _is_geometry(cls, place: Place) -> Place:
        return geometry(place)


class DeviceChange(Form):
    """What to change of a device; what is left out stays."""

    profile: Text | None = None
    entity_id: Text | None = None
    gateway_id: Text | None = None
    name: Text | None = None
    organisation: Text | None = None
    place: Place = None
    origin: Literal["real", "simulated", "recorded"] | None = None
    expected_interval_seconds: float | None = Field(None, gt=0, le=366 * 86400)
    enabled: bool | None = None

    @field_validator("place")
    @classmethod
    def _is_geometry(cls, place: Place) -> Place:
        return geometry(place)


def geometry(place: Place) -> dict[str, Any] | None:
    """A place as GeoJSON geometry; [longitude, latitude] becomes a Point. Raises ValueError."""
    if place is None:
        return None
    if isinstance(place, list):
        place = {"type": "Point", "coordinates": place}
    coordinates = place.get("coordinates")
    if place.get("type") not in _GEOMETRIES or not isinstance(coordinates, list) or not coordinates:
        raise ValueError("a place is a GeoJSON geometry, or [longitude, latitude]")
    if place["type"] == "Point" and not _is_position(coordinates):
        raise ValueError("a place's longitude is -180 to 180, its latitude -90 to 90")
    return {"type": place["type"], "coordinates": coordinates}


def _is_position(coordinates: list[Any]) -> bool:
    return (
        2 <= len(coordinates) <= 3
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in coordinates)
        and abs(coordinates[0]) <= 180
        and abs(coordinates[1]) <= 90
    )


async def _found(
    _: Reader, services: ServicesOf, search: Annotated[str | None, Query(max_length=100)] = None
) -> list[str] | None:
    """Declared before the transaction: the directory takes a connection of its own when it looks for what is new."""
    if not search:
        return None
    directory = services.get(DeviceDirectory)
    await directory.refresh()  # one small query, and a device registered a moment ago is found
    return directory.search(search)


@router.get("/devices")
async def list_devices(
    principal: Reader,
    services: ServicesOf,
    found: Annotated[list[str] | None, Depends(_found)],
    connection: Transaction,
    state: Health | None = None,
    service: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Keepable | None = None,
) -> dict[str, Any]:
    """Devices within reach in the order of their ids, how many are in each health; `next`: the following `after`."""
    profiles = _profiles(services)
    named = None if service is None else [name for name, one in profiles.items() if one.service == service]
    criteria = {"profiles": named, "devices": found, "state": state, "after": after, "limit": limit}
    reach = principal.reach("devices.read")
    rows = await repository.listed(connection, criteria, reach)
    counts = await repository.counted(connection, criteria, reach)
    return {
        "items": [_shown(row, profiles) for row in rows],
        "next": rows[-1]["device_id"] if len(rows) == limit else None,
        "counts": {health: counts.get(health, 0) for health in _HEALTHS},
    }


@router.post("/devices", status_code=201)
async def add_devices(
    body: Annotated[NewDevice | list[NewDevice], Body()],
    principal: Manager,
    services: ServicesOf,
    _now: Settled,
    connection: Transaction,
    with_secret: bool = False,
    existing: Literal["refuse", "update"] = "refuse",
) -> dict[str, Any]:
    """Register one device or up to 1,000, all or none; secrets are in this answer and nowhere else."""
    devices = body if isinstance(body, list) else [body]
    registered = await registry.register(
        connection,
        principal,
        [_registration(device, with_secret=with_secret or device.with_secret) for device in devices],
        _profiles(services),
        city=services.settings.city,
        existing=existing,
    )
    items = [
        {"device_id": one.device_id, "entity_id": one.entity_id}
        | ({} if one.secret is None else {"secret": one.secret})
        for one in registered
    ]
    return {"items": items} if isinstance(body, list) else items[0]


@router.get("/devices/{device_id}")
async def show_device(
    device_id: Keepable, principal: Reader, services: ServicesOf, connection: Transaction
) -> dict[str, Any]:
    """One device with its health."""
    return _shown(await registry.load(connection, principal, device_id), _profiles(services))


@router.patch("/devices/{device_id}")
async def edit_device(
    device_id: Keepable,
    body: DeviceChange,
    principal: Manager,
    services: ServicesOf,
    _now: Settled,
    connection: Transaction,
) -> dict[str, Any]:
    """Change a device; taken in by the doors at once."""
    profiles = _profiles(services)
    row = await registry.load_managed(connection, principal, device_id)
    interval = row["expected_interval"]
    stands = {
        **{name: row[name] for name in DeviceChange.model_fields if name != "expected_interval_seconds"},
        "expected_interval_seconds": None if interval is None else interval.total_seconds(),
    }
    given = body.model_dump(exclude_unset=True)
    for name in ("name", "origin", "enabled"):
        if given.get(name, "") is None:
            del given[name]
    if "profile" in given:
        stands |= _not_chosen(row, profiles, services.settings.city)
    changed = Registration(device_id=device_id, with_secret=False, **(stands | given))
    await registry.register(connection, principal, [changed], profiles, city=services.settings.city, existing="update")
    return _shown(await registry.load(connection, principal, device_id, "devices.manage"), profiles)


def _not_chosen(row: dict[str, Any], profiles: dict[str, Profile], city: str) -> dict[str, None]:
    """What a device has from its profile and not from a person: another profile brings its own."""
    profile = profiles.get(row["profile"] or "")
    if profile is None:
        return {}
    derived: dict[str, None] = {}
    if row["entity_id"] == profile.entity_id(row["device_id"], city):
        derived["entity_id"] = None
    if row["expected_interval"] == profile.expected_interval:
        derived["expected_interval_seconds"] = None
    return derived


@router.delete("/devices/{device_id}", status_code=204)
async def remove_device(device_id: Keepable, principal: Manager, _now: Settled, connection: Transaction) -> Response:
    """Remove a device from the registry; its readings and its entity stay."""
    await registry.remove(connection, principal, device_id)
    return Response(status_code=204)


@router.post("/devices/{device_id}/secret", status_code=201)
async def renew_secret(
    device_id: Keepable, principal: Manager, _now: Settled, connection: Transaction
) -> dict[str, Any]:
    """Give a device a new secret, shown in this answer only; the old one ends at once."""
    return {"device_id": device_id, "secret": await registry.rotate_secret(connection, principal, device_id)}


@router.delete("/devices/{device_id}/secret", status_code=204)
async def withdraw_secret(device_id: Keepable, principal: Manager, _now: Settled, connection: Transaction) -> Response:
    """Take a device's credential away."""
    await registry.withdraw_secret(connection, principal, device_id)
    return Response(status_code=204)


@router.get("/profiles")
async def list_profiles(_: Reader, services: ServicesOf) -> dict[str, Any]:
    """The device profiles in use, and what is wrong with the city's own ones when they are not."""
    library = services.get(Pipeline).library
    return {
        "items": [_shown_profile(profile) for _, profile in sorted(library.profiles.items())],
        "mistake": library.mistake,
    }


def _profiles(services: Services) -> dict[str, Profile]:
    return dict(services.get(Pipeline).library.profiles)


def _registration(device: NewDevice, *, with_secret: bool) -> Registration:
    return Registration(
        device_id=device.device_id,
        profile=device.profile,
        entity_id=device.entity_id,
        gateway_id=device.gateway_id,
        name=device.name or device.device_id,
        organisation=device.organisation,
        place=geometry(device.place),
        origin=device.origin,
        expected_interval_seconds=device.expected_interval_seconds,
        enabled=device.enabled,
        with_secret=with_secret,
    )


def _shown(row: dict[str, Any], profiles: dict[str, Profile]) -> dict[str, Any]:
    profile = profiles.get(row["profile"]) if row["profile"] else None
    interval = row["expected_interval"]
    return {
        "device_id": row["device_id"],
        "name": row["name"],
        "profile": row["profile"],
        "service": profile.service if profile else None,
        "entity_id": row["entity_id"],
        "gateway_id": row["gateway_id"],
        "organisation": row["organisation"],
        "place": row["place"],
        "origin": row["origin"],
        "enabled": row["enabled"],
        "has_secret": row["secret_hash"] is not None,
        "expected_interval_seconds": None if interval is None else interval.total_seconds(),
        "created_at": iso(row["created_at"]),
        "last_seen": _iso(row["last_seen"]),
        "door": row["door"],
        "last_observed": _iso(row["last_observed"]),
        "last_rejected": _iso(row["last_rejected"]),
        "messages": row["messages"],
        "rejected": row["rejected"],
        "health": row["health"],
    }


def _shown_profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "version": profile.version,
        "title": profile.title,
        "service": profile.service,
        "entity_type": profile.entity_type,
        "format": profile.format,
        "expected_interval_seconds": profile.expected_interval.total_seconds(),
        "attributes": [
            {"name": spec.name, "unit_code": spec.unit_code, "minimum": spec.minimum, "maximum": spec.maximum}
            for spec in profile.attributes
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
