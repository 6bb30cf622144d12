"""Air stations: smoke of stoves on cold, still evenings, dust and exhaust at rush hours.

Levels are those that sensor.community's stations and the public monitoring see in Niš: a few µg/m³ of PM2.5 in a
windy May, well over 100 in a January inversion.
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth
from vidik.demo.weather import LocalTime, local_time
from vidik.demo.world import World


def record(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one station; `size` says how near its stoves and roads are (about 1)."""
    base = world.key(asset.device_id)
    faults = world.faults.of(asset.device_id, t)
    moment = t - faults["stuck"] if "stuck" in faults else t
    here = local_time(int(moment // 60))
    weather = world.sky.at(moment)
    stoves = max(0.0, (14 - weather.temperature_cel) / 14) * _evening(here)
    washed = 1 - 0.6 * min(1.0, weather.rain * 3)
    fine = 6 + 14 * stoves * asset.size + 70 * weather.inversion * (0.45 + 0.55 * _evening(here)) * asset.size
    fine = max(1.5, fine * washed / (0.6 + 0.25 * weather.wind_m_s) * (1 + 0.15 * smooth(base, moment, 2_400)))
    rush = _rush(here)
    coarse = fine * 1.28 + 5 + 9 * rush * asset.size * washed
    nitrogen = (12 + 46 * rush * asset.size + 30 * weather.inversion) * (1 + 0.1 * smooth(base + 1, moment, 1_800))
    noise = 1 + 0.02 * jitter(base, moment)
    warm = world.sky.at(t)
    return {
        "pm10": round(coarse * noise, 1),
        "pm25": round(fine * noise, 1),
        "no2": round(nitrogen * noise, 1),
        "temp": round(warm.temperature_cel + 0.5 * smooth(base + 2, t, 3_600), 1),
        "rh": round(min(100.0, warm.relative_humidity_percent + 2 * smooth(base + 3, t, 3_600)), 1),
    }


def _evening(here: LocalTime) -> float:
    hour = here.hour
    if hour >= 16:
        return min(1.0, (hour - 16) / 3)
    if hour < 2:
        return 1.0
    if hour < 9:
        return max(0.35, 1.0 - (hour - 2) / 5) if hour < 6 else 0.6
    return 0.2


def _rush(here: LocalTime) -> float:
    peak = max(0.0, 1 - abs(here.hour - 8) / 2.0, 1 - abs(here.hour - 16.3) / 2.6)
    return peak * (0.45 if here.weekend else 1.0) + 0.1
