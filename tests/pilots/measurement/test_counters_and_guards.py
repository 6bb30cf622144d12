"""Counters that drop out, roll over and are set back; outages, stuck registers and broken sensors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.guards import guard_amounts, guard_temperature
from vidik.pilots.measurement.reading import ALL_REPAIRS, to_series
from vidik.pilots.measurement.series import Series, Values
from vidik.pilots.outcome import Finding

HOURS = np.datetime64("2024-01-01T00", "s") + np.arange(2_000) * np.timedelta64(3600, "s")


def counted(readings: Values, repairs: frozenset[str] = ALL_REPAIRS) -> tuple[Series, list[Finding]]:
    return to_series(
        HOURS[: len(readings)], readings, name="meter", unit="MWH", zone="UTC", kind="counter", repairs=repairs
    )


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


class TestCounter:
    def test_increments_are_what_was_used(self) -> None:
        series, findings = counted(1000 + np.cumsum(np.full(100, 2.0)))

        assert series.values.tolist() == [2.0] * 99
        assert findings == []

    def test_zeros_of_a_lost_connection_are_left_out_and_bridged(self) -> None:
        readings = 1000 + np.cumsum(np.full(100, 2.0))
        readings[40:42] = 0

        series, findings = counted(readings)

        assert series.values.tolist() == [2.0] * 99
        assert codes(findings) == {"counter-dropouts", "short-gaps"}

    def test_a_long_gap_stays_unknown(self) -> None:
        readings = 1000 + np.cumsum(np.full(100, 2.0))
        readings[40:60] = np.nan

        series, _ = counted(readings)

        assert np.isnan(series.values[39:60]).all()
        assert np.nansum(series.values) == pytest.approx(2.0 * (99 - 21))

    def test_a_rollover_is_bridged(self) -> None:
        readings = (99_950 + np.cumsum(np.full(100, 2.0))) % 100_000

        series, findings = counted(readings)

        assert series.values.tolist() == [2.0] * 99
        assert codes(findings) == {"counter-rollover"}

    def test_a_reset_begins_anew(self) -> None:
        readings = np.concatenate([5_000 + np.cumsum(np.full(50, 2.0)), np.cumsum(np.full(50, 2.0))])

        series, findings = counted(readings)

        assert np.nansum(series.values) == pytest.approx(2.0 * 99)
        assert codes(findings) == {"counter-reset"}

    def test_a_plan_that_allows_no_repair_gets_none(self) -> None:
        readings = (99_950 + np.cumsum(np.full(100, 2.0))) % 100_000

        series, findings = counted(readings, frozenset())

        assert np.isnan(series.values).any()
        assert [finding.severity for finding in findings if finding.code == "counter-rollover"] == ["warning"]

    def test_a_season_of_dropouts_is_asked_about_as_a_step_of_the_meter(self) -> None:
        readings = 1000 + np.cumsum(np.full(2_000, 2.0))
        hour = np.arange(2_000)
        readings[(hour > 500) & (hour < 1_500) & (hour % 24 > 8)] = 0

        _, findings = counted(readings)

        step = next(finding for finding in findings if finding.code == "metering-step")
        assert step.values["size"] == pytest.approx(-0.65, abs=0.05)

    @given(st.lists(st.floats(0, 10), min_size=3, max_size=80), st.integers(0, 78), st.integers(1, 3))
    def test_short_dropouts_lose_nothing(self, steps: list[float], place: int, length: int) -> None:
        readings = 50 + np.cumsum(steps)
        broken = readings.copy()
        broken[1:-1][place : place + length - 1] = 0

        series, _ = counted(broken)

        known = np.nansum(series.values)
        assert known == pytest.approx(readings[-1] - readings[0], abs=1e-6) or known <= readings[-1]


def meter(values: Values) -> Series:
    return Series("meter", np.datetime64("2024-01-01T00", "h"), values, "KWH", "UTC")


class TestGuards:
    def busy(self) -> Values:
        return np.random.default_rng(0).uniform(5, 15, 2_000)

    @pytest.mark.parametrize(
        ("first", "last", "value", "code"),
        [
            (100, 130, 0.0, "outage"),
            (100, 140, 7.25, "stuck"),
            (100, 102, -3.0, "negative"),
            (100, 101, 900.0, "outliers"),
        ],
    )
    def test_what_cannot_have_been_measured_counts_as_missing_and_is_said(
        self, first: int, last: int, value: float, code: str
    ) -> None:
        values = self.busy()
        values[first:last] = value

        guarded, findings = guard_amounts(meter(values), ALL_REPAIRS)

        assert np.isnan(guarded.values[first:last]).all()
        assert np.isnan(guarded.values).sum() == last - first
        assert [(finding.code, finding.severity) for finding in findings] == [(code, "repaired")]

    def test_without_leave_nothing_is_touched(self) -> None:
        values = self.busy()
        values[100:130] = 0

        guarded, findings = guard_amounts(meter(values), frozenset())

        assert guarded.values.tolist() == values.tolist()
        assert [finding.severity for finding in findings] == ["warning"]

    def test_a_boiler_that_is_often_off_is_not_broken(self) -> None:
        values = self.busy()
        values[500:1_500] = 0

        guarded, findings = guard_amounts(meter(values), ALL_REPAIRS)

        assert findings == []
        assert not np.isnan(guarded.values).any()

    @given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300))
    def test_a_guard_never_invents_a_value(self, numbers: list[float]) -> None:
        values = np.array(numbers)

        guarded, _ = guard_amounts(meter(values), ALL_REPAIRS)

        kept = ~np.isnan(guarded.values)
        assert (guarded.values[kept] == values[kept]).all()

    def test_codes_of_a_broken_sensor_are_no_cold(self) -> None:
        values = np.random.default_rng(0).uniform(-8, 25, 2_000)
        values[300:320] = -39.9
        values[700:760] = 0.0

        guarded, findings = guard_temperature(meter(values), ALL_REPAIRS)

        assert np.isnan(guarded.values).sum() == 80
        assert codes(findings) == {"sensor-broken", "sensor-stuck"}


class TestKind:
    """A counter given in as amounts, by whatever it does now and then."""

    @pytest.mark.parametrize(
        "readings",
        [
            99_000 + np.cumsum(np.full(2_000, 2.0)),
            (99_000 + np.cumsum(np.full(2_000, 2.0))) % 100_000,
            np.concatenate([np.cumsum(np.full(1_500, 2.0)), np.cumsum(np.full(500, 2.0))]),
            np.arange(2_000) % 24 * 2.0,
        ],
        ids=["grows", "rolls over", "is set back", "begins anew each midnight"],
    )
    def test_a_counter_is_not_taken_for_amounts(self, readings: Values) -> None:
        with pytest.raises(BadInput, match="Read it as a counter"):
            to_series(HOURS, readings, name="meter", unit="KWH", zone="UTC", kind="amount")

    def test_amounts_that_grow_slowly_are_amounts(self) -> None:
        amounts = 5 + np.linspace(0, 5, 2_000) + np.sin(np.arange(2_000) / 24 * 2 * np.pi)

        series, _ = to_series(HOURS, amounts, name="meter", unit="KWH", zone="UTC", kind="amount")

        assert series.values.tolist() == pytest.approx(amounts.tolist())
