"""What the alarm system says of itself: figures against independent counts, floods, advice, and over HTTP."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.conftest import SUBSTATION
from tests.operations.factories import a_target, minutes_ago, store
from tests.operations.following import Follow

from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.alarms.performance import (
    ADVICE,
    SPLIT,
    TARGETS,
    Call,
    Stands,
    chattering_in,
    floods_in,
    measure,
    rating_of,
)
from vidik.operations.rules.signals import AlarmKey

OTHER = a_target("urn:ngsi-ld:HeatSubstation:nis:s02", "HeatSubstation", dataOrigin="simulated")
BEGIN = datetime(2026, 1, 15, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


def a_key(number: int = 1) -> AlarmKey:
    return AlarmKey("lamp_dark", f"urn:ngsi-ld:Streetlight:nis:{number}")


def a_call(minutes: float, number: int = 1, lasted: float | None = 30, priority: Any = "low") -> Call:
    duration = timedelta(minutes=lasted) if lasted is not None else None
    return Call(BEGIN + timedelta(minutes=minutes), a_key(number), f"Светиљка {number}", priority, duration)


def measured(*calls: Call, standing: tuple[Stands, ...] = (), operators: float = 1) -> dict[str, Any]:
    return measure(sorted(calls), standing, BEGIN, END, operators)


def figure(result: dict[str, Any], name: str) -> tuple[float, bool]:
    (found,) = [one for one in result["figures"] if one["name"] == name]
    return found["value"], found["met"]


class TestFigures:
    def test_an_empty_day_meets_every_target(self) -> None:
        result = measured()
        assert [one["met"] for one in result["figures"]] == [True] * len(TARGETS)
        assert (result["rating"], result["advice"]) == ("acceptable", [])

    def test_one_call_in_ten_minutes_is_acceptable(self) -> None:
        result = measured(*(a_call(number * 10, number) for number in range(144)))
        assert figure(result, "calls_per_10_minutes") == (1.0, True)
        assert result["rating"] == "acceptable"

    @pytest.mark.parametrize(
        ("rate", "word"), [(0.9, "acceptable"), (1.5, "manageable"), (9, "over-demanding"), (11, "unacceptable")]
    )
    def test_the_words_are_eemuas(self, rate: float, word: str) -> None:
        assert rating_of(rate) == word

    def test_more_operators_share_the_calls(self) -> None:
        calls = [a_call(number * 5, number) for number in range(288)]
        assert figure(measured(*calls), "calls_per_10_minutes") == (2.0, False)
        assert figure(measured(*calls, operators=2), "calls_per_10_minutes") == (1.0, True)

    def test_what_stands_for_more_than_a_day_is_named(self) -> None:
        old = Stands(a_key(7), "Светиљка 7", BEGIN - timedelta(hours=1))
        young = Stands(a_key(8), "Светиљка 8", BEGIN + timedelta(hours=1))
        result = measured(standing=(old, young))
        assert figure(result, "standing") == (1, True)
        assert [one["entity_name"] for one in result["standing"]] == ["Светиљка 7"]
        assert [one["code"] for one in result["advice"]] == ["standing"]

    def test_the_split_of_priorities_stands_beside_its_target(self) -> None:
        calls = [a_call(number * 60, number, priority="high" if number < 5 else "low") for number in range(20)]
        result = measured(*calls)
        assert [(one["priority"], one["share"]) for one in result["priorities"]] == [
            ("critical", 0.0), ("high", 0.25), ("medium", 0.0), ("low", 0.75),
        ]  # fmt: skip
        assert [one["code"] for one in result["advice"]] == ["too-urgent"]
        assert sum(SPLIT.values()) == pytest.approx(1.01)


class TestChatter:
    def test_three_calls_within_a_minute_are_chatter(self) -> None:
        calls = [a_call(minute, lasted=0.1) for minute in (0, 0.3, 0.6, 100)]
        assert chattering_in(calls) == {a_key(): 3}
        (advice, *_) = measured(*calls)["advice"]
        assert (advice["code"], advice["figure"]) == ("chattering", 3)
        assert set(advice["text"]) == {"en", "sr-Cyrl", "sr-Latn"}

    def test_two_are_not(self) -> None:
        assert not chattering_in([a_call(0), a_call(0.5), a_call(1.4)])

    def test_what_is_over_at_once_is_fleeting(self) -> None:
        result = measured(*(a_call(number * 60, lasted=0.5) for number in range(4)))
        assert figure(result, "fleeting_share") == (1.0, False)
        assert [one["code"] for one in result["advice"]] == ["fleeting"]

    def test_the_frequent_ones_are_named(self) -> None:
        calls = [a_call(number * 20, 1 if number % 2 else number) for number in range(40)]
        (advice,) = measured(*calls)["advice"]
        assert (advice["code"], advice["entity_name"], advice["figure"]) == ("frequent", "Светиљка 1", 20)

    def test_every_advice_has_its_words(self) -> None:
        assert all(text.en and text.sr for text in ADVICE.values())


class TestFloods:
    def test_eleven_calls_in_ten_minutes_are_a_flood(self) -> None:
        (flood,) = measured(*(a_call(60 + number * 0.5, number) for number in range(11)))["floods"]
        assert flood["from"] == "2026-01-15T01:00:00Z"

    def test_ten_are_none(self) -> None:
        assert measured(*(a_call(number, number) for number in range(10)))["floods"] == []

    def test_a_storm_is_one_flood(self) -> None:
        result = measured(*(a_call(60 + number / 10, number) for number in range(600)))
        assert len(result["floods"]) == 1
        assert figure(result, "share_of_10_minutes_in_flood")[0] == pytest.approx(70 / 1440, abs=0.001)

    def test_two_operators_stand_twice_as_much(self) -> None:
        moments = [BEGIN + timedelta(seconds=number) for number in range(15)]
        assert len(floods_in(moments)) == 1
        assert floods_in(moments, operators=2) == []

    @given(st.lists(st.integers(0, 20_000), max_size=200))
    def test_there_is_a_flood_just_when_some_ten_minutes_hold_more_than_ten(self, seconds: list[int]) -> None:
        moments = sorted(BEGIN + timedelta(seconds=second) for second in seconds)
        ten = timedelta(minutes=10)
        busiest = max((sum(begin <= one < begin + ten for one in moments) for begin in moments), default=0)
        floods = floods_in(moments)
        assert bool(floods) == (busiest > 10)
        inside = Counter(sum(flood.begin <= one <= flood.end - ten for flood in floods) for one in moments)
        assert set(inside) <= {0, 1}


class TestOverHttp:
    async def test_calls_are_what_was_raised_and_shown(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        for minutes in (70, 35, 20):
            await store(services.database, SUBSTATION, {"returnTemperaturePrimary": 61.0}, minutes_ago(minutes))
        await follow(AlarmConsumer())
        answer = await client.get("/api/alarms/performance")
        assert answer.status_code == 200, answer.text
        result = answer.json()
        assert (result["calls"], result["rating"]) == (1, "acceptable")
        assert result["top"][0]["entity_name"] == "Подстаница Чаир"
        # A simulated city's day before its first start: nobody was called.
        for hours in (20, 19, 18):
            await store(services.database, OTHER, {"returnTemperaturePrimary": 61.0}, minutes_ago(hours * 60))
        await follow(AlarmConsumer())
        shown = (await client.get("/api/alarms")).json()["items"]
        assert {alarm["entity_id"] for alarm in shown} == {SUBSTATION.entity_id, OTHER.entity_id}
        assert (await client.get("/api/alarms/performance")).json()["calls"] == 1
        empty = await client.get("/api/alarms/performance", params={"from": "2026-01-01T00:00:00Z"})
        assert empty.status_code == 400
