"""How requests gather: the same in whatever order they come, never of fewer than the rule says, never across it."""

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vidik.operations.rule_changes.requests_trial import Past, findings_of
from vidik.operations.rules.fences import Place, metres_between
from vidik.operations.rules.gathering import Report, gather
from vidik.operations.rules.model import RequestsRule
from vidik.operations.rules.rulebook import read_rule

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def a_rule(**fields: object) -> RequestsRule:
    rule = read_rule(
        {
            "code": "leaks", "kind": "requests", "service": "water", "priority": "high", "service_codes": ["leak"],
            "title": {"en": "Leaks", "sr": "Цурења"}, "message": {"en": "{value}", "sr": "{value}"},
            "at_least": 3, "radius_m": 300, "within": "1h", **fields,
        }
    )  # fmt: skip
    assert isinstance(rule, RequestsRule)
    return rule


def a_report(number: int, east_m: float = 0, minutes: float = 0, code: str = "leak", **said: Any) -> Report:
    place = Place(21.9 + east_m / 80_900, 43.32)
    return Report(f"r{number:02d}", code, **{"place": place, "at": NOON + timedelta(minutes=minutes), **said})


def anchors(rule: RequestsRule, reports: list[Report]) -> dict[str, str]:
    """What gathered, each report looked at as it comes."""
    standing: dict[str, str] = {}
    for place, report in enumerate(reports):
        found = gather(rule, report, reports[:place], standing)
        if found is not None:
            standing |= dict.fromkeys(found.joining, found.anchor)
    return standing


def is_one_thing(rule: RequestsRule, reports: tuple[Report, ...]) -> bool:
    times = [one.at for one in reports]
    near = any(
        all(one.place and centre.place and metres_between(one.place, centre.place) <= rule.radius_m for one in reports)
        for centre in reports
    )
    return near and max(times) - min(times) <= rule.within and {one.exercise for one in reports} == {None}


SOME = st.lists(
    st.builds(
        lambda east, minutes, code: (east, minutes, code),
        st.integers(0, 1200),
        st.integers(0, 150),
        st.sampled_from(["leak", "leak", "leak", "light"]),
    ),
    max_size=7,
)


@settings(max_examples=150)
@given(SOME, st.randoms(use_true_random=False), st.integers(1, 4))
def test_something_gathers_whatever_the_order_if_so_many_are_one_thing(
    some: list[tuple[int, int, str]], order: random.Random, at_least: int
) -> None:
    rule = a_rule(at_least=at_least)
    reports = [a_report(number, east, minutes, code) for number, (east, minutes, code) in enumerate(some)]
    order.shuffle(reports)
    leaks = [report for report in reports if report.service_code == "leak"]
    expected = any(is_one_thing(rule, found) for found in combinations(leaks, at_least))
    standing = anchors(rule, reports)
    assert bool(standing) == expected
    assert {report.service_code for report in reports if report.entity_id in standing} <= {"leak"}


def test_the_alarm_stands_at_the_oldest_and_a_later_one_joins() -> None:
    reports = [a_report(1, 0, 5), a_report(2, 100, 0), a_report(3, 200, 9), a_report(4, 350, 30)]
    assert anchors(a_rule(), reports) == dict.fromkeys(("r01", "r02", "r03", "r04"), "r02")


def test_neither_far_nor_late_nor_of_an_exercise_nor_without_a_place() -> None:
    pair = [a_report(1), a_report(2, 50)]
    for third in (
        a_report(3, 900),
        a_report(3, 0, 61),
        a_report(3, exercise=7),
        a_report(3, place=None),
        a_report(3, code="light"),
    ):
        assert anchors(a_rule(), [*pair, third]) == {}


def test_one_is_enough_where_the_rule_says_so() -> None:
    assert anchors(a_rule(at_least=1), [a_report(1, place=None)]) == {"r01": "r01"}


def test_in_the_past_it_ends_with_the_last_of_them() -> None:
    ended = NOON + timedelta(hours=5)
    past = [Past(a_report(number), ended + timedelta(minutes=number)) for number in range(3)]
    kinds = [(found.signal.kind, found.key.entity_id) for found in findings_of(a_rule(), past)]
    assert kinds == [("raised", "r00"), ("cleared", "r00")]
