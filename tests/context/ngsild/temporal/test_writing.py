"""Managing temporal representations over HTTP (ETSI GS CIM 009, clauses 5.6.11 to 5.6.16)."""

from datetime import date
from typing import Any

import httpx
import pytest

from vidik.context.store import packing
from vidik.kernel.services import Services

LAMP = "urn:ngsi-ld:Lamp:past"
TEMPORAL = "/temporal/entities"


def power(value: float, minute: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2025-03-01T12:{minute:02}:00Z", **more}


async def values_of(client: httpx.AsyncClient, attribute: str = "power", **parameters: str) -> list[Any]:
    response = await client.get(f"{TEMPORAL}/{LAMP}", params=parameters)
    assert response.status_code in (200, 206), response.text
    return [one["value"] for one in response.json().get(attribute, [])]


async def instance_ids(client: httpx.AsyncClient) -> list[str]:
    return [one["instanceId"] for one in (await client.get(f"{TEMPORAL}/{LAMP}")).json()["power"]]


@pytest.fixture
async def lamp(client: httpx.AsyncClient) -> httpx.AsyncClient:
    body = {"id": LAMP, "type": "Lamp", "power": [power(10, 1), power(20, 2), power(30, 3)]}
    response = await client.post(TEMPORAL, json=body)
    assert response.status_code == 201
    assert response.headers["location"] == f"/ngsi-ld/v1/temporal/entities/{LAMP}"
    return client


class TestCreate:
    async def test_a_past_from_outside_is_no_entity_of_now(self, lamp: httpx.AsyncClient) -> None:
        assert await values_of(lamp) == [10, 20, 30]
        assert (await lamp.get(f"/entities/{LAMP}")).status_code == 404

    async def test_again_adds_instances_and_corrects_those_of_the_same_time(self, lamp: httpx.AsyncClient) -> None:
        body = {"id": LAMP, "type": "Lamp", "power": [power(25, 2), power(40, 4)]}
        assert (await lamp.post(TEMPORAL, json=body)).status_code == 204
        assert await values_of(lamp) == [10, 25, 30, 40]

    async def test_it_is_found_by_its_instances(self, lamp: httpx.AsyncClient) -> None:
        asked = {"type": "Lamp", "timerel": "after", "timeAt": "2025-01-01T00:00:00Z"}
        for power_then in (10, 30):
            (found,) = (await lamp.get(TEMPORAL, params={**asked, "q": f"power=={power_then}"})).json()
            assert [one["value"] for one in found["power"]] == [10, 20, 30]
        assert (await lamp.get(TEMPORAL, params={**asked, "q": "power==11"})).json() == []

    async def test_an_entity_that_is_born_later_takes_the_past_up(self, lamp: httpx.AsyncClient) -> None:
        entity = {"id": LAMP, "type": "Lamp", "power": {"type": "Property", "value": 50, **_at(9)}}
        assert (await lamp.post("/entities", json=entity)).status_code == 201
        assert await values_of(lamp) == [10, 20, 30, 50]

    async def test_an_attribute_without_instances_is_refused(self, client: httpx.AsyncClient) -> None:
        response = await client.post(TEMPORAL, json={"id": LAMP, "type": "Lamp", "power": []})
        assert (response.status_code, response.json()["field"]) == (400, "power")


def _at(minute: int) -> dict[str, str]:
    return {"observedAt": f"2025-03-01T12:{minute:02}:00Z"}


class TestAttributes:
    async def test_more_instances(self, lamp: httpx.AsyncClient) -> None:
        assert (await lamp.post(f"{TEMPORAL}/{LAMP}/attrs", json={"power": [power(5, 0)]})).status_code == 204
        assert await values_of(lamp) == [5, 10, 20, 30]

    async def test_of_an_unknown_entity(self, client: httpx.AsyncClient) -> None:
        assert (await client.post(f"{TEMPORAL}/{LAMP}/attrs", json={"power": [power(5, 0)]})).status_code == 404

    async def test_the_default_dataset_goes_alone(self, lamp: httpx.AsyncClient) -> None:
        other = power(7, 5, datasetId="urn:ngsi-ld:Dataset:other")
        assert (await lamp.post(f"{TEMPORAL}/{LAMP}/attrs", json={"power": [other]})).status_code == 204
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power")).status_code == 204
        assert await values_of(lamp) == [7]
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power")).status_code == 404
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power?deleteAll=true")).status_code == 204
        assert (await lamp.get(f"{TEMPORAL}/{LAMP}")).status_code == 404


class TestInstances:
    async def test_a_new_value_keeps_the_id(self, lamp: httpx.AsyncClient) -> None:
        before = await instance_ids(lamp)
        path = f"{TEMPORAL}/{LAMP}/attrs/power/{before[1]}"
        assert (await lamp.patch(path, json={"value": 21})).status_code == 204
        assert await values_of(lamp) == [10, 21, 30]
        assert await instance_ids(lamp) == before

    @pytest.mark.parametrize(
        "body",
        [
            {"power": [{"type": "Property", "value": 21}]},
            {"id": LAMP, "type": "Lamp", "power": [{"value": 21}]},
            {"https://uri.etsi.org/ngsi-ld/default-context/power": [{"value": 21}]},
            {"power": {"value": 21}},
            {"power": [21]},
            {"type": "Property", "value": 21},
        ],
    )
    async def test_one_is_given_in_a_fragment_or_by_itself(self, lamp: httpx.AsyncClient, body: dict[str, Any]) -> None:
        path = f"{TEMPORAL}/{LAMP}/attrs/power/{(await instance_ids(lamp))[1]}"
        answer = await lamp.patch(path, json=body)
        assert answer.status_code == 204, answer.text
        assert await values_of(lamp) == [10, 21, 30]

    @pytest.mark.parametrize(
        "body",
        [
            {"state": [{"type": "Property", "value": 21}]},
            {"state": {"type": "Property", "value": 21}},
            {"power": [{"value": 21}], "state": [{"value": 1}]},
            {"power": [{"value": 21}, {"value": 22}]},
            {"power": []},
            {"type": "Lamp"},
            {},
        ],
    )
    async def test_a_fragment_about_something_else_is_refused(
        self, lamp: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        before = (await lamp.get(f"{TEMPORAL}/{LAMP}")).json()
        path = f"{TEMPORAL}/{LAMP}/attrs/power/{(await instance_ids(lamp))[1]}"
        answer = await lamp.patch(path, json=body)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("/BadRequestData")
        assert (await lamp.get(f"{TEMPORAL}/{LAMP}")).json() == before

    async def test_another_time_keeps_the_id(self, lamp: httpx.AsyncClient) -> None:
        before = await instance_ids(lamp)
        path = f"{TEMPORAL}/{LAMP}/attrs/power/{before[0]}"
        assert (await lamp.patch(path, json=_at(8))).status_code == 204
        assert await values_of(lamp) == [20, 30, 10]
        assert await instance_ids(lamp) == [*before[1:], before[0]]
        assert (await lamp.delete(path)).status_code == 204
        assert await values_of(lamp) == [20, 30]

    async def test_one_is_deleted(self, lamp: httpx.AsyncClient) -> None:
        path = f"{TEMPORAL}/{LAMP}/attrs/power/{(await instance_ids(lamp))[1]}"
        assert (await lamp.delete(path)).status_code == 204
        assert await values_of(lamp) == [10, 30]
        assert (await lamp.delete(path)).status_code == 404

    @pytest.mark.parametrize("wanted", ["urn:ngsi-ld:instance:ffff-1", "urn:ngsi-ld:somewhere:else"])
    async def test_an_unknown_one(self, lamp: httpx.AsyncClient, wanted: str) -> None:
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power/{wanted}")).status_code == 404


class TestPackedDays:
    async def test_corrections_reach_into_chunks(self, lamp: httpx.AsyncClient) -> None:
        services: Services = lamp._transport.app.state.services  # type: ignore[attr-defined]  # an ASGI transport
        assert await packing.pack_closed_days(services.database, "city", date(2026, 1, 1)) == 3
        await lamp.post(f"{TEMPORAL}/{LAMP}/attrs", json={"power": [power(25, 2), power(40, 4)]})
        assert await values_of(lamp) == [10, 25, 30, 40]
        ids = await instance_ids(lamp)
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power/{ids[0]}")).status_code == 204
        assert await values_of(lamp) == [25, 30, 40]
        for one in ids[1:]:
            assert (await lamp.delete(f"{TEMPORAL}/{LAMP}/attrs/power/{one}")).status_code == 204
        assert (await lamp.get(f"{TEMPORAL}/{LAMP}")).status_code == 404


class TestDelete:
    async def test_the_whole_past(self, lamp: httpx.AsyncClient) -> None:
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}")).status_code == 204
        assert (await lamp.get(f"{TEMPORAL}/{LAMP}")).status_code == 404
        assert (await lamp.delete(f"{TEMPORAL}/{LAMP}")).status_code == 404

    async def test_an_entity_of_now_stays_and_begins_a_new_past(self, client: httpx.AsyncClient) -> None:
        entity = {"id": LAMP, "type": "Lamp", "power": {"type": "Property", "value": 1, **_at(1)}}
        await client.post("/entities", json=entity)
        assert (await client.delete(f"{TEMPORAL}/{LAMP}")).status_code == 204
        assert (await client.get(f"{TEMPORAL}/{LAMP}")).status_code == 404
        assert (await client.get(f"/entities/{LAMP}")).status_code == 200
        await client.patch(f"/entities/{LAMP}/attrs", json={"power": power(2, 2)})
        assert await values_of(client) == [2]


class TestPages:
    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vidik.context.ngsild.temporal.api._most", lambda _call: 2)

    async def test_a_part_ends_for_every_attribute_at_the_same_time(self, lamp: httpx.AsyncClient) -> None:
        late = {"state": [power(1, 2), power(2, 9)]}
        await lamp.post(f"{TEMPORAL}/{LAMP}/attrs", json=late)
        response = await lamp.get(f"{TEMPORAL}/{LAMP}")
        assert response.status_code == 206
        assert response.headers["content-range"] == "date-time 2025-03-01T12:01:00Z-2025-03-01T12:02:00Z/*"
        assert [one["value"] for one in response.json()["power"]] == [10, 20]
        assert [one["value"] for one in response.json()["state"]] == [1]

    async def test_the_last_ones_come_from_the_end(self, lamp: httpx.AsyncClient) -> None:
        response = await lamp.get(f"{TEMPORAL}/{LAMP}", params={"lastN": "3"})
        assert response.status_code == 206
        assert response.headers["content-range"] == "date-time 2025-03-01T12:03:00Z-2025-03-01T12:02:00Z/3"
        assert [one["value"] for one in response.json()["power"]] == [20, 30]


@pytest.mark.parametrize("again", ["PATCH", "POST", "upsert"])
async def test_another_value_of_the_same_time_changes_the_past_too(client: httpx.AsyncClient, again: str) -> None:
    def level(value: int, minute: int) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": f"2026-01-01T10:0{minute}:00Z"}

    entity = {"id": "urn:x:same", "type": "Room", "level": level(1, 0)}
    await client.post("/entities", json=entity)
    for given in (level(2, 0), level(2, 0), level(3, 1), level(4, 0)):
        if again == "upsert":
            response = await client.post("/entityOperations/upsert", json=[{**entity, "level": given}])
        else:
            response = await client.request(again, "/entities/urn:x:same/attrs", json={"level": given})
        assert response.status_code in (200, 201, 204), response.text

    present = (await client.get("/entities/urn:x:same")).json()["level"]
    past = (await client.get("/temporal/entities/urn:x:same", params={"options": "temporalValues"})).json()["level"]

    assert present == level(4, 0)
    assert past["values"] == [[4, "2026-01-01T10:00:00Z"], [3, "2026-01-01T10:01:00Z"]]
