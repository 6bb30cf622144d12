"""Shelving, suppressing, taking out of service and resetting over HTTP, through restarts and kills."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest
from starlette.applications import Starlette
from tests.console.conftest import SUBSTATION, until_seen
from tests.operations.conftest import rows
from tests.operations.factories import minutes_ago, store
from tests.operations.following import Follow

from vidik.console.live import LiveCity
from vidik.kernel.services import Services
from vidik.operations import jobs
from vidik.operations.alarms.consumer import AlarmConsumer

HOT, COLD = {"returnTemperaturePrimary": 61.0}, {"returnTemperaturePrimary": 40.0}
RULE = "heating_return_high"


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


@pytest.fixture
async def alarm(client: httpx.AsyncClient, services: Services, follow: Follow) -> dict[str, Any]:
    """An open alarm: the return of a substation has been too hot for an hour."""
    for minutes in (70, 35, 20):
        await store(services.database, SUBSTATION, HOT, minutes_ago(minutes))
    await follow(AlarmConsumer())
    (found,) = (await client.get("/api/alarms")).json()["items"]
    return dict(found)


async def do(client: httpx.AsyncClient, alarm: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/alarms/{alarm['id']}/{verb}", json=body or None)


async def shelve(client: httpx.AsyncClient, alarm: dict[str, Any], minutes: float = 60) -> dict[str, Any]:
    answer = await do(client, alarm, "shelve", reason="радови на вентилу", until=in_minutes(minutes))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def events(client: httpx.AsyncClient, alarm: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    items = (await client.get(f"/api/alarms/{alarm['id']}/events")).json()["items"]
    return [(item["transition"], item["cause"], item["person"]) for item in items]


class TestShelving:
    async def test_takes_an_alarm_off_the_list_until_its_end(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
        services: Services,
    ) -> None:
        shelved = await shelve(client, alarm)
        assert (shelved["standard_state"], shelved["state"]) == ("shelved", "cleared")
        listed = (await client.get("/api/alarms")).json()
        assert listed["items"] == []
        assert listed["counts"]["high"] == 0
        assert listed["lists"] == {"open": 0, "unacknowledged": 0, "returned": 0, "hidden": 1}
        (hidden,) = (await client.get("/api/alarms?state=hidden")).json()["items"]
        assert hidden["id"] == alarm["id"]
        assert [(hold["kind"], hold["reason"]) for hold in hidden["holds"]] == [("shelved", "радови на вентилу")]
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "UPDATE alarm_hold SET begins_at = begins_at - interval '2 h', until = until - interval '2 h'"
            )
        await jobs.look_at_holds(services, "city")
        (back,) = (await client.get("/api/alarms")).json()["items"]
        assert back["standard_state"] == "unacknowledged"
        assert await events(client, alarm) == [
            ("raised", "reading", None),
            ("shelved", "person", "Милица Петровић"),
            ("raised", "time", None),
        ]

    async def test_is_ended_by_a_person(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        await shelve(client, alarm)
        back = (await do(client, alarm, "unshelve")).json()
        assert back["standard_state"] == "unacknowledged"
        assert (await events(client, alarm))[-1] == ("raised", "person", "Милица Петровић")
        assert (await do(client, alarm, "unshelve")).json()["code"] == "not-hidden"

    async def test_outlasts_the_readings_and_a_restart(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
        services: Services,
        follow: Follow,
    ) -> None:
        await shelve(client, alarm)
        for minutes in (19, 3):
            await store(services.database, SUBSTATION, COLD, minutes_ago(minutes))
        await store(services.database, SUBSTATION, HOT, minutes_ago(2))
        await follow(AlarmConsumer())
        (row,) = await rows(services, "SELECT state FROM alarm")
        assert row["state"] == "normal"
        assert (await client.get("/api/alarms")).json()["items"] == []

    async def test_needs_an_end_within_a_day_and_a_reason(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
    ) -> None:
        for body in (
            {"reason": "x"},
            {"reason": " ", "until": in_minutes(5)},
            {"reason": "x", "until": in_minutes(-5)},
            {"reason": "x", "until": in_minutes(24 * 60 + 5)},
            {"reason": "x\0", "until": in_minutes(5)},
            {"reason": "x" * 501, "until": in_minutes(5)},
        ):
            assert (await do(client, alarm, "shelve", **body)).status_code in (400, 422), body
        assert await rows(services_of(client), "SELECT * FROM alarm_hold") == []

    async def test_twice_is_refused(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        await shelve(client, alarm)
        again = await do(client, alarm, "shelve", reason="x", until=in_minutes(5))
        assert (again.status_code, again.json()["code"]) == (409, "already-hidden")

    async def test_is_in_the_audit_record(self, client: httpx.AsyncClient, alarm: dict[str, Any]) -> None:
        await shelve(client, alarm)
        (record,) = (await client.get("/api/audit")).json()["items"]
        assert (record["action"], record["reason"]) == ("alarm.shelve", "радови на вентилу")

    async def test_the_live_city_shows_it_and_shows_it_no_more(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
        live: LiveCity,
    ) -> None:
        await until_seen(live, SUBSTATION.entity_id)
        await until_state(live, "high")
        await shelve(client, alarm)
        await until_state(live, "normal")


async def until_state(live: LiveCity, state: str) -> None:
    """Wait until the live city shows the substation in a state."""
    async with asyncio.timeout(60):
        while live.projection.assets[SUBSTATION.entity_id].state != state:  # noqa: ASYNC110  the city tells nobody
            await asyncio.sleep(0.02)


def services_of(browser: httpx.AsyncClient) -> Services:
    transport = browser._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, Starlette)
    services: Services = transport.app.state.services
    return services


class TestDesignAndService:
    async def test_an_alarm_goes_out_of_service_and_back(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
    ) -> None:
        assert (await do(client, alarm, "out-of-service", reason="замена")).json()["hidden_by"] == "out_of_service"
        refused = await do(client, alarm, "acknowledge")
        assert (refused.status_code, refused.json()["code"]) == (409, "alarm-hidden")
        assert (await do(client, alarm, "back-in-service")).json()["standard_state"] == "unacknowledged"

    async def test_the_strongest_of_several_gives_the_state(
        self,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
    ) -> None:
        await shelve(client, alarm)
        assert (await do(client, alarm, "suppress", reason="вежба")).json()["standard_state"] == "suppressed"
        assert (await do(client, alarm, "unsuppress")).json()["standard_state"] == "shelved"

    async def test_maintenance_of_an_entity_is_planned_ahead_and_hides_what_comes_then(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        plan = {"entity_id": SUBSTATION.entity_id, "reason": "ремонт", "begins_at": in_minutes(60)}
        placed = await client.post("/api/alarm-holds", json={**plan, "until": in_minutes(120)})
        assert placed.status_code == 201, placed.text
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE alarm_hold SET begins_at = begins_at - interval '2 h'")
        for minutes in (70, 35, 20):
            await store(services.database, SUBSTATION, HOT, minutes_ago(minutes))
        await follow(AlarmConsumer())
        (row,) = await rows(services, "SELECT state FROM alarm")
        assert row["state"] == "out_of_service"
        (event,) = await rows(services, "SELECT transition FROM alarm_event")
        assert event["transition"] == "noted"
        ended = await client.post(f"/api/alarm-holds/{placed.json()['id']}/end")
        assert ended.status_code == 200, ended.text
        (back,) = (await client.get("/api/alarms")).json()["items"]
        assert back["standard_state"] == "unacknowledged"
        assert (await client.get("/api/alarm-holds")).json()["items"] == []

    async def test_a_hold_of_everything_is_refused(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/alarm-holds", json={"reason": "x"})).status_code == 400
        nobody = await client.post("/api/alarm-holds", json={"reason": "x", "rule": "no_such_rule"})
        assert nobody.status_code == 404


class TestLatching:
    async def test_stays_until_it_is_reset(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        assert (await client.put(f"/api/rules/{RULE}", json={"latching": True})).status_code == 200
        for minutes in (70, 35, 20):
            await store(services.database, SUBSTATION, HOT, minutes_ago(minutes))
        for minutes in (19, 3):
            await store(services.database, SUBSTATION, COLD, minutes_ago(minutes))
        await follow(AlarmConsumer())
        (latched,) = (await client.get("/api/alarms")).json()["items"]
        assert (latched["standard_state"], latched["state"]) == ("latched_unacknowledged", "raised")
        acknowledged = (await do(client, latched, "acknowledge")).json()
        assert acknowledged["standard_state"] == "latched_acknowledged"
        over = (await do(client, latched, "reset", note="вентил замењен")).json()
        assert over["standard_state"] == "normal"
        assert (await client.get("/api/alarms")).json()["items"] == []
        assert (await do(client, latched, "reset")).json()["code"] == "not-latched"


class TestInEveryState:
    """A worker killed before its commit, and another that starts afresh, leave each state as it was."""

    PATHS: ClassVar[dict[str, list[tuple[str, dict[str, Any]]]]] = {
        "unacknowledged": [],
        "acknowledged": [("acknowledge", {})],
        "shelved": [("shelve", {"reason": "x", "until": "soon"})],
        "suppressed": [("suppress", {"reason": "x"})],
        "out_of_service": [("out-of-service", {"reason": "x"})],
    }

    @pytest.mark.parametrize("state", PATHS)
    async def test_nothing_is_lost_and_nobody_is_called_twice(
        self,
        state: str,
        client: httpx.AsyncClient,
        alarm: dict[str, Any],
        services: Services,
        follow: Follow,
    ) -> None:
        for verb, said in self.PATHS[state]:
            body = said | ({"until": in_minutes(30)} if "until" in said else {})
            assert (await do(client, alarm, verb, **body)).status_code == 200
        before = await events(client, alarm)
        await store(services.database, SUBSTATION, HOT, minutes_ago(10))
        with pytest.raises(ConnectionError):
            await follow(AlarmConsumer(), fail_after=1)
        await follow(AlarmConsumer())
        await jobs.look_at_holds(services, "city")
        (row,) = await rows(services, "SELECT state, count FROM alarm")
        assert (row["state"], row["count"]) == (state, 2)
        assert await events(client, alarm) == before
