"""Entity maps over HTTP (ETSI GS CIM 009, clauses 5.5.9.3, 5.5.14, 5.14 and 6.32 to 6.35)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.context.ngsild.conftest import READER_SECRET

ASKED = {"type": "Bench", "q": "seats>1", "limit": "3"}


@pytest.fixture
async def benches(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client and ten benches, all of which fit."""
    for number in range(10):
        seats = {"type": "Property", "value": 2, "observedAt": "2026-03-01T10:00:00Z"}
        await client.post("/entities", json={"id": f"urn:x:{number}", "type": "Bench", "seats": seats})
    return client


def names(response: httpx.Response) -> str:
    return "".join(one["id"][-1] for one in response.json())


def linked(response: httpx.Response, rel: str) -> str | None:
    """The path of another page, as the server links it."""
    for part in response.headers.get("link", "").split(", "):
        if f'rel="{rel}"' in part:
            return str(part[1 : part.index(">")]).removeprefix("/ngsi-ld/v1")
    return None


async def follow(client: httpx.AsyncClient, first: httpx.Response) -> list[str]:
    """The names on each page from a first one on."""
    pages, response = [names(first)], first
    while (path := linked(response, "next")) is not None:
        response = await client.get(path, headers={"NGSILD-EntityMap": first.headers["NGSILD-EntityMap"]})
        assert response.status_code == 200
        pages.append(names(response))
    return pages


