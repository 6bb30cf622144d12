"""What the console knows of each kind of asset: its service, its headline, the values that matter, normal bands.

A type that is not listed (a city's own profile) shows the service of its profile and its first numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vidik.console import cameras
from vidik.context.jsonld import names
from vidik.intake.profiles import Profile
from vidik.operations.rules.model import AnyRule, ThresholdRule
from vidik.operations.twins import twin_type

Band = tuple[float, float]
AssetState = Literal["normal", "low", "medium", "high", "critical", "unknown", "out_of_service"]


@dataclass(frozen=True)
class AssetType:
    """How one entity type is shown; attributes are short names, the first tile is the headline."""

    name: str
    service: str
    tiles: Sequence[str]
    normal: Mapping[str, Band] = field(default_factory=dict)
    expected_seconds: float = 3600
    shown: frozenset[str] | None = None
    """The only attributes that the console shows, and those without addresses in them; None shows all."""
    states: Mapping[str, AssetState] | None = None
    """What `deviceState` says of the asset when no device speaks for it: an entry of a register has no news."""

    def shows(self, attribute: str) -> bool:
        """Whether the console shows an attribute (short name)."""
        return self.shown is None or attribute in self.shown

    def shown_value(self, value: Any) -> Any:
        """Return what the console shows of a value; None for nothing."""
        return value if self.shown is None else cameras.without_addresses(value)

    @property
    def headline(self) -> str | None:
        """The attribute that stands for the asset in lists."""
        return self.tiles[0] if self.tiles else None


_KNOWN = (
    AssetType(
        "HeatSubstation",
        "heating",
        (
            "supplyTemperatureSecondary",
            "referenceTemperature",
            "returnTemperaturePrimary",
            "power",
            "outdoorTemperature",
        ),
        {
            "returnTemperaturePrimary": (20, 50),
            "supplyTemperaturePrimary": (45, 105),
            "returnTemperatureSecondary": (20, 48),
        },
    ),
    AssetType("Streetlight", "lighting", ("powerState", "illuminanceLevel", "activePower")),
    AssetType("StreetlightControlCabinet", "lighting", ("activePower", "powerState", "intensity", "energyConsumed")),
    AssetType(
        "OffStreetParking",
        "parking",
        ("availableSpotNumber", "occupancy", "totalSpotNumber"),
        {"occupancy": (0, 0.95)},
    ),
    AssetType("ParkingSpot", "parking", ("status", "batteryLevel"), {"batteryLevel": (0.2, 1)}),
    AssetType(
        "WasteContainer",
        "waste",
        ("fillingLevel", "temperature", "batteryLevel"),
        {"fillingLevel": (0, 0.8), "temperature": (-20, 50), "batteryLevel": (0.2, 1)},
    ),
    AssetType("WaterConsumptionObserved", "water", ("flow", "pressure", "volume"), {"pressure": (2.5, 6.5)}),
    AssetType(
        "TrafficFlowObserved",
        "traffic",
        ("averageVehicleSpeed", "intensity", "occupancy"),
        {"averageVehicleSpeed": (20, 60), "occupancy": (0, 0.4)},
    ),
    AssetType(
        "AirQualityObserved",
        "air",
        ("pm25", "pm10", "no2", "temperature", "relativeHumidity"),
        {"pm25": (0, 25), "pm10": (0, 50), "no2": (0, 40)},
    ),
    AssetType(cameras.TYPE, cameras.LAYER, cameras.TILES, shown=cameras.SHOWN, states=cameras.STATES),
)


class Catalogue:
    """Asset types by expanded entity type, from what the package knows and the city's profiles."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self.profiles = profiles
        self._types = {names.expand_type(known.name): known for known in _KNOWN}
        for profile in profiles.values():
            if profile.type_iri not in self._types:
                numeric = tuple(spec.name for spec in profile.attributes if spec.numeric)
                self._types[profile.type_iri] = AssetType(
                    profile.entity_type, profile.service, numeric[:5] or _any_names(profile)
                )
        # Twins of an exercise look like the assets they stand in for; their origin says what they are.
        self._types |= {names.expand_type(twin_type(one.name)): one for one in list(self._types.values())}

    def asset_type(self, types: Sequence[str]) -> AssetType | None:
        """Return how an entity of these (expanded) types is shown; None when it is no asset of the console."""
        for one in types:
            found = self._types.get(one)
            if found is not None:
                return found
        return None

    def type_iris(self) -> list[str]:
        """Return the expanded entity types that are assets."""
        return list(self._types)

    def service_of(self, profile: str | None) -> str | None:
        """Return the service of a profile by its name, or None."""
        found = self.profiles.get(profile or "")
        return found.service if found else None


def normal_band(asset_type: AssetType, attribute: str, rules: Mapping[str, AnyRule]) -> Band | None:
    """Return (lowest, highest) normal value: the type's band, narrowed by the levels of its threshold rules."""
    band = asset_type.normal.get(attribute)
    if band is None:
        return None
    low, high = band
    for rule in rules.values():
        if not isinstance(rule, ThresholdRule) or not rule.enabled or rule.when:
            continue
        if rule.attribute != attribute or asset_type.name not in rule.entity_types:
            continue
        if rule.above is not None:
            high = min(high, rule.above)
        if rule.below is not None:
            low = max(low, rule.below)
    return (low, high) if low < high else band


def _any_names(profile: Profile) -> tuple[str, ...]:
    return tuple(spec.name for spec in profile.attributes)[:5]
