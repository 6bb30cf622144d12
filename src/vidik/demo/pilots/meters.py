"""What the meters of the demo's pilots would have written: common causes, units of different size, noise with memory.

Every function returns columns by name, a value a step; `None` is a step that the meter did not write. The true effect
is a fraction of what would have been used without the pilot, from the day on which it starts.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from vidik.demo.weather import ZONE, Sky, sun_height_degrees

Columns = dict[str, list[float | None]]

_DARK_BELOW_DEGREES = -2.0
_HEATING_LIMIT_CEL = 15.0
_INDOORS_CEL = 20.0
_ABSENT = 0.001  # the share of steps that a meter does not write


@dataclass(frozen=True)
class Stretch:
    """The days a story covers, the day its pilot starts, and what it truly does (-0.1 is a tenth less)."""

    first: date
    last: date
    starts: date
    effect: float

    def factor(self, day: date, *, is_treated: bool) -> float:
        """What a unit uses on a day, as a multiple of what it would have used without the pilot."""
        return 1 + self.effect if is_treated and day >= self.starts else 1.0

    def days(self) -> list[date]:
        """Every day, in order."""
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    def hours(self) -> list[int]:
        """The beginning of every hour, in seconds since 1970, from local midnight to local midnight."""
        return list(range(_midnight(self.first), _midnight(self.last + timedelta(1)), 3_600))


def lighting(stretch: Stretch, treated: int, others: int, seed: int) -> Columns:
    """Energy of lighting circuits a day, kWh: dark hours times the load, with lamps that fail and are mended."""
    days = stretch.days()
    dark = [_dark_hours(day) for day in days]
    columns: Columns = {}
    for name, is_treated in _units("circuit", treated, others):
        chance = _chance(seed, f"lighting {name}")
        load_kw = chance.uniform(3.5, 11.0)
        failed, values = 0.02, []
        noise = _memory(chance, 0.6, 0.008)
        for day, hours in zip(days, dark, strict=True):
            failed = min(0.12, failed + chance.expovariate(1 / 0.0004)) if chance.random() > 0.008 else 0.01
            used = load_kw * hours * (1 - failed) * (1 + next(noise)) * stretch.factor(day, is_treated=is_treated)
            values.append(_written(chance, used, 2))
        columns[name] = values
    return columns


def collection(stretch: Stretch, treated: int, others: int, seed: int) -> Columns:
    """Way of collection routes a day, km: the week, the season and feast days are common, the rest is the route's."""
    days = stretch.days()
    common = _chance(seed, "waste common")
    wave = _memory(common, 0.9, 0.02)
    shared = [
        (1.0 + 0.05 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 200) / 365.25) + next(wave))
        * (0.55 if day.weekday() == 6 else 1.12 if day.weekday() == 0 else 1.0)
        for day in days
    ]
    columns: Columns = {}
    for name, is_treated in _units("route", treated, others):
        chance = _chance(seed, f"waste {name}")
        length_km, follows = chance.uniform(28.0, 74.0), chance.uniform(0.8, 1.2)
        noise = _memory(chance, 0.5, 0.035)
        columns[name] = [
            _written(
                chance,
                length_km
                * (1 + follows * (factor - 1))
                * (1 + next(noise))
                * stretch.factor(day, is_treated=is_treated),
                1,
            )
            for day, factor in zip(days, shared, strict=True)
        ]
    return columns


def heat(stretch: Stretch, treated: int, others: int, seed: int) -> Columns:
    """Heat of substations an hour, kWh, and `outdoor`, the temperature in °C of the city's station."""
    sky, hours = Sky(seed), stretch.hours()
    outdoor = [sky.at(hour + 1_800).temperature_cel for hour in hours]
    columns: Columns = {"outdoor": [round(value, 1) for value in outdoor]}
    local = [datetime.fromtimestamp(hour, ZONE) for hour in hours]
    for name, is_treated in _units("substation", treated, others):
        chance = _chance(seed, f"heating {name}")
        size_kw, early = chance.uniform(120.0, 420.0), chance.uniform(-0.5, 0.8)
        noise, inertia = _memory(chance, 0.97, 0.012), outdoor[0]
        values = []
        for moment, temperature in zip(local, outdoor, strict=True):
            inertia += (temperature - inertia) / 14
            need = max(0.0, _INDOORS_CEL - 0.5 * (temperature + inertia)) / 35
            use = size_kw * need * _given(moment.hour, early) * (inertia < _HEATING_LIMIT_CEL)
            used = use * (1 + next(noise)) * stretch.factor(moment.date(), is_treated=is_treated)
            values.append(_written(chance, max(0.0, used), 2))
        columns[name] = values
    return columns


def water(stretch: Stretch, treated: int, others: int, seed: int) -> Columns:
    """Inflow of water zones a day, m3: warm days draw more, leaks come and are mended."""
    sky, days = Sky(seed), stretch.days()
    warm = [sky.at(_midnight(day) + 14 * 3_600).temperature_cel for day in days]
    columns: Columns = {}
    for name, is_treated in _units("zone", treated, others):
        chance = _chance(seed, f"water {name}")
        size_m3, thirst = chance.uniform(600.0, 2_400.0), chance.uniform(0.004, 0.012)
        noise = _memory(chance, 0.7, 0.014)
        columns[name] = [
            _written(
                chance,
                size_m3
                * (1 + thirst * max(0.0, temperature - 18))
                * (0.95 if day.weekday() >= 5 else 1.0)
                * (1 + next(noise))
                * stretch.factor(day, is_treated=is_treated),
                1,
            )
            for day, temperature in zip(days, warm, strict=True)
        ]
    return columns


def as_csv(stretch: Stretch, columns: Columns, *, hourly: bool) -> bytes:
    """Write columns as a utility would hand them in: a time with its offset (or a date), and a column a unit."""
    stamps = (
        [datetime.fromtimestamp(hour, UTC).isoformat() for hour in stretch.hours()]
        if hourly
        else [day.isoformat() for day in stretch.days()]
    )
    lines = [",".join(["datetime", *columns])]
    lines += [
        ",".join([stamp, *("" if value is None else f"{value:g}" for value in row)])
        for stamp, *row in zip(stamps, *columns.values(), strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def _units(kind: str, treated: int, others: int) -> Iterator[tuple[str, bool]]:
    for number in range(1, treated + others + 1):
        yield f"{kind} {number:02}", number <= treated


def _chance(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed} {name}")  # noqa: S311  a stage needs chance that can be repeated, not secrecy


def _memory(chance: random.Random, keep: float, spread: float) -> Iterator[float]:
    """Noise of a standard deviation that remembers its last value: a first-order autoregression."""
    value = chance.gauss(0, spread)
    innovation = spread * math.sqrt(1 - keep * keep)
    while True:
        yield value
        value = keep * value + chance.gauss(0, innovation)


def _written(chance: random.Random, value: float, digits: int) -> float | None:
    return None if chance.random() < _ABSENT else round(value, digits)


def _given(hour: int, early: float) -> float:
    """How far heat is given: most from six to ten in the evening, little at night."""
    if 6 - early <= hour < 8 - early:
        return 1.5
    return 1.0 if 8 - early <= hour < 22 else 0.25


def _dark_hours(day: date) -> float:
    noon = _midnight(day) + 12 * 3_600
    minutes = range(noon // 60, noon // 60 + 24 * 60, 10)
    return sum(sun_height_degrees(minute) < _DARK_BELOW_DEGREES for minute in minutes) / 6


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), ZONE).timestamp())
