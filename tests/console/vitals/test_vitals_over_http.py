"""Vital signs over HTTP: shown, kept, changed, laid out, tried, and for whom."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.console.conftest import SUBSTATION, until_seen
from tests.operations.factories import a_target, minutes_ago, store

from vidik.console.live import LiveCity
from vidik.console.vitals.keeping import Keeper
from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Database
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services

GOOD = {"supplyTemperatureSecondary": 48.2, "referenceTemperature": 48.0, "power": 100.0}
BAD = GOOD | {"supplyTemperatureSecondary": 60.0}
STATION = a_target("urn:ngsi-ld:AirQualityObserved:nis:a01", "AirQualityObserved", name="Станица")
OWN = {
    "name": {"en": "Heat drawn", "sr": "Узета топлота"},
    "meaning": {"en": "Power of all substations.", "sr": "Снага свих подстаница."},
    "unit": "KWT",
    "responsible": {"en": "Heating utility", "sr": "Топлана"},
    "basis": {"en": "None.", "sr": "Ништа."},
    "service": "heating",
    "source": {"kind": "assets", "types": ["HeatSubstation"], "aggregate": "sum", "attribute": "power"},
}
SIGNS = "/api/console/vital-signs"


@pytest.fixture
async def others(app: Starlette) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Makes clients of people with grants of their own."""
    clients: list[httpx.AsyncClient] = []

    def make(login: str, *grants: Grant) -> httpx.AsyncClient:
        roles = frozenset(grant.role for grant in grants)
        person = Principal("token", login, login, login.capitalize(), None, roles, "city", frozenset(grants))
        services: Services = app.state.services
        authenticator(services).sources.append(lambda _, secret: person if secret == login else None)
        transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {login}"}
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


async def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def vitals(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in (await ok(await client.get("/api/console/vitals")))["items"]}


async def change(client: httpx.AsyncClient, key: str, definition: dict[str, Any], version: int) -> httpx.Response:
    return await client.put(f"{SIGNS}/{key}", json={"definition": definition}, headers={"If-Match": f'"{version}"'})


async def the_sign(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    return next(one for one in (await ok(await client.get(SIGNS)))["items"] if one["key"] == key)


class TestShown:
    async def test_a_sign_is_shown_with_what_a_number_needs(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, GOOD)
        await until_seen(live, SUBSTATION.entity_id)

        shown = await vitals(client)

        heating = shown["heating_in_band"]
        assert (heating["value"], heating["assets"], heating["fresh"], heating["counted"]) == (100, 1, 1, 1)
        assert heating["name"] == {
            "en": "Heating in band",
            "sr-Cyrl": "Грејање у опсегу",
            "sr-Latn": "Grejanje u opsegu",
        }
        assert (heating["unit"], heating["normal"], heating["met"]) == ("%", [90, 100], True)
        assert heating["place"] == "strip"
        assert heating["at"] is not None
        assert shown["parking_taken"]["missing"] == "no-assets"
        assert shown["minutes_to_arrive"]["missing"] == "nothing-counted"
        assert shown["alarms_standing"]["value"] == 0

    async def test_the_last_day_is_worked_out_from_readings_and_kept(
        self, client: httpx.AsyncClient, database: Database, services: Services, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, GOOD, minutes_ago(300))
        await store(database, SUBSTATION, BAD, minutes_ago(200))
        for hours in range(26):
            await store(database, STATION, {"pm25": 20.0 + hours % 2}, now() - timedelta(hours=hours))
        await until_seen(live, STATION.entity_id)

        await Keeper().run(services, "city")
        shown = await vitals(client)

        values = shown["heating_in_band"]["trend"]["values"]
        assert len(values) == 48
        # Half an hour and more before the first reading there is none; each holds for three hours.
        assert set(values[:36]) == {None}
        assert {value for value in values if value is not None} >= {100.0, 0.0}
        assert shown["pm25_day"]["value"] == pytest.approx(20.5, abs=0.1)
        assert shown["pm25_day"]["met"] is False
        month = (await ok(await client.get("/api/console/vitals/pm25_day/month")))["trend"]
        assert (len(month["values"]), month["step_seconds"]) == (180, 14_400)
        assert month["values"][-1] == pytest.approx(20.5, abs=0.5)

    async def test_one_without_assets_of_now_says_what_it_was_last(
        self, client: httpx.AsyncClient, database: Database, services: Services, live: LiveCity
    ) -> None:
        night = OWN | {"source": OWN["source"] | {"among": [{"attribute": "power", "above": 50}]}}
        await ok(await change(client, "night", night, 0))
        await store(database, SUBSTATION, {"power": 80.0}, minutes_ago(200))
        await store(database, SUBSTATION, {"power": 10.0}, minutes_ago(100))
        await until_seen(live, SUBSTATION.entity_id)

        await Keeper().run(services, "city")
        shown = (await vitals(client))["night"]

        assert (shown["value"], shown["missing"], shown["last"][1]) == (None, "nothing-counted", 80.0)

    async def test_figures_of_the_work_are_of_what_one_sees(
        self, client: httpx.AsyncClient, database: Database, others: Callable[..., httpx.AsyncClient]
    ) -> None:
        async with database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO crew (name, organisation, on_duty_since, changed_by, changed_at)"
                " VALUES ('А', 'toplana', now(), 'x', now()), ('Б', 'parking', now(), 'x', now())"
            )
        limited = others("toplana", Grant("dispatcher", "toplana"))
        citizen = others("crew", Grant("crew", "toplana"))

        assert (await vitals(client))["crews_on_duty"]["value"] == 2
        assert (await vitals(limited))["crews_on_duty"]["value"] == 1
        assert len((await vitals(limited))["alarm_rate"]["trend"]["values"]) == 48
        # A crew reads no requests: what is measured of them is not for it.
        assert "requests_answered" in await vitals(limited)
        assert "requests_answered" not in await vitals(citizen)


