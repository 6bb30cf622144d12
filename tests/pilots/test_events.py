"""Events: found where they are, silent where nothing happened."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from vidik.pilots.events import find_events
from vidik.pilots.outcome import Finding

DAYS = np.arange(np.datetime64("2023-01-02"), np.datetime64("2024-12-30"))


def fading(random: np.random.Generator, spread: float, memory: float) -> np.ndarray:
    """Noise that remembers the day before."""
    fresh = random.normal(0, spread * np.sqrt(1 - memory**2), len(DAYS) + 50)
    noise = np.zeros_like(fresh)
    for day in range(1, len(fresh)):
        noise[day] = memory * noise[day - 1] + fresh[day]
    return noise[50:]


def course(seed: int, memory: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Actual and expected of a meter with a season, where nothing happened."""
    expected = 100 * (1 + 0.4 * np.sin(np.arange(len(DAYS)) / 58.1))
    return expected * (1 + fading(np.random.default_rng(seed), 0.1, memory)), expected


def found(code: str, findings: list[Finding]) -> list[Finding]:
    """Those of one kind."""
    return [finding for finding in findings if finding.code == code]


class TestFindEvents:
    def test_a_step_with_its_day_and_size(self) -> None:
        actual, expected = course(1)
        actual[400:] *= 1.3

        step = found("step", find_events(DAYS, actual, expected, "L4"))[0]

        assert step.first is not None
        assert abs(step.first - DAYS[400].astype(object)) <= timedelta(days=14)
        assert step.values["size"] == pytest.approx(0.3, abs=0.06)
        assert step.subject == "L4"

    def test_a_step_between_two_heating_seasons(self) -> None:
        """Summers without heat lie between; the level of the third season is 30 % above the second."""
        actual, expected = course(2)
        summer = (DAYS.astype("datetime64[M]").astype(int) % 12 >= 4) & (
            DAYS.astype("datetime64[M]").astype(int) % 12 <= 8
        )
        expected[summer], actual[summer] = 1.0, 0.0
        actual[np.datetime64("2024-09-01") <= DAYS] *= 1.3

        step = found("step", find_events(DAYS, actual, expected))[0]

        assert step.first is not None
        assert date(2024, 4, 15) <= step.first <= date(2024, 10, 15)

    def test_a_fall_from_far_above_the_expected_is_one_of_less_than_all(self) -> None:
        expected = np.full(len(DAYS), 100.0)
        actual = expected * 12.0 * (1 + 0.02 * np.random.default_rng(4).standard_normal(len(DAYS)))
        actual[400:] /= 8

        step = found("step", find_events(DAYS, actual, expected))[0]

        assert step.values["size"] == pytest.approx(-0.875, abs=0.01)

    def test_a_step_that_ends_again(self) -> None:
        actual, expected = course(3)
        actual[300:400] *= 0.6

        step = found("step", find_events(DAYS, actual, expected))[0]

        assert step.first is not None
        assert step.last is not None
        assert abs(step.first - DAYS[300].astype(object)) <= timedelta(days=14)
        assert abs(step.last - DAYS[399].astype(object)) <= timedelta(days=14)

    def test_a_slow_drift(self) -> None:
        actual, expected = course(4)
        actual *= 1 + 0.4 * np.arange(len(DAYS)) / len(DAYS)

        drift = found("slow_drift", find_events(DAYS, actual, expected))

        assert drift
        assert float(drift[0].values["size"]) == pytest.approx(0.4, abs=0.12)

    def test_a_changed_week(self) -> None:
        actual, expected = course(5)
        weekday = (DAYS.astype(int) + 3) % 7
        after = np.arange(len(DAYS)) >= 350
        actual[after & (weekday == 6)] *= 0.1
        actual[after & (weekday == 0)] += 0.9 * expected[after & (weekday == 0)]

        changed = found("weekly_pattern_changed", find_events(DAYS, actual, expected))

        assert changed
        assert changed[0].first is not None
        assert abs(changed[0].first - DAYS[350].astype(object)) <= timedelta(days=14)

    def test_the_pilots_own_start_is_no_event(self) -> None:
        actual, expected = course(6)
        actual[365:] *= 0.7

        assert find_events(DAYS, actual, expected)
        assert not find_events(DAYS, actual, expected, start=DAYS[365].astype(object))

    def test_one_holiday_week_is_no_event(self) -> None:
        actual, expected = course(7)
        actual[200:207] *= 0.2

        assert not find_events(DAYS, actual, expected)

    @pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
    def test_few_alarms_where_nothing_happened(self, memory: float) -> None:
        alarms = sum(bool(find_events(DAYS, *course(seed, memory))) for seed in range(40))

        assert alarms <= 3

    def test_missing_days_do_no_harm(self) -> None:
        actual, expected = course(8)
        actual[::9] = np.nan
        expected[100:140] = np.nan

        assert not find_events(DAYS, actual, expected)

    @pytest.mark.parametrize("days", [0, 1, 20])
    def test_too_little_is_said_nothing_of(self, days: int) -> None:
        actual, expected = course(9)

        assert find_events(DAYS[:days], actual[:days], expected[:days]) == []
