"""Models on buildings that are known, because they were made: the right one is chosen, closures come back."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pilots.made import FIRST, building, hours, warmth

from vidik.pilots.baselines.clock import find_clock
from vidik.pilots.baselines.closures import easter, find_closures, orthodox_easter
from vidik.pilots.baselines.counterfactual import Counterfactual, project
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.baselines.statistics import cv_rmse, nmbe, r_squared
from vidik.pilots.measurement.series import Period, Series

FIT = Period(date(2021, 1, 1), date(2021, 12, 31))
TEST = Period(date(2022, 1, 1), date(2022, 12, 31))


def projected(series: Series, temperature: Series | None, model: ModelName | None = None) -> Counterfactual:
    run = project(series, temperature, FIT, TEST, model=model)
    assert run is not None
    return run


class TestChoice:
    def test_an_office_is_known_to_its_noise(self) -> None:
        fit = projected(building("office"), warmth()).reporting_fit()

        assert fit.cv_rmse_hourly is not None
        assert fit.cv_rmse_hourly < 0.12
        assert fit.within_guideline_14

    def test_time_of_week_and_temperature_is_chosen_for_an_office(self) -> None:
        assert projected(building("office"), warmth()).fitted.name == "time_of_week_temperature"

    def test_a_signature_is_chosen_for_a_heating(self) -> None:
        heat = np.maximum(16 - warmth().values, 0) * np.random.default_rng(1).normal(1, 0.3, hours())
        run = projected(Series("heat", FIRST, np.maximum(heat, 0), "MWH", "UTC"), warmth())

        assert run.fitted.name == "hourly_signature"

    @pytest.mark.parametrize("model", ["time_of_week_temperature", "hourly_signature", "mean_week"])
    def test_a_model_can_be_prescribed(self, model: ModelName) -> None:
        assert projected(building("office"), warmth(), model).fitted.name == model

    def test_without_weather_there_is_a_model_too(self) -> None:
        fit = projected(building("office"), None).reporting_fit()

        assert fit.cv_rmse_daily is not None
        assert fit.cv_rmse_daily < 0.2

    def test_a_daily_meter_is_known_by_its_days(self) -> None:
        office = building("office")
        daily = Series(
            "office", np.datetime64("2021-01-01", "D"), office.values.reshape(-1, 24).sum(axis=1), "KWH", "UTC"
        )
        fit = projected(daily, warmth()).reporting_fit()

        assert fit.cv_rmse_hourly is None
        assert fit.cv_rmse_daily is not None
        assert fit.cv_rmse_daily < 0.1

    def test_nothing_to_fit_gives_nothing(self) -> None:
        empty = building("office").with_values(np.full(hours(), np.nan))

        assert project(empty, warmth(), FIT, TEST) is None

    def test_what_is_reported_changes_nothing_in_the_prediction(self) -> None:
        office = building("office")
        other = office.values.copy()
        other[24 * 365 :] *= 0.5

        first, second = projected(office, warmth()), projected(office.with_values(other), warmth())

        assert second.predicted_total == pytest.approx(first.predicted_total)

    @settings(max_examples=12)
    @given(st.floats(0.001, 1000), st.integers(0, 3))
    def test_units_do_not_matter(self, factor: float, seed: int) -> None:
        office = building("office", 2, seed=seed)
        run, scaled = (
            projected(office, None, "mean_week"),
            projected(office.with_values(office.values * factor), None, "mean_week"),
        )

        assert scaled.fraction == pytest.approx(run.fraction, abs=1e-6)


class TestClosures:
    @pytest.mark.parametrize(
        ("year", "western", "eastern"),
        [
            (2018, date(2018, 4, 1), date(2018, 4, 8)),
            (2024, date(2024, 3, 31), date(2024, 5, 5)),
            (2025, date(2025, 4, 20), date(2025, 4, 20)),
        ],
    )
    def test_easter(self, year: int, western: date, eastern: date) -> None:
        assert (easter(year), orthodox_easter(year)) == (western, eastern)

    def test_holidays_of_the_baseline_come_back_by_their_rules(self) -> None:
        days = np.arange(np.datetime64("2018-01-01"), np.datetime64("2020-01-01"))
        working = (days.astype(int) + 3) % 7 < 5
        expected = np.where(working, 10.0, 4.0)
        closed = {
            "2018-03-30",
            "2018-04-02",
            "2018-05-28",
            "2018-12-24",
            "2018-12-25",
            "2018-12-26",
            "2018-12-27",
            "2018-12-31",
        }
        actual = np.where([str(day) in closed for day in days], 4.0, expected)
        baseline = days < np.datetime64("2019-01-01")

        found = find_closures(days, np.where(baseline, actual, np.nan), expected, baseline)

        foretold = {str(day) for day in days[(found.holidays | found.turn_of_year) & ~baseline]}
        assert foretold >= {"2019-04-19", "2019-04-22", "2019-05-27", "2019-12-24", "2019-12-30", "2019-12-31"}
        assert not foretold & {"2019-03-29", "2019-04-02", "2019-05-28", "2019-06-17"}


class TestClock:
    def test_people_who_change_their_clock_are_noticed(self) -> None:
        local = building("office")
        moved = local.values.copy()
        for first, last in (("2021-03-28T01", "2021-10-31T01"), ("2022-03-27T01", "2022-10-30T01")):
            a, b = (int((np.datetime64(time, "h") - FIRST).astype(int)) for time in (first, last))
            moved[a:b] = local.values[a + 1 : b + 1]

        assert find_clock([local.with_values(moved)], warmth(), FIT) == "Europe/London"
        assert find_clock([local], warmth(), FIT) == "UTC"


class TestStatistics:
    @given(st.lists(st.floats(0.1, 1e3), min_size=3, max_size=50))
    def test_a_perfect_prediction_has_no_error(self, numbers: list[float]) -> None:
        values = np.array(numbers)

        assert cv_rmse(values, values) == 0
        assert nmbe(values, values) == 0

    def test_a_prediction_of_the_mean_explains_nothing(self) -> None:
        values = np.array([1.0, 2.0, 3.0])

        assert r_squared(values, np.full(3, 2.0)) == pytest.approx(0)
        assert nmbe(values, np.full(3, 1.0)) == pytest.approx(0.5)

    def test_nothing_measured_has_no_figures(self) -> None:
        nothing = np.full(5, np.nan)

        assert cv_rmse(nothing, nothing) is None
        assert nmbe(np.zeros(5), np.zeros(5)) is None
