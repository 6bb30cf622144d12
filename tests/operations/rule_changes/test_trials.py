"""Rules tried against history: the figures, the job, and the refusal of a flood."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.operations.conftest import rows
from tests.operations.factories import START, a_change, a_rule, a_target
from tests.operations.following import Follow

from vidik.context.jsonld import names
from vidik.context.store.readings import EntityReading, ReadingWriter
from vidik.kernel.clock import CITY_ZONE, from_microseconds, to_microseconds
from vidik.kernel.services import Services
from vidik.operations import jobs
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.alarms.performance import TEN_MINUTES
from vidik.operations.rule_changes import trials_api
from vidik.operations.rule_changes.trial import Trial, busiest_within
from vidik.operations.rules.model import ThresholdRule

RETURN = names.expand_attribute("returnTemperaturePrimary")
DAY = 24 * 60
# Two spells above 50 °C at one substation, a short one and one that lasts into the end.
STORY = [(0, 40.0), (10, 60.0), (70, 60.0), (80, 40.0), (100, 40.0), (2 * DAY, 60.0), (2 * DAY + 60, 60.0)]
NEW_RULE = {
    "code": "return_warm",
    "kind": "threshold",
    "service": "heating",
    "priority": "low",
    "entity_types": ["HeatSubstation"],
    "title": {"en": "Warm", "sr": "Топло"},
    "message": {"en": "Warm.", "sr": "Топло."},
    "attribute": "returnTemperaturePrimary",
    "above": 50,
    "clear": 47,
}


async def remember(services: Services, *story: tuple[float, float], entities: int = 1, ago_days: float = 4) -> None:
    begin = datetime.now(UTC) - timedelta(days=ago_days)
    readings = [
        EntityReading(
            a_target(f"urn:ngsi-ld:HeatSubstation:nis:s{number:02}", "HeatSubstation", name=f"Подстаница {number}"),
            to_microseconds(begin + timedelta(minutes=minute)),
            {RETURN: value},
        )
        for minute, value in story
        for number in range(entities)
    ]
    async with services.database.transaction("city") as connection:
        await ReadingWriter().write(connection, readings)


async def dry_run(client: httpx.AsyncClient, **rule: Any) -> dict[str, Any]:
    answer = await client.post("/api/rules/dry-run", json={"rule": {"code": "heating_return_high"} | rule})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["result"])


class TestDryRun:
    async def test_many_at_once_keep_nobody_waiting(self, client: httpx.AsyncClient) -> None:
        asked = [client.post("/api/rules/dry-run", json={"rule": {"code": "heating_return_high"}}) for _ in range(12)]

        answers = await asyncio.gather(*asked, client.get("/api/alarms"))

        # More than the pool has connections: each held one and waited for another until the pool gave up (503).
        assert [answer.status_code for answer in answers] == [200] * 13

    async def test_says_what_the_live_rule_raised(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        await remember(services, *STORY)
        await follow(AlarmConsumer())
        live = await rows(services, "SELECT observed_at, cleared_observed_at FROM alarm ORDER BY observed_at")
        result = await dry_run(client)
        assert (result["alarms"], result["calls"], result["still_open"]) == (2, 2, 1)
        assert (result["entities"], result["readings"], result["standing_over_24_hours"]) == (1, 7, 1)
        assert result["would_flood"] is False
        assert result["top"] == [
            {"entity_id": "urn:ngsi-ld:HeatSubstation:nis:s00", "entity_name": "Подстаница 0", "alarms": 2}
        ]
        tried = [datetime.fromisoformat(example["observed_at"]) for example in result["examples"]]
        assert tried == [alarm["observed_at"] for alarm in live]

    async def test_tries_changes_of_a_standing_rule_without_making_them(
        self,
        client: httpx.AsyncClient,
        services: Services,
    ) -> None:
        await remember(services, *STORY)
        assert (await dry_run(client, above=65))["alarms"] == 0
        assert (await dry_run(client, hold="2h"))["alarms"] == 0
        items = (await client.get("/api/rules")).json()["items"]
        assert {item["source"] for item in items} == {"package"}

    async def test_much_history_is_a_job_that_tells_how_far_it_is(
        self,
        client: httpx.AsyncClient,
        services: Services,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await remember(services, *STORY)
        monkeypatch.setattr(trials_api, "AT_ONCE", 3)
        asked = await client.post("/api/rules/dry-run", json={"rule": {"code": "heating_return_high"}})
        assert asked.status_code == 202
        path = asked.headers["Location"]
        assert (await client.get(path)).json()["state"] == "waiting"
        await jobs.work_trials_off(services, "city")
        done = (await client.get(path)).json()
        assert (done["state"], done["done"], done["of"]) == ("done", 30, 30)
        assert done["result"]["alarms"] == 2

    @pytest.mark.parametrize(
        "body",
        [
            {"rule": {}},
            {"rule": {"code": "sensor_fault"}},
            {"rule": {"code": "device_silent"}},
            {"rule": {"code": "heating_return_high", "above": "hot"}},
            {"rule": {"code": "heating_return_high"}, "from": "2026-02-01T00:00Z", "until": "2026-01-01T00:00Z"},
            {"rule": {"code": "heating_return_high"}, "from": "yesterday"},
        ],
    )
    async def test_says_what_it_cannot_answer(
        self,
        body: dict[str, Any],
        client: httpx.AsyncClient,
    ) -> None:
        answer = await client.post("/api/rules/dry-run", json=body)
        assert answer.status_code in (400, 422), answer.text


class TestFloods:
    async def test_a_rule_that_would_flood_is_refused_with_its_figure_unless_confirmed(
        self,
        client: httpx.AsyncClient,
        services: Services,
    ) -> None:
        await remember(services, (0, 60.0), (1, 40.0), entities=12)
        refused = await client.put("/api/rules/return_warm", json=NEW_RULE)
        assert (refused.status_code, refused.json()["code"]) == (409, "rule-would-flood")
        assert "12 times: at most 12 in ten minutes" in refused.json()["detail"]
        values = refused.json()["values"]
        assert (values["most_in_10_minutes"], values["at_most_in_10_minutes"]) == (12, 10)
        assert (await client.put("/api/rules/return_warm", json=NEW_RULE | {"hold": "1h"})).status_code == 200
        confirmed = await client.put("/api/rules/return_warm", json=NEW_RULE | {"hold": "0s", "confirm_flood": True})
        assert confirmed.status_code == 200, confirmed.text
        # What only changes words is not tried.
        named = await client.put("/api/rules/return_warm", json={"title": {"en": "Warmer", "sr": "Топлије"}})
        assert named.status_code == 200, named.text


class TestTrial:
    def test_one_that_comes_back_soon_is_one_alarm_called_twice(self) -> None:
        rule = a_rule(reopen="1h")
        assert isinstance(rule, ThresholdRule)
        trial = Trial(rule, CITY_ZONE)
        values = ((0, 60.0), (5, 40.0), (10, 60.0), (15, 40.0), (500, 60.0))
        trial.take(a_change(at=START + minute * 60_000_000, returnTemperaturePrimary=value) for minute, value in values)
        begin = from_microseconds(START)
        result = trial.result(begin, begin + timedelta(days=1), {})
        assert (result["alarms"], result["calls"], result["most_in_10_minutes"]) == (2, 3, 1)

    @given(st.lists(st.integers(0, 3000)))
    def test_the_busiest_ten_minutes_are_found(self, seconds: list[int]) -> None:
        moments = [from_microseconds(START) + timedelta(seconds=second) for second in sorted(seconds)]
        slow = max((sum(1 for one in moments if begin <= one < begin + TEN_MINUTES) for begin in moments), default=0)
        most, begin = busiest_within(moments, TEN_MINUTES)
        assert most == slow
        assert begin is None or sum(1 for one in moments if begin <= one < begin + TEN_MINUTES) == most
