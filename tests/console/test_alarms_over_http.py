"""Alarms and rules over HTTP, and how they show in the console."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.console.conftest import SUBSTATION, until_seen
from tests.operations.factories import minutes_ago, store

from vidik.console.live import LiveCity
from vidik.kernel.database import Database
from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer


@pytest.fixture
async def alarm(
    client: httpx.AsyncClient,
    services: Services,
    live: LiveCity,
    follow: Any,
) -> dict[str, Any]:
    """An open alarm: the return of a substation has been too hot for an hour."""
    for minutes in (70, 35, 1):
        await store(services.database, SUBSTATION, {"returnTemperaturePrimary": 61.0}, minutes_ago(minutes))
    await follow(AlarmConsumer())
    await until_seen(live, SUBSTATION.entity_id)
    async with asyncio.timeout(60):
        while live.projection.assets[SUBSTATION.entity_id].state != "high":  # noqa: ASYNC110  the city tells nobody
            await asyncio.sleep(0.02)
    answer = (await client.get("/api/alarms")).json()
    found: dict[str, Any] = answer["items"][0]
    return found


class TestAlarms:
    async def test_are_listed_with_their_counts(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        answer = (await client.get("/api/alarms")).json()
        assert answer["counts"] == {"critical": 0, "high": 1, "medium": 0, "low": 0}
        (item,) = answer["items"]
        assert item["rule"] == "heating_return_high"
        assert item["state"] == "raised"
        assert item["attribute"] == "returnTemperaturePrimary"
        assert item["message"]["sr-Latn"].startswith("Povrat primara 61 °C")
        assert isinstance(item["id"], str)

    async def test_an_acknowledged_one_bears_a_name_a_time_and_a_note(
        self, client: httpx.AsyncClient, alarm: dict[str, Any]
    ) -> None:
        answer = await client.post(f"/api/alarms/{alarm['id']}/acknowledge", json={"note": "екипа је на путу"})
        assert answer.status_code == 200, answer.text
        acknowledged = answer.json()
        assert acknowledged["state"] == "acknowledged"
        assert acknowledged["acknowledged_by"] == "Милица Петровић"
        assert acknowledged["acknowledged_at"] is not None
        assert acknowledged["note"] == "екипа је на путу"

    async def test_is_acknowledged_without_a_body_too(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        assert (await client.post(f"/api/alarms/{alarm['id']}/acknowledge")).status_code == 200

    async def test_is_acknowledged_once(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        await client.post(f"/api/alarms/{alarm['id']}/acknowledge")
        answer = await client.post(f"/api/alarms/{alarm['id']}/acknowledge")
        assert answer.status_code == 409
        assert answer.json()["code"] == "already-acknowledged"

    async def test_every_answer_says_of_which_event_it_is(
        self, client: httpx.AsyncClient, alarm: dict[str, Any]
    ) -> None:
        seen = (await client.post(f"/api/alarms/{alarm['id']}/acknowledge")).json()
        assert seen["version"] > alarm["version"] > 0
        events = (await client.get(f"/api/alarms/{alarm['id']}/events")).json()["items"]
        assert seen["version"] == int(events[-1]["id"])
        listed = (await client.get("/api/alarms")).json()["items"]
        shown = (await client.get(f"/api/console/assets/{SUBSTATION.entity_id}")).json()["alarms"]
        assert [one["version"] for one in (*listed, *shown)] == [seen["version"]] * 2

    async def test_leaves_an_audit_record(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        await client.post(f"/api/alarms/{alarm['id']}/acknowledge", json={"note": "виђено"})
        (record,) = (await client.get("/api/audit")).json()["items"]
        assert record["action"] == "alarm.acknowledge"
        assert record["subject"] == f"alarm:{alarm['id']}"
        assert record["reason"] == "виђено"

    async def test_one_that_never_was_is_not_found(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/alarms/4711/acknowledge")).status_code == 404
        assert (await client.get("/api/alarms/4711")).status_code == 404


class TestInTheConsole:
    async def test_the_asset_bears_the_state_of_its_worst_alarm(
        self, client: httpx.AsyncClient, alarm: dict[str, Any]
    ) -> None:
        (asset,) = (await client.get("/api/console/assets")).json()["assets"]
        assert asset["state"] == "high"
        detail = (await client.get(f"/api/console/assets/{asset['id']}")).json()
        assert [one["id"] for one in detail["alarms"]] == [alarm["id"]]

    async def test_the_chart_marks_it(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        path = f"/api/console/assets/{SUBSTATION.entity_id}/history?attributes=returnTemperaturePrimary"
        (event,) = (await client.get(path)).json()["events"]
        assert event["alarm_id"] == alarm["id"]
        assert event["cleared_at"] is None

    async def test_the_feed_tells_of_it_and_of_who_took_it(
        self, client: httpx.AsyncClient, alarm: dict[str, Any]
    ) -> None:
        await client.post(f"/api/alarms/{alarm['id']}/acknowledge")
        items = (await client.get("/api/console/feed")).json()["items"]
        assert [item["kind"] for item in items] == ["alarm_acknowledged", "alarm_raised"]
        assert items[0]["message"]["en"].startswith("Acknowledged by Милица Петровић: Primary return")

    async def test_the_search_finds_it(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        items = (await client.get("/api/console/search", params={"q": "поврат примара"})).json()["items"]
        assert ("alarm", alarm["id"]) in [(item["kind"], item["id"]) for item in items]


class TestRules:
    async def test_are_listed_with_where_they_come_from(self, client: httpx.AsyncClient) -> None:
        items = (await client.get("/api/rules")).json()["items"]
        rule = next(item for item in items if item["code"] == "heating_return_high")
        assert rule["source"] == "package"
        assert rule["title"]["sr-Latn"] == "Previsoka temperatura povrata"
        assert rule["hold"] == "45m"

    async def test_a_changed_level_counts_from_the_next_reading(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Any,
        database: Database,
    ) -> None:
        answer = await client.put("/api/rules/heating_return_high", json={"above": 70, "reason": "проба"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["source"] == "override"
        for minutes in (70, 35, 1):
            await store(database, SUBSTATION, {"returnTemperaturePrimary": 61.0}, minutes_ago(minutes))
        await follow(AlarmConsumer())
        assert (await client.get("/api/alarms")).json()["items"] == []
        (record,) = (await client.get("/api/audit")).json()["items"]
        assert record["details"]["before"]["above"] == 50
        assert record["details"]["after"]["above"] == 70

    async def test_a_worker_that_runs_takes_the_change_up(
        self,
        client: httpx.AsyncClient,
        follow: Any,
        database: Database,
    ) -> None:
        worker = AlarmConsumer()
        await store(database, SUBSTATION, {"returnTemperaturePrimary": 61.0}, minutes_ago(70))
        await follow(worker)
        await client.put("/api/rules/heating_return_high", json={"enabled": False})
        await store(database, SUBSTATION, {"returnTemperaturePrimary": 61.0}, minutes_ago(1))
        await follow(worker)
        assert (await client.get("/api/alarms")).json()["items"] == []

    async def test_a_change_is_taken_back(self, client: httpx.AsyncClient) -> None:
        before = (await client.get("/api/rules/heating_return_high")).json()
        changed = (await client.put("/api/rules/heating_return_high", json={"priority": "low"})).json()
        assert (changed["priority"], changed["original"]) == ("low", before["definition"])
        back = (await client.delete("/api/rules/heating_return_high")).json()
        assert (back["priority"], back["source"], back["changed_by"]) == ("high", "package", None)
        assert (await client.delete("/api/rules/heating_return_high")).status_code == 404
        assert (await client.get("/api/audit")).json()["items"][0]["action"] == "rule.restore"

    async def test_one_that_people_made_goes_altogether(self, client: httpx.AsyncClient) -> None:
        own = (await client.get("/api/rules/heating_return_high")).json()["definition"] | {"above": 90}
        made = await client.put("/api/rules/own_rule", json={name: own[name] for name in own if name != "code"})
        assert (made.status_code, made.json()["original"]) == (200, None)
        assert (await client.delete("/api/rules/own_rule")).json() is None
        assert (await client.get("/api/rules/own_rule")).status_code == 404

    async def test_a_mistake_names_its_field(self, client: httpx.AsyncClient) -> None:
        answer = await client.put("/api/rules/heating_return_high", json={"hold": "soon"})
        assert answer.status_code == 400
        assert answer.json()["field"] == "hold"
