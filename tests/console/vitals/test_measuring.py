"""What an aggregate makes of many assets, and whether a test holds. Pure."""

from datetime import UTC, datetime, time
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vidik.console.vitals.measuring import all_of, any_of, measure, verdict_of
from vidik.console.vitals.service import packaged
from vidik.console.vitals.sign import Assets, Test
from vidik.kernel.clock import to_microseconds
from vidik.operations.rules.conditions import condition_holds
from vidik.operations.rules.signals import Sample

NOON = time(12)
FACTS = st.sampled_from([True, False, None])
NUMBERS = st.floats(-1e6, 1e6)


def a_source(**fields: Any) -> Assets:
    return Assets.model_validate({"kind": "assets", "types": ["Thing"], **fields})


def the_source(key: str) -> Assets:
    source = packaged()[0][key].source
    assert isinstance(source, Assets)
    return source


def substation(supply: float, power: float | None = 100.0, reference: float = 50.0) -> dict[str, float]:
    values = {"supplyTemperatureSecondary": supply, "referenceTemperature": reference}
    return values if power is None else values | {"power": power}


def is_(fact: bool | None) -> tuple[Test, dict[str, str]]:
    """A test of an attribute of its own, and the values by which it holds, fails, or cannot be known."""
    name = {True: "yes", False: "no", None: "nothing"}[fact]
    return Test(attribute=name, equals=["said"]), {"yes": "said", "no": "other"}


class TestVerdicts:
    @given(
        value=st.one_of(st.none(), NUMBERS, st.sampled_from(["on", "off", "low"]), st.booleans()),
        above=st.one_of(st.none(), NUMBERS),
        below=st.one_of(st.none(), NUMBERS),
        equals=st.one_of(st.none(), st.lists(st.sampled_from(["on", "off", 1.0]), min_size=1)),
        if_unknown=st.sampled_from(["wait", "pass"]),
    )
    def test_a_test_holds_as_the_condition_of_a_rule_does(self, value, above, below, equals, if_unknown):
        if above is None and below is None and equals is None:
            above = 0.0
        test = Test(attribute="a", above=above, below=below, equals=equals, if_unknown=if_unknown)
        values = {} if value is None else {"a": value}
        samples = {} if value is None else {"a": Sample(value, 0)}

        assert verdict_of(test)(values, NOON) is condition_holds(test, samples, 0, 1, UTC)

    @given(minute=st.integers(0, 24 * 60 - 1), hours=st.sampled_from(["22:00-05:00", "05:00-07:00", "00:00-23:59"]))
    def test_hours_hold_as_those_of_a_rule_do(self, minute, hours):
        test, at = Test(hours=hours), datetime(2026, 11, 22, minute // 60, minute % 60, tzinfo=UTC)

        assert verdict_of(test)({}, at.time()) is condition_holds(test, {}, to_microseconds(at), 1, UTC)

    @given(facts=st.lists(FACTS, min_size=1, max_size=6))
    def test_all_fail_by_one_and_any_hold_by_one_and_the_rest_is_not_known(self, facts):
        tests = [is_(fact)[0] for fact in facts]
        values = is_(True)[1]

        everything = False if False in facts else None if None in facts else True
        anything = True if True in facts else None if None in facts else False
        assert all_of(tests)(values, NOON) is everything
        assert any_of([[test] for test in tests])(values, NOON) is anything

    def test_a_distance_needs_both_attributes(self):
        verdict = verdict_of(Test(attribute="supply", reference="curve", above=-3, below=3))

        assert verdict({"supply": 48, "curve": 50}, NOON) is True
        assert verdict({"supply": 46, "curve": 50}, NOON) is False
        assert verdict({"supply": 48}, NOON) is None


class TestAggregates:
    @given(numbers=st.lists(NUMBERS, min_size=1, max_size=30), unknown=st.integers(0, 5))
    def test_numbers_are_those_that_are_known(self, numbers, unknown):
        members = [{"a": number} for number in numbers] + [{"b": 1.0}, {"a": "word"}][:unknown]

        for aggregate, expected in (
            ("median", median(numbers)),
            ("sum", sum(numbers)),
            ("minimum", min(numbers)),
            ("maximum", max(numbers)),
        ):
            found = measure(a_source(aggregate=aggregate, attribute="a"), members, NOON)
            assert (found.value, found.counted) == (expected, len(numbers))

    @given(facts=st.lists(FACTS, max_size=40))
    def test_a_share_is_of_those_of_which_one_can_tell(self, facts):
        members = [{} if fact is None else {"a": "said" if fact else "other"} for fact in facts]
        ways = [[{"attribute": "a", "equals": ["said"]}]]

        share = measure(a_source(aggregate="share", ways=ways), members, NOON)
        count = measure(a_source(aggregate="count", ways=ways), members, NOON)

        known = [fact for fact in facts if fact is not None]
        assert share.counted == count.counted == len(known)
        if not known:
            assert share.value is count.value is None
        else:
            assert 0 <= share.value <= 100
            assert count.value == sum(known)
            assert abs(share.value * len(known) - 100 * sum(known)) < 1e-6

    @given(sites=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=20))
    def test_ratio_and_rest_make_a_whole(self, sites):
        members = [{"free": float(free), "total": float(free + taken)} for free, taken in sites] + [{"free": 3.0}]

        ratio = measure(a_source(aggregate="ratio", attribute="free", per="total", scale=100), members, NOON)
        rest = measure(a_source(aggregate="rest", attribute="free", per="total", scale=100), members, NOON)

        assert ratio.counted == len(sites)
        assert abs(ratio.value + rest.value - 100) < 1e-9

    def test_what_is_not_among_those_meant_is_left_out(self):
        source = a_source(aggregate="mean", attribute="a", among=[{"attribute": "power", "above": 20}])

        found = measure(source, [{"a": 40.0, "power": 100.0}, {"a": 90.0, "power": 0.0}, {"a": 90.0}], NOON)

        assert found == (40.0, 1)


class TestPackagedSigns:
    def test_a_substation_that_draws_no_heat_need_only_not_be_too_hot(self):
        source = the_source("heating_in_band")

        for members, share in (
            ([substation(48), substation(44)], 50),
            ([substation(30, power=0)], 100),
            ([substation(54, power=0)], 0),
            ([substation(48, power=None)], 100),
        ):
            assert measure(source, members, NOON).value == share
        assert measure(source, [substation(30, power=None)], NOON).value is None

    def test_warming_up_in_the_morning_counts_as_in_band_until_seven(self):
        source = the_source("heating_in_band")

        assert measure(source, [substation(38)], time(6, 10)).value == 100
        assert measure(source, [substation(54)], time(6, 10)).value == 0
        assert measure(source, [substation(38)], time(7)).value == 0

    def test_a_lamp_that_is_told_to_shine_and_draws_nothing_is_dark(self):
        members = [
            {"powerState": "on", "activePower": 0.9},
            {"powerState": "on", "activePower": 60.0},
            {"powerState": "off"},
        ]

        assert measure(the_source("lights_working"), members, NOON).value == 100 * 2 / 3
        assert measure(the_source("lights_by_day"), members, NOON).value == 2
        assert measure(the_source("lights_by_day"), members, time(17)).value == 0
