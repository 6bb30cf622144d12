"""How near a synthetic control comes, in worlds that differ: the errors of the foresight alone, without placebos."""

from __future__ import annotations

import numpy as np
import pytest
from bench.pilots_routes import BEGIN, WEEK, City, simulate
from bench.pilots_worlds import Amounts, made_of_three, three_and_a_level

from vidik.pilots.comparisons.estimators import ALIKE, BY_VERSION, Method
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.runs import pilot_run, weighted


def panel_of(amounts: Amounts, start: int) -> Panel:
    """The first route treated, all others to compare with."""
    names = tuple(f"route-{number}" for number in range(amounts.shape[1]))
    days = np.datetime64(BEGIN, "D") + np.arange(len(amounts))
    return Panel(days, amounts[:, :1], amounts[:, 1:], names[:1], names[1:], start)


def missed(method: Method, amounts: Amounts, start: int) -> float:
    """By how many points of the foreseen a pilot that truly saved a tenth is misjudged."""
    amounts = amounts.copy()
    amounts[start:, 0] *= 0.9
    panel = panel_of(amounts, start)
    return 100 * (pilot_run(weighted(method, panel), panel).fraction - 0.1)


def rms(errors: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


class TestSyntheticControl:
    @pytest.mark.parametrize("world", [made_of_three, three_and_a_level])
    def test_finds_the_few_units_that_make_up_the_pilot_s(self, world) -> None:
        errors = [missed(BY_VERSION[2], *world(seed)) for seed in range(6)]

        assert rms(errors) <= 0.9

    def test_is_near_the_least_that_is_possible_on_one_route(self) -> None:
        city = City(treated=1, routes=20)
        routes = [simulate(city, seed) for seed in range(40, 50)]

        wide = rms([missed(BY_VERSION[2], amounts, 52 * WEEK) for amounts in routes])
        first = rms([missed(BY_VERSION[1], amounts, 52 * WEEK) for amounts in routes])
        alike = rms([missed(ALIKE, amounts, 52 * WEEK) for amounts in routes])

        assert wide <= 1.4
        assert wide <= 1.1 * first
        assert wide < alike

    def test_says_the_same_of_the_same_data(self) -> None:
        amounts, start = made_of_three(3)

        assert missed(BY_VERSION[2], amounts, start) == missed(BY_VERSION[2], amounts, start)

    @pytest.mark.parametrize("version", [1, 2])
    def test_stands_constant_units_and_two_donors(self, version: int) -> None:
        amounts = np.tile([10.0, 20.0, 30.0], (30 * WEEK, 1))

        assert missed(BY_VERSION[version], amounts, 20 * WEEK) == pytest.approx(0, abs=1e-6)
