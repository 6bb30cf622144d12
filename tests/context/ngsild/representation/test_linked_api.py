"""Linked entities, projections, order and purge over HTTP (ETSI GS CIM 009, clauses 4.5.23, 4.21, 4.23, 5.6.21)."""

from typing import Any

import httpx
import pytest

LAMP, STREET, CITY = "urn:ngsi-ld:Lamp:1", "urn:ngsi-ld:Street:1", "urn:ngsi-ld:City:1"


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    for entity in (
        {"id": LAMP, "type": "Lamp", "power": 10, "on": {"object": STREET}},
        {"id": "urn:ngsi-ld:Lamp:2", "type": "Lamp", "power": 30, "on": {"object": "urn:ngsi-ld:Street:gone"}},
        {"id": STREET, "type": "Street", "name": "Obrenoviceva", "in": {"object": CITY}},
        {"id": CITY, "type": "City", "name": "Nis", "people": 250000},
    ):
        assert (await client.post("/entities", json=entity)).status_code == 201
    return client


async def lamp(client: httpx.AsyncClient, **parameters: str) -> Any:
    response = await client.get(f"/entities/{LAMP}", params={"format": "simplified", **parameters})
    assert response.status_code == 200, response.text
    return response.json()


class TestQuestions:
    """q through relationships (clause 4.9, examples 13 and 14)."""

    @pytest.mark.parametrize(
        ("q", "level", "found"),
        [
            ('on{name}=="Obrenoviceva"', 1, [LAMP]),
            ("!on{name}", 1, ["urn:ngsi-ld:Lamp:2"]),
            ('on{Street,Square:name}=="Obrenoviceva";power<20', 1, [LAMP]),
            ('on{Square:name}=="Obrenoviceva"', 1, []),
            ('on{name}!="Obrenoviceva"', 1, []),
            ("on{in{people}}>200000|power==30", 2, [LAMP, "urn:ngsi-ld:Lamp:2"]),
        ],
    )
    async def test_an_entity_is_found_by_what_it_links_to(
        self, city: httpx.AsyncClient, q: str, level: int, found: list[str]
    ) -> None:
        asked = {"type": "Lamp", "q": q, "join": "inline", "joinLevel": str(level), "count": "true"}
        answer = await city.get("/entities", params=asked)
        assert [one["id"] for one in answer.json()] == found
        assert answer.headers["ngsild-results-count"] == str(len(found))

    async def test_no_further_than_links_are_followed_and_never_in_the_past(self, city: httpx.AsyncClient) -> None:
        asked = {"type": "Lamp", "q": "on{in{people}}>1"}
        for more in ({}, {"join": "@none"}, {"join": "flat", "joinLevel": "1"}):
            assert (await city.get("/entities", params={**asked, **more})).status_code == 400
        past = {**asked, "timerel": "before", "timeAt": "2030-01-01T00:00:00Z", "join": "flat", "joinLevel": "2"}
        assert (await city.get("/temporal/entities", params=past)).status_code == 400
        purge = {**asked, "join": "flat", "joinLevel": "2"}
        assert (await city.delete("/entities", params=purge)).status_code == 400


class TestJoin:
    async def test_inline_one_level(self, city: httpx.AsyncClient) -> None:
        body = await lamp(city, join="inline")
        assert body["on"] == {"id": STREET, "type": "Street", "name": "Obrenoviceva", "in": CITY}

    async def test_inline_normalized(self, city: httpx.AsyncClient) -> None:
        body = await lamp(city, join="inline", format="normalized", pick="on{name}")
        street = {"name": {"type": "Property", "value": "Obrenoviceva"}}
        assert body == {"on": {"type": "Relationship", "object": STREET, "entity": street}}

    async def test_flat_two_levels(self, city: httpx.AsyncClient) -> None:
        body = await lamp(city, join="flat", joinLevel="2")
        assert [one["id"] for one in body] == [LAMP, STREET, CITY]

    async def test_what_is_not_there_stays_a_link(self, city: httpx.AsyncClient) -> None:
        response = await city.get("/entities", params={"type": "Lamp", "join": "inline", "format": "simplified"})
        assert [one["on"] if isinstance(one["on"], str) else one["on"]["id"] for one in response.json()] == [
            STREET,
            "urn:ngsi-ld:Street:gone",
        ]

    async def test_what_the_client_has_is_left_out(self, city: httpx.AsyncClient) -> None:
        assert (await lamp(city, join="inline", containedBy=STREET))["on"] == STREET

    @pytest.mark.parametrize("parameters", [{"join": "deep"}, {"join": "flat", "joinLevel": "0"}])
    async def test_a_wrong_join(self, city: httpx.AsyncClient, parameters: dict[str, str]) -> None:
        assert (await city.get(f"/entities/{LAMP}", params=parameters)).status_code == 400


