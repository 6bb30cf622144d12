"""The state machine of a rule: by example, and against what it promises whatever the readings are."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.operations.factories import MINUTE, START, a_rule

from vidik.operations.rules.evaluation import BLANK, RuleState, Sample, Signal, accept, evaluate, reject
from vidik.operations.rules.model import QualityRule

ZONE = ZoneInfo("Europe/Belgrade")
RETURN = "returnTemperaturePrimary"

Readings = Sequence[tuple[int, Mapping[str, object]]]
"""Minutes, and what was said then."""


def run(rule: Any, readings: Readings) -> list[Signal]:
    """All signals of a rule over readings (minute, values); values stay until they are said anew."""
    state, values, signals = BLANK, {}, []
    for minute, said in readings:
        at = START + minute * MINUTE
        values |= {name: Sample(value, at) for name, value in said.items()}
        state, signal = evaluate(rule, state, values, ZONE)
        if signal is not None:
            signals.append(signal)
    return signals


def kinds(rule: Any, readings: Readings) -> list[tuple[str, int]]:
    signals = run(rule, readings)
    return [(signal.kind, (signal.at - START) // MINUTE) for signal in signals if signal.kind != "seen"]


def returns(*pairs: tuple[int, float]) -> list[tuple[int, dict[str, object]]]:
    return [(minute, {RETURN: value}) for minute, value in pairs]


class TestThreshold:
    def test_raises_at_once_without_a_hold(self) -> None:
        assert kinds(a_rule(), returns((0, 49), (1, 51))) == [("raised", 1)]

    def test_between_the_levels_nothing_changes(self) -> None:
        readings = returns((0, 51), (1, 48), (2, 51), (3, 48), (4, 47))
        assert kinds(a_rule(), readings) == [("raised", 0), ("cleared", 4)]

    def test_must_be_bad_for_the_whole_hold(self) -> None:
        rule = a_rule(hold="10m")
        assert kinds(rule, returns((0, 51), (5, 51), (8, 48), (9, 51), (18, 51), (19, 51))) == [("raised", 19)]

    def test_must_be_good_for_the_whole_clear_hold(self) -> None:
        rule = a_rule(clear_hold="10m")
        readings = returns((0, 51), (1, 40), (6, 48), (7, 40), (16, 40), (17, 40))
        assert kinds(rule, readings) == [("raised", 0), ("cleared", 17)]

    def test_a_long_gap_is_not_held(self) -> None:
        rule = a_rule(hold="10m", max_gap="1h")
        assert kinds(rule, returns((0, 51), (90, 51), (95, 51), (100, 51))) == [("raised", 100)]

    def test_below_works_as_above(self) -> None:
        rule = a_rule(above=None, below=2.0, clear=2.4)
        assert kinds(rule, returns((0, 2.1), (1, 1.9), (2, 2.2), (3, 2.4))) == [("raised", 1), ("cleared", 3)]

    def test_readings_that_come_late_are_passed_over(self) -> None:
        assert kinds(a_rule(), returns((5, 40), (3, 60), (6, 41))) == []

    @pytest.mark.parametrize("value", ["hot", True, float("nan"), float("inf")])
    def test_what_is_no_number_says_nothing(self, value: object) -> None:
        assert run(a_rule(), [(0, {RETURN: 60.0}), (1, {RETURN: value}), (2, {RETURN: 60.0})])[0].kind == "raised"


class TestConditions:
    RULE = a_rule(when=[{"attribute": "supplyTemperaturePrimary", "above": 45}], max_gap="1h")

    def test_without_heating_a_hot_return_is_no_fault(self) -> None:
        assert kinds(self.RULE, [(0, {RETURN: 60.0, "supplyTemperaturePrimary": 30.0})]) == []

    def test_heating_that_stops_clears(self) -> None:
        readings = [
            (0, {RETURN: 60.0, "supplyTemperaturePrimary": 80.0}),
            (1, {RETURN: 60.0, "supplyTemperaturePrimary": 30.0}),
        ]
        assert kinds(self.RULE, readings) == [("raised", 0), ("cleared", 1)]

    def test_unknown_waits(self) -> None:
        assert kinds(self.RULE, returns((0, 60))) == []

    def test_an_old_value_is_unknown(self) -> None:
        readings = [(0, {RETURN: 40.0, "supplyTemperaturePrimary": 80.0}), (90, {RETURN: 60.0})]
        assert kinds(self.RULE, readings) == []

    def test_unknown_may_pass(self) -> None:
        rule = a_rule(when=[{"attribute": "power", "above": 20, "if_unknown": "pass"}])
        assert kinds(rule, returns((0, 60))) == [("raised", 0)]

    @pytest.mark.parametrize(
        ("hours", "raised"), [("11:00-12:00", True), ("12:00-13:00", False), ("22:00-11:30", True)]
    )
    def test_hours_are_the_citys(self, hours: str, raised: bool) -> None:
        # 10:00 UTC in January is 11:00 in Niš.
        assert bool(kinds(a_rule(when=[{"hours": hours}]), returns((0, 60)))) is raised


class TestDeviation:
    RULE = a_rule(
        kind="deviation",
        attribute="supplyTemperatureSecondary",
        reference="referenceTemperature",
        below=5,
        clear=3,
        hold="10m",
        max_gap="1h",
    )

    def test_raises_with_the_level_that_was_asked_for(self) -> None:
        readings = [(minute, {"supplyTemperatureSecondary": 40.0, "referenceTemperature": 48.0}) for minute in (0, 10)]
        (signal,) = run(self.RULE, readings)
        assert (signal.kind, signal.value, signal.threshold) == ("raised", 40.0, 43.0)

    def test_a_reference_that_moves_counts(self) -> None:
        readings = [
            (0, {"supplyTemperatureSecondary": 44.0, "referenceTemperature": 45.0}),
            (5, {"referenceTemperature": 50.0}),
            (15, {"supplyTemperatureSecondary": 44.0}),
        ]
        assert kinds(self.RULE, readings) == [("raised", 15)]

    def test_an_old_reference_says_nothing(self) -> None:
        readings = [
            (0, {"supplyTemperatureSecondary": 44.0, "referenceTemperature": 50.0}),
            (61, {"supplyTemperatureSecondary": 44.0}),
            (75, {"supplyTemperatureSecondary": 44.0}),
        ]
        assert kinds(self.RULE, readings) == []


class TestRate:
    RULE = a_rule(kind="rate", attribute="pressure", fall=1.2, over="15m", clear=0.4, max_gap="1h")

    def test_a_sudden_fall_raises(self) -> None:
        readings = [(minute, {"pressure": 4.0}) for minute in range(0, 30, 2)]
        readings += [(minute, {"pressure": 4.0 - 0.4 * (minute - 28) / 2}) for minute in range(30, 40, 2)]
        assert kinds(self.RULE, readings) == [("raised", 36)]

    def test_a_slow_fall_does_not(self) -> None:
        readings = [(minute, {"pressure": 4.0 - minute * 0.05}) for minute in range(0, 60, 2)]
        assert kinds(self.RULE, readings) == []

    def test_sparse_readings_are_scaled_to_the_window(self) -> None:
        assert kinds(self.RULE, [(0, {"pressure": 4.0}), (45, {"pressure": 1.0})]) == []
        assert kinds(self.RULE, [(0, {"pressure": 4.0}), (45, {"pressure": 0.3})]) == [("raised", 45)]

    def test_calm_clears(self) -> None:
        readings = [(0, {"pressure": 4.0}), (5, {"pressure": 2.0}), (25, {"pressure": 2.0}), (45, {"pressure": 2.0})]
        assert kinds(self.RULE, readings) == [("raised", 5), ("cleared", 25)]


class TestState:
    def test_words_that_last_raise(self) -> None:
        rule = a_rule(kind="state", attribute="powerState", values=["off"], hold="10m")
        readings = [
            (0, {"powerState": "off"}),
            (10, {"powerState": "off"}),
            (20, {"powerState": "on"}),
        ]
        assert kinds(rule, readings) == [("raised", 10), ("cleared", 20)]


class TestQuality:
    RULE = a_rule(kind="quality", bad=2, good=3, clear_hold="1h")

    def test_one_stray_value_is_forgotten(self) -> None:
        assert isinstance(self.RULE, QualityRule)
        state, signal = reject(self.RULE, BLANK, -39.9, START)
        assert signal is None
        state, signal = accept(self.RULE, state, 20.0, START + MINUTE)
        assert (state, signal) == (BLANK, None)

    def test_raises_after_two_and_clears_after_good_ones_that_last(self) -> None:
        assert isinstance(self.RULE, QualityRule)
        state: RuleState = BLANK
        said = []
        for minute in (0, 1, 2):
            state, signal = reject(self.RULE, state, -39.9, START + minute * MINUTE)
            said.append(signal.kind if signal else None)
        for minute in (10, 20, 30, 40, 62):
            state, signal = accept(self.RULE, state, 20.0, START + minute * MINUTE)
            said.append(signal.kind if signal else None)
        assert said == [None, "raised", "seen", None, None, None, None, "cleared"]
        assert state == BLANK


READINGS = st.lists(st.tuples(st.integers(0, 120), st.floats(40, 60)), max_size=60, unique_by=lambda pair: pair[0]).map(
    sorted
)


class TestWhateverTheReadings:
    @given(READINGS, st.integers(0, 30), st.integers(0, 30))
    def test_raised_and_cleared_take_turns(self, readings: list[tuple[int, float]], hold: int, clear_hold: int) -> None:
        found = kinds(a_rule(hold=f"{hold}m", clear_hold=f"{clear_hold}m"), returns(*readings))
        assert [kind for kind, _ in found] == [("raised", "cleared")[place % 2] for place in range(len(found))]

    @given(READINGS, st.integers(0, 30))
    def test_before_it_raises_every_reading_of_the_hold_was_bad(
        self, readings: list[tuple[int, float]], hold: int
    ) -> None:
        found = kinds(a_rule(hold=f"{hold}m"), returns(*readings))
        for minute in [minute for kind, minute in found if kind == "raised"]:
            within = [value for when, value in readings if minute - hold <= when <= minute]
            assert all(value > 50 for value in within)

    @given(READINGS, st.integers(0, 30), st.integers(1, 3600))
    def test_the_speed_of_a_replay_does_not_matter(
        self, readings: list[tuple[int, float]], hold: int, cut: int
    ) -> None:
        # The machine sees no clock: a run that is stopped and taken up again anywhere says the same.
        rule = a_rule(hold=f"{hold}m")
        whole = kinds(rule, returns(*readings))
        place = cut % (len(readings) + 1)
        state, values, signals = BLANK, {}, []
        for part in (readings[:place], readings[place:]):
            state = RuleState(state.phase, state.since, state.last, state.bad, state.good, state.trail)
            for minute, value in part:
                values[RETURN] = Sample(value, START + minute * MINUTE)
                state, signal = evaluate(rule, state, values, ZONE)
                if signal is not None and signal.kind != "seen":
                    signals.append((signal.kind, minute))
        assert signals == whole

    @given(READINGS)
    def test_a_repeated_reading_changes_nothing(self, readings: list[tuple[int, float]]) -> None:
        rule = a_rule(hold="5m", clear_hold="5m")
        twice = [pair for pair in readings for _ in range(2)]
        assert kinds(rule, returns(*twice)) == kinds(rule, returns(*readings))

    @given(READINGS)
    def test_always_within_the_levels_is_always_quiet(self, readings: list[tuple[int, float]]) -> None:
        assert kinds(a_rule(), returns(*[(minute, min(value, 50)) for minute, value in readings])) == []
