"""Batches over HTTP (ETSI GS CIM 009, 6.14 to 6.17 and 6.31)."""

from typing import Any

import httpx
import pytest

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def lamp(number: int, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:e:{number}", "type": "Lamp", **attributes}


async def power_of(client: httpx.AsyncClient, number: int) -> Any:
    return (await client.get(f"/entities/urn:e:{number}?options=keyValues")).json().get("power")


class TestCreate:
    async def test_every_id_comes_back(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/entityOperations/create", json=[lamp(1, power=5), lamp(2, power=6)])
        assert (response.status_code, response.json()) == (201, ["urn:e:1", "urn:e:2"])
        assert await power_of(client, 2) == 6

    async def test_what_fails_is_told_and_the_rest_is_stored(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power=5))
        batch = [lamp(1, power=7), lamp(2), lamp(2), {"id": "urn:e:3"}, {"type": "Lamp"}, 5]
        response = await client.post("/entityOperations/create", json=batch)
        assert response.status_code == 207
        body = response.json()
        assert body["success"] == ["urn:e:2"]
        assert sorted((one["entityId"], one["error"]["type"].removeprefix(ERRORS)) for one in body["errors"]) == [
            ("", "BadRequestData"),
            ("", "BadRequestData"),
            ("urn:e:1", "AlreadyExists"),
            ("urn:e:2", "AlreadyExists"),
            ("urn:e:3", "BadRequestData"),
        ]
        assert await power_of(client, 1) == 5


class TestUpsert:
    async def test_what_is_missing_is_created_and_the_rest_replaced(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power=5, state="on"))
        response = await client.post("/entityOperations/upsert", json=[lamp(1, power=6), lamp(2, power=7)])
        assert (response.status_code, response.json()) == (201, ["urn:e:2"])
        assert (await client.get("/entities/urn:e:1?options=keyValues")).json() == lamp(1, power=6)

    async def test_with_update_the_other_attributes_stay(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power=5, state="on"))
        response = await client.post("/entityOperations/upsert?options=update", json=[lamp(1, power=6)])
        assert (response.status_code, response.content) == (204, b"")
        assert (await client.get("/entities/urn:e:1?options=keyValues")).json() == lamp(1, power=6, state="on")

    async def test_of_an_entity_that_is_there_twice_the_last_stands(self, client: httpx.AsyncClient) -> None:
        batch = [lamp(1, power=5), lamp(1, power=6), lamp(1, power=7)]
        assert (await client.post("/entityOperations/upsert", json=batch)).json() == ["urn:e:1"]
        assert await power_of(client, 1) == 7

    async def test_a_thousand_at_once(self, client: httpx.AsyncClient) -> None:
        batch = [lamp(number, power=number) for number in range(1000)]
        response = await client.post("/entityOperations/upsert", json=batch)
        assert len(response.json()) == 1000
        response = await client.get("/entities?type=Lamp&q=power>=500&limit=0&count=true")
        assert response.headers["ngsild-results-count"] == "500"


class TestUpdate:
    async def test_attributes_are_updated_and_added(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power=5))
        response = await client.post("/entityOperations/update", json=[lamp(1, power=6, state="on"), lamp(2)])
        assert response.status_code == 207
        assert response.json()["success"] == ["urn:e:1"]
        assert response.json()["errors"][0]["error"]["type"] == ERRORS + "ResourceNotFound"
        assert (await client.get("/entities/urn:e:1?options=keyValues")).json() == lamp(1, power=6, state="on")

    async def test_no_overwrite_only_adds(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power=5))
        await client.post("/entityOperations/update?options=noOverwrite", json=[lamp(1, power=6, state="on")])
        assert (await client.get("/entities/urn:e:1?options=keyValues")).json() == lamp(1, power=5, state="on")


class TestMerge:
    async def test_members_are_merged(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=lamp(1, power={"value": 5, "unitCode": "WTT"}))
        response = await client.post("/entityOperations/merge", json=[lamp(1, power={"value": 6})])
        assert response.status_code == 204
        power = (await client.get("/entities/urn:e:1")).json()["power"]
        assert power == {"type": "Property", "value": 6, "unitCode": "WTT"}


class TestDelete:
    async def test_what_is_there_goes_and_the_rest_is_told(self, client: httpx.AsyncClient) -> None:
        await client.post("/entityOperations/create", json=[lamp(1), lamp(2)])
        response = await client.post("/entityOperations/delete", json=["urn:e:1", "urn:e:9", "nothing"])
        assert response.status_code == 207
        assert response.json()["success"] == ["urn:e:1"]
        assert {one["entityId"] for one in response.json()["errors"]} == {"urn:e:9", "nothing"}
        assert (await client.post("/entityOperations/delete", json=["urn:e:2"])).status_code == 204


class TestRefusals:
    @pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
    @pytest.mark.parametrize("body", [[], {}, "x", 5])
    async def test_a_batch_is_a_list_with_something_in_it(
        self, client: httpx.AsyncClient, operation: str, body: Any
    ) -> None:
        response = await client.post(f"/entityOperations/{operation}", json=body)
        assert response.status_code == 400
        assert response.json()["type"] in (ERRORS + "BadRequestData", ERRORS + "InvalidRequest")

    async def test_an_operation_that_nobody_knows(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/entityOperations/explode", json=[lamp(1)])).status_code == 404

    async def test_an_option_that_nobody_knows(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/entityOperations/upsert?options=fast", json=[lamp(1)])).status_code == 400
        assert (await client.get("/entities/urn:e:1")).status_code == 404
