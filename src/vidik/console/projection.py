"""Every asset of the city in memory, as the newest committed change left it: what lists, vitals and the map read.

No I/O. Times are µs UTC; values are keyed by short attribute name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import cos, radians
from typing import Any, Final

from cachetools import LRUCache

from vidik.console.catalogue import AssetState, AssetType, Catalogue
from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.context.store.document import LOCATION, box_of_geometry
from vidik.kernel.clock import from_microseconds, iso, to_microseconds
from vidik.kernel.scripts import fold
from vidik.operations.alarms.view import is_shown
from vidik.operations.entities import (
    NAME,
    NAME_IN_LANGUAGES,
    ORIGIN,
    default_instance,
    english_name_of,
    name_of,
    observed_at_of,
    origin_of,
    unit_code_of,
    value_of,
)
from vidik.operations.rules.memory import scalar
from vidik.operations.rules.messages import unit_symbol
from vidik.operations.rules.model import PRIORITIES, Priority, Scalar
from vidik.operations.twins import ORIGIN as EXERCISE
from vidik.operations.twins import exercise_of

SILENT_AFTER_INTERVALS = 3
_NEAR_SQUARED_DEGREES = (2 / 111.2) ** 2
_REREAD = frozenset((NAME, NAME_IN_LANGUAGES, ORIGIN, LOCATION))

_SHAPES_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class Device:
    """What the console knows of a device: whether it is in service, how often it should speak (seconds)."""

    device_id: str
    enabled: bool
    expected_seconds: float | None


@dataclass(slots=True)
class Asset:
    """One asset. `alarms` are its open alarms, without those of silence, which show as unknown."""

    id: str
    asset_type: AssetType
    name: str
    name_en: str | None
    folded: str
    place: list[float] | None
    origin: str
    observed_at: int | None
    recorded_at: int | None
    values: dict[str, Scalar] = field(default_factory=dict)
    observed: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    device: Device | None = None
    alarms: dict[int, Priority] = field(default_factory=dict)
    state: AssetState = "unknown"

    def name_in(self, script: str) -> str:
        """Return the name for a reader of en, sr-Cyrl or sr-Latn; in Serbian as stored, as the console writes it."""
        return self.name_en if script == "en" and self.name_en else self.name

    def state_at(self, now: int) -> AssetState:
        """Return the state at a time: worst alarm, else out of service, else unknown when silent, else normal.

        An entry of a register that no device speaks for is as it says itself; one that says nothing is unknown.
        """
        if self.alarms:
            return min(self.alarms.values(), key=PRIORITIES.index)
        if self.device is not None and not self.device.enabled:
            return "out_of_service"
        if self.asset_type.states is not None and self.device is None:
            return self.asset_type.states.get(str(self.values.get("deviceState")), "unknown")
        return "unknown" if self.is_silent(now) else "normal"

    def is_silent(self, now: int) -> bool:
        """Whether nothing was recorded for more than three of its expected intervals, or ever."""
        if self.observed_at is None or self.recorded_at is None:
            return True
        expected = self.device.expected_seconds if self.device else None
        if expected is None:
            return False
        return now - self.recorded_at > expected * SILENT_AFTER_INTERVALS * 1_000_000


class Projection:
    """All assets by id."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.assets: dict[str, Asset] = {}
        self.position = 0
        # Alarms may be heard of before their asset has been read: they wait here for it.
        self._early: dict[str, dict[int, Priority]] = {}
        self._devices: dict[str, Device] = {}
        self._shapes: LRUCache[frozenset[str], frozenset[str]] = LRUCache(_SHAPES_REMEMBERED)

    def put(self, row: Mapping[str, Any], now: int) -> Asset | None:
        """Take in an entity as it is stored (id, types, document, modified_at); None when it is no asset."""
        asset_type = self.catalogue.asset_type(row["types"])
        if asset_type is None:
            return None
        document = row["document"]
        shape = frozenset(document)
        before = self.assets.get(row["id"])
        observed_at = row["observed_at"]
        name, name_en = name_of(row["id"], document), english_name_of(document)
        asset = Asset(
            id=row["id"],
            asset_type=asset_type,
            name=name,
            name_en=name_en,
            folded=fold(f"{name} {name_en or ''} {row['id'].rpartition(':')[2]}"),
            place=point_of(value_of(document, LOCATION)),
            origin=origin_of(document) if exercise_of(row["id"]) is None else EXERCISE,
            observed_at=to_microseconds(observed_at) if observed_at else None,
            recorded_at=to_microseconds(row["modified_at"]),
            attributes=self._shapes.setdefault(shape, shape),  # one set for all assets alike
            device=self._devices.get(row["id"]),
            alarms=before.alarms if before else self._early.pop(row["id"], {}),
        )
        for iri in document:
            instance = default_instance(document, iri)
            value = scalar(instance.get("value")) if instance else None
            if instance is None or value is None or iri in _REREAD:
                continue
            short = names.compact(iri)
            if not asset_type.shows(short) or asset_type.shown_value(value) is None:
                continue
            asset.values[short] = value
            moment = observed_at_of(instance)
            if moment is not None:
                asset.observed[short] = to_microseconds(moment)
            unit = unit_symbol(unit_code_of(document, iri))
            if unit:
                asset.units[short] = unit
        asset.state = asset.state_at(now)
        self.assets[asset.id] = asset
        return asset

    def apply(self, change: Change, recorded_at: int) -> Asset | None:
        """Take in a change of a known asset; returns it when it must be shown anew."""
        asset = self.assets.get(change.entity_id)
        if asset is None or change.operation == "deleted":
            return None
        asset.recorded_at = max(recorded_at, asset.recorded_at or 0)
        if change.operation == "late":
            return None
        for iri, (value, at) in change.attributes.items():
            short = names.compact(iri)
            if value is None or asset.asset_type.shown_value(value) is None:
                asset.values.pop(short, None)
                continue
            if not asset.asset_type.shows(short):
                continue
            judged = scalar(value)
            if judged is None or (at is not None and asset.observed.get(short, at) > at):
                continue
            asset.values[short] = judged
            if at is not None:
                asset.observed[short] = at
                asset.observed_at = max(at, asset.observed_at or at)
        return asset

    def must_reread(self, change: Change) -> bool:
        """Whether a change needs the whole entity: it or an attribute is new, or its name, place or origin changed."""
        if change.operation == "deleted" or self.catalogue.asset_type(change.types) is None:
            return False
        asset = self.assets.get(change.entity_id)
        if asset is None or not _REREAD.isdisjoint(change.attributes):
            return True
        return not asset.attributes.issuperset(change.attributes)

    def set_devices(self, devices: Mapping[str, Device], now: int) -> list[Asset]:
        """Take in which device feeds which entity; returns the assets whose state changed."""
        self._devices = dict(devices)
        for asset in self.assets.values():
            asset.device = self._devices.get(asset.id)
        return self.sweep(now)

    def set_alarm(self, alarm: Mapping[str, Any], *, of_silence: bool, now: int) -> Asset | None:
        """Take in an alarm's row; returns its asset when the asset's state changed by it."""
        entity_id, number = alarm["entity_id"], int(alarm["id"])
        asset = self.assets.get(entity_id)
        alarms = self._early.setdefault(entity_id, {}) if asset is None else asset.alarms
        if is_shown(alarm) and not of_silence:
            alarms[number] = alarm["priority"]
        else:
            alarms.pop(number, None)
        if asset is None:
            if not alarms:
                del self._early[entity_id]
            return None
        return asset if self._renew(asset, now) else None

    def sweep(self, now: int) -> list[Asset]:
        """Return the assets whose state changed because time passed, or because they speak again."""
        return [asset for asset in self.assets.values() if self._renew(asset, now)]

    def renew(self, assets: Iterable[Asset], now: int) -> list[Asset]:
        """Return those of some assets whose state changed."""
        return [asset for asset in assets if self._renew(asset, now)]

    def nearest(self, asset: Asset, most: int) -> list[Asset]:
        """Return the assets of the same type nearest to one, within about two kilometres."""
        if asset.place is None:
            return []
        found = []
        for other in self.assets.values():
            if other.place is None or other is asset or other.asset_type is not asset.asset_type:
                continue
            if (other.origin == EXERCISE) != (asset.origin == EXERCISE):
                continue
            distance = _squared_degrees(asset.place, other.place)
            if distance < _NEAR_SQUARED_DEGREES:
                found.append((distance, other))
        return [other for _, other in sorted(found, key=lambda pair: pair[0])[:most]]

    @staticmethod
    def _renew(asset: Asset, now: int) -> bool:
        state = asset.state_at(now)
        if state == asset.state:
            return False
        asset.state = state
        return True


