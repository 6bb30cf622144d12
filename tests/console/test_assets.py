"""The list of assets and one asset in full, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from tests.console.conftest import SUBSTATION, until_seen
from tests.operations.factories import minutes_ago, store

from vidik.console.history import csv_lines
from vidik.console.live import LiveCity
from vidik.kernel.database import Database
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant


class TestAssets:
    async def test_a_new_reading_appears_in_the_list(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"supplyTemperatureSecondary": 48.2, "referenceTemperature": 48.0})
        await until_seen(live, SUBSTATION.entity_id)
        answer = await client.get("/api/console/assets")
        assert answer.status_code == 200, answer.text
        (asset,) = answer.json()["assets"]
        assert asset["name"] == "Подстаница Чаир"
        assert asset["service"] == "heating"
        assert asset["place"] == [21.9, 43.32]
        assert asset["state"] == "normal"
        assert asset["origin"] == "simulated"
        assert asset["headline"] == {
            "attribute": "supplyTemperatureSecondary",
            "label_key": "supplyTemperatureSecondary",
            "value": 48.2,
            "unit": "°C",
        }

    async def test_an_attribute_that_comes_later_has_its_unit_too(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"power": 120.0})
        await until_seen(live, SUBSTATION.entity_id)
        await store(database, SUBSTATION, {"supplyTemperatureSecondary": 48.2})
        async with asyncio.timeout(60):
            while not (asset := (await client.get("/api/console/assets")).json()["assets"][0])["headline"]:  # noqa: ASYNC110  the city tells nobody
                await asyncio.sleep(0.02)
        assert (asset["headline"]["value"], asset["headline"]["unit"]) == (48.2, "°C")

    async def test_a_browser_reads_the_list_as_lines_of_columns(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"supplyTemperatureSecondary": 48.2})
        await until_seen(live, SUBSTATION.entity_id)
        answer = await client.get("/api/console/assets.ndjson")
        assert answer.headers["content-encoding"] == "gzip"
        head, line = [orjson.loads(one) for one in answer.text.splitlines()]
        assert (head["assets"], line["n"]) == (1, 1)
        assert line["prefixes"][0] + line["id"]["all"] == SUBSTATION.entity_id
        assert line["types"] == [["HeatSubstation", "heating", "supplyTemperatureSecondary"]]
        assert (line["lon"], line["lat"]) == ({"all": 21_900_000}, {"all": 43_320_000})
        assert (line["value"], line["units"]) == ({"all": 48.2}, ["°C"])
        plain = await client.get("/api/console/assets.ndjson", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert len(plain.text.splitlines()) == 2

    async def test_without_signing_in_nothing_is_shown(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/console/assets", headers={"Authorization": ""})
        assert answer.status_code == 401

    async def test_the_page_of_an_asset_has_values_with_unit_age_and_source(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"supplyTemperatureSecondary": 48.2, "power": 120.0})
        await until_seen(live, SUBSTATION.entity_id)
        answer = await client.get(f"/api/console/assets/{SUBSTATION.entity_id}")
        assert answer.status_code == 200, answer.text
        detail = answer.json()
        first = detail["attributes"][0]
        assert first["name"] == "supplyTemperatureSecondary"
        assert first["unit"] == "°C"
        assert first["provided_by"] == "urn:ngsi-ld:Device:s01"
        assert first["numeric"]
        assert first["tile"]
        assert first["observed_at"] is not None

    async def test_an_unknown_asset_is_not_found(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/console/assets/urn:ngsi-ld:HeatSubstation:nis:none")
        assert answer.status_code == 404

    async def test_history_of_a_day_is_raw_with_units(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        for minutes in (30, 20, 10):
            await store(database, SUBSTATION, {"power": float(minutes)}, minutes_ago(minutes))
        await until_seen(live, SUBSTATION.entity_id)
        answer = await client.get(f"/api/console/assets/{SUBSTATION.entity_id}/history?attributes=power")
        assert answer.status_code == 200, answer.text
        history = answer.json()
        assert history["resolution"] == "raw"
        assert history["series"][0]["values"] == [30.0, 20.0, 10.0]
        assert history["series"][0]["unit"] == "kW"

    async def test_raw_values_and_csv(self, client: httpx.AsyncClient, database: Database, live: LiveCity) -> None:
        await store(database, SUBSTATION, {"power": 12.5})
        await until_seen(live, SUBSTATION.entity_id)
        raw = (await client.get(f"/api/console/assets/{SUBSTATION.entity_id}/raw?attribute=power")).json()
        assert raw["items"][0]["value"] == 12.5
        text = (await client.get(f"/api/console/assets/{SUBSTATION.entity_id}/raw.csv")).text
        assert text.startswith("attribute,value,unit,observed_at,recorded_at\r\npower,12.5,kW,")

    async def test_who_is_slow_to_take_a_csv_holds_no_connection(
        self, database: Database, database_url: str, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"power": 12.5}, at=minutes_ago(60 * 24 * 8))
        await store(database, SUBSTATION, {"power": 13.5})
        await until_seen(live, SUBSTATION.entity_id)
        asset = live.projection.assets[SUBSTATION.entity_id]
        narrow = Database(database_url, max_size=1)
        await narrow.open()
        span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        one, other = (csv_lines(partial(narrow.session, "city"), asset.id, ["power"], *span, asset) for _ in range(2))

        together = [(await anext(one), await anext(other)) for _ in range(3)]

        await narrow.close()
        assert ["power,12.5,kW," in line for line, _ in together] == [False, True, False]
        assert all(line == same for line, same in together)

    async def test_who_asks_in_an_import_does_not_wait_for_its_end(
        self, live: LiveCity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[str] = []

        async def reread(entity_ids: set[str]) -> None:
            read.extend(entity_ids)
            live._unread[f"urn:ngsi-ld:HeatSubstation:nis:new{len(read)}"] = None

        monkeypatch.setattr(live, "_reread", reread)
        live._unread["urn:ngsi-ld:HeatSubstation:nis:first"] = None

        await live.ready(seconds=60)

        assert read == ["urn:ngsi-ld:HeatSubstation:nis:first"]

    async def test_search_finds_across_scripts(
        self, client: httpx.AsyncClient, database: Database, live: LiveCity
    ) -> None:
        await store(database, SUBSTATION, {"power": 1.0})
        await until_seen(live, SUBSTATION.entity_id)
        answer = await client.get("/api/console/search", params={"q": "podstanica cair"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"][0]["id"] == SUBSTATION.entity_id

    async def test_the_feed_of_a_quiet_city_is_empty(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/console/feed")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"items": []}


CAMERA = "urn:ngsi-ld:Camera:nis:k01"
CITY = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'


@pytest.fixture
async def keeper(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Another system that writes the register of cameras."""
    grants = frozenset({Grant("utility_manager")})
    kept = Principal("token", "4", "registar", "Регистар", None, frozenset({"utility_manager"}), "city", grants)
    authenticator(app.state.services).sources.append(lambda _, secret: kept if secret == "registar" else None)
    headers = {"Authorization": "Bearer registar", "Link": CITY}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://vidik.test", headers=headers
    ) as system:
        yield system


