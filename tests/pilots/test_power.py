"""Power: what a plan will be able to show."""

from __future__ import annotations

import numpy as np
import pytest

from vidik.pilots.power import power_curve


class TestPowerCurve:
    def test_of_normal_errors_is_what_theory_says(self) -> None:
        """Shown when s + e > 1.645 sigma; with 80 % that needs (1.645 + 0.842) sigma."""
        errors = np.random.default_rng(1).normal(0, 0.02, 2_000)

        curve = power_curve(errors, 0.9)

        assert curve.detectable == pytest.approx(2.487 * 0.02, rel=0.1)
        assert curve.false_savings == pytest.approx(0.05, abs=0.02)

    def test_grows_with_the_saving(self) -> None:
        curve = power_curve(np.random.default_rng(2).normal(0, 0.05, 60), 0.9)

        assert curve.power == sorted(curve.power)
        assert len(curve.power) == len(curve.fractions) == 30

    def test_few_runs_can_show_less(self) -> None:
        errors = np.random.default_rng(3).normal(0, 0.03, 40)

        few, many = power_curve(errors[:5], 0.9), power_curve(errors, 0.9)

        assert few.detectable is None or many.detectable is None or few.detectable > many.detectable * 0.8

    @pytest.mark.parametrize("runs", [0, 1])
    def test_says_when_nobody_can_know(self, runs: int) -> None:
        curve = power_curve(np.zeros(runs), 0.9)

        assert curve.detectable is None
        assert "Nobody" in curve.sentence["en"]

    def test_says_when_nothing_can_be_shown(self) -> None:
        curve = power_curve(np.random.default_rng(4).normal(0, 3, 50), 0.9)

        assert curve.detectable is None
        assert set(curve.sentence) == {"en", "sr-Cyrl", "sr-Latn"}
