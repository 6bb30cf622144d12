"""What a file says of its units, in its column's name or by its numbers, is not overheard."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.pilots.made import building, stamps, table, warmth

from vidik.kernel.errors import BadInput
from vidik.pilots.baselines.counterfactual import standstill
from vidik.pilots.measurement.guards import guard_temperature
from vidik.pilots.measurement.named_units import NamedUnit, named_unit
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Series, Values
from vidik.pilots.outcome import Finding


def read(data: bytes, unit: str | None = None) -> tuple[Series, list[Finding]]:
    return read_csv(data, column=None, unit=unit, zone="UTC", kind="amount", name="meter")


class TestNamedUnit:
    @pytest.mark.parametrize(
        ("column", "code"),
        [
            ("kwh", "KWH"),
            ("total_kWh", "KWH"),
            ("Energy (Wh)", "WHR"),
            ("MWh", "MWH"),
            ("Потрошња (кВтч)", "KWH"),
            ("Gas [m³]", "MTQ"),
            ("Q_GJ", "GV"),
        ],
    )
    def test_an_amount(self, column: str, code: str) -> None:
        assert named_unit(column) == NamedUnit(code, False)

    @pytest.mark.parametrize(("column", "code"), [("kw", "KWH"), ("P [W]", "WHR"), ("Active power (MW)", "MWH")])
    def test_a_power(self, column: str, code: str) -> None:
        assert named_unit(column) == NamedUnit(code, True)

    @pytest.mark.parametrize("column", ["value", "wing w", "potrosnja", "kWh and MWh", "demand"])
    def test_nothing_or_several(self, column: str) -> None:
        assert named_unit(column) is None


class TestUnitOfAColumn:
    def test_the_column_says_it_where_nobody_else_does(self) -> None:
        times = stamps("2024-01-01", 48, 60)
        assert read(table(times, [1.0, 2.0] * 24, "datetime,Energy (MWh)"))[0].unit == "MWH"
        assert read(table(times, [1.0, 2.0] * 24, "datetime,value"))[0].unit == "KWH"
        assert read(table(times, [1.0, 2.0] * 24, "datetime,value"), "MTQ")[0].unit == "MTQ"

    def test_two_that_differ_are_refused(self) -> None:
        with pytest.raises(BadInput, match="speaks of MWh") as refused:
            read(table(stamps("2024-01-01", 48, 60), [1.0] * 48, "datetime,MWh"), "KWH")

        assert (refused.value.field, refused.value.code) == ("unit", "unit-named-otherwise")

    def test_quarters_of_an_hour_in_kilowatt_are_a_quarter_of_their_sum(self) -> None:
        series, findings = read(table(stamps("2024-01-01", 96, 15), [4.0, 8.0] * 48, "datetime,Power [kW]"))

        assert series.values.tolist() == [6.0] * 24
        assert [finding.code for finding in findings] == ["power-column"]

    def test_infinite_values_are_counted_as_missing(self) -> None:
        _, findings = read(table(stamps("2024-01-01", 48, 60), ["1.5", "2.5", "inf"] * 16))

        assert [(finding.code, finding.values["rows"]) for finding in findings] == [("values-unreadable", 16)]


def test_a_day_may_end_at_24() -> None:
    rows = [f"{day:02d}.01.2024 {hour:02d}:00" for day in (1, 2) for hour in range(1, 25)]

    series, findings = read(table(rows, [float(number) for number in range(48)]))

    assert findings == []
    assert str(series.start) == "2024-01-01T01"
    assert series.values.tolist() == list(range(48))


class TestTemperature:
    @pytest.mark.parametrize("other", [lambda cold: cold * 1.8 + 32, lambda cold: cold + 273.15])
    def test_a_file_that_changes_its_unit_is_refused(self, other: Callable[[Values], Values]) -> None:
        series = warmth(2)
        half = len(series) // 2
        changed = np.concatenate([series.values[:half], other(series.values[half:])])

        with pytest.raises(BadInput, match="about 2022-01-01"):
            guard_temperature(series.with_values(changed), ())

    def test_one_that_is_fahrenheit_throughout_is_not(self) -> None:
        series = warmth(3)
        _, findings = guard_temperature(series.with_values(series.values * 1.8 + 32), ())

        assert [finding.code for finding in findings] == ["temperature-unit"]


def test_a_net_meter_that_comes_to_nothing_does_not_stand_still() -> None:
    rates = building("m", 1).values.reshape(-1, 24)
    net = rates - np.where(np.arange(24) % 24 == 12, 1.2, 0.0) * rates.sum(axis=1, keepdims=True)

    assert not standstill(net, rates, np.ones(len(net), dtype=np.bool_)).any()