class TestCameras:
    async def test_a_camera_is_a_place_of_the_register_and_never_a_picture(
        self, client: httpx.AsyncClient, keeper: httpx.AsyncClient, live: LiveCity
    ) -> None:
        entity = {
            "id": CAMERA,
            "type": "Camera",
            "name": "Камера 1, Трг краља Милана",
            "location": {"type": "Point", "coordinates": [21.896, 43.321]},
            "cameraUsage": "TRAFFIC",
            "cameraOrientation": {"comments": "ка мосту", "annotatedMap": "https://cameras.test/map.png"},
            "deviceState": "inService",
            "purpose": "бројање возила",
            "legalBasis": "ЗЗПЛ чл. 12, ст. 1, т. 5",
            "description": "види rtsp://cameras.test/1",
            "streamURL": {"type": "Property", "value": "rtsp://cameras.test/1", "observedAt": "2026-11-22T10:00:00Z"},
            "imageSnapshot": "https://cameras.test/1.jpg",
            "mediaURL": "https://cameras.test/1",
        }
        written = await keeper.post("/ngsi-ld/v1/entities", json=entity)
        assert written.status_code == 201, written.text
        await until_seen(live, CAMERA)

        page = await client.get(f"/api/console/assets/{CAMERA}")
        shown = {one["name"]: one["value"] for one in page.json()["attributes"]}
        assert shown["cameraOrientation"] == {"comments": "ка мосту"}
        assert shown["legalBasis"] == "ЗЗПЛ чл. 12, ст. 1, т. 5"
        assert (page.json()["state"], page.json()["service"]) == ("normal", "cameras")
        raw = f"/api/console/assets/{CAMERA}/raw"
        answers = [page, await client.get(raw), await client.get(f"{raw}.csv?from=2026-11-20T00:00:00Z")]
        answers += [await client.get("/api/console/assets"), await client.get(f"/api/console/assets/{CAMERA}/history")]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert "cameras.test" not in answer.text
        assert (await client.get(f"{raw}?attribute=streamURL")).status_code == 400

    async def test_a_camera_out_of_service_says_so_and_one_that_says_nothing_is_unknown(
        self, keeper: httpx.AsyncClient, live: LiveCity
    ) -> None:
        for number, more in enumerate(({"deviceState": "outOfService"}, {})):
            entity = {"id": f"{CAMERA}{number}", "type": "Camera", "name": "К", **more}
            await keeper.post("/ngsi-ld/v1/entities", json=entity)
            await until_seen(live, f"{CAMERA}{number}")
        states = [live.projection.assets[f"{CAMERA}{number}"].state for number in range(2)]
        assert states == ["out_of_service", "unknown"]
