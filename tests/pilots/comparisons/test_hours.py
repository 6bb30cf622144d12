"""Comparisons of hourly units know which hours saved: lamps that are dimmed at night save at the night's price."""

from datetime import date, timedelta

import numpy as np
import pytest
from tests.pilots.test_evaluation import specification
from tests.pilots.test_hourly import DAY_PRICE, NIGHT, NIGHT_PRICE, ZONE, local, two_prices

from vidik.pilots.evaluation import evaluate
from vidik.pilots.ledger.worth import worth
from vidik.pilots.measurement.grid import local_hours
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import Days, Design, Specification

FIRST, START, LAST = date(2023, 1, 1), date(2024, 1, 1), date(2024, 10, 31)
STREETS, DIMMED = 9, 0.4
DESIGNS: tuple[Design, ...] = ("difference_in_differences", "synthetic_control")


def lamps(*, dimmed: bool) -> dict[str, Series]:
    """Streets whose lamps burn from dusk to dawn, longer in winter; the first is dimmed at night from START on."""
    random = np.random.default_rng(3)
    begin = np.datetime64("2022-12-31T23", "h")
    count = int((np.datetime64("2024-10-31T23", "h") - begin).astype(int))
    blank = Series("", begin, np.zeros(count), "KWH", ZONE)
    hour, day = local(blank), local_hours(blank) // 24
    dusk = 18.5 - 1.8 * np.cos(2 * np.pi * (day % 365.25 - 10) / 365.25)
    dark = (hour >= dusk) | (hour < 24 - dusk)
    common = np.exp(random.normal(0, 0.03, count // 24 + 2))[day - day[0]]
    found = {}
    for number in range(STREETS):
        values = dark * common * 10 * (1 + number / 5) * np.exp(random.normal(0, 0.03, count))
        if number == 0 and dimmed:
            saves = (day >= int(np.datetime64(START).astype(int))) & np.isin(hour, NIGHT)
            values = np.where(saves, values * (1 - DIMMED), values)
        found[f"street {number}"] = Series(f"street {number}", begin, values, "KWH", ZONE)
    return found


def a_plan(design: Design) -> Specification:
    plan = specification("street 0").model_copy(
        update={
            "design": design,
            "option": "comparison",
            "zone": ZONE,
            "tariff": two_prices(),
            "baseline": Days(first=FIRST, last=date(2023, 12, 31)),
            "reporting": Days(first=START, last=LAST),
        }
    )
    street = plan.units[0]
    donors = tuple(street.model_copy(update={"name": f"street {number}"}) for number in range(1, STREETS))
    return plan.model_copy(update={"donors": donors})


def judged(design: Design, streets: dict[str, Series]) -> Outcome:
    donors = {name: street for name, street in streets.items() if name != "street 0"}
    return evaluate(a_plan(design), {"street 0": streets["street 0"]}, donors, None)


@pytest.mark.parametrize("design", DESIGNS)
def test_what_is_saved_at_night_has_the_price_of_the_night(design: Design) -> None:
    outcome = judged(design, lamps(dimmed=True))

    money = float(worth(a_plan(design), outcome).money.value)
    evenly = outcome.saving * (16 * float(DAY_PRICE) + 8 * float(NIGHT_PRICE)) / 24
    assert outcome.verdict == "saved"
    assert money == pytest.approx(outcome.saving * float(NIGHT_PRICE), rel=0.05)
    assert evenly > 2.9 * money, "as it was counted before"
    assert "spread-evenly" not in {finding.code for finding in outcome.findings}


@pytest.mark.parametrize("design", DESIGNS)
def test_hours_add_up_to_their_days_also_where_clocks_change(design: Design) -> None:
    streets = lamps(dimmed=True)
    values = streets["street 3"].values.copy()
    values[5_000:5_040] = np.nan
    outcome = judged(design, streets | {"street 3": streets["street 3"].with_values(values)})

    assert outcome.hours is not None
    row = local_hours(outcome.hours.saving) // 24
    sums = np.bincount(row - row[0], weights=np.nan_to_num(outcome.hours.saving.values))
    daily = np.array(outcome.course.counterfactual) - np.array(outcome.course.actual)
    assert sums == pytest.approx(np.nan_to_num(daily), abs=1e-6)
    assert np.nansum(outcome.hours.use.values) == pytest.approx(outcome.actual, rel=1e-9)


def test_a_daily_donor_leaves_days_alone_and_that_is_said() -> None:
    streets = lamps(dimmed=True)
    day = Series("street 8", np.datetime64(FIRST), np.random.default_rng(1).normal(100, 5, 670), "KWH", ZONE)

    outcome = judged("synthetic_control", streets | {"street 8": day})

    assert outcome.hours is None
    assert [finding.values["units"] for finding in outcome.findings if finding.code == "spread-evenly"] == ["street 0"]


def test_a_single_series_saves_in_the_hours_in_which_less_was_used() -> None:
    outcome = judged("single_series", lamps(dimmed=True))

    money = float(worth(a_plan("single_series"), outcome).money.value)
    assert outcome.hours is not None
    assert np.nansum(outcome.hours.saving.values) == pytest.approx(outcome.saving, rel=1e-9)
    evenly = outcome.saving * (16 * float(DAY_PRICE) + 8 * float(NIGHT_PRICE)) / 24
    noon = np.isin(local(outcome.hours.saving), (11, 12, 13))
    # Its foresight knows no season, so some of what it takes for saving falls on evenings; none on noon.
    assert money < 0.7 * evenly
    assert abs(np.nansum(outcome.hours.saving.values[noon])) < 0.01 * outcome.saving
    assert "spread-evenly" not in {finding.code for finding in outcome.findings}


def test_weeks_that_are_on_save_in_the_hours_of_their_days_only() -> None:
    on = tuple(date(2024, 1, 1) + timedelta(weeks=week) for week in range(1, 43, 2))
    street = lamps(dimmed=False)["street 0"]
    days = local_hours(street) // 24
    begun = np.isin(days - (days + 3) % 7, np.array(on, "datetime64[D]").astype(int))
    dimmed = street.with_values(
        np.where(begun & np.isin(local(street), NIGHT), street.values * (1 - DIMMED), street.values)
    )
    plan = a_plan("single_series").model_copy(update={"design": "randomised", "on_weeks": on, "donors": ()})

    outcome = evaluate(plan, {"street 0": dimmed}, {}, None)

    assert outcome.verdict == "saved"
    assert outcome.hours is not None
    assert np.nansum(outcome.hours.saving.values) == pytest.approx(outcome.saving, rel=1e-6)
    money = float(worth(plan, outcome).money.value)
    assert money == pytest.approx(outcome.saving * float(NIGHT_PRICE), rel=0.15)
    off = ~np.isin(
        (d := local_hours(outcome.hours.saving) // 24) - (d + 3) % 7, np.array(on, "datetime64[D]").astype(int)
    )
    assert np.nansum(np.abs(outcome.hours.saving.values[off])) == 0
    first = plan.model_copy(update={"estimator": 1})
    assert evaluate(first, {"street 0": dimmed}, {}, None).hours is None
