"""The order of an answer (ETSI GS CIM 009 v1.9.1, clauses 4.23 and 5.2.43)."""

from typing import Any

import httpx
import pytest


def place(number: int, longitude: float, **attributes: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [longitude, 40.0]}
    return {"id": f"urn:x:{number}", "type": "Place", "location": point, "gate": point, **attributes}


PLACES = [
    place(1, 9.0, rank="b", address={"city": "Niš"}, name="b", word="Afra"),
    place(2, 8.0, rank=5, address={"city": "Ada"}, name="A", word="Ähre"),
    place(3, 12.0, address={"city": "Zemun"}, name="á", word="Zug"),
    {"id": "urn:x:4", "type": "Place"},
]


@pytest.fixture
async def places(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entityOperations/create", json=PLACES)).status_code == 201
    return client


async def order(client: httpx.AsyncClient, **parameters: str) -> str:
    response = await client.get("/entities", params={"type": "Place", **parameters})
    assert response.status_code == 200, response.text
    return "".join(one["id"][-1] for one in response.json())


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"orderBy": "location;dist-asc", "orderFrom": "[8,40]"}, "2134"),
        ({"orderBy": "location;dist-desc", "orderFrom": "[8,40]"}, "3124"),
        ({"orderBy": "gate;dist-asc", "orderFrom": "[13,40]"}, "3124"),
        ({"orderBy": "location;dist-asc", "orderFrom": "[[9,40],[12,41]]", "orderGeometry": "LineString"}, "1234"),
        ({"orderBy": "rank"}, "2134"),
        ({"orderBy": "address[city];desc"}, "3124"),
        ({"orderBy": "name"}, "2314"),
        ({"orderBy": "name", "collation": "und"}, "2314"),
        ({"orderBy": "name;desc", "collation": "und"}, "1324"),
        ({"orderBy": "word", "collation": "de"}, "1234"),
        ({"orderBy": "word", "collation": "de-u-co-phonebk"}, "2134"),
        ({"orderBy": "address[city],location;dist-asc", "orderFrom": "[8,40]"}, "2134"),
    ],
)
async def test_an_answer_is_in_order(places: httpx.AsyncClient, parameters: dict[str, str], expected: str) -> None:
    assert await order(places, **parameters) == expected


@pytest.mark.parametrize(
    "ordering",
    [
        {"orderBy": ["location;dist-asc"]},
        {"orderBy": ["location;dist-asc"], "coordinates": "8,40"},
        {"orderBy": ["location;dist-asc"], "coordinates": [200, 40]},
        {"orderBy": ["id;asc"], "geometry": 5},
        {"orderBy": ["id;asc"], "collation": "not a tag!!"},
        {"orderBy": ["id;asc"], "collation": "de-u-kn-true"},
        {"orderBy": ["id;up"]},
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused(places: httpx.AsyncClient, ordering: dict[str, Any]) -> None:
    query = {"type": "Query", "entities": [{"type": "Place"}], "ordering": ordering}

    assert (await places.post("/entityOperations/query", json=query)).status_code == 400


async def test_a_query_by_post_has_an_order(places: httpx.AsyncClient) -> None:
    ordering = {"orderBy": ["location;dist-desc"], "coordinates": [8, 40], "geometry": "Point"}
    query = {"type": "Query", "entities": [{"type": "Place"}], "ordering": ordering}

    assert [one["id"][-1] for one in (await places.post("/entityOperations/query", json=query)).json()] == list("3124")
