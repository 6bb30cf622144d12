"""Street lighting: on from dusk to dawn, dimmed to half in the small hours.

Switching at a sun height of -3.5 degrees is about what twilight switches do (EN 13201 leaves it to the city); half
power from 0:30 to 5:00 is the common step profile of dimmable LED drivers.
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import jitter, smooth
from vidik.demo.weather import local_time, sun_height_degrees
from vidik.demo.world import World

_OFF, _ON, _LOW = 0, 1, 2
_STATES = {_OFF: "off", _ON: "on", _LOW: "low"}
_DUSK_DEGREES = -3.5
_DIMMED_LEVEL = 0.5
_VOLTS, _POWER_FACTOR = 230.0, 0.93


def planned_state(t: float) -> int:
    """What the schedule says at `t`."""
    minute = int(t // 60)
    if sun_height_degrees(minute) > _DUSK_DEGREES:
        return _OFF
    return _LOW if 0.5 <= local_time(minute).hour < 5.0 else _ON


def luminaire(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one luminaire at one moment; its circuit's cabinet is its gateway."""
    state = planned_state(t)
    faults = world.faults.of(asset.device_id, t)
    if "day_burner" in faults:
        state = _ON if state == _OFF else state
    if "circuit_dark" in world.faults.of(asset.gateway_id, t):
        state = _OFF
    state, level = _ordered(state, world.orders.level(asset.gateway_id, t))
    power = asset.size * (0.06 + 0.94 * level) if level else 0.4
    if "lamp_out" in faults and level:
        power = 0.9
    power *= 1 + 0.01 * jitter(world.key(asset.device_id), t)
    return {"s": state, "l": level, "w": round(power, 1)}


def cabinet(asset: Asset, t: float, world: World) -> dict[str, float | str]:
    """The values of one cabinet; `size` is the power of its luminaires in W."""
    state = planned_state(t)
    if "circuit_dark" in world.faults.of(asset.device_id, t):
        state = _OFF
    state, level = _ordered(state, world.orders.level(asset.device_id, t))
    base = world.key(asset.device_id)
    watts = asset.size * (0.06 + 0.94 * level if level else 0.0) * (1.03 + 0.01 * smooth(base, t, 3_600)) + 14
    energy = world.meters.advance(asset.device_id, t, watts / 1_000, 4_000 + asset.size * 3)
    return {
        "state": _STATES[state],
        "kw": round(watts / 1_000, 3),
        "kwh": round(energy, 2),
        "amp": round(watts / (3 * _VOLTS * _POWER_FACTOR) * (1 + 0.005 * jitter(base, t)), 2),
    }


def _ordered(state: int, order: float | None) -> tuple[int, float]:
    """State and light level when an order may stand against the schedule; an order lights nothing by day."""
    if state == _OFF or order is None:
        return state, {_OFF: 0.0, _ON: 1.0, _LOW: _DIMMED_LEVEL}[state]
    if order == 0:
        return _OFF, 0.0
    return (_ON if order == 1 else _LOW), order
