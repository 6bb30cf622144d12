"""The short way to one entity: whatever takes it gets what the usual way says."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.context.ngsild.conftest import READER_SECRET

from vidik.context.jsonld import packaged
from vidik.context.plain_reading import PlainReading

BENCH = "/entities/urn:ngsi-ld:Bench:1"
CITY = f'<{packaged.CITY_CONTEXT_URL}>; rel="http://www.w3.org/ns/json-ld#context"'
# No header that the short way knows: who sends it goes the usual one.
USUAL = {"X-Of-Somebody": "1"}


@pytest.fixture
async def bench(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client, and one entity with everything that is shown in a way of its own."""
    made = await client.post(
        "/entities",
        headers={"Link": CITY},
        json={
            "id": "urn:ngsi-ld:Bench:1",
            "type": "ParkingSpot",
            "status": {
                "type": "Property",
                "value": "free",
                "unitCode": "C62",
                "observedAt": "2026-01-01T00:00:00Z",
                "providedBy": {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
            },
            "category": {"type": "VocabProperty", "vocab": "ParkingSpot"},
            "near": {"type": "ListRelationship", "objectList": [{"object": "urn:ngsi-ld:Bench:2"}]},
            "name": [
                {"type": "Property", "value": "one"},
                {"type": "Property", "value": "two", "datasetId": "urn:ngsi-ld:Dataset:2"},
            ],
            "lasting": {"type": "Property", "value": 1, "expiresAt": "2126-01-01T00:00:00Z"},
        },
    )
    assert made.status_code == 201, made.text
    return client


@pytest.mark.parametrize(
    "headers", [{}, {"Link": CITY}, {"Accept": "application/json;q=0.5, application/ld+json;q=0.1"}]
)
async def test_the_short_way_says_what_the_usual_one_says(
    bench: httpx.AsyncClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    answer = PlainReading.answer

    async def watched(self: PlainReading, *arguments: Any) -> object:
        taken.append(await answer(self, *arguments))
        return taken[-1]

    monkeypatch.setattr(PlainReading, "answer", watched)
    usual = await bench.get(BENCH, headers={**headers, **USUAL})
    assert taken == [None]
    short = usual
    async with asyncio.timeout(60):
        while taken[-1] is None:  # until this process hears of registrations
            short = await bench.get(BENCH, headers=headers)
            await asyncio.sleep(0.05)

    assert (short.status_code, short.content) == (200, usual.content)
    told = {name: value for name, value in usual.headers.items() if name != "x-request-id"}
    assert {name: value for name, value in short.headers.items() if name != "x-request-id"} == told


async def test_errors_are_those_of_the_usual_way(bench: httpx.AsyncClient) -> None:
    await bench.get(BENCH)
    assert (await bench.get("/entities/urn:ngsi-ld:Bench:none")).status_code == 404
    assert (await bench.get("/entities/no-uri")).status_code == 400
    assert (await bench.get(BENCH, headers={"Accept": "text/plain"})).status_code == 406
    assert (await bench.get(BENCH, headers={"Authorization": "Bearer nobody"})).status_code == 401
    assert (await bench.get(BENCH, headers={"Authorization": f"Bearer {READER_SECRET}"})).status_code == 200
    assert (await bench.get(BENCH, headers={"Link": f"{CITY}, {CITY}"})).status_code == 400


async def test_a_change_is_seen_at_once(bench: httpx.AsyncClient) -> None:
    before = await bench.get(BENCH, headers={"Link": CITY})
    await bench.patch(f"{BENCH}/attrs/status", headers={"Link": CITY}, json={"type": "Property", "value": "occupied"})
    after = await bench.get(BENCH, headers={"Link": CITY})

    assert after.json()["status"]["value"] == "occupied"
    assert after.headers["etag"] != before.headers["etag"]
