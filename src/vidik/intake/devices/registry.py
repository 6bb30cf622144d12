"""Rules of the device registry: what may be registered, by whom. No HTTP; the caller's transaction."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from vidik.intake.devices import repository
from vidik.intake.devices.belonging import belonging_of, belonging_of_feeders, belonging_of_new
from vidik.intake.devices.records import hash_secret, new_secret
from vidik.intake.profiles import Profile
from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, Conflict, Forbidden, NotFound
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import CITYS, Belonging

MOST_AT_ONCE = 1000
# A device id is a part of an MQTT topic: no separator, no wildcard, nothing that begins with $.
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s\"<>\\^`{|}]{1,500}")
_LISTED = 20
_NO_GATEWAY = "A gateway must be registered before, or with, its devices."


@dataclass(frozen=True)
class Registration:
    """What somebody says of a device; `place` is a GeoJSON geometry."""

    device_id: str
    profile: str | None
    entity_id: str | None
    gateway_id: str | None
    name: str
    organisation: str | None
    place: dict[str, Any] | None
    origin: Literal["real", "simulated", "recorded"]
    expected_interval_seconds: float | None
    enabled: bool
    with_secret: bool


@dataclass(frozen=True)
class Registered:
    """A device that stands in the registry; `secret` is shown once and not stored."""

    device_id: str
    entity_id: str | None
    secret: str | None


async def register(
    connection: Connection,
    principal: Principal,
    registrations: Sequence[Registration],
    profiles: Mapping[str, Profile],
    *,
    city: str,
    existing: Literal["refuse", "update"],
) -> list[Registered]:
    """Register up to 1,000 devices in one statement, all or none; raises BadInput, Conflict or Forbidden.

    A device without an entity id gets the one of its profile; without an interval, its profile's.
    """
    if not 0 < len(registrations) <= MOST_AT_ONCE:
        raise BadInput(f"Register 1 to {MOST_AT_ONCE} devices at once.")
    ids = [registration.device_id for registration in registrations]
    if len(set(ids)) != len(ids):
        twice = next(device_id for device_id in ids if ids.count(device_id) > 1)
        raise BadInput(f"The device {twice} is named twice.", field="device_id")
    secrets = {one.device_id: new_secret() for one in registrations if one.with_secret}
    rows = [_row(one, profiles, city, secrets.get(one.device_id)) for one in registrations]
    standing = await repository.lock(connection, ids)
    if standing and existing == "refuse":
        raise Conflict(f"The device {min(standing)} is registered already.", field="device_id")
    await _must_reach(connection, principal, rows, standing)
    await _write(connection, rows, existing)
    details = {"devices": ids[:_LISTED], "count": len(ids)}
    subject = f"device:{ids[0]}" if len(ids) == 1 else f"{len(ids)} devices"
    await audit.record(connection, principal, "device.register", subject, details=details)
    return [Registered(row["device_id"], row["entity_id"], secrets.get(row["device_id"])) for row in rows]


async def _must_reach(
    connection: Connection,
    principal: Principal,
    rows: Sequence[Mapping[str, Any]],
    standing: Mapping[str, Mapping[str, Any]],
) -> None:
    """Nobody registers, or changes into, what they do not reach: nor brings values to an asset that others feed."""
    if principal.reach("devices.manage").is_everywhere:
        return
    gateways = _newly_named("gateway_id", rows, standing) - {row["device_id"] for row in rows}
    behind = await belonging_of(connection, sorted(gateways))
    if any(not principal.reaches("devices.manage", behind.get(gateway, CITYS)) for gateway in gateways):
        raise BadInput(_NO_GATEWAY, field="gateway_id")
    found = [
        await belonging_of(connection, list(standing)),
        await belonging_of_new(connection, rows),
        await belonging_of_feeders(connection, sorted(_newly_named("entity_id", rows, standing))),
    ]
    for device in (one for belongings in found for one in belongings.values()):
        may_use(principal, device, "devices.manage")


def _newly_named(column: str, rows: Sequence[Mapping[str, Any]], standing: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """What rows name in a column that the devices had not before."""
    before = {device_id: row[column] for device_id, row in standing.items()}
    return {row[column] for row in rows if row[column] not in (None, before.get(row["device_id"]))}


async def _write(connection: Connection, rows: Sequence[Mapping[str, Any]], existing: str) -> None:
    try:
        async with connection.transaction():
            if existing == "update":
                await repository.insert_or_update(connection, rows)
                return
            new = await repository.insert(connection, rows)
    except psycopg.errors.ForeignKeyViolation as error:
        raise BadInput(_NO_GATEWAY, field="gateway_id") from error
    missing = [row["device_id"] for row in rows if row["device_id"] not in new]
    if missing:  # somebody registered it since we looked
        raise Conflict(f"The device {missing[0]} is registered already.", field="device_id")


def _row(registration: Registration, profiles: Mapping[str, Profile], city: str, secret: str | None) -> dict[str, Any]:
    if not _DEVICE_ID.fullmatch(registration.device_id):
        raise BadInput(
            f"{registration.device_id[:140]!r} is no device id: 1 to 128 letters, digits, dots, dashes, underscores "
            "and colons.",
            field="device_id",
        )
    profile = _profile(registration.profile, profiles)
    entity_id = registration.entity_id
    if entity_id is None and profile is not None:
        entity_id = profile.entity_id(registration.device_id, city)
    if entity_id is not None and not _URI.fullmatch(entity_id):
        raise BadInput(f"{entity_id[:100]!r} is no URI.", field="entity_id")
    seconds = registration.expected_interval_seconds
    if seconds is None and profile is not None:
        seconds = profile.expected_interval.total_seconds()
    return {
        "device_id": registration.device_id,
        "profile": registration.profile,
        "entity_id": entity_id,
        "gateway_id": registration.gateway_id,
        "name": registration.name,
        "organisation": registration.organisation,
        "place": registration.place,
        "origin": registration.origin,
        "expected_interval_seconds": seconds,
        "secret_hash": None if secret is None else hash_secret(secret).hex(),
        "enabled": registration.enabled,
    }


def _profile(name: str | None, profiles: Mapping[str, Profile]) -> Profile | None:
    if name is None:
        return None
    profile = profiles.get(name)
    if profile is None:
        raise BadInput(f"There is no profile {name}. GET /api/profiles lists them.", field="profile")
    return profile


async def rotate_secret(connection: Connection, principal: Principal, device_id: str) -> str:
    """Give a device a new secret; the old one ends at once."""
    await load_managed(connection, principal, device_id)
    secret = new_secret()
    await repository.set_secret(connection, device_id, hash_secret(secret))
    await audit.record(connection, principal, "device.secret", f"device:{device_id}")
    return secret


async def withdraw_secret(connection: Connection, principal: Principal, device_id: str) -> None:
    """Take a device's credential away."""
    await load_managed(connection, principal, device_id)
    await repository.set_secret(connection, device_id, None)
    await audit.record(connection, principal, "device.secret_withdrawn", f"device:{device_id}")


