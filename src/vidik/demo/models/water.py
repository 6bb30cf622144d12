"""Meters of water zones: little at night, a peak in the morning and one in the evening; pressure falls with flow.

The shape is the usual residential diurnal pattern (AWWA M32); what flows from 2 to 4 h is mostly leakage.
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth
from vidik.demo.weather import local_time
from vidik.demo.world import World

# Flow as a multiple of the day's mean at 0, 2, 4 ... 22 h.
_WEEKDAY = (0.50, 0.34, 0.36, 1.10, 1.42, 1.18, 1.06, 1.02, 1.10, 1.40, 1.50, 0.98)
_WEEKEND = (0.58, 0.38, 0.34, 0.70, 1.28, 1.48, 1.30, 1.14, 1.10, 1.30, 1.40, 0.98)


def record(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one zone's meter; `size` is the mean flow in m³/h."""
    base = world.key(asset.device_id)
    here = local_time(int(t // 60))
    pattern = _WEEKEND if here.weekend else _WEEKDAY
    left = int(here.hour // 2)
    part = here.hour / 2 - left
    share = pattern[left] * (1 - part) + pattern[(left + 1) % 12] * part
    heat = max(0.0, world.sky.at(t).temperature_cel - 24) * 0.02
    faults = world.faults.of(asset.device_id, t)
    flow = asset.size * (share + heat) * (1 + 0.06 * smooth(base, t, 900) + 0.015 * jitter(base, t))
    pressure = asset.traits.get("pressure", 4.2) - 0.5 * (share - 1) + 0.06 * smooth(base + 1, t, 600)
    if "leak" in faults:
        flow += asset.size * 0.45 + 18
    if "burst" in faults:
        grown = min(1.0, faults["burst"] / 240)
        flow += asset.size * 1.3 * grown
        pressure -= 2.3 * grown
    volume = world.meters.advance(asset.device_id, t, flow, 20_000 + asset.size * 900)
    return {"q": round(flow, 2), "p": round(max(0.3, pressure), 2), "v": round(volume, 2)}