class TestPages:
    async def test_a_query_makes_a_map_and_says_where_it_is(self, benches: httpx.AsyncClient) -> None:
        response = await benches.get("/entities", params={**ASKED, "entityMap": "true"})
        assert response.status_code == 201
        assert names(response) == "012"
        path = response.headers["NGSILD-EntityMap"].removeprefix("/ngsi-ld/v1")
        entity_map = (await benches.get(path)).json()
        assert entity_map["type"] == "EntityMap"
        assert entity_map["entityMap"] == {f"urn:x:{number}": ["@none"] for number in range(10)}
        assert entity_map["linkedMaps"] == {}

    async def test_pages_stay_as_they_are_whatever_comes_and_goes(self, benches: httpx.AsyncClient) -> None:
        first = await benches.get("/entities", params={**ASKED, "entityMap": "true"})
        await benches.post(
            "/entities", json={"id": "urn:x:00", "type": "Bench", "seats": {"type": "Property", "value": 9}}
        )
        for gone in ("urn:x:1", "urn:x:4"):
            await benches.delete(f"/entities/{gone}")
        assert await follow(benches, first) == ["012", "356", "789"]

    async def test_what_no_longer_fits_leaves_the_map(self, benches: httpx.AsyncClient) -> None:
        first = await benches.get("/entities", params={**ASKED, "entityMap": "true"})
        await benches.patch("/entities/urn:x:4", json={"seats": {"type": "Property", "value": 1}})
        await follow(benches, first)
        entity_map = (await benches.get(first.headers["NGSILD-EntityMap"].removeprefix("/ngsi-ld/v1"))).json()
        assert "urn:x:4" not in entity_map["entityMap"]
        assert len(entity_map["entityMap"]) == 9

    async def test_the_page_before_is_full(self, benches: httpx.AsyncClient) -> None:
        first = await benches.get("/entities", params={**ASKED, "entityMap": "true"})
        headers = {"NGSILD-EntityMap": first.headers["NGSILD-EntityMap"]}
        await benches.delete("/entities/urn:x:4")
        second = await benches.get(str(linked(first, "next")), headers=headers)
        third = await benches.get(str(linked(second, "next")), headers=headers)
        assert (names(second), names(third)) == ("356", "789")
        assert names(await benches.get(str(linked(third, "prev")), headers=headers)) == "356"

    async def test_in_the_order_that_was_asked_for(self, benches: httpx.AsyncClient) -> None:
        asked = {**ASKED, "orderBy": "id;desc", "local": "true", "entityMap": "true"}
        assert await follow(benches, await benches.get("/entities", params=asked)) == ["987", "654", "321", "0"]

    async def test_what_is_left_is_counted(self, benches: httpx.AsyncClient) -> None:
        first = await benches.get("/entities", params={**ASKED, "entityMap": "true", "count": "true"})
        assert first.headers["NGSILD-Results-Count"] == "10"

    async def test_representations_are_free(self, benches: httpx.AsyncClient) -> None:
        asked = {**ASKED, "entityMap": "true", "options": "keyValues", "pick": "id,seats"}
        assert (await benches.get("/entities", params=asked)).json()[0] == {"id": "urn:x:0", "seats": 2}

    async def test_one_that_is_gone_is_made_again(self, benches: httpx.AsyncClient) -> None:
        headers = {"NGSILD-EntityMap": "urn:ngsi-ld:EntityMap:gone"}
        response = await benches.get("/entities", params=ASKED, headers=headers)
        assert response.status_code == 201
        assert not response.headers["NGSILD-EntityMap"].endswith("gone")

    async def test_queries_by_post(self, benches: httpx.AsyncClient) -> None:
        query = {"type": "Query", "entities": [{"type": "Bench"}], "entityMap": True, "entityMapLifetime": "PT5M"}
        response = await benches.post("/entityOperations/query", params={"limit": "2"}, json=query)
        assert response.status_code == 201
        headers = {"NGSILD-EntityMap": response.headers["NGSILD-EntityMap"]}
        del query["entityMap"]
        path = "/entityOperations/query"
        second = await benches.post(path, params={"limit": "2", "offset": "2"}, json=query, headers=headers)
        assert (second.status_code, names(second)) == (200, "23")

    async def test_queries_of_the_past(self, benches: httpx.AsyncClient) -> None:
        asked = {**ASKED, "timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "entityMap": "true"}
        first = await benches.get("/temporal/entities", params=asked)
        assert first.status_code == 201
        await benches.post(
            "/entities",
            json={
                "id": "urn:x:00",
                "type": "Bench",
                "seats": {"type": "Property", "value": 2, "observedAt": "2026-03-01T10:00:00Z"},
            },
        )
        assert await follow(benches, first) == ["012", "345", "678", "9"]

    async def test_one_entity_may_have_a_map_too(self, benches: httpx.AsyncClient) -> None:  # 5.7.1.4, 5.7.3.4
        for path in ("/entities/urn:x:1", "/temporal/entities/urn:x:1"):
            response = await benches.get(path, params={"entityMap": "true"})
            address = response.headers["NGSILD-EntityMap"]
            assert (response.status_code, response.json()["id"]) == (200, "urn:x:1")
            assert (await benches.get(address.removeprefix("/ngsi-ld/v1"))).json()["entityMap"] == {
                "urn:x:1": ["@none"]
            }
            again = await benches.get(path, headers={"NGSILD-EntityMap": address})
            assert again.headers["NGSILD-EntityMap"] == address
            unknown = await benches.get(path, headers={"NGSILD-EntityMap": "urn:ngsi-ld:EntityMap:gone"})
            assert "gone" not in unknown.headers["NGSILD-EntityMap"]

    async def test_a_purge_stays_within_the_map(self, benches: httpx.AsyncClient) -> None:
        created = await benches.get("/entityMaps", params={"type": "Bench", "id": "urn:x:1,urn:x:2"})
        headers = {"NGSILD-EntityMap": created.headers["NGSILD-EntityMap"]}
        assert (await benches.delete("/entities?type=Bench", headers=headers)).status_code == 204
        assert names(await benches.get("/entities", params={"type": "Bench"})) == "03456789"
        gone = {"NGSILD-EntityMap": "urn:ngsi-ld:EntityMap:gone"}
        assert (await benches.delete("/entities?type=Bench", headers=gone)).status_code == 404


class TestMaps:
    async def created(self, client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
        response = await client.get("/entityMaps", params={"type": "Bench", **parameters})
        assert response.status_code == 201
        body: dict[str, Any] = response.json()
        assert response.headers["NGSILD-EntityMap"] == f"/ngsi-ld/v1/entityMaps/{body['id']}"
        return body

    async def test_they_are_made_alone(self, benches: httpx.AsyncClient) -> None:
        assert len((await self.created(benches))["entityMap"]) == 10
        query = {"type": "Query", "entities": [{"type": "Bench", "id": "urn:x:7"}]}
        assert (await benches.post("/entityMaps", json=query)).json()["entityMap"] == {"urn:x:7": ["@none"]}
        past = {"type": "Bench", "timerel": "after", "timeAt": "2026-03-01T09:00:00Z"}
        assert len((await benches.get("/temporal/entityMaps", params=past)).json()["entityMap"]) == 10

    async def test_reading_is_enough(self, benches: httpx.AsyncClient) -> None:
        benches.headers["Authorization"] = f"Bearer {READER_SECRET}"
        await self.created(benches)

    async def test_the_broker_bounds_how_long_they_last(self, benches: httpx.AsyncClient) -> None:
        moment = datetime.now(UTC)
        for lifetime, longest in (("PT5M", timedelta(minutes=6)), ("P1Y", timedelta(days=1, minutes=1))):
            body = await self.created(benches, entityMapLifetime=lifetime)
            assert moment < datetime.fromisoformat(body["expiresAt"]) < moment + longest

    async def test_only_their_end_changes(self, benches: httpx.AsyncClient) -> None:
        body = await self.created(benches)
        path = f"/entityMaps/{body['id']}"
        later = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        fragment = {"type": "EntityMap", "expiresAt": later, "entityMap": {}}
        assert (await benches.patch(path, json=fragment)).status_code == 204
        changed = (await benches.get(path)).json()
        assert (changed["expiresAt"], changed["entityMap"]) == (later, body["entityMap"])

    async def test_they_are_deleted(self, benches: httpx.AsyncClient) -> None:
        path = f"/entityMaps/{(await self.created(benches))['id']}"
        assert (await benches.delete(path)).status_code == 204
        for response in (await benches.get(path), await benches.delete(path), await benches.patch(path, json={})):
            assert response.status_code == 404

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/entityMaps", None),
            ("GET", "/entityMaps?type=Bench&entityMapLifetime=1hour", None),
            ("GET", "/entityMaps/no-uri", None),
            ("GET", "/entities?type=Bench&entityMap=perhaps", None),
            ("GET", "/temporal/entityMaps?type=Bench", None),
            ("PATCH", "/entityMaps/urn:x:1", {"expiresAt": 3}),
            ("PATCH", "/entityMaps/urn:x:1", {"colour": "red"}),
        ],
    )
    async def test_mistakes(self, client: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
        response = await client.request(method, path, json=body)
        assert response.status_code == 400
        assert response.json()["type"].endswith(("BadRequestData", "InvalidRequest"))