class TestChange:
    async def test_a_target_is_changed_and_taken_back_on_record(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        before = await the_sign(client, "heating_in_band")
        assert (before["origin"], before["version"]) == ("package", 0)

        changed = await ok(
            await change(client, "heating_in_band", before["definition"] | {"target": {"at_least": 95}}, 0)
        )
        assert (changed["origin"], changed["version"], changed["changed_by"]) == ("changed", 1, "Милица Петровић")
        assert (await vitals(client))["heating_in_band"]["target"] == {"at_least": 95, "at_most": None}

        back = await client.delete(f"{SIGNS}/heating_in_band", headers={"If-Match": '"1"'})
        assert (await ok(back))["definition"]["target"] == {"at_least": 98}
        async with database.session("city") as connection:
            records = await audit.newest(connection, "city", before=None, limit=2, subject="vital-sign:heating_in_band")
        assert [one["action"] for one in records] == ["vital-sign.restore", "vital-sign.change"]

    async def test_two_who_change_one_sign_meet(self, client: httpx.AsyncClient) -> None:
        sign = (await the_sign(client, "water_flow"))["definition"]
        await ok(await change(client, "water_flow", sign | {"normal": [100, 900]}, 0))

        late = await change(client, "water_flow", sign | {"normal": [1, 2]}, 0)

        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
        assert late.json()["current"]["definition"]["normal"] == [100, 900]
        assert (await client.put(f"{SIGNS}/water_flow", json={"definition": sign})).status_code == 428

    async def test_a_city_makes_one_of_its_own_and_removes_it(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, GOOD)
        await until_seen(live, SUBSTATION.entity_id)

        tried = await ok(await client.post(f"{SIGNS}/try", json={"definition": OWN | {"key": "heat_drawn"}}))
        assert (tried["value"], len(tried["trend"]["values"])) == (100, 25)
        assert "heat_drawn" not in await vitals(client)

        made = await ok(await change(client, "heat_drawn", OWN, 0))
        assert (made["origin"], (await vitals(client))["heat_drawn"]["value"]) == ("own", 100)

        await ok(await client.delete(f"{SIGNS}/heat_drawn", headers={"If-Match": '"1"'}))
        assert "heat_drawn" not in await vitals(client)
        again = await ok(await change(client, "heat_drawn", OWN, 0))
        assert again["version"] == 3

    async def test_what_does_not_hold_together_is_refused_with_the_field(self, client: httpx.AsyncClient) -> None:
        refused = await change(client, "heat_drawn", OWN | {"source": OWN["source"] | {"aggregate": "share"}}, 0)

        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
            400,
            "vital-sign-shape",
            "source",
        )

    async def test_only_who_manages_the_whole_city_changes(self, others: Callable[..., httpx.AsyncClient]) -> None:
        for client in (others("dispatch", Grant("dispatcher")), others("part", Grant("supervisor", "toplana"))):
            assert (await change(client, "heat_drawn", OWN, 0)).status_code == 403
            assert (await client.post(f"{SIGNS}/try", json={"definition": OWN})).status_code == 403
            layout = {"strip": [], "page": [], "hidden": []}
            answer = await client.put("/api/console/vital-layout", json=layout, headers={"If-Match": '"0"'})
            assert answer.status_code == 403


class TestLayout:
    async def test_signs_are_hidden_and_put_in_order(self, client: httpx.AsyncClient) -> None:
        layout = (await ok(await client.get(SIGNS)))["layout"]
        body = {
            "strip": ["alarm_rate", *layout["strip"][:3]],
            "page": [key for key in layout["page"] if key not in ("alarm_rate", "no2_hour")] + layout["strip"][3:],
            "hidden": ["no2_hour"],
        }

        written = await client.put("/api/console/vital-layout", json=body, headers={"If-Match": '"0"'})
        stale = await client.put("/api/console/vital-layout", json=body, headers={"If-Match": '"0"'})
        lost = await client.put("/api/console/vital-layout", json=body | {"hidden": []}, headers={"If-Match": '"1"'})

        assert (await ok(written))["version"] == 1
        assert (stale.status_code, lost.status_code) == (412, 422)
        shown = list(await vitals(client))
        assert shown[:4] == body["strip"]
        assert "no2_hour" not in shown

    async def test_what_can_be_measured_is_listed(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, GOOD)
        await until_seen(live, SUBSTATION.entity_id)

        (kind,) = (await ok(await client.get(f"{SIGNS}/sources")))["types"]

        assert (kind["type"], kind["service"], kind["assets"]) == ("HeatSubstation", "heating", 1)
        power = next(one for one in kind["attributes"] if one["name"] == "power")
        assert power == {"name": "power", "numeric": True, "unit": "kW", "words": []}
