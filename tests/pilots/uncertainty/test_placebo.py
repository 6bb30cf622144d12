"""Conformal bounds hold what they promise; too few runs widen them and are said."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pilots.made import building, warmth

from vidik.pilots.measurement.series import Period
from vidik.pilots.uncertainty.conformal import Ranked
from vidik.pilots.uncertainty.guideline_14 import guideline_14
from vidik.pilots.uncertainty.placebo import (
    EXPERIENCE,
    Placebo,
    bounds,
    moved_periods,
    p_value,
    placebo_interval,
    placebo_runs,
    ranked,
)

FIT = Period(date(2022, 1, 1), date(2022, 12, 31))
TEST = Period(date(2023, 1, 1), date(2023, 12, 31))


def runs(scores: list[float]) -> list[Placebo]:
    return [Placebo(f"m{number}", FIT, TEST, 0.0, score, 1.0) for number, score in enumerate(scores)]


class TestBounds:
    def test_coverage_is_what_was_asked_for(self) -> None:
        generator = np.random.default_rng(5)
        inside = above = 0
        for _ in range(2_000):
            scores = np.exp(generator.normal(0, 0.5, 40)) - 1.2
            low, high, _ = bounds(Ranked.of(scores[:-1].tolist()), 0.9)
            inside += low <= scores[-1] <= high
            above += scores[-1] < low

        assert 0.89 <= inside / 2_000 <= 0.97
        assert above / 2_000 <= 0.06

    @given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.sampled_from([0.8, 0.9, 0.95]))
    def test_no_more_runs_fall_outside_than_the_level_allows(self, scores: list[float], level: float) -> None:
        low, high, _ = bounds(Ranked.of(scores), level)

        assert sum(not low <= score <= high for score in scores) <= (1 - level) * (len(scores) + 1)
        assert low <= 0 <= high

    def test_too_few_widen_and_say_so(self) -> None:
        low, high, note = bounds(Ranked.of([0.1, -1.2, 0.05]), 0.9)

        assert (low, high) == (-2.4, 2.4)
        assert note is not None
        assert "too few" in note

    def test_a_few_that_happen_to_agree_do_not_make_it_narrow(self) -> None:
        low, high, _ = bounds(Ranked.of([0.01, -0.02]), 0.9)

        assert (low, high) == (-EXPERIENCE, EXPERIENCE)

    def test_without_any_nothing_is_claimed(self) -> None:
        interval = placebo_interval(90.0, 100.0, 0.1, Ranked.of([]), 0.9)

        assert interval.high == math.inf
        assert interval.low == -90.0
        assert interval.note is not None

    @given(st.floats(0, 0.6), st.floats(-0.3, 0.3))
    def test_a_true_saving_is_covered_just_as_none_is(self, saving: float, error: float) -> None:
        placebos = ranked(runs([0.01 * number for number in range(-15, 16)]))
        without = placebo_interval(100 * math.exp(error), 100.0, 1.0, placebos, 0.9)
        measured = 100 * math.exp(error) * (1 - saving)
        with_saving = placebo_interval(measured, 100.0, 1.0, placebos, 0.9)
        truth = 100 * math.exp(error) - measured

        assert (with_saving.low <= truth <= with_saving.high) == (without.low <= 0 <= without.high)

    def test_the_p_value_counts_this_run_too(self) -> None:
        assert p_value(50.0, 100.0, 1.0, ranked(runs([0.1] * 19))) == pytest.approx(0.05)
        assert p_value(50.0, 100.0, 1.0, Ranked.of([])) is None


class TestRanked:
    @given(st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=30), st.data())
    def test_leaving_some_out_is_as_if_they_had_never_been(self, scores: list[float], data: st.DataObject) -> None:
        out = data.draw(st.lists(st.sampled_from(range(len(scores))), unique=True))
        left = Ranked.of(scores).without(scores[place] for place in out)
        fresh = Ranked.of(score for place, score in enumerate(scores) if place not in out)
        ranks = range(1, fresh.count + 1)

        assert left.count == fresh.count
        assert [left.score(rank) for rank in ranks] == [fresh.score(rank) for rank in ranks]
        assert [left.size(rank) for rank in ranks] == [fresh.size(rank) for rank in ranks]
        assert left.at_least(0.5) == fresh.at_least(0.5) == sum(abs(score) >= 0.5 for score in fresh.ordered)


class TestPlacebos:
    def test_moved_periods_never_touch_the_reporting_period(self) -> None:
        pairs = moved_periods(FIT, TEST, building("office"))

        assert pairs == [(FIT, TEST), (Period(date(2021, 1, 1), date(2021, 12, 31)), FIT)]

    def test_steady_meters_give_small_errors_and_drifting_ones_large(self) -> None:
        steady, drifting = (
            placebo_runs([building("m", drift=drift)], warmth(), FIT, TEST)[0].fraction for drift in (0.0, 0.3)
        )

        assert abs(steady) < 0.02
        assert drifting < -0.15


class TestGuideline14:
    def test_scatter_that_does_not_repeat_itself_gives_the_textbook_interval(self) -> None:
        residuals = np.random.default_rng(0).normal(0, 1, 365)

        interval = guideline_14(0.0, residuals, 5, 365, 0.9)

        assert interval is not None
        assert interval.high == pytest.approx(1.26 * 1.645 * math.sqrt(365), rel=0.15)

    def test_too_few_days_give_none(self) -> None:
        assert guideline_14(0.0, np.ones(4), 5, 365, 0.9) is None
