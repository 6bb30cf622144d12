"""One meter under two names is found, and like meters are not taken for one."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from tests.pilots.made import building

from vidik.kernel.errors import Unprocessable
from vidik.pilots.measurement.series import Period
from vidik.pilots.measurement.twins import Pulses, pulse_of, same_course, twins_among, without_twins

YEAR = Period(date(2021, 1, 1), date(2021, 12, 31))


def days(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.tile([10.0, 9, 9, 9, 11, 4, 0], 20) * np.exp(random.normal(0, 0.1, 140))


class TestSameCourse:
    def test_a_copy_with_fewer_digits_and_some_other_days_is_the_same(self) -> None:
        copy = np.round(days(1), 3)
        copy[30:38] = np.nan
        copy[60:68] *= 1.3

        assert same_course(days(1), copy)

    def test_one_as_lively_is_another(self) -> None:
        assert not same_course(days(1), days(2))

    def test_one_that_differs_by_a_hundredth_is_another(self) -> None:
        assert not same_course(days(1), days(1) * np.exp(np.random.default_rng(3).normal(0, 0.01, 140)))

    def test_what_only_repeats_itself_says_nothing(self) -> None:
        assert not same_course(np.tile([10.0, 9, 9, 9, 11, 4, 0], 20), np.tile([10.0, 9, 9, 9, 11, 4, 0], 20))
        assert not same_course(np.zeros(140), np.zeros(140))


class TestWithoutTwins:
    def test_a_donor_counts_once(self) -> None:
        remaining, findings = without_twins({"a": days(1)}, {"b": days(2), "c": days(2), "d": days(3)})

        assert remaining == ["b", "d"]
        assert [(one.code, one.subject, one.values["other"]) for one in findings] == [("donor-twice", "c", "b")]

    def test_a_unit_is_not_its_own_donor(self) -> None:
        with pytest.raises(Unprocessable, match=r"compared with itself. Take it out"):
            without_twins({"a": days(1)}, {"b": days(2), "c": days(1)})

    def test_a_unit_is_not_counted_twice(self) -> None:
        with pytest.raises(Unprocessable, match=r"counted twice. Take one"):
            without_twins({"a": days(1), "b": days(1)}, {})


class TestTwinsAmong:
    def test_finds_the_same_meter_and_no_other(self) -> None:
        pulses = [pulse_of(building(f"m{seed}", seed=seed), YEAR) for seed in (2, 3, 4, 3)]

        assert twins_among(Pulses([*pulses, b""]).weeks()) == {1: [3], 3: [1]}

    def test_a_share_of_a_meter_is_the_same_meter(self) -> None:
        whole = building("whole")
        share = whole.with_values(np.round(whole.values * 0.37, 2))

        assert twins_among(Pulses([pulse_of(whole, YEAR), pulse_of(share, YEAR)]).weeks()) == {0: [1], 1: [0]}

    def test_nothing_is_no_twin_of_nothing(self) -> None:
        assert twins_among(Pulses([b"", b""]).weeks()) == {}
        assert twins_among(Pulses().weeks()) == {}
