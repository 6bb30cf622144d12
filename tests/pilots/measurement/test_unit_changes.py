"""Days that were written in another unit than the others, and what only looks like it."""

import numpy as np
import pytest
from tests.pilots.made import building, hours, warmth

from vidik.pilots.assessment import Assessment, assess
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.measurement.unit_changes import unit_changes
from vidik.pilots.outcome import is_blocked

FIT, TEST = (
    Period(np.datetime64(f"{year}-01-01").item(), np.datetime64(f"{year}-12-31").item()) for year in (2022, 2023)
)
DAY = 24


def days(count: int = 200, seed: int = 1) -> Values:
    return 100 * np.exp(np.random.default_rng(seed).normal(0, 0.1, count))


class TestUnitChanges:
    @pytest.mark.parametrize("factor", [1_000, 1 / 1_000, 3_600, 1 / 1_163, 277.8, 1e6])
    def test_a_stretch_is_found_with_its_factor(self, factor: float) -> None:
        amounts = days()
        amounts[60:100] *= factor

        (found,) = unit_changes(amounts)

        assert (found.first, found.last) == (60, 99)
        assert found.factor == pytest.approx(factor, rel=0.1)

    @pytest.mark.parametrize(("begin", "end"), [(0, 50), (150, 200)])
    def test_also_at_either_end(self, begin: int, end: int) -> None:
        amounts = days()
        amounts[begin:end] /= 1_000

        (found,) = unit_changes(amounts)

        assert (found.first, found.last, round(1 / found.factor, -2)) == (begin, end - 1, 1_000)

    def test_a_plant_at_rest_is_in_no_other_unit(self) -> None:
        amounts = days()
        amounts[60:150] = np.random.default_rng(2).choice([0.0, 0.1, 0.2, 0.4], 90)

        assert unit_changes(amounts) == []

    def test_nor_is_one_that_counts_a_little_now_and_then(self) -> None:
        """Substation L4 of Niš in the summer of 2022."""
        amounts = days()
        amounts[60:150] = 0
        amounts[60:150:6] = 0.06 * np.exp(np.random.default_rng(2).normal(0, 0.2, 15))

        assert unit_changes(amounts) == []

    def test_nor_is_one_of_which_half_is_switched_off(self) -> None:
        amounts = days()
        amounts[60:150] *= 0.03

        assert unit_changes(amounts) == []

    @pytest.mark.parametrize("amounts", [np.zeros(100), np.full(100, np.nan), np.full(100, 5.0), np.array([1.0, 1e3])])
    def test_nothing_to_find(self, amounts: Values) -> None:
        assert unit_changes(amounts) == []


class TestAssessment:
    def assessed(self, first_hour: int, last_hour: int, *, excluded: tuple[Period, ...] = ()) -> Assessment:
        meter = building("meter")
        values = meter.values.copy()
        values[first_hour:last_hour] /= 1_000
        changed: Series = meter.with_values(values)
        return assess(changed, warmth(), FIT, TEST, excluded=excluded)

    def test_days_in_another_unit_are_left_out_and_stop_the_verdict(self) -> None:
        found = self.assessed(hours(2) + 200 * DAY, hours(2) + 300 * DAY)

        assert found.run is not None
        assert abs(found.run.fraction) < 0.05
        assert is_blocked(found.findings)
        assert "standstill" not in {finding.code for finding in found.findings}

    def test_once_excluded_nothing_is_asked(self) -> None:
        found = self.assessed(hours(2) + 200 * DAY, hours(2) + 300 * DAY)
        (about,) = (finding for finding in found.findings if finding.code == "unit-changed")
        assert about.first is not None
        assert about.last is not None

        again = self.assessed(hours(2) + 200 * DAY, hours(2) + 300 * DAY, excluded=(Period(about.first, about.last),))

        assert not is_blocked(again.findings)
        assert "standstill" not in {finding.code for finding in again.findings}

    def test_where_too_few_days_remain_the_unit_is_the_reason(self) -> None:
        found = self.assessed(hours(2), hours(3))

        assert found.run is None
        assert (found.refusal or "").endswith("its unit was changed. Without these days too few remain.")
