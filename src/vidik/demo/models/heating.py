"""A heating substation: the secondary supply follows its curve by day, at night the valve is closed.

Curves are fitted to the recordings of three substations of Niš (L4, L8, L12; November to February, 2021-2025):
reference = 49 - 0.38 T, primary supply = 86 - 1.1 T, primary return = 43.3 - 0.3 T, secondary return =
42.5 - 0.25 T while heat is given (6 to 22 h); T is the outdoor temperature in °C.
"""

import math

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth
from vidik.demo.weather import local_time
from vidik.demo.world import World

_BROKEN_SENSOR = -39.9
_HEATING_LIMIT_CEL = 15.0
_OPENS, _CLOSES = 5.6, 21.9


def record(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one moment, as the device writes them."""
    base = world.key(asset.device_id)
    outdoor = world.sky.at(t).temperature_cel + 0.6 * smooth(base, t, 7_200) + asset.traits.get("warmer", 0.0)
    hour = local_time(int(t // 60)).hour
    on = _opening(hour, asset.traits.get("early", 0.0)) * (outdoor < _HEATING_LIMIT_CEL)
    faults = world.faults.of(asset.device_id, t)
    reference = max(36.0, 49.0 - 0.38 * outdoor)
    supply_primary = _mix(50.0, 86.0 - 1.1 * outdoor, on) + 1.5 * smooth(base + 1, t, 1_200)
    return_primary = _mix(33.0, 43.3 - 0.3 * outdoor, on) + 0.8 * smooth(base + 2, t, 900)
    supply = _mix(29.0, reference, on) + 0.7 * smooth(base + 3, t, 600)
    back = _mix(27.0, 42.5 - 0.25 * outdoor, on) + 0.6 * smooth(base + 4, t, 900)
    # A valve that closes at night stops the heat at once, while the water in the pipes cools for hours.
    drawn = on if _is_open(hour, asset.traits.get("early", 0.0)) else 0.0
    power = asset.size * drawn * max(0.0, 20.0 - outdoor) / 30.0 * (1 + 0.08 * smooth(base + 5, t, 1_800))
    if "supply_low" in faults and on > 0.5:
        supply -= min(11.0, faults["supply_low"] / 120)
    if "supply_high" in faults:
        supply += min(9.0, faults["supply_high"] / 180)
    if "return_high" in faults and on > 0.5:
        return_primary += min(14.0, faults["return_high"] / 90)
    energy = world.meters.advance(asset.device_id, t, power / 1_000, 800.0 + asset.size * 6)
    noise = jitter(base + 6, t) * 0.05
    return {
        "amb": _BROKEN_SENSOR if "sensor_broken" in faults else round(outdoor + noise, 1),
        "ref": round(reference, 1),
        "sup1": round(supply_primary + noise, 1),
        "ret1": round(return_primary - noise, 1),
        "sup2": round(supply + noise, 1),
        "ret2": round(back - noise, 1),
        "mwh": round(energy, 3),
        "kw": round(max(0.0, power), 1),
    }


def _opening(hour: float, early: float) -> float:
    """How far the substation gives heat: full from 6 to 22 h, with an hour of warming up and two of cooling down."""
    if _is_open(hour, early):
        return min(1.0, (hour - _OPENS + early) / 0.7)
    since = (hour - _CLOSES) % 24
    return math.exp(-since / 0.8) if since < 8 else 0.0


def _is_open(hour: float, early: float) -> bool:
    return _OPENS - early <= hour < _CLOSES


def _mix(cold: float, hot: float, share: float) -> float:
    return cold + (hot - cold) * share
