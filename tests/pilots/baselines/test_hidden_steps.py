"""A step inside the year that a baseline is learned from: asked about, not taken for season."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from tests.pilots.made import FIRST, building, hours, warmth

from vidik.pilots.assessment import hidden_steps_of
from vidik.pilots.baselines.counterfactual import Counterfactual, project
from vidik.pilots.baselines.hidden_steps import hidden_step
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.outcome import Finding

BASELINE = Period(date(2022, 1, 1), date(2022, 12, 31))
REPORTING = Period(date(2023, 1, 1), date(2023, 12, 31))


def stepped(begin: date, share: float, seed: int = 2) -> Series:
    """A building that uses `share` more from a day on, for good."""
    whole = building("hall", seed=seed)
    at = int((np.datetime64(begin, "h") - FIRST).astype(int))
    return whole.with_values(np.where(np.arange(hours()) >= at, whole.values * (1 + share), whole.values))


def run_of(series: Series, baseline: Period = BASELINE) -> Counterfactual:
    run = project(series, warmth(), baseline, REPORTING)
    assert run is not None
    return run


class TestHiddenStep:
    @pytest.mark.parametrize("share", [-0.3, 0.3])
    @pytest.mark.parametrize("begin", [date(2022, 3, 21), date(2022, 7, 4), date(2022, 10, 17)])
    def test_a_step_is_found_with_its_day_and_size(self, begin: date, share: float) -> None:
        found = hidden_step(run_of(stepped(begin, share)))

        assert found is not None
        assert found.first is not None
        assert abs(found.first - begin) <= timedelta(days=21)
        assert float(found.values["size"]) == pytest.approx(share, abs=0.15)
        assert (found.code, found.subject, found.last) == ("step", "hall", BASELINE.last)

    def test_few_questions_where_nothing_happened(self) -> None:
        asked = [seed for seed in range(20) if hidden_step(run_of(building("hall", seed=seed))) is not None]

        assert len(asked) <= 1

    def test_a_drift_from_year_to_year_is_no_step(self) -> None:
        assert hidden_step(run_of(building("hall", drift=0.1))) is None

    def test_a_baseline_without_a_season_hides_none(self) -> None:
        spring = Period(date(2022, 3, 1), date(2022, 5, 15))

        assert hidden_step(run_of(stepped(date(2022, 4, 11), -0.3), spring)) is None

    def test_missing_days_do_no_harm(self) -> None:
        series = stepped(date(2022, 7, 4), -0.3)
        holes = series.values.copy()
        holes[hours(1) + 24 * 40 : hours(1) + 24 * 75] = np.nan
        holes[:: 24 * 9] = np.nan

        found = hidden_step(run_of(series.with_values(holes)))

        assert found is not None
        assert found.first is not None
        assert abs(found.first - date(2022, 7, 4)) <= timedelta(days=21)

    def test_a_step_that_is_asked_about_already_is_asked_about_once(self) -> None:
        run = run_of(stepped(date(2022, 7, 4), -0.3))
        known = Finding("step", "warning", "It fell. What happened?", "hall", date(2022, 6, 27), date(2022, 12, 31))
        other = replace(known, subject="another meter")

        assert hidden_steps_of(run, [known], REPORTING.first) == []
        assert len(hidden_steps_of(run, [other], REPORTING.first)) == 1

    def test_a_meter_that_counts_nothing_is_left_alone(self) -> None:
        nothing = building("hall").with_values(np.zeros(hours()))

        run = project(nothing, warmth(), BASELINE, REPORTING)

        assert run is None or hidden_step(run) is None
