"""What is saved in an hour has the price of that hour, also on days when clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.pilots.made import building, hours, warmth
from tests.pilots.test_evaluation import specification

from vidik.pilots.evaluation import evaluate
from vidik.pilots.ledger.worth import worth
from vidik.pilots.measurement.grid import day_grid, local_hours
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Outcome
from vidik.pilots.plain import plain
from vidik.pilots.plans.adjusting import adjust
from vidik.pilots.specification import Adjustment, Band, Factor, Specification

ZONE = "Europe/Belgrade"
NIGHT = (23, 0, 1, 2, 3, 4, 5, 6)
DAY_PRICE, NIGHT_PRICE = Decimal(12), Decimal(3)


def two_prices() -> tuple[Band, ...]:
    """A dear day and a cheap night."""
    day = tuple(hour for hour in range(24) if hour not in NIGHT)
    return tuple(
        Band(price=Factor(value=price, unit="RSD/KWH", source="test", year=2023), hours=of)
        for price, of in ((DAY_PRICE, day), (NIGHT_PRICE, NIGHT))
    )


def a_plan(*units: str) -> Specification:
    """A year against the year before, in Belgrade's hours, at two prices, without donors."""
    return specification(*units).model_copy(update={"zone": ZONE, "tariff": two_prices(), "donors": ()})


def local(series: Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The hour on the wall of each step."""
    return local_hours(series) % 24


def saving_at_night(name: str = "unit", share: float = 0.5, seed: int = 2) -> Series:
    """A building that from 2023 on uses less by night, and no less by day."""
    whole = replace(building(name, seed=seed), zone=ZONE)
    saved = (np.arange(hours()) >= hours(2)) & np.isin(local(whole), NIGHT)
    return whole.with_values(np.where(saved, whole.values * (1 - share), whole.values))


def weather() -> Series:
    """What drives the heating."""
    return replace(warmth(), zone=ZONE)


def by_days(series: Series) -> Series:
    """The same, read once a day."""
    grid = day_grid(series)
    return Series(series.name, grid.first, grid.daily(series.values), series.unit, series.zone)


@pytest.fixture(scope="module")
def found() -> Outcome:
    return evaluate(a_plan("unit"), {"unit": saving_at_night()}, {}, weather())


class TestHours:
    def test_a_saving_by_night_has_the_price_of_the_night(self, found: Outcome) -> None:
        assert found.saving > 5000
        money = float(worth(a_plan("unit"), found).money.value)
        assert money == pytest.approx(found.saving * float(NIGHT_PRICE), rel=0.08)

    def test_money_is_that_of_each_hour_by_the_clock_on_the_wall(self, found: Outcome) -> None:
        assert found.hours is not None
        total, first = 0.0, found.hours.saving.times[0].astype(int)
        for number, saved in enumerate(np.nan_to_num(found.hours.saving.values)):
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=int(first) + number)
            price = NIGHT_PRICE if moment.astimezone(ZoneInfo(ZONE)).hour in NIGHT else DAY_PRICE
            total += float(saved) * float(price)
        assert float(worth(a_plan("unit"), found).money.value) == pytest.approx(total, abs=0.02)

    def test_hours_add_up_to_their_day_also_where_clocks_change(self, found: Outcome) -> None:
        assert found.hours is not None
        days = local_hours(found.hours.saving) // 24
        rows = days - days[0]
        lengths = np.bincount(rows)
        assert (lengths[date(2023, 3, 26).timetuple().tm_yday - 1], lengths.min()) == (23, 23)
        assert (lengths[date(2023, 10, 29).timetuple().tm_yday - 1], lengths.max()) == (25, 25)
        sums = np.bincount(rows, weights=np.nan_to_num(found.hours.saving.values))
        daily = np.array(found.course.counterfactual) - np.array(found.course.actual)
        assert sums == pytest.approx(np.nan_to_num(daily), abs=1e-6)

    def test_missing_hours_of_a_day_that_counts_are_made_up_for_by_the_others(self) -> None:
        series = saving_at_night()
        values = series.values.copy()
        values[hours(2) + 40 * 24 + 12] = np.nan
        found = evaluate(a_plan("unit"), {"unit": series.with_values(values)}, {}, weather())
        assert found.hours is not None
        assert np.nansum(found.hours.saving.values) == pytest.approx(found.saving, rel=1e-9)
        assert np.nansum(found.hours.use.values) == pytest.approx(found.actual, rel=1e-9)

    def test_years_add_up_to_the_whole(self) -> None:
        plan = a_plan("unit")
        reporting = plan.reporting.model_copy(update={"first": date(2022, 11, 1)})
        baseline = plan.baseline.model_copy(update={"first": date(2021, 1, 2), "last": date(2022, 10, 31)})
        plan = plan.model_copy(update={"reporting": reporting, "baseline": baseline})
        found = evaluate(plan, {"unit": saving_at_night()}, {}, weather())
        priced = worth(plan, found)
        assert [part.year for part in priced.years] == [2022, 2023]
        assert sum(part.money.value for part in priced.years) == priced.money.value
        saved = float(priced.years[1].saving.value)
        assert float(priced.years[1].money.value) == pytest.approx(saved * float(NIGHT_PRICE), rel=0.08)

    def test_stay_out_of_the_plain_form(self, found: Outcome) -> None:
        assert "hours" not in plain(found)

    def test_an_adjustment_falls_evenly_on_the_hours_of_its_days(self, found: Outcome) -> None:
        one = Adjustment(
            first=date(2023, 10, 29), last=date(2023, 10, 29), amount_per_day=Decimal(50), reason="A fair."
        )
        moved = adjust(a_plan("unit").model_copy(update={"adjustments": (one,)}), found)
        assert found.hours is not None
        assert moved.hours is not None
        difference = np.nan_to_num(moved.hours.saving.values - found.hours.saving.values)
        assert difference[difference > 0] == pytest.approx(np.full(25, 2.0))


class TestDays:
    def test_are_spread_evenly_and_the_outcome_says_so(self) -> None:
        found = evaluate(a_plan("unit"), {"unit": by_days(saving_at_night())}, {}, None)
        assert found.hours is None
        money = float(worth(a_plan("unit"), found).money.value)
        assert money == pytest.approx(found.saving * (16 * float(DAY_PRICE) + 8 * float(NIGHT_PRICE)) / 24, rel=1e-4)
        (said,) = [one for one in found.findings if one.code == "spread-evenly"]
        assert said.values == {"units": "unit", "count": 1}

    def test_say_nothing_where_one_price_holds_all_day(self) -> None:
        plan = a_plan("unit").model_copy(update={"tariff": specification("unit").tariff})
        found = evaluate(plan, {"unit": by_days(saving_at_night())}, {}, None)
        assert [one for one in found.findings if one.code == "spread-evenly"] == []

    def test_beside_hours_are_spread_over_the_hours_of_their_days(self) -> None:
        units = {"hourly": saving_at_night("hourly"), "daily": by_days(saving_at_night("daily", seed=5))}
        found = evaluate(a_plan("hourly", "daily"), units, {}, None)
        assert found.hours is not None
        assert np.nansum(found.hours.saving.values) == pytest.approx(found.saving, rel=1e-9)
        (said,) = [one for one in found.findings if one.code == "spread-evenly"]
        assert said.values["units"] == "daily"