def summary(asset: Asset) -> dict[str, Any]:
    """Return an asset as lists show it."""
    headline = asset.asset_type.headline
    return {
        "id": asset.id,
        "name": asset.name,
        "name_en": asset.name_en,
        "service": asset.asset_type.service,
        "type": asset.asset_type.name,
        "place": asset.place,
        "state": asset.state,
        "origin": asset.origin,
        "observed_at": iso_of(asset.observed_at),
        "recorded_at": iso_of(asset.recorded_at),
        "headline": {
            "attribute": headline,
            "label_key": headline,
            "value": asset.values[headline],
            "unit": asset.units.get(headline),
        }
        if headline is not None and headline in asset.values
        else None,
    }


def _squared_degrees(here: list[float], there: list[float]) -> float:
    """Return a distance to sort by: degrees of latitude, squared; longitude shrunk as at the latitude."""
    east = (here[0] - there[0]) * cos(radians(here[1]))
    return east * east + (here[1] - there[1]) ** 2


def iso_of(moment: int | None) -> str | None:
    """Return ISO UTC of µs, or None."""
    return None if moment is None else iso(from_microseconds(moment))


def point_of(geometry: Any) -> list[float] | None:
    """Return one [longitude, latitude] that stands for a GeoJSON geometry: the point, or the box's middle."""
    if not isinstance(geometry, dict):
        return None
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point" and isinstance(coordinates, list) and len(coordinates) >= 2:
        return [float(coordinates[0]), float(coordinates[1])]
    box = box_of_geometry(geometry)
    return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] if box else None
