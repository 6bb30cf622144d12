"""Worth over years, against numpy-financial and by hand."""

from __future__ import annotations

import math

import numpy_financial
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.pilots.money.economics import (
    Conventions,
    annuity,
    carbon_prices,
    irr,
    npv,
    residual_value,
)

flows = st.lists(st.integers(-1000, 1000), min_size=2, max_size=30)
benefits = st.lists(st.integers(1, 1000), min_size=1, max_size=30)


class TestPresentValue:
    @given(flows, st.floats(0, 0.3))
    def test_is_that_of_numpy_financial(self, values: list[int], rate: float) -> None:
        assert math.isclose(npv(rate, values), numpy_financial.npv(rate, values), rel_tol=1e-9, abs_tol=1e-6)

    @given(st.integers(1, 40), st.floats(0.001, 0.2))
    def test_of_level_flows_is_an_annuity(self, years: int, rate: float) -> None:
        assert math.isclose(annuity(rate, years), npv(rate, [0] + [1] * years), rel_tol=1e-9)

    def test_refuses_a_rate_of_minus_one(self) -> None:
        with pytest.raises(ValueError, match="100 %"):
            npv(-1, [1, 1])


class TestRateOfReturn:
    @given(st.integers(1, 2000), benefits)
    def test_makes_the_present_value_zero(self, cost: int, values: list[int]) -> None:
        rate = irr([-cost, *values])

        assert rate is None or math.isclose(npv(rate, [-cost, *values]), 0, abs_tol=1e-6 * sum(values) + 1e-6)

    def test_is_that_of_numpy_financial(self) -> None:
        assert irr([-100, 39, 59, 55, 20]) == pytest.approx(numpy_financial.irr([-100, 39, 59, 55, 20]))

    @pytest.mark.parametrize("values", [[1, 2, 3], [-1, -2], [-100, 230, -132], []])
    def test_there_is_none_where_it_would_mislead(self, values: list[int]) -> None:
        assert irr(values) is None


class TestConventions:
    def test_carbon_prices_are_interpolated(self) -> None:
        rules = Conventions(first_year=2026, rsd_per_eur=1.0)

        assert carbon_prices(rules, 4)[-1] == pytest.approx(250)
        assert carbon_prices(rules, 1)[0] == pytest.approx(165 + 2 * 17)

    def test_what_outlives_the_period_has_a_residual_value(self) -> None:
        assert residual_value(100, 20, 15) == pytest.approx(25)
        assert residual_value(100, 10, 15) == 0
