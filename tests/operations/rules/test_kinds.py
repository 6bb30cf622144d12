"""Each kind of rule on a small city: what it raises, what it lets be, and that a restart changes nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operations.factories import MINUTE, START, a_change, a_rule

from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.errors import BadInput
from vidik.operations.rules.fences import Place, metres_between
from vidik.operations.rules.memory import Finding, Memory, judged
from vidik.operations.rules.model import AnyRule
from vidik.operations.rules.rulebook import RuleBook
from vidik.operations.rules.signals import Sample

STATION = "AirQualityObserved"
HOURS = 60


def an_id(number: int) -> str:
    return f"urn:ngsi-ld:{STATION}:nis:{number}"


def a_station_rule(kind: str, **fields: Any) -> AnyRule:
    return a_rule(code="watch", kind=kind, entity_types=[STATION], service="air", **fields)


def said(minute: float, number: int = 1, **values: Any) -> Change:
    return a_change(an_id(number), at=START + round(minute * MINUTE), entity_type=STATION, **values)


def at(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def a_memory(*rules: AnyRule) -> Memory:
    book = RuleBook({rule.code: rule for rule in rules}, names.expand_type, names.expand_attribute)
    return Memory(book, names.compact, CITY_ZONE)


def found(rule: AnyRule, *changes: Change) -> list[Finding]:
    return a_memory(rule).take(changes, START)


def told(findings: Sequence[Finding]) -> list[tuple[str, int, str]]:
    """What is new (not "seen"): kind, minute, the entity's number."""
    return [
        (finding.signal.kind, (finding.signal.at - START) // MINUTE, finding.key.entity_id.rpartition(":")[2])
        for finding in findings
        if finding.signal.kind != "seen"
    ]


class TestAbsence:
    RULE = a_station_rule("absence", attribute="pm25", hold="30m")

    def test_raises_when_the_rest_speaks_on(self) -> None:
        story = [said(0, pm25=20.0, no2=30.0), *(said(minute, no2=30.0) for minute in (10, 20, 30, 40, 50))]
        assert told(found(self.RULE, *story)) == [("raised", 40, "1")]

    def test_clears_with_the_first_value(self) -> None:
        story = [*(said(minute, no2=30.0) for minute in (0, 15, 30)), said(45, pm25=20.0)]
        assert told(found(self.RULE, *story)) == [("raised", 30, "1"), ("cleared", 45, "1")]

    def test_an_entity_that_is_silent_altogether_is_not_its_business(self) -> None:
        story = [said(0, pm25=20.0), said(600, no2=30.0), said(601, pm25=21.0)]
        assert told(found(self.RULE, *story)) == []

    def test_needs_a_time_to_wait(self) -> None:
        with pytest.raises(BadInput, match="hold"):
            a_station_rule("absence", attribute="pm25")


class TestGeofence:
    SQUARE = ((21.89, 43.31), (21.91, 43.31), (21.91, 43.33), (21.89, 43.33))
    INSIDE, OUTSIDE = at(21.90, 43.32), at(21.92, 43.32)

    def rule(self, **fields: Any) -> AnyRule:
        return a_station_rule("geofence", **({"must_be": "inside", "polygon": self.SQUARE} | fields))

    def test_raises_outside_and_clears_inside(self) -> None:
        story = [said(0, location=self.INSIDE), said(1, location=self.OUTSIDE), said(2, location=self.INSIDE)]
        assert told(found(self.rule(), *story)) == [("raised", 1, "1"), ("cleared", 2, "1")]

    def test_says_how_far_in_metres(self) -> None:
        (finding,) = found(self.rule(), said(0, location=self.OUTSIDE))
        assert finding.signal.value == pytest.approx(809, abs=3)

    def test_a_margin_forgives_a_little(self) -> None:
        assert told(found(self.rule(margin_m=900), said(0, location=self.OUTSIDE))) == []

    def test_may_forbid_an_area(self) -> None:
        story = [said(0, location=self.OUTSIDE), said(1, location=self.INSIDE)]
        assert told(found(self.rule(must_be="outside"), *story)) == [("raised", 1, "1")]

    def test_may_be_a_circle(self) -> None:
        circle = {"centre": [21.90, 43.32], "radius_m": 1000}
        story = [said(0, location=at(21.911, 43.32)), said(1, location=self.OUTSIDE)]
        assert told(found(self.rule(polygon=None, circle=circle), *story)) == [("raised", 1, "1")]

    def test_crossing_lines_are_refused(self) -> None:
        bow = ((21.89, 43.31), (21.91, 43.33), (21.91, 43.31), (21.89, 43.33))
        with pytest.raises(BadInput, match="cross"):
            self.rule(polygon=bow)

    @pytest.mark.parametrize("place", ["nowhere", {"type": "Point", "coordinates": []}, {"type": "Polygon"}, 5.0])
    def test_what_is_no_place_says_nothing(self, place: Any) -> None:
        assert found(self.rule(), said(0, location=place)) == []


class TestForecast:
    RULE = a_station_rule("forecast", attribute="pm25", margin=5, spreads=3, learn=5)

    def days(self, number: int) -> list[Change]:
        """Whole days in which the value is 20 plus the hour of the day, in UTC, give or take one."""
        return [
            said(hour * HOURS, pm25=20.0 + hour % 24 + (1 if (hour // 24) % 2 else -1)) for hour in range(number * 24)
        ]

    def test_a_week_like_the_last_one_raises_nothing(self) -> None:
        assert found(self.RULE, *self.days(20)) == []

    def test_what_is_usual_at_noon_is_unusual_at_midnight(self) -> None:
        night = said(10 * 24 * HOURS, pm25=32.0)
        (finding,) = found(self.RULE, *self.days(10), night)
        assert finding.signal.kind == "raised"
        assert finding.signal.threshold == pytest.approx(25, abs=2)
        assert told(found(self.RULE, *self.days(10), said((10 * 24 + 12) * HOURS, pm25=32.0))) == []

    def test_nothing_is_raised_before_enough_is_learnt(self) -> None:
        assert found(self.RULE, *self.days(4), said(4 * 24 * HOURS, pm25=500.0)) == []

    def test_a_fault_is_not_learnt_as_usual(self) -> None:
        fault = [said((10 * 24 + day * 24) * HOURS, pm25=500.0) for day in range(10)]
        findings = found(self.RULE, *self.days(10), *fault)
        assert {finding.signal.kind for finding in findings} == {"raised", "seen"}

    def test_may_look_at_one_side_only(self) -> None:
        low = said(10 * 24 * HOURS, pm25=1.0)
        below = a_station_rule("forecast", attribute="pm25", margin=5, spreads=3, learn=5, side="below")
        above = a_station_rule("forecast", attribute="pm25", margin=5, spreads=3, learn=5, side="above")
        assert told(found(below, *self.days(10), low)) == [("raised", 14400, "1")]
        assert found(above, *self.days(10), low) == []

    def test_writes_what_it_remembers_once_an_hour(self) -> None:
        memory = a_memory(self.RULE)
        memory.take([said(0, pm25=20.0)], START)
        assert memory.changed()[0]
        memory.take([said(10, pm25=20.0), said(20, pm25=20.0)], START)
        assert not memory.changed()[0]
        memory.take([said(60, pm25=20.0)], START)
        assert memory.changed()[0]


class TestNeighbours:
    RULE = a_station_rule("neighbours", attribute="pm25", radius_m=1500, distance=30, clear=20, max_gap="1h")

    def around(self, minute: float, *values: float) -> list[Change]:
        return [
            said(minute, number, pm25=value, location=at(21.90 + number / 1000, 43.32))
            for number, value in enumerate(values, start=1)
        ]

    def test_the_odd_one_out_is_named(self) -> None:
        findings = found(self.RULE, *self.around(0, 20, 21, 22, 23, 90))
        assert told(findings) == [("raised", 0, "5")]
        assert findings[0].signal.threshold == 51.5

    def test_it_clears_when_it_is_like_the_others_again(self) -> None:
        story = [*self.around(0, 20, 21, 22, 23, 90), *self.around(5, 20, 21, 22, 23, 24)]
        assert told(found(self.RULE, *story)) == [("raised", 0, "5"), ("cleared", 5, "5")]

    def test_all_together_are_nobodys_fault(self) -> None:
        assert found(self.RULE, *self.around(0, 90, 91, 92, 93, 94)) == []

    def test_few_neighbours_say_nothing(self) -> None:
        assert found(self.RULE, *self.around(0, 20, 21, 90)) == []

    def test_old_values_are_not_asked(self) -> None:
        story = [*self.around(0, 20, 21, 22, 23), said(90, 5, pm25=90.0, location=at(21.905, 43.32))]
        assert found(self.RULE, *story) == []

    def test_far_ones_are_not_asked(self) -> None:
        story = [*self.around(0, 20, 21, 22, 23), said(0, 5, pm25=90.0, location=at(22.5, 43.32))]
        assert found(self.RULE, *story) == []

    def test_distances_are_in_metres(self) -> None:
        assert metres_between(Place(21.9, 43.32), Place(21.9, 43.33)) == pytest.approx(1112, abs=1)
        assert metres_between(Place(21.9, 43.32), Place(21.91, 43.32)) == pytest.approx(809, abs=1)


class TestCombination:
    OF = ({"attribute": "pm25", "above": 50}, {"attribute": "no2", "above": 100}, {"attribute": "o3", "above": 150})

    def test_raises_when_all_hold(self) -> None:
        rule = a_station_rule("combination", of=self.OF)
        story = [said(0, pm25=60.0, no2=120.0), said(1, o3=160.0), said(2, no2=90.0)]
        assert told(found(rule, *story)) == [("raised", 1, "1"), ("cleared", 2, "1")]

    def test_may_ask_for_some_of_them(self) -> None:
        rule = a_station_rule("combination", of=self.OF, at_least=2)
        assert told(found(rule, said(0, pm25=60.0, no2=120.0))) == [("raised", 0, "1")]

    def test_unknown_is_not_good(self) -> None:
        rule = a_station_rule("combination", of=self.OF, max_gap="1h")
        story = [said(0, pm25=60.0, no2=120.0, o3=160.0), said(90, pm25=61.0)]
        assert told(found(rule, *story)) == [("raised", 0, "1")]

    def test_cannot_ask_for_more_than_there_are(self) -> None:
        with pytest.raises(BadInput, match="more conditions"):
            a_station_rule("combination", of=self.OF, at_least=4)


class TestSomeEntitiesOnly:
    def test_a_rule_may_name_them(self) -> None:
        rule = a_station_rule("threshold", attribute="pm25", above=50, clear=40, entity_ids=[an_id(2)])
        assert told(found(rule, said(0, 1, pm25=60.0), said(0, 2, pm25=60.0))) == [("raised", 0, "2")]

    def test_beside_rules_for_all(self) -> None:
        for_all = a_rule(code="all_of_them", entity_types=[STATION], attribute="pm25", above=50, clear=40)
        one = a_station_rule("threshold", attribute="pm25", above=70, clear=40, entity_ids=[an_id(2)])
        findings = a_memory(for_all, one).take([said(0, 1, pm25=80.0), said(0, 2, pm25=80.0)], START)
        assert sorted(finding.key.rule for finding in findings) == ["all_of_them", "all_of_them", "watch"]


KINDS = [
    a_rule(code="level", entity_types=[STATION], attribute="pm25", above=50, clear=40, hold="20m", clear_hold="10m"),
    a_rule(code="slope", kind="rate", entity_types=[STATION], attribute="pm25", rise=30, over="30m", clear=10),
    a_rule(code="missing", kind="absence", entity_types=[STATION], attribute="no2", hold="30m"),
    a_rule(code="unusual", kind="forecast", entity_types=[STATION], attribute="pm25", margin=10, learn=2),
    a_rule(
        code="odd", kind="neighbours", entity_types=[STATION], attribute="pm25", radius_m=5000, distance=30, clear=20,
        at_least=2,
    ),
    a_rule(
        code="several", kind="combination", entity_types=[STATION],
        of=[{"attribute": "pm25", "above": 50}, {"attribute": "no2", "above": 50}],
    ),
]  # fmt: skip
STORIES = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 90),
        st.dictionaries(st.sampled_from(["pm25", "no2"]), st.floats(0, 100).map(round).map(float), min_size=1),
    ),
    min_size=1,
    max_size=40,
)


def as_changes(story: list[tuple[int, int, dict[str, float]]]) -> list[Change]:
    minute = 0
    changes = []
    for number, wait, values in story:
        minute += wait
        changes.append(said(minute, number, location=at(21.9 + number / 1000, 43.32), **values))
    return changes


class TestRestarts:
    @given(STORIES, st.data())
    @settings(max_examples=150, deadline=None)
    def test_between_any_two_readings_change_nothing(
        self, story: list[tuple[int, int, dict[str, float]]], data: st.DataObject
    ) -> None:
        changes = as_changes(story)
        steady = a_memory(*KINDS).take(changes, START)
        cut = data.draw(st.integers(0, len(changes)))
        first = a_memory(*KINDS)
        findings = first.take(changes[:cut], START)
        written, _ = first.changed()
        second = a_memory(*KINDS)
        second.load(written)
        newest: dict[str, dict[str, tuple[Any, int | None]]] = {}
        for change in changes[:cut]:
            newest.setdefault(change.entity_id, {}).update(change.attributes)
        for entity_id, attributes in newest.items():
            past = {names.compact(iri): Sample(judged(value), at or 0) for iri, (value, at) in attributes.items()}
            second.complete(entity_id, past)
            second.seed(entity_id, changes[0].types, past)
        findings += second.take(changes[cut:], START)
        assert findings == steady
