"""The width of an interval: never narrower than what the placebo runs say."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidik.pilots.comparisons.estimators import relative, simplex, synthetic_controls
from vidik.pilots.comparisons.second_opinion import plain_weights
from vidik.pilots.uncertainty.conformal import enough, p_value, width

errors = st.lists(st.floats(-1, 1), min_size=1, max_size=60).map(np.array)


class TestWidth:
    def test_nine_runs_are_enough_for_ninety_per_cent(self) -> None:
        assert enough(0.9) == 9
        assert enough(0.95) == 19

    def test_is_infinite_without_runs(self) -> None:
        assert math.isinf(width(np.empty(0), 0.9).half)

    @given(errors)
    def test_says_so_when_runs_are_too_few(self, runs: np.ndarray) -> None:
        assert (width(runs, 0.9).note is not None) == (len(runs) < 9)

    @given(errors)
    def test_holds_at_least_nine_tenths_of_the_runs(self, runs: np.ndarray) -> None:
        inside = np.mean(np.abs(runs) <= width(runs, 0.9).half + 1e-12)

        assert inside >= 0.9 - 1e-9

    @given(errors, st.floats(0.1, 10))
    def test_grows_with_the_errors(self, runs: np.ndarray, factor: float) -> None:
        assert math.isclose(width(runs * factor, 0.9).half, factor * width(runs, 0.9).half, rel_tol=1e-6, abs_tol=1e-9)

    @given(st.lists(st.floats(-1, 1), min_size=12, max_size=40).map(np.array))
    def test_fewer_independent_runs_are_not_taken_for_many(self, runs: np.ndarray) -> None:
        assert width(runs, 0.9, 3).half >= np.sqrt(np.mean(runs**2)) * 2.3
        assert width(runs, 0.9, 3).note is not None

    def test_covers_new_errors_as_promised(self) -> None:
        random = np.random.default_rng(1)
        covered = [abs(random.normal()) <= width(random.normal(size=14), 0.9).half for _ in range(2_000)]

        assert 0.885 <= np.mean(covered) <= 0.95


class TestPValue:
    def test_counts_the_pilot_itself(self) -> None:
        assert p_value(np.array([0.01] * 19), 0.5) == 0.05

    def test_there_is_none_without_runs(self) -> None:
        assert p_value(np.empty(0), 0.5) is None


class TestWeights:
    def test_are_those_of_pysyncon(self) -> None:
        """An oracle: another's code solves the same problem by another method."""
        random = np.random.default_rng(3)
        movements = random.normal(size=(52, 3)) @ random.normal(size=(3, 9)) * 0.05
        donors = 10 * (1 + movements + random.normal(0, 0.02, (52, 9)))
        unit = donors[:, :3].mean(axis=1) + random.normal(0, 0.1, 52)
        inputs, outcome = relative(donors, donors), relative(unit, unit)

        ours, theirs = simplex(inputs, outcome), plain_weights(inputs, outcome)

        assert ours.min() >= 0
        assert math.isclose(ours.sum(), 1)
        assert np.sum((inputs @ ours - outcome) ** 2) <= np.sum((inputs @ theirs - outcome) ** 2) + 1e-9
        np.testing.assert_allclose(ours, theirs, atol=0.05)

    def test_a_copy_among_the_donors_gets_all_the_weight(self) -> None:
        donors = np.random.default_rng(4).normal(size=(40, 6))

        np.testing.assert_allclose(simplex(donors, donors[:, 2]), [0, 0, 1, 0, 0, 0], atol=1e-6)

    def test_each_method_has_a_name(self) -> None:
        donors = np.random.default_rng(5).normal(size=(40, 6))
        found = synthetic_controls(donors, np.arange(30), donors[:30, 0])

        assert len(found.names) == len(found.weights) == len(set(found.names))