class TestProjection:
    async def test_pick_through_links(self, city: httpx.AsyncClient) -> None:
        body = await lamp(city, join="inline", joinLevel="2", pick="power,on{name,in{people}}")
        assert body == {"power": 10, "on": {"name": "Obrenoviceva", "in": {"people": 250000}}}

    async def test_omit_through_links(self, city: httpx.AsyncClient) -> None:
        body = await lamp(city, join="inline", omit="id,type,on{id,type,in}")
        assert body == {"power": 10, "on": {"name": "Obrenoviceva"}}

    async def test_nothing_left_is_not_found(self, city: httpx.AsyncClient) -> None:
        assert (await city.get(f"/entities/{LAMP}?pick=nothing")).status_code == 404
        assert (await city.get("/entities?type=Lamp&pick=nothing")).json() == []

    @pytest.mark.parametrize("pick", ["a{b", "a{{b}", "a,,b", "a{}", "a{,b}", "a}", "a;b", "a{" * 40 + "b" + "}" * 40])
    async def test_a_wrong_one(self, city: httpx.AsyncClient, pick: str) -> None:
        response = await city.get(f"/entities/{LAMP}", params={"pick": pick})
        assert (response.status_code, response.json()["field"]) == (400, "pick")


class TestOrder:
    @pytest.mark.parametrize(
        ("order", "expected"),
        [("power;desc", "21"), ("power", "12"), ("id;desc", "21"), ("createdAt;desc", "21"), ("on,power;asc", "12")],
    )
    async def test_entities_come_in_it(self, city: httpx.AsyncClient, order: str, expected: str) -> None:
        response = await city.get("/entities", params={"type": "Lamp", "orderBy": order})
        assert "".join(one["id"][-1] for one in response.json()) == expected

    async def test_a_wrong_direction(self, city: httpx.AsyncClient) -> None:
        assert (await city.get("/entities?type=Lamp&orderBy=power;up")).status_code == 400


class TestPurge:
    async def test_what_a_query_finds(self, city: httpx.AsyncClient) -> None:
        assert (await city.delete("/entities", params={"type": "Lamp", "q": "power>20"})).status_code == 204
        assert [one["id"] for one in (await city.get("/entities?type=Lamp")).json()] == [LAMP]

    async def test_only_some_attributes(self, city: httpx.AsyncClient) -> None:
        assert (await city.delete("/entities?type=Lamp&drop=power")).status_code == 204
        assert (await lamp(city)).keys() == {"id", "type", "on"}
        assert (await city.delete(f"/entities?id={CITY}&keep=name")).status_code == 204
        assert (await city.get(f"/entities/{CITY}?format=simplified")).json() == {
            "id": CITY,
            "type": "City",
            "name": "Nis",
        }

    @pytest.mark.parametrize("query", ["", "type=Lamp&drop=a&keep=b"])
    async def test_a_wrong_one(self, city: httpx.AsyncClient, query: str) -> None:
        assert (await city.delete(f"/entities?{query}")).status_code == 400


class TestScope:
    async def test_appended_it_replaces_and_without_overwriting_it_adds(self, city: httpx.AsyncClient) -> None:
        path = f"/entities/{LAMP}/attrs"
        await city.post(path, json={"scope": "/Nis"})
        await city.post(path, json={"scope": "/Nis/Centar"})
        assert (await lamp(city))["scope"] == "/Nis/Centar"
        await city.post(f"{path}?options=noOverwrite", json={"scope": "/Nis"})
        assert (await lamp(city))["scope"] == ["/Nis/Centar", "/Nis"]
