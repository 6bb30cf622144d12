"""The sun and the weather over Niš, invented but plausible.

Monthly means are about those of the normals 1991-2020 of the weather service of Serbia for Niš; the sun's height
follows the usual approximation of the solar declination (Cooper 1969), good to half a degree.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from vidik.demo.noise import key, smooth

LATITUDE, LONGITUDE = 43.32, 21.90
ZONE = ZoneInfo("Europe/Belgrade")
_MONTHLY_MEAN_CEL = (0.6, 2.8, 7.2, 12.3, 16.9, 20.9, 23.0, 23.0, 17.8, 12.3, 6.8, 1.8)
_DAILY_SWING_CEL = (3.2, 4.2, 5.4, 6.0, 6.2, 6.6, 7.2, 7.4, 6.6, 5.6, 4.0, 3.0)
_HOUR, _DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of one moment; `inversion` (0 to 1) says how much the cold air lies still in the valley."""

    temperature_cel: float
    relative_humidity_percent: float
    wind_m_s: float
    cloud: float
    rain: float
    inversion: float


@dataclass(frozen=True, slots=True)
class LocalTime:
    """The clock on the wall: hour of the day as a fraction, day of the week (0 is Monday), day of the year."""

    hour: float
    weekday: int
    day_of_year: int

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return self.weekday >= 5


@lru_cache(maxsize=512)
def local_time(minute: int) -> LocalTime:
    """The wall clock at a whole minute since 1970."""
    here = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZONE)
    return LocalTime(here.hour + here.minute / 60, here.weekday(), here.timetuple().tm_yday)


@lru_cache(maxsize=512)
def sun_height_degrees(minute: int) -> float:
    """The sun's height above the horizon at a whole minute since 1970."""
    t = minute * 60
    day = datetime.fromtimestamp(t, UTC).timetuple().tm_yday
    declination = math.radians(23.45 * math.sin(2 * math.pi * (284 + day) / 365))
    hour_angle = math.radians((t % _DAY) / _DAY * 360 - 180 + LONGITUDE)
    latitude = math.radians(LATITUDE)
    sine = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
        hour_angle
    )
    return math.degrees(math.asin(sine))


class Sky:
    """The weather of one seed."""

    def __init__(self, seed: int) -> None:
        self._warm = key(seed, "warm spells")
        self._cloud = key(seed, "clouds")
        self._wind = key(seed, "wind")
        self._rain = key(seed, "rain")
        self._at = lru_cache(maxsize=512)(self._compute)

    def at(self, t: float) -> Weather:
        """The weather at `t` (seconds since 1970), to the minute."""
        return self._at(int(t // 60))

    def _compute(self, minute: int) -> Weather:
        t = minute * 60
        here = local_time(minute)
        month = (here.day_of_year - 15.2) / 30.44
        cloud = min(1.0, max(0.0, 0.5 + 0.8 * smooth(self._cloud, t, 19 * _HOUR)))
        swing = _between(_DAILY_SWING_CEL, month) * (1.3 - 0.7 * cloud)
        temperature = (
            _between(_MONTHLY_MEAN_CEL, month)
            + 4.5 * smooth(self._warm, t, 5 * _DAY)
            + 1.5 * smooth(self._warm + 1, t, 1.3 * _DAY)
            + swing * math.cos(2 * math.pi * (here.hour - 15) / 24)
        )
        day = max(0.0, math.sin(math.radians(max(0.0, sun_height_degrees(minute)))))
        wind = max(0.2, 1.6 + 1.8 * smooth(self._wind, t, 9 * _HOUR) + 1.2 * day)
        rain = max(0.0, smooth(self._rain, t, 7 * _HOUR) - 0.45) * (cloud > 0.6)
        cold = min(1.0, max(0.0, (9 - temperature) / 12))
        still = min(1.0, max(0.0, (2.6 - wind) / 2.2))
        inversion = cold * still * (1 - 0.8 * min(1.0, day * 2)) * (0.0 if rain > 0.1 else 1.0)
        humidity = min(99.0, max(28.0, 78 - 2.2 * swing * math.cos(2 * math.pi * (here.hour - 15) / 24) + 30 * rain))
        return Weather(temperature, humidity, wind, cloud, rain, inversion)


def _between(monthly: tuple[float, ...], month: float) -> float:
    left = math.floor(month)
    share = month - left
    return monthly[left % 12] * (1 - share) + monthly[(left + 1) % 12] * share
