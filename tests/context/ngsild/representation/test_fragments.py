"""Rendered entities in memory: an answer is never older than its query, whatever is kept."""

from typing import Any

import httpx
import pytest

from vidik.context.jsonld import processing
from vidik.context.ngsild.representation.fragments import Fragments
from vidik.context.ngsild.representation.rendering import Stored, View

CORE = processing.build([], {})
ENTITY = Stored("urn:x:1", ["https://example.org/Bench"], None, {})


def bench(name: str, seats: int) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Bench:{name}",
        "type": "Bench",
        "seats": {"type": "Property", "value": seats},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.32]}},
    }


async def seats(client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
    answer = await client.get("/entities", params={"type": "Bench", **parameters})
    assert answer.status_code == 200
    return {one["id"].rpartition(":")[2]: one.get("seats") for one in answer.json()}


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.post("/entityOperations/create", json=[bench("a", 1), bench("b", 2), bench("c", 3)])
    assert len(await seats(client)) == 3
    return client


class TestQueries:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"options": "keyValues"},
            {"options": "keyValues", "q": "seats>0"},
            {
                "options": "keyValues",
                "georel": "near;maxDistance==100",
                "geometry": "Point",
                "coordinates": "[21.9,43.32]",
            },
            {
                "options": "keyValues",
                "georel": "within",
                "geometry": "Polygon",
                "coordinates": "[[[21,43],[22,43],[22,44],[21,44],[21,43]]]",
            },
        ],
    )
    async def test_a_change_is_seen_at_once(self, city, parameters):
        before = await seats(city, **parameters)
        await city.patch("/entities/urn:ngsi-ld:Bench:b/attrs/seats", json={"type": "Property", "value": 9})
        await city.delete("/entities/urn:ngsi-ld:Bench:c")
        await city.post("/entities", json=bench("d", 4))

        assert before == {"a": 1, "b": 2, "c": 3}
        assert await seats(city, **parameters) == {"a": 1, "b": 9, "d": 4}

    async def test_each_view_has_its_own(self, city):
        assert (await seats(city, options="keyValues"))["a"] == 1
        assert (await seats(city))["a"] == {"type": "Property", "value": 1}
        assert (await seats(city, attrs="location"))["a"] is None
        assert set((await seats(city, options="sysAttrs"))["a"]) == {"type", "value", "createdAt", "modifiedAt"}

    async def test_pages_and_counts_stay_what_they_are(self, city):
        first = await city.get("/entities", params={"type": "Bench", "limit": "2", "count": "true"})
        second = await city.get("/entities", params={"type": "Bench", "limit": "2", "offset": "2"})

        assert first.headers["NGSILD-Results-Count"] == "3"
        assert 'rel="next"' in first.headers["Link"]
        assert [one["id"][-1] for one in (*first.json(), *second.json())] == ["a", "b", "c"]


class TestMemory:
    def test_the_same_view_finds_what_was_kept(self):
        fragments = Fragments()
        kept = fragments.shelf("city", View(CORE)).put("1 7 (0,1)", ENTITY)

        assert fragments.shelf("city", View(CORE)).get("1 7 (0,1)") == kept
        assert fragments.shelf("city", View(CORE)).get("1 8 (0,1)") is None
        assert fragments.shelf("other", View(CORE)).get("1 7 (0,1)") is None
        assert fragments.shelf("city", View(CORE, format="concise")).get("1 7 (0,1)") is None

    def test_what_is_asked_for_outlives_what_is_not(self):
        shelf = Fragments(size=20_000).shelf("city", View(CORE))
        shelf.put("asked", ENTITY)
        shelf.put("not asked", ENTITY)
        for number in range(200):
            shelf.put(str(number), ENTITY)
            shelf.get("asked")

        assert shelf.get("asked") is not None
        assert shelf.get("not asked") is None

    def test_a_view_that_mostly_misses_reads_documents_at_once(self):
        shelf = Fragments().shelf("city", View(CORE))
        for number in range(200):
            shelf.get(str(number))

        assert not shelf.worth_asking