async def remove(connection: Connection, principal: Principal, device_id: str) -> None:
    """Remove a device from the registry; its readings and its entity stay."""
    await load_managed(connection, principal, device_id)
    try:
        async with connection.transaction():
            await repository.delete(connection, device_id)
    except psycopg.errors.ForeignKeyViolation as error:
        raise Conflict("Other devices are behind this gateway; move or remove them first.") from error
    await audit.record(connection, principal, "device.remove", f"device:{device_id}")


async def load(
    connection: Connection, principal: Principal, device_id: str, permission: str = "devices.read"
) -> dict[str, Any]:
    """A device with its health; raises NotFound when there is none that the permission reaches."""
    row = await repository.one(connection, device_id)
    if row is None or not await _reaches(connection, principal, device_id, permission):
        raise NotFound("There is no such device.")
    return row


async def load_managed(
    connection: Connection, principal: Principal, device_id: str, permission: str = "devices.manage"
) -> dict[str, Any]:
    """A device that the principal may manage (or use another permission on); raises NotFound or Forbidden."""
    row = await repository.one(connection, device_id)
    if row is not None and await _reaches(connection, principal, device_id, permission):
        return row
    if row is not None and await _reaches(connection, principal, device_id, "devices.read"):
        may_use(principal, (await belonging_of(connection, [device_id]))[device_id], permission)
    raise NotFound("There is no such device.")


async def _reaches(connection: Connection, principal: Principal, device_id: str, permission: str) -> bool:
    reach = principal.reach(permission)
    if reach.is_everywhere:
        return True
    found = (await belonging_of(connection, [device_id])).get(device_id)
    return found is not None and reach.includes(found)


def may_use(principal: Principal, device: Belonging, permission: str) -> None:
    """Raise Forbidden when a permission does not reach a device."""
    if not principal.reaches(permission, device):
        raise Forbidden("Your roles do not reach this device.", field="organisation", code="out-of-reach")
