"""Makes the city known to Vidik once: gateways with credentials, devices, entities with names and places."""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import structlog

from vidik.demo.assets import Asset, City, Gateway
from vidik.demo.door import Door
from vidik.kernel.scripts import three_scripts

_log = structlog.get_logger(__name__)

VERSION = 1
_NEVER_LATE_SECONDS = 366 * 86_400


class Credentials:
    """The secrets of the demo's gateways, in a file that only its owner reads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.fingerprint = ""
        self.secrets: dict[str, str] = {}
        self.has_past = False
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(file.read_text())
            self.fingerprint, self.secrets = str(kept["fingerprint"]), dict(kept["secrets"])
            self.has_past = bool(kept["has_past"])

    def keep(self, fingerprint: str, secrets: dict[str, str]) -> None:
        """Remember new secrets and which city they are for."""
        self.fingerprint, self.secrets = fingerprint, self.secrets | secrets
        self._write()

    def keep_past(self) -> None:
        """Remember that the past day has been written."""
        self.has_past = True
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        content = {"fingerprint": self.fingerprint, "secrets": self.secrets, "has_past": self.has_past}
        beside = self._file.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(content))
        beside.replace(self._file)


async def make_known(door: Door, city: City, credentials: Credentials, *, origin: str = "simulated") -> bool:
    """Register what is new; returns whether this city was not known before."""
    fingerprint = _fingerprint(city)
    known = await door.knows_device(city.assets[-1].device_id)
    senders = {asset.gateway_id for asset in city.assets}
    if known and credentials.fingerprint == fingerprint and senders <= credentials.secrets.keys():
        return False
    wanted = {device_id for device_id in senders if not known or device_id not in credentials.secrets}
    devices = [_gateway(gateway, gateway.device_id in wanted, origin) for gateway in city.gateways]
    # A cabinet or a car park's gateway sends for those behind it, so it must be there before them.
    ordered = sorted(city.assets, key=lambda asset: asset.device_id != asset.gateway_id)
    devices += [_device(asset, asset.device_id in wanted, origin) for asset in ordered]
    _log.info("registering devices", devices=len(devices))
    secrets = await door.register(devices)
    await door.upsert([entity_of(asset, origin) for asset in ordered])
    credentials.keep(fingerprint, secrets)
    return not known


def _gateway(gateway: Gateway, with_secret: bool, origin: str) -> dict[str, Any]:
    return {
        "device_id": gateway.device_id,
        "name": gateway.name,
        "organisation": gateway.operator,
        "origin": origin,
        "with_secret": with_secret,
    }


def _device(asset: Asset, with_secret: bool, origin: str) -> dict[str, Any]:
    # A recording keeps no pace of its own, and it ends: nobody should wait for its next reading.
    interval = {"expected_interval_seconds": _NEVER_LATE_SECONDS} if origin == "recorded" else {}
    return interval | {
        "device_id": asset.device_id,
        "profile": asset.profile,
        "entity_id": asset.entity_id,
        "gateway_id": asset.gateway_id if asset.gateway_id != asset.device_id else None,
        "name": asset.name,
        "organisation": asset.operator,
        "place": {"type": "Point", "coordinates": [asset.longitude, asset.latitude]},
        "origin": origin,
        "with_secret": with_secret,
    }


def entity_of(asset: Asset, origin: str) -> dict[str, Any]:
    """The entity of an asset in NGSI-LD, normalized, without its readings."""
    entity: dict[str, Any] = {
        "id": asset.entity_id,
        "type": asset.entity_type,
        "name": {"type": "Property", "value": asset.name},
        "nameLocalized": {"type": "LanguageProperty", "languageMap": three_scripts(asset.name_en, asset.name)},
        "location": {
            "type": "GeoProperty",
            "value": asset.geometry or {"type": "Point", "coordinates": [asset.longitude, asset.latitude]},
        },
        "dataOrigin": {"type": "Property", "value": origin},
        "operator": {"type": "Property", "value": asset.operator},
    }
    whole = asset.part_of and asset.part_of.removeprefix("nis-")
    if whole and asset.entity_type == "Streetlight":
        entity["refStreetlightControlCabinet"] = {
            "type": "Relationship",
            "object": f"urn:ngsi-ld:StreetlightControlCabinet:nis:{whole}",
        }
    if whole and asset.entity_type == "ParkingSpot":
        entity["refParkingSite"] = {"type": "Relationship", "object": f"urn:ngsi-ld:OffStreetParking:nis:{whole}"}
    return entity


def _fingerprint(city: City) -> str:
    text = f"{VERSION}\n" + "\n".join(
        f"{asset.device_id} {asset.longitude} {asset.latitude} {asset.name}" for asset in city.assets
    )
    return hashlib.sha256(text.encode()).hexdigest()[:32]
