"""Traffic counters: two peaks on working days, one hump at weekends; speed falls as the road fills.

Hourly shares are the usual urban ones (Highway Capacity Manual); speed follows the BPR function (1964).
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth
from vidik.demo.weather import local_time
from vidik.demo.world import World

# Vehicles an hour as a share of capacity, each hour of the day.
_WEEKDAY = (0.08, 0.05, 0.03, 0.03, 0.06, 0.18, 0.42, 0.74, 0.72, 0.58, 0.54, 0.56,
            0.60, 0.62, 0.68, 0.82, 0.84, 0.72, 0.60, 0.48, 0.36, 0.28, 0.20, 0.13)  # fmt: skip
_WEEKEND = (0.14, 0.10, 0.07, 0.05, 0.05, 0.08, 0.14, 0.22, 0.32, 0.42, 0.50, 0.54,
            0.54, 0.50, 0.46, 0.46, 0.48, 0.50, 0.50, 0.44, 0.38, 0.32, 0.26, 0.20)  # fmt: skip
_VEHICLE_LENGTH_KM = 0.0065


def record(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one counter; `size` is the road's capacity in vehicles an hour."""
    base = world.key(asset.device_id)
    here = local_time(int(t // 60))
    shares = _WEEKEND if here.weekend else _WEEKDAY
    left = int(here.hour)
    part = here.hour - left
    share = shares[left] * (1 - part) + shares[(left + 1) % 24] * part
    share *= 1 + 0.12 * smooth(base, t, 1_800) + 0.05 * jitter(base, t)
    free_speed = asset.traits.get("speed", 50.0) * (1 - 0.12 * world.sky.at(t).rain)
    speed = free_speed / (1 + 0.6 * share**4) * (1 + 0.03 * jitter(base + 1, t))
    if "jam" in world.faults.of(asset.device_id, t):
        share, speed = 0.22 + 0.03 * jitter(base, t), 4.5 + 1.5 * smooth(base, t, 300)
    intensity = max(0.0, asset.size * share)
    lanes = max(1.0, asset.size / 900)
    occupancy = min(0.95, intensity / lanes * _VEHICLE_LENGTH_KM / max(3.0, speed))
    return {"veh_h": round(intensity), "occ": round(occupancy, 3), "kmh": round(speed, 1)}
