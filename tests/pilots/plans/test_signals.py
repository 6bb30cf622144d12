"""What a file is shown to hold before anything is chosen from it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pilots.made import stamps, table

from vidik.pilots.measurement.guards import looks_like_counter
from vidik.pilots.plans.signals import describe

HOURS = 24 * 20
USE = np.round(np.random.default_rng(3).uniform(0, 5, HOURS), 3)
TIMES = stamps("2024-01-01 00:00:00", HOURS, 60)


def readings(*, reset_at: int | None = None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What a counter shows; set back to zero once if so asked."""
    counted = np.round(1000 + np.cumsum(USE), 3)
    if reset_at is not None:
        counted[reset_at:] -= counted[reset_at]
    return np.round(counted, 3)


class TestDescribe:
    @pytest.mark.parametrize("reset_at", [None, 300])
    def test_a_counter_is_shown_with_its_days_and_the_hint_to_read_it_as_one(self, reset_at: int | None) -> None:
        described = describe(table(TIMES, readings(reset_at=reset_at), "datetime,register"), "meter.csv")
        assert (described["first"], described["last"]) == ("2024-01-01", "2024-01-20")
        assert described["columns"][1] == {"name": "register", "numeric": True, "kind": "counter"}
        hint = next(one for one in described["findings"] if one["code"] == "counter-column")
        assert (hint["subject"], hint["values"]["column"]) == ("register", "register")
        assert "counter-as-amount" not in {one["code"] for one in described["findings"]}

    def test_amounts_are_shown_without_a_hint(self) -> None:
        described = describe(table(TIMES, USE), "meter.csv")
        assert described["columns"][1]["kind"] == "amount"
        assert described["findings"] == []

    def test_every_column_is_judged_by_itself(self) -> None:
        pairs = [f"{use},{counted}" for use, counted in zip(USE, readings(), strict=True)]
        described = describe(table(TIMES, pairs, "datetime,kwh,register"), "meter.csv")
        assert [one["kind"] for one in described["columns"][1:]] == ["amount", "counter"]
        assert [one["subject"] for one in described["findings"]] == ["register"]

    def test_what_cannot_be_read_is_said_as_any_other_finding(self) -> None:
        described = describe(table(stamps("2024-01-01 00:00:00", 30, 60 * 24 * 40), USE[:30].tolist()), "meter.csv")
        (finding,) = described["findings"]
        assert finding["severity"] == "warning"
        assert finding["values"] == {"days": 40}


class TestLooksLikeCounter:
    def test_not_what_falls_as_often_as_it_rises(self) -> None:
        assert not looks_like_counter(USE)

    def test_not_what_hardly_ever_moves(self) -> None:
        assert not looks_like_counter(np.repeat([1.0, 2.0], 200))
