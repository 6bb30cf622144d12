"""What a saving is worth by the frozen tariff and emission factor, as a whole and by calendar year. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.ledger.sums import CENT, Banded, YearPart, by_calendar_year
from vidik.pilots.measurement.grid import HOURS, local_hours
from vidik.pilots.measurement.series import Series
from vidik.pilots.money.emissions import avoided
from vidik.pilots.money.tariff import interval_value, value, vat_included
from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import Specification

_KILOGRAM = Decimal("0.001")  # of a tonne
_GRAM = Decimal("0.000001")


@dataclass(frozen=True)
class Exact:
    """An exact amount and its bounds; None where the interval is not bounded."""

    value: Decimal
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class YearWorth:
    """What of all this falls into a calendar year."""

    year: int
    days: int
    saving: Banded
    money: Exact
    tonnes: Exact | None


@dataclass(frozen=True)
class Worth:
    """A saving, after the plan's share, with its money and tonnes; the years sum to the whole exactly."""

    saving: Banded
    money: Exact
    currency: str
    vat_included: bool | None
    tonnes: Exact | None
    years: list[YearWorth]

    def plain_money(self) -> dict[str, Any]:
        """The money as screens show it."""
        return {
            "value": self.money.value,
            "low": self.money.low,
            "high": self.money.high,
            "currency": self.currency,
            "vat_included": self.vat_included,
        }


def worth(specification: Specification, outcome: Outcome, share: Decimal = Decimal(1)) -> Worth:
    """Price a saving; `share` is the part of it that this plan may count.

    Each hour's saving has its own local hour's price where the outcome knows hours; else a day's is spread evenly.
    Raises ValueError for a tariff or factor that does not fit the plan's unit; `check` of a plan says so before.
    """
    part = float(share)
    saving = Banded(outcome.saving, outcome.interval.low, outcome.interval.high).times(part)
    daily, used = _courses(specification, outcome)
    course, use = (outcome.hours.saving, outcome.hours.use) if outcome.hours is not None else (daily, used)
    bounds = interval_value(specification.tariff, course, outcome.interval.low, outcome.interval.high, use)
    money = _shared(Exact(value(specification.tariff, course, use), *(bounds or (None, None))), share)
    tonnes = _tonnes(specification, saving)
    days = outcome.course.days
    parts = by_calendar_year(days, (daily.values * part).tolist(), saving)
    years = _years(course)
    priced = [
        _times(
            value(specification.tariff, course.with_values(np.where(years == one.year, course.values, 0.0)), use), share
        )
        for one in parts
    ]
    return Worth(
        saving,
        money,
        specification.currency,
        vat_included(specification.tariff),
        tonnes,
        _by_year(specification, parts, money, priced, tonnes),
    )


def _courses(specification: Specification, outcome: Outcome) -> tuple[Series, Series]:
    course = outcome.course
    start = np.datetime64(course.days[0], "D")
    actual = np.asarray(course.actual, np.float64)
    saved = np.asarray(course.counterfactual, np.float64) - actual
    unit = specification.units[0].unit
    return (
        Series("saving", start, saved, unit, specification.zone),
        Series("use", start, actual, unit, specification.zone),
    )


def _years(course: Series) -> NDArray[np.int64]:
    """The local calendar year of each step."""
    days = course.times if course.is_daily else (local_hours(course) // HOURS).astype("datetime64[D]")
    return np.asarray(days.astype("datetime64[Y]").astype(np.int64) + 1970)


def _tonnes(specification: Specification, saving: Banded) -> Exact | None:
    factor = specification.emissions
    if factor is None:
        return None
    unit = specification.units[0].unit

    def mass(amount: float) -> Decimal | None:
        return (avoided(factor, amount, unit) * _KILOGRAM).quantize(_GRAM) if np.isfinite(amount) else None

    return Exact(mass(saving.value) or Decimal(0), mass(saving.low), mass(saving.high))


def _by_year(
    specification: Specification, parts: list[YearPart], money: Exact, priced: list[Decimal], tonnes: Exact | None
) -> list[YearWorth]:
    """Bounds by days, as the saving's; what rounding leaves goes to the last year, so that all sums are exact."""
    moneys = _spread(money, priced, [part.days for part in parts], CENT)
    masses: list[Exact] | list[None] = [None] * len(parts)
    if tonnes is not None:
        values = [(_tonnes(specification, part.saving) or tonnes).value for part in parts]
        masses = _spread(tonnes, values, [part.days for part in parts], _GRAM)
    return [
        YearWorth(part.year, part.days, part.saving, of_money, of_mass)
        for part, of_money, of_mass in zip(parts, moneys, masses, strict=True)
    ]


def _spread(whole: Exact, values: list[Decimal], days: list[int], step: Decimal) -> list[Exact]:
    values = [*values[:-1], whole.value - sum(values[:-1], Decimal(0))]

    def bounds(bound: Decimal | None) -> list[Decimal | None]:
        if bound is None:
            return [None] * len(values)
        own: list[Decimal | None] = []
        left = bound
        for value_, count in zip(values[:-1], days, strict=False):
            one = (value_ + (bound - whole.value) * count / sum(days)).quantize(step, ROUND_HALF_EVEN)
            own.append(one)
            left -= one
        return [*own, left]

    return [Exact(*one) for one in zip(values, bounds(whole.low), bounds(whole.high), strict=True)]


def _shared(exact: Exact, share: Decimal) -> Exact:
    low = None if exact.low is None else _times(exact.low, share)
    high = None if exact.high is None else _times(exact.high, share)
    return Exact(_times(exact.value, share), low, high)


def _times(amount: Decimal, share: Decimal) -> Decimal:
    return (amount * share).quantize(CENT, ROUND_HALF_EVEN)
