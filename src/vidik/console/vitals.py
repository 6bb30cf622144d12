"""The vital signs of each service, from the projection: one number that says whether today is as it should be.

Only fresh assets count: a substation that is silent is neither within its curve nor off it. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from vidik.console.catalogue import SERVICES
from vidik.console.projection import Asset
from vidik.operations.rules.model import Scalar
from vidik.operations.twins import ORIGIN as EXERCISE

CURVE_TOLERANCE_CELSIUS = 3
HEAT_DRAWN_KILOWATT = 20
_DARK_WATT = 2
_FULL = 0.8

Values = dict[str, Scalar]


@dataclass(frozen=True)
class VitalSign:
    """One vital sign: `measure` takes the values of the service's fresh assets, by entity type."""

    service: str
    key: str
    unit: str | None
    decimals: int
    normal: tuple[float, float] | None
    target: float | None
    measure: Callable[[Sequence[tuple[str, Values]]], float | None]


def number(values: Values, name: str) -> float | None:
    """Return a numeric value by short name, or None."""
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def within_curve(values: Values) -> bool | None:
    """Return whether a substation gives what its curve asks for; None when no heat is drawn or nobody can tell.

    At night and on mild afternoons the valve is closed: the supply is far below the curve, as it should be.
    """
    supply, reference = number(values, "supplyTemperatureSecondary"), number(values, "referenceTemperature")
    if supply is None or reference is None:
        return None
    power = number(values, "power")
    drawn = power > HEAT_DRAWN_KILOWATT if power is not None else supply > reference - 2 * CURVE_TOLERANCE_CELSIUS
    if not drawn:
        return supply <= reference + CURVE_TOLERANCE_CELSIUS
    return abs(supply - reference) <= CURVE_TOLERANCE_CELSIUS


def is_working(values: Values) -> bool | None:
    """Return whether a luminaire does as it is told: lit and drawing power, or off; None when nobody can tell."""
    state, watt = values.get("powerState"), number(values, "activePower")
    if not isinstance(state, str):
        return None
    if state == "off" or watt is None:
        return True
    return watt >= _DARK_WATT


def _share(flags: Iterable[bool | None]) -> float | None:
    known = [flag for flag in flags if flag is not None]
    return 100 * sum(known) / len(known) if known else None


def _numbers(assets: Sequence[tuple[str, Values]], entity_type: str, name: str) -> list[float]:
    found = (number(values, name) for kind, values in assets if kind == entity_type)
    return [value for value in found if value is not None]


def _heating(assets: Sequence[tuple[str, Values]]) -> float | None:
    return _share(within_curve(values) for kind, values in assets if kind == "HeatSubstation")


def _lighting(assets: Sequence[tuple[str, Values]]) -> float | None:
    return _share(is_working(values) for kind, values in assets if kind == "Streetlight")


def _parking(assets: Sequence[tuple[str, Values]]) -> float | None:
    pairs = [
        (number(values, "availableSpotNumber"), number(values, "totalSpotNumber"))
        for kind, values in assets
        if kind == "OffStreetParking"
    ]
    total = sum(all_spots for free, all_spots in pairs if free is not None and all_spots)
    free_spots = sum(free for free, all_spots in pairs if free is not None and all_spots)
    return 100 * (total - free_spots) / total if total else None


def _air(assets: Sequence[tuple[str, Values]]) -> float | None:
    found = _numbers(assets, "AirQualityObserved", "pm25")
    return median(found) if found else None


def _water(assets: Sequence[tuple[str, Values]]) -> float | None:
    found = _numbers(assets, "WaterConsumptionObserved", "flow")
    return sum(found) if found else None


def _waste(assets: Sequence[tuple[str, Values]]) -> float | None:
    found = _numbers(assets, "WasteContainer", "fillingLevel")
    return float(sum(level > _FULL for level in found)) if found else None


def _traffic(assets: Sequence[tuple[str, Values]]) -> float | None:
    found = _numbers(assets, "TrafficFlowObserved", "averageVehicleSpeed")
    return fmean(found) if found else None


VITAL_SIGNS = (
    VitalSign("heating", "within_curve", "%", 0, (90, 100), 98, _heating),
    VitalSign("lighting", "working", "%", 1, (97, 100), 99, _lighting),
    VitalSign("parking", "occupied", "%", 0, (0, 95), 85, _parking),
    VitalSign("air", "pm25_median", "µg/m³", 0, (0, 25), 10, _air),
    VitalSign("water", "total_flow", "m³/h", 0, None, None, _water),
    VitalSign("waste", "containers_due", None, 0, None, 0, _waste),
    VitalSign("traffic", "average_speed", "km/h", 0, (20, 60), None, _traffic),
)


def measure(assets: Iterable[Asset], now: int) -> list[dict[str, Any]]:
    """Return every vital sign with how many of its assets are fresh, stale and in alarm; trends come later.

    Twins of an exercise are not of the city.
    """
    by_service: dict[str, list[Asset]] = {service: [] for service in SERVICES}
    for asset in assets:
        if asset.asset_type.service in by_service and asset.origin != EXERCISE:
            by_service[asset.asset_type.service].append(asset)
    items: list[dict[str, Any]] = []
    for sign in VITAL_SIGNS:
        members = by_service[sign.service]
        fresh = [asset for asset in members if not asset.is_silent(now)]
        items.append(
            {
                "service": sign.service,
                "key": sign.key,
                "value": sign.measure([(asset.asset_type.name, asset.values) for asset in fresh]),
                "unit": sign.unit,
                "decimals": sign.decimals,
                "trend": [],
                "normal": sign.normal,
                "target": sign.target,
                "assets": len(members),
                "fresh": len(fresh),
                "stale": len(members) - len(fresh),
                "alarms": sum(len(asset.alarms) for asset in members),
                "details": _details(sign.service, fresh),
            }
        )
    return items


def _details(service: str, fresh: Sequence[Asset]) -> dict[str, float]:
    """Return the figures beside the vital sign: lamps on and off, free spots."""
    if service == "lighting":
        states = [asset.values.get("powerState") for asset in fresh if asset.asset_type.name == "Streetlight"]
        return {"on": float(sum(one in ("on", "low") for one in states)), "off": float(states.count("off"))}
    if service == "parking":
        free = [number(asset.values, "availableSpotNumber") for asset in fresh]
        return {"free": sum(spots for spots in free if spots is not None)}
    return {}
