"""A regular series of measurements: the one form in which every method of this module takes data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import orjson
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def steps_from(start: np.datetime64, count: int) -> NDArray[np.datetime64]:
    """The first `count` steps of the unit of `start`: hours, or dates."""
    return start + np.arange(count).astype(f"timedelta64[{np.datetime_data(start)[0]}]")


@dataclass(frozen=True)
class Period:
    """Whole local days, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"The period ends on {self.last}, before it begins on {self.first}.")

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def overlaps(self, other: Period) -> bool:
        """Whether any day is in both."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, eq=False)
class Series:
    """One value a step without holes in time: a step without a measurement holds NaN.

    `start` is a datetime64 in hours (UTC) for an hourly series or in days (a local date) for a daily one; its unit is
    the step. `values` has the amount of each step (energy, count, mass) or its mean (temperature), in `unit`, a
    UN/CEFACT or UCUM code ("KWH", "Cel"). `zone` names the time zone in which days and weeks are counted.
    """

    name: str
    start: np.datetime64
    values: Values
    unit: str
    zone: str = "Europe/Belgrade"

    @property
    def is_daily(self) -> bool:
        """Whether a step is a local day; else it is an hour."""
        return bool(np.datetime_data(self.start)[0] == "D")

    @property
    def times(self) -> NDArray[np.datetime64]:
        """The beginning of each step: UTC hours or local dates."""
        return steps_from(self.start, len(self.values))

    def __len__(self) -> int:
        return len(self.values)

    def with_values(self, values: Values) -> Series:
        """The same steps with other values (same length)."""
        return replace(self, values=values)

    def digest(self) -> str:
        """SHA-256 over everything that a result could depend on; a report names the data that it is about by it."""
        head = orjson.dumps([self.name, str(self.start), len(self.values), self.unit, self.zone])
        values = np.where(np.isnan(self.values), np.nan, self.values).astype("<f8").tobytes()
        return hashlib.sha256(head + b"\n" + values).hexdigest()
