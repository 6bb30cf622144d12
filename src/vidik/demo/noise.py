"""Chance that can be repeated: every value is a pure function of the seed, a name and the time.

A restart therefore continues the same city, and the past day can be written after the fact.
"""

import math
import zlib
from functools import cache

_MASK = (1 << 64) - 1


@cache
def key(seed: int, name: str) -> int:
    """A number that stands for `name` under `seed`."""
    return _mix(seed * 0x9E3779B97F4A7C15 + zlib.crc32(name.encode()))


def uniform(base: int, *more: int) -> float:
    """A number in [0, 1) for these keys."""
    state = base
    for each in more:
        state = _mix(state ^ (each * 0x9E3779B97F4A7C15 & _MASK))
    return _mix(state) / (_MASK + 1)


def smooth(base: int, t: float, period: float) -> float:
    """A number in [-1, 1] that wanders over time, with a new target every `period` seconds."""
    place = t / period
    left = math.floor(place)
    share = place - left
    share = share * share * (3 - 2 * share)
    first, second = uniform(base, left), uniform(base, left + 1)
    return 2 * (first + (second - first) * share) - 1


def jitter(base: int, t: float) -> float:
    """A number in [-1, 1] that is another one every second: the noise of a sensor."""
    return 2 * uniform(base, int(t)) - 1


def _mix(value: int) -> int:
    # splitmix64 (Steele, Lea, Flood 2014)
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
