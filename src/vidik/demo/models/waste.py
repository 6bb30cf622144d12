"""Waste containers: they fill by day at their own pace and are emptied by the early round.

Rounds come every one to three days, by the container; a container would be full 1.3 to 2.6 rounds after it was
emptied (the spread of Philadelphia's compactor bins of 2014), so it overflows only where a round leaves it out.
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth, uniform
from vidik.demo.weather import local_time
from vidik.demo.world import World

_DAY = 86_400
# Share of a day's waste that has been thrown away by 0, 3, 6 ... 24 h.
_BY_HOUR = (0.0, 0.01, 0.03, 0.16, 0.36, 0.55, 0.74, 0.93, 1.0)
_EMPTIED_AT_HOUR = 4.5


def record(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one container's sensor."""
    base = world.key(asset.device_id)
    faults = world.faults.of(asset.device_id, t)
    weather = world.sky.at(t)
    temperature = weather.temperature_cel + 2.0 * smooth(base, t, 5_400) + 1.5
    if "fire" in faults:
        temperature += min(85.0, faults["fire"] / 4)
    return {
        "fill": round(100 * filling(asset, t, world, forgotten="not_emptied" in faults)),
        "temp": round(temperature + 0.2 * jitter(base, t), 1),
        "bat": round(0.97 - 0.55 * uniform(base, 3) - 0.03 * (t % 7_776_000) / 7_776_000, 2),
    }


def filling(asset: Asset, t: float, world: World, *, forgotten: bool) -> float:
    """How full the container is, 0 to 1."""
    base = world.key(asset.device_id)
    round_days = 1 + int(uniform(base, 2) * 3)
    days_to_full = round_days * (1.3 + 1.3 * uniform(base, 1))
    hour = local_time(int(t // 60)).hour
    day = (
        int((t - (hour - _EMPTIED_AT_HOUR) * 3_600) // _DAY)
        if hour >= _EMPTIED_AT_HOUR
        else int((t - (hour + 24 - _EMPTIED_AT_HOUR) * 3_600) // _DAY)
    )
    since = (day + int(base % round_days)) % round_days
    today = (
        _by_hour(hour) - _by_hour(_EMPTIED_AT_HOUR)
        if hour >= _EMPTIED_AT_HOUR
        else (1.0 - _by_hour(_EMPTIED_AT_HOUR) + _by_hour(hour))
    )
    pace = 1.0 + 0.25 * (2 * uniform(base, day) - 1)
    level = (since + today * pace) / days_to_full + (0.75 if forgotten else 0.02)
    return min(1.0, max(0.0, level))


def _by_hour(hour: float) -> float:
    left = min(7, int(hour // 3))
    part = hour / 3 - left
    return _BY_HOUR[left] * (1 - part) + _BY_HOUR[left + 1] * part
