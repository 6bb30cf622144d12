"""What hides an alarm: people's holds, windows of rules, and inhibition without circles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.operations.factories import a_rule

from vidik.kernel.clock import CITY_ZONE
from vidik.operations.alarms.holds import Hold, Holds, Standing, circle_of, inhibitors_of
from vidik.operations.rules.model import AnyRule, Window
from vidik.operations.rules.signals import AlarmKey

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)  # a Thursday, 11:00 in Niš
LAMP, OTHER_LAMP = "urn:ngsi-ld:Streetlight:nis:1", "urn:ngsi-ld:Streetlight:nis:2"
CABINET = "urn:ngsi-ld:StreetlightControlCabinet:nis:9"
KEY = AlarmKey("lamp_dark", LAMP)
RULES = {
    rule.code: rule
    for rule in (
        a_rule(code="lamp_dark", inhibited_by=[{"rule": "circuit_dark", "at": "related"}]),
        a_rule(code="circuit_dark"),
    )
}


def a_hold(kind: Any = "shelved", **fields: Any) -> Hold:
    said = {
        "id": 1,
        "rule": "lamp_dark",
        "entity_id": LAMP,
        "attribute": None,
        "begins_at": NOW,
        "until": NOW + timedelta(hours=1),
        "reason": "радови",
        "placed_by": "Милица",
    }
    return Hold(kind=kind, **(said | fields))


def hidden_by(
    *holds: Hold, rules: dict[str, AnyRule] | None = None, standing: list[Standing] | None = None, key: AlarmKey = KEY
) -> tuple[str, str, str | None] | None:
    found = Holds(holds, rules or {}, standing or [], NOW, CITY_ZONE).of(key, "lighting", frozenset({CABINET}))
    return (found.kind, found.act.cause, found.act.reason) if found else None


class TestPeople:
    def test_a_hold_hides_what_it_covers(self) -> None:
        assert hidden_by(a_hold()) == ("shelved", "person", "радови")
        assert hidden_by(a_hold(entity_id=OTHER_LAMP)) is None

    def test_of_an_entity_hides_every_rule_there(self) -> None:
        assert hidden_by(a_hold("out_of_service", rule=None)) == ("out_of_service", "person", "радови")

    def test_the_strongest_gives_its_name(self) -> None:
        assert hidden_by(a_hold(), a_hold("out_of_service"), a_hold("suppressed")) == (
            "out_of_service",
            "person",
            "радови",
        )

    @pytest.mark.parametrize(("begin", "end"), [(1, 2), (-2, -1), (-1, 0)])
    def test_counts_only_in_its_time(self, begin: int, end: int) -> None:
        hold = a_hold(begins_at=NOW + timedelta(hours=begin), until=NOW + timedelta(hours=end))
        assert hidden_by(hold) is None


class TestInhibition:
    def standing(self, entity_id: str, *, active: bool = True, related: tuple[str, ...] = ()) -> list[Standing]:
        return [Standing(AlarmKey("circuit_dark", entity_id), "lighting", frozenset(related), active, False)]

    def test_a_dark_circuit_says_why_its_lamps_are_dark(self) -> None:
        found = hidden_by(rules=RULES, standing=self.standing(CABINET))
        assert found == ("suppressed", "design", f"circuit_dark at {CABINET}")

    def test_another_circuit_says_nothing(self) -> None:
        assert hidden_by(rules=RULES, standing=self.standing(f"{CABINET}9")) is None

    def test_two_that_hang_on_the_same_are_related(self) -> None:
        assert hidden_by(rules=RULES, standing=self.standing(OTHER_LAMP, related=(CABINET,))) is not None

    def test_one_that_is_over_inhibits_no_longer(self) -> None:
        assert hidden_by(rules=RULES, standing=self.standing(CABINET, active=False)) is None

    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30))
    def test_never_goes_in_a_circle(self, links: list[tuple[int, int]]) -> None:
        by: dict[int, list[dict[str, str]]] = {}
        for source, target in links:
            by.setdefault(target, []).append({"rule": f"rule_{source}"})
        rules = {f"rule_{n}": a_rule(code=f"rule_{n}", inhibited_by=by.get(n, [])) for n in range(6)}
        left = {code: {source for source, _ in found} for code, found in inhibitors_of(rules).items()}
        while left:
            free = {code for code, sources in left.items() if not sources & set(left)}
            assert free, "every rule that is left is hidden by another one that is left"
            left = {code: sources for code, sources in left.items() if code not in free}

    def test_a_circle_is_named(self) -> None:
        rules = {
            "one": a_rule(code="one", inhibited_by=[{"rule": "two"}]),
            "two": a_rule(code="two", inhibited_by=[{"rule": "one"}]),
        }
        assert circle_of(rules, "one") == "two"
        assert circle_of(RULES, "lamp_dark") is None


class TestWindows:
    @pytest.mark.parametrize(
        ("window", "holds"),
        [
            ({"hours": "10:00-12:00"}, True),
            ({"hours": "11:30-12:00"}, False),
            ({"hours": "10:00-12:00", "days": ["thu"]}, True),
            ({"hours": "10:00-12:00", "days": ["fri"]}, False),
            ({"hours": "22:00-11:30", "days": ["wed"]}, True),
            ({"hours": "22:00-11:30", "days": ["thu"]}, False),
        ],
    )
    def test_are_local_and_belong_to_the_day_they_begin(self, window: dict[str, Any], holds: bool) -> None:
        assert Window.model_validate(window).holds_at(NOW.astimezone(CITY_ZONE)) is holds

    def test_suppress_by_design(self) -> None:
        rules = {"lamp_dark": a_rule(code="lamp_dark", maintenance=[{"hours": "10:00-12:00"}])}
        assert hidden_by(rules=rules) == ("suppressed", "design", "maintenance window")
