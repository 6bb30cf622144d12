"""Money is exact: bands by hour and block, clocks that change, VAT."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.pilots.measurement.series import Series
from vidik.pilots.money.emissions import avoided
from vidik.pilots.money.factors import emission_factors, in_unit, tariff_in_unit, tariffs
from vidik.pilots.money.tariff import interval_value, value, vat_included
from vidik.pilots.reports.words import Words
from vidik.pilots.specification import Band, Factor

DAY, NIGHT = tuple(range(6, 22)), (22, 23, 0, 1, 2, 3, 4, 5)
amounts = st.lists(st.integers(0, 5_000_000), min_size=1, max_size=400)


def band(price: str, hours: tuple[int, ...] = tuple(range(24)), above: str = "0", vat: bool = False) -> Band:
    """A price in RSD a kWh."""
    factor = Factor(value=Decimal(price), unit="RSD/KWH", source="test", year=2026, vat_included=vat)
    return Band(price=factor, hours=hours, above=Decimal(above))


def hourly(values: np.ndarray | list[float], start: str = "2025-01-01T00") -> Series:
    """A saving hour by hour, in UTC."""
    return Series("saving", np.datetime64(start, "h"), np.asarray(values, dtype=np.float64), "KWH")


class TestValue:
    def test_hours_are_local(self) -> None:
        """21:00 UTC is 22:00 in Belgrade in winter, 23:00 in summer; 20:00 UTC is day in winter, night in summer."""
        tariff = [band("10", DAY), band("1", NIGHT)]

        assert value(tariff, hourly([1], "2025-01-15T20")) == Decimal("10.00")
        assert value(tariff, hourly([1], "2025-07-15T20")) == Decimal("1.00")

    def test_the_repeated_and_the_skipped_hour_count_once_each(self) -> None:
        tariff = [band("10", (2,)), band("1", tuple(hour for hour in range(24) if hour != 2))]

        spring = value(tariff, hourly([1] * 23, "2025-03-29T23"))
        autumn = value(tariff, hourly([1] * 25, "2025-10-25T22"))

        assert spring == Decimal("23.00")
        assert autumn == Decimal("43.00")

    def test_blocks_go_by_local_months(self) -> None:
        """23:30 of 31 January UTC is February in Belgrade: each month has its first block anew."""
        tariff = [band("1"), band("10", above="100")]

        assert value(tariff, hourly([100, 100], "2025-01-31T22")) == Decimal("200.00")
        assert value(tariff, hourly([100, 100], "2025-01-31T21")) == Decimal("1100.00")

    def test_a_saving_comes_off_the_dearest_block(self) -> None:
        tariff = [band("1"), band("10", above="100")]
        use, saving = hourly([100]), hourly([50])

        assert value(tariff, saving, use) == Decimal("500.00")
        assert value(tariff, saving) == Decimal("50.00")

    def test_weekdays_are_local(self) -> None:
        factor = band("1").price
        tariff = [
            Band(price=factor, weekdays=(0, 1, 2, 3, 4)),
            Band(price=factor.model_copy(update={"value": Decimal(5)}), weekdays=(5, 6)),
        ]

        assert value(tariff, hourly([1], "2025-01-03T23")) == Decimal("5.00")

    def test_a_day_is_spread_over_its_hours(self) -> None:
        saving = Series("saving", np.datetime64("2025-01-15", "D"), np.array([24.0]), "KWH")

        assert value([band("10", DAY), band("1", NIGHT)], saving) == Decimal("168.00")

    def test_nothing_is_lost_to_floating_point(self) -> None:
        assert value([band("0.1")], hourly([0.1] * 3)) == Decimal("0.03")

    @given(amounts)
    def test_is_exact(self, millis: list[int]) -> None:
        saving = hourly(np.array(millis) / 1000)

        expected = sum(Decimal(milli) for milli in millis) * Decimal("0.001") * Decimal("12.34")

        assert abs(value([band("12.34")], saving) - expected) <= Decimal("0.005")

    @given(amounts)
    def test_a_loss_costs_what_a_saving_brings(self, millis: list[int]) -> None:
        saving = hourly(np.array(millis) / 1000)
        tariff = [band("9.61", DAY), band("2.4", NIGHT)]

        assert value(tariff, saving.with_values(-saving.values)) == -value(tariff, saving)

    @given(amounts, st.integers(0, 400))
    def test_parts_add_up_to_the_whole(self, millis: list[int], cut: int) -> None:
        values = np.array(millis) / 1000
        head, tail = values.copy(), values.copy()
        head[cut:], tail[:cut] = 0, 0
        tariff = [band("9.61", DAY), band("2.4", NIGHT)]

        together = value(tariff, hourly(head)) + value(tariff, hourly(tail))

        assert abs(together - value(tariff, hourly(values))) <= Decimal("0.01")

    @given(amounts)
    def test_saving_more_is_never_worth_less(self, millis: list[int]) -> None:
        saving = hourly(np.array(millis) / 1000)
        tariff = tariffs()[1].bands

        assert value(tariff, saving.with_values(saving.values * 2)) >= value(tariff, saving)

    @pytest.mark.parametrize(
        ("tariff", "words"),
        [
            ([band("1", DAY)], "No price"),
            ([band("1"), band("2")], "Two prices"),
            ([band("1", DAY), band("2", NIGHT, vat=True)], "VAT"),
            ([band("1", above="5")], "first unit"),
        ],
    )
    def test_a_tariff_with_holes_is_refused(self, tariff: list[Band], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            value(tariff, hourly([1]))


class TestIntervalValue:
    def test_ends_follow_the_saving(self) -> None:
        saving = hourly([10, 0], "2025-01-15T10")

        assert interval_value([band("10", DAY), band("1", NIGHT)], saving, 5, 15) == (
            Decimal("50.00"),
            Decimal("150.00"),
        )

    def test_there_is_none_for_an_infinite_end(self) -> None:
        assert interval_value([band("1")], hourly([1]), float("-inf"), 2) is None

    def test_a_saving_of_nothing_is_spread_evenly(self) -> None:
        assert interval_value([band("1")], hourly([0, 0]), -2, 2) == (Decimal("-2.00"), Decimal("2.00"))


class TestVat:
    def test_prices_say_whether_they_hold_it(self) -> None:
        assert vat_included([band("1", vat=True)]) is True


class TestRegister:
    def test_every_tariff_prices_every_hour(self) -> None:
        for tariff in tariffs():
            assert value(tariff.bands, hourly([1] * 24 * 7)) > 0

    def test_published_factors_of_serbian_electricity_disagree(self) -> None:
        values = [factor.factor.value for factor in emission_factors("electricity")]

        assert len(values) >= 5
        assert max(values) > 2 * min(values)

    def test_every_number_says_where_it_is_from(self) -> None:
        assert all(len(factor.factor.source) > 20 and factor.factor.approach for factor in emission_factors())

    def test_every_way_to_a_number_has_words_on_the_screens_and_in_reports(self) -> None:
        screens = Path(__file__).parents[3] / "frontend/src/lib/i18n/pilots/form.sr-cyrl.ts"
        catalogue = screens.read_text("utf-8")

        for one in emission_factors():
            approach = one.factor.approach or ""
            assert f'"approach.{approach}":' in catalogue
            assert f'"published.{one.of}":' in catalogue or f"published.{one.of}:" in catalogue
            assert Words("sr-Cyrl").approach(approach) != approach
        assert Words("sr-Latn").approach("operating margin") == "operativna margina"
        assert Words("en").approach("operating margin") == "operating margin"

    def test_values_are_had_for_another_unit_of_the_same_quantity_exactly(self) -> None:
        (grid,) = (one.factor for one in emission_factors() if one.id == "electricity-ifi-efficiency-2021")
        blocks = next(one for one in tariffs() if one.id == "household-two-tariff-2025")

        by_megawatt_hour = in_unit(grid, "MWH")
        assert by_megawatt_hour is not None
        assert (str(by_megawatt_hour.value), by_megawatt_hour.unit) == ("678", "kg/MWH")
        assert by_megawatt_hour.source == grid.source
        large = tariff_in_unit(blocks, "MWH")
        assert large is not None
        assert {str(band.above) for band in large.bands} == {"0", "0.35", "1.2"}
        assert value(large.bands, hourly([2] * 24 * 7)) == value(blocks.bands, hourly([2000] * 24 * 7))

    def test_there_is_no_way_to_another_quantity(self) -> None:
        assert [in_unit(one.factor, "KMT") for one in emission_factors()] == [None] * len(emission_factors())
        assert [tariff_in_unit(one, "KMT") for one in tariffs()] == [None] * len(tariffs())


class TestAvoided:
    def test_is_exact(self) -> None:
        factor = Factor(value=Decimal("0.6708"), unit="kg/KWH", source="test", year=2024)

        assert avoided(factor, 1000.5, "KWH") == Decimal("671.135")

    def test_of_another_unit_is_refused(self) -> None:
        factor = Factor(value=Decimal("0.6708"), unit="kg/KWH", source="test", year=2024)

        with pytest.raises(ValueError, match="MTQ"):
            avoided(factor, 1, "MTQ")
