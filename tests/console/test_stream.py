"""The live stream over a real socket: what a browser sees, and how soon."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from psycopg.types.json import Jsonb
from tests.console.browsing import browsing
from tests.console.conftest import SUBSTATION, until_seen
from tests.operations.factories import store

from vidik.console.live import LiveCity
from vidik.context.store import entities
from vidik.kernel.database import Database
from vidik.kernel.identity import repository as identity
from vidik.kernel.identity.authentication import hash_secret
from vidik.kernel.identity.roles import Grant
from vidik.operations import journal


class TestStream:
    async def test_a_reading_is_seen_with_short_names(self, address: str, database: Database, live: LiveCity) -> None:
        await store(database, SUBSTATION, {"power": 1.0})
        await until_seen(live, SUBSTATION.entity_id)
        async with browsing(address) as browser:
            await store(database, SUBSTATION, {"power": 2.0})
            position, data = await browser.wait_for_power(2.0)
        (change,) = data["changes"]
        assert change["id"] == SUBSTATION.entity_id
        assert change["attributes"] == {"power": 2.0}
        assert change["state"] == "normal"
        assert change["origin"] == "simulated"
        assert position == data["position"]

    async def test_who_comes_back_goes_on_where_the_line_was_cut(
        self, address: str, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"power": 1.0})
        await until_seen(live, SUBSTATION.entity_id)
        async with browsing(address) as browser:
            await store(database, SUBSTATION, {"power": 2.0})
            position, _ = await browser.wait_for_power(2.0)
        await store(database, SUBSTATION, {"power": 3.0})
        await asyncio.sleep(0.5)
        async with browsing(address, **{"Last-Event-ID": str(position)}) as browser:
            again, _ = await browser.wait_for_power(3.0)
        assert again > position

    async def test_a_deleted_asset_is_gone_at_once(self, address: str, database: Database, live: LiveCity) -> None:
        await store(database, SUBSTATION, {"power": 1.0})
        await until_seen(live, SUBSTATION.entity_id)
        async with browsing(address) as browser:
            async with database.transaction("city") as connection:
                await entities.delete(connection, [SUBSTATION.entity_id])
            async with asyncio.timeout(2), browser.arrived:
                await browser.arrived.wait_for(lambda: any(name == "gone" for name, _, _ in browser.events))
        told = [data for name, _, data in browser.events if name == "gone"]
        assert told == [{"ids": [SUBSTATION.entity_id]}]
        assert SUBSTATION.entity_id not in live.projection.assets

    async def test_work_is_told_to_those_who_may_see_it(self, address: str, database: Database, live: LiveCity) -> None:
        async with browsing(address) as browser:
            async with database.transaction("city") as connection:
                await journal.tell(connection, "incident", 17, {"title": "Пуче топловод"})
            async with asyncio.timeout(60), browser.arrived:
                await browser.arrived.wait_for(lambda: any(name == "work" for name, _, _ in browser.events))
        (told,) = [data for name, _, data in browser.events if name == "work"]
        assert (told["topic"], told["subject"]) == ("incident", "17")
        assert told["data"] == {"title": "Пуче топловод"}

    async def test_who_looks_at_an_incident_is_passed_on_and_kept_nowhere(self, address: str) -> None:
        async with browsing(address) as browser:
            async with httpx.AsyncClient(base_url=address, headers={"Authorization": "Bearer dispatcher"}) as client:
                opened = await client.post("/api/incidents", json={"type": "flood", "title": "Поплава"})
                number = opened.json()["id"]
                said = await client.post(f"/api/incidents/{number}/presence", json={"here": True})
            async with asyncio.timeout(60), browser.arrived:
                await browser.arrived.wait_for(lambda: any(name == "presence" for name, _, _ in browser.events))
        (told,) = [data for name, _, data in browser.events if name == "presence"]
        assert said.status_code == 204
        assert (told["topic"], told["subject"], told["data"]["name"]) == ("incident", number, "Милица Петровић")

    async def test_where_a_crew_is_comes_by_the_stream_while_it_is_on_duty_and_not_by_the_journal(
        self, address: str, database: Database
    ) -> None:
        async with browsing(address) as browser:
            async with httpx.AsyncClient(base_url=address, headers={"Authorization": "Bearer dispatcher"}) as client:
                crew = (await client.post("/api/crews", json={"name": "Топлана 1"})).json()["id"]
                await client.post(f"/api/crews/{crew}/duty", json={"on_duty": True})
                said = {"place": {"type": "Point", "coordinates": [21.9, 43.32]}, "at": datetime.now(UTC).isoformat()}
                await client.post(f"/api/crews/{crew}/position", json=said)
                await client.post(f"/api/crews/{crew}/duty", json={"on_duty": False})
            async with asyncio.timeout(60), browser.arrived:
                await browser.arrived.wait_for(
                    lambda: (
                        any(name == "presence" for name, _, _ in browser.events)
                        and sum(name == "work" for name, _, _ in browser.events) == 3
                    )
                )
        (where,) = [data for name, _, data in browser.events if name == "presence"]
        assert (where["topic"], where["subject"]) == ("crew", str(crew))
        assert where["data"]["position"]["place"] == said["place"]
        told = [data["data"] for name, _, data in browser.events if name == "work"]
        assert [one["on_duty"] for one in told] == [False, True, False]
        assert not any("position" in one for one in told)

    async def test_what_was_deleted_while_nobody_followed_is_gone_too(
        self, address: str, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"power": 1.0})
        await until_seen(live, SUBSTATION.entity_id)
        live.projection.assets["urn:ngsi-ld:HeatSubstation:nis:old"] = live.projection.assets[SUBSTATION.entity_id]
        async with browsing(address) as browser:
            await live._load()
            async with asyncio.timeout(2), browser.arrived:
                await browser.arrived.wait_for(lambda: any(name == "gone" for name, _, _ in browser.events))
        assert list(live.projection.assets) == [SUBSTATION.entity_id]

    async def test_an_asset_that_came_while_nobody_watched_is_there_for_who_asks(
        self, database: Database, live: LiveCity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vidik.console.live._WATCHED_SECONDS", 0.0)
        before = live.projection.position
        await store(database, SUBSTATION, {"power": 1.0})
        async with asyncio.timeout(60):
            while live.projection.position == before:  # noqa: ASYNC110  the city tells nobody
                await asyncio.sleep(0.02)

        projection = await live.ready(60)

        assert SUBSTATION.entity_id in projection.assets

    async def test_without_signing_in_there_is_no_stream(self, address: str) -> None:
        async with httpx.AsyncClient(base_url=address) as client:
            answer = await client.get("/api/console/stream")
        assert answer.status_code == 401


SECRET = "vdk_" + "s" * 40


async def an_account(database: Database, *grants: Grant) -> int:
    """A person with these roles, whose browser sends SECRET."""
    values = {
        "tenant": "city", "login": "ana", "name": "Ана", "organisation": None, "password_hash": None,
        "password_initial": False, "ends_at": None,
    }  # fmt: skip
    async with database.platform() as connection:
        account = await identity.insert_account(connection, values)
        assert account is not None
        await identity.replace_roles(connection, account, grants)
        token = {"secret_hash": hash_secret(SECRET), "account": account, "name": "x", "lifetime": timedelta(days=1)}
        await identity.insert_token(connection, {**token, "scopes": ["context.read", "incidents.read"]})
    return account


async def tell_of(database: Database, subject: str, *organisations: str) -> None:
    async with database.transaction("city") as connection:
        await journal.tell(connection, "incident", subject, {"organisations": list(organisations), "areas": []})


class TestReach:
    async def test_whose_role_changed_reads_anew_and_is_told_nothing_more_of_what_was_theirs(
        self, address: str, database: Database
    ) -> None:
        account = await an_account(database, Grant("dispatcher", "toplana"))
        async with browsing(address, Authorization=f"Bearer {SECRET}") as browser:
            await tell_of(database, "1", "toplana")
            await browser.until("work", "1")
            async with database.platform() as connection:
                await identity.replace_roles(connection, account, [Grant("dispatcher", "parking")])
            await browser.until("reset")
            await tell_of(database, "2", "toplana")
            await tell_of(database, "3", "parking")
            await browser.until("work", "3")
        assert [data["subject"] for name, _, data in browser.events if name == "work"] == ["1", "3"]

    async def test_whose_token_was_revoked_is_cut_off(self, address: str, database: Database) -> None:
        await an_account(database, Grant("dispatcher", "toplana"))
        async with browsing(address, Authorization=f"Bearer {SECRET}") as browser:
            await tell_of(database, "1", "toplana")
            await browser.until("work", "1")
            async with database.platform() as connection:
                await connection.execute("DELETE FROM platform.api_token")
            async with asyncio.timeout(60):
                await browser.ended.wait()

    @pytest.mark.parametrize("change", ["area", "device"])
    async def test_an_area_drawn_anew_or_a_device_that_changes_hands_lets_the_limited_read_anew(
        self, address: str, database: Database, change: str
    ) -> None:
        ring = [[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.3]]
        async with database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES ('medijana', 'М', %s, 'x', now())",
                [Jsonb({"type": "Polygon", "coordinates": [ring]})],
            )
            await connection.execute(
                "INSERT INTO device (device_id, name, organisation, origin) VALUES ('d', 'd', 'toplana', 'real')"
            )
        await an_account(database, Grant("dispatcher", "toplana"), Grant("dispatcher", None, "medijana"))
        async with browsing(address, Authorization=f"Bearer {SECRET}") as limited, browsing(address) as city:
            async with database.transaction("city") as connection:
                if change == "area":
                    ring[1] = [21.99, 43.3]
                    shape = Jsonb({"type": "Polygon", "coordinates": [ring]})
                    await connection.execute("UPDATE area SET shape = %s", [shape])
                else:
                    await connection.execute("UPDATE device SET organisation = 'parking'")
            await limited.until("reset")
            await tell_of(database, "1", "toplana")
            await city.until("work", "1")
        assert not any(name == "reset" for name, _, _ in city.events)
