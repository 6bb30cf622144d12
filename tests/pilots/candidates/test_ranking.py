"""Choosing three of seven with all that is not known."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vidik.pilots.candidates import rank, register
from vidik.pilots.candidates.old_rankings import import_part
from vidik.pilots.candidates.simulation import simulate

SERVICES = {"lighting", "parking", "waste", "heating", "water", "traffic", "air"}


class TestRegister:
    def test_has_the_seven_services_each_with_sources(self) -> None:
        assert set(register().services) == SERVICES
        assert all(candidate.sources for candidate in register().services.values())

    def test_every_text_comes_in_three_scripts(self) -> None:
        for candidate in register().services.values():
            assert set(candidate.title.three()) == {"en", "sr-Cyrl", "sr-Latn"}


class TestRank:
    def test_all_triples_are_there_and_chances_add_up(self) -> None:
        ranking = rank(register(), with_old_rankings=False)

        assert len({frozenset(triple.services) for triple in ranking.triples}) == 35
        assert sum(triple.probability_best for triple in ranking.triples) == pytest.approx(1)
        assert sum(service.probability_best_three for service in ranking.services) == pytest.approx(3)

    def test_the_recommended_three_regret_least(self) -> None:
        ranking = rank(register(), with_old_rankings=False)
        within = [triple for triple in ranking.triples if triple.within_budget]

        assert ranking.recommended == min(within, key=lambda triple: triple.expected_regret).services
        assert all(triple.expected_regret >= 0 for triple in within)

    def test_a_small_budget_leaves_out_what_costs_more(self) -> None:
        ranking = rank(register(), budget=90_000_000, with_old_rankings=False)

        assert ranking.recommended is not None
        assert "lighting" not in ranking.recommended
        assert all(triple.within_budget == (triple.cost <= 90_000_000) for triple in ranking.triples)

    def test_no_budget_leaves_nothing(self) -> None:
        ranking = rank(register(), budget=1, with_old_rankings=False)

        assert ranking.recommended is None
        assert sum(triple.probability_best for triple in ranking.triples) == 0

    def test_is_the_same_every_time(self) -> None:
        assert rank(register(), with_old_rankings=False) == rank(register(), with_old_rankings=False)

    def test_an_override_changes_only_its_service(self) -> None:
        before = {found.service: found for found in rank(register(), with_old_rankings=False).services}
        changed = rank(register(), overrides={"waste": {"saving_fraction": 0.9}}, with_old_rankings=False)
        after = {found.service: found for found in changed.services}

        assert after["waste"].npv.p50 > before["waste"].npv.p50
        assert after["water"].npv == before["water"].npv

    @pytest.mark.parametrize("overrides", [{"trams": {}}, {"waste": {"colour": 1}}, {"waste": {"saving_fraction": 2}}])
    def test_nonsense_is_refused(self, overrides: dict[str, dict[str, float]]) -> None:
        with pytest.raises(ValueError, match=r"service|saved"):
            rank(register(), overrides=overrides, with_old_rankings=False)

    def test_what_would_change_the_choice_does_change_it(self) -> None:
        ranking = rank(register(), draws=4_000, with_old_rankings=False)
        assert ranking.recommended is not None
        checked = [change for change in ranking.changes if change.parameter in ("saving_fraction", "price")][:4]

        assert checked
        for change in checked:
            beyond = change.to_value * (0.9 if change.effect == "leaves" else 1.05)
            moved = rank(
                register(),
                draws=4_000,
                overrides={change.service: {change.parameter: beyond}},
                with_old_rankings=False,
            ).recommended
            assert moved is not None
            assert (change.service in moved) == (change.effect == "enters")

    def test_provability_falls_with_what_must_be_detected(self) -> None:
        def provability(detectable: float) -> float:
            ranking = rank(
                register(), overrides={"heating": {"detectable_fraction": detectable}}, with_old_rankings=False
            )
            return next(found.provability for found in ranking.services if found.service == "heating")

        assert provability(0.01) > provability(0.07) > provability(0.3) == 0

    def test_ten_thousand_draws_take_well_under_a_second(self) -> None:
        best = math.inf
        for _ in range(3):
            begin = time.process_time()
            rank(register(), with_old_rankings=False)
            best = min(best, time.process_time() - begin)

        assert best < 0.5

    def test_the_old_rankings_stand_beside_and_are_fragile(self) -> None:
        ranking = rank(register(), draws=500)

        assert {old.method for old in ranking.old} == {"topsis", "promethee"}
        assert all(set(old.order) == SERVICES for old in ranking.old)
        assert any(old.same_three_weights < 1 for old in ranking.old)

    def test_old_rankings_take_weights(self) -> None:
        only_cost = rank(register(), draws=200, weights=[0, 1, 0, 0, 0]).old[0]

        assert only_cost.order[0] in ("waste", "air")
        with pytest.raises(ValueError, match="5 weights"):
            rank(register(), draws=200, weights=[1])


class TestSimulation:
    def test_draws_follow_the_triple(self) -> None:
        assumptions = register().with_overrides({"water": {"cost": {"low": 10, "likely": 20, "high": 60}}})

        drawn = simulate(assumptions, 0.03, 50_000, 1).cost[list(assumptions.services).index("water")]

        assert drawn.min() >= 10
        assert drawn.max() <= 60
        assert drawn.mean() == pytest.approx(30, rel=0.01)
        assert np.mean(drawn < 20) == pytest.approx(10 * 10 / (50 * 10), rel=0.05)

    def test_services_that_share_a_price_move_together(self) -> None:
        assumptions = register()
        worlds = simulate(assumptions, 0.03, 5_000, 1)
        names = list(assumptions.services)
        works = (worlds.fraction > 0).all(axis=0)

        benefit = {name: worlds.yearly[names.index(name)][works] for name in ("traffic", "parking", "waste")}

        assert np.corrcoef(benefit["traffic"], benefit["parking"])[0, 1] > 0.1
        assert abs(np.corrcoef(benefit["traffic"], benefit["waste"])[0, 1]) < 0.06


class TestImportPart:
    """pymcdm is read without its charts where that works, and whole where it does not."""

    @pytest.mark.parametrize(
        ("part", "whole"), [("VALUE = 1", False), ("from . import NEEDED as VALUE", True)], ids=["alone", "needs whole"]
    )
    def test_a_part_that_needs_the_whole_gets_it(
        self, part: str, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = tmp_path / f"decisions_{whole}".lower()
        package.mkdir()
        (package / "__init__.py").write_text("NEEDED = 1\n")
        (package / "methods.py").write_text(part + "\n")
        monkeypatch.syspath_prepend(tmp_path)

        assert import_part(package.name, "methods").VALUE == 1
        assert hasattr(sys.modules[package.name], "NEEDED") is whole
