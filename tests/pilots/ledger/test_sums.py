"""Sums over the ledger: values add exactly, bands by the stated rule, nothing counts twice."""

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.pilots.ledger import sums
from vidik.pilots.ledger.sums import Banded, by_calendar_year, together


def an_entry(number: int, saving: float = 100.0, half: float = 30.0, **other: Any) -> dict[str, Any]:
    """An entry as the ledger keeps it, of one year."""
    money = {"value": f"{saving * 10:.2f}", "low": f"{(saving - half) * 10:.2f}", "high": f"{(saving + half) * 10:.2f}"}
    tonnes = {name: f"{float(amount) / 1e4:.6f}" for name, amount in money.items()}
    band = {"low": saving - half, "high": saving + half}
    year = {"year": 2025, "days": 365, "saving": saving, **band, "money": money, "tonnes": tonnes}
    return {
        "id": number,
        "corrects": None,
        "service": "heating",
        "fund": "city",
        "verdict": "saved",
        "simulated": False,
        "unit": "KWH",
        "level": 0.9,
        "saving": saving,
        "interval": band,
        "money": money,
        "tonnes": tonnes,
        "years": [year],
    } | other


class TestTotal:
    def test_half_widths_add_as_the_root_of_the_sum_of_squares(self) -> None:
        row = sums.total([an_entry(1, 100, 30), an_entry(2, 50, 40)], simulated=False)
        (saving,) = row["savings"]
        assert (saving["value"], saving["low"], saving["high"]) == (150, 100, 200)
        assert (saving["low_dependent"], saving["high_dependent"]) == (80, 220)
        assert (row["money"]["value"], row["money"]["low"]) == (Decimal("1500.00"), Decimal("1000.00"))

    def test_units_are_never_added_to_one_another(self) -> None:
        row = sums.total([an_entry(1), an_entry(2, unit="MTQ")], simulated=False)
        assert [saving["unit"] for saving in row["savings"]] == ["KWH", "MTQ"]

    def test_what_was_not_shown_counts_apart(self) -> None:
        row = sums.total([an_entry(1), an_entry(2, 10, 40, verdict="not_shown")], simulated=False)
        assert (row["shown"], row["not_shown"], row["savings"][0]["value"]) == (1, 1, 100)
        assert row["all"]["savings"][0]["value"] == 110

    def test_a_corrected_entry_counts_no_more(self) -> None:
        entries = [an_entry(1), an_entry(2, 80, corrects=1), an_entry(3, 70, corrects=2)]
        assert sums.total(entries, simulated=False)["savings"][0]["value"] == 70

    def test_simulated_pilots_are_rows_of_their_own(self) -> None:
        entries = [an_entry(1), an_entry(2, simulated=True)]
        assert [(row["key"], row["simulated"]) for row in sums.by_member(entries, "service")] == [
            ("heating", False),
            ("heating", True),
        ]
        assert sums.total(entries, simulated=False)["entries"] == 1

    def test_an_interval_without_a_bound_leaves_the_sum_without_one(self) -> None:
        loose = an_entry(2, interval={"low": None, "high": 130.0})
        (saving,) = sums.total([an_entry(1), loose], simulated=False)["savings"]
        assert saving["low"] == -math.inf
        assert math.isfinite(saving["high"])

    def test_of_nothing_is_zero(self) -> None:
        row = sums.total([], simulated=False)
        assert (row["entries"], row["savings"], row["money"]["value"]) == (0, [], Decimal("0.00"))

    @given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20))
    def test_the_band_lies_between_the_widest_part_and_the_plain_sum(
        self, parts: list[tuple[float, float, float]]
    ) -> None:
        bands = [Banded(value, value - below, value + above) for value, below, above in parts]
        found = together(bands)
        slack = 1e-6 * max(1.0, *(abs(bound) for band in bands for bound in (band.low, band.high)))
        assert found["low_dependent"] - slack <= found["low"] <= found["value"] + slack
        assert found["value"] - found["low"] >= max(below for _, below, _ in parts) - slack


class TestByYear:
    @given(
        st.floats(-1e5, 1e5),
        st.floats(0, 1e5),
        st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), min_size=1, max_size=60),
    )
    def test_the_years_sum_to_the_whole(self, value: float, half: float, daily: list[float]) -> None:
        days = [date(2024, 12, 1) + timedelta(days=7 * number) for number in range(len(daily))]
        parts = by_calendar_year(days, daily, Banded(value, value - half, value + half))
        assert sum(part.days for part in parts) == len(daily)
        for name, whole in (("value", value), ("low", value - half), ("high", value + half)):
            assert math.fsum(getattr(part.saving, name) for part in parts) == pytest.approx(whole, abs=1e-4)

    def test_rows_of_years_add_pilots_as_independent(self) -> None:
        (row,) = sums.by_year([an_entry(1, 100, 30), an_entry(2, 50, 40)])
        assert (row["key"], row["savings"][0]["value"], row["savings"][0]["low"]) == ("2025", 150, 100)

    def test_a_service_has_a_row_for_each_of_its_years(self) -> None:
        entries = [an_entry(1, 100, 30), an_entry(2, 50, 40, service="water"), an_entry(3, 70, 30, corrects=1)]
        rows = sums.by_service_and_year(entries)
        assert [(row["key"], row["savings"][0]["value"]) for row in rows] == [("heating/2025", 70), ("water/2025", 50)]
