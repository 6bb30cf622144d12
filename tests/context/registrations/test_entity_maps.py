"""Entity maps of distributed queries: who has which entity is remembered (ETSI GS CIM 009, clause 5.14.4)."""

from typing import Any

import pytest
from tests.context.registrations.conftest import Peers

ENTITIES = "/ngsi-ld/v1/entities"
PAST = "/ngsi-ld/v1/temporal/entities"
OF_PAST = {"type": "Building", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
OPERATIONS = ["retrieveTemporal", "queryTemporal", "createEntityMapQueryTemporal"]


def building(number: int) -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": "Building", "level": {"type": "Property", "value": number}}


@pytest.fixture
async def sources(client: Any, peers: Peers, register: Any) -> dict[str, str]:
    """Two sources, with two buildings each; one of the south is here too."""
    await client.post("/entities", json=building(3))
    peers.answer("GET", f"north{ENTITIES}", content=[building(1), building(2)])
    peers.answer("GET", f"south{ENTITIES}", content=[building(3), building(4)])
    return {"north": await register("north"), "south": await register("south")}


async def test_a_map_says_who_has_which_entity(client: Any, sources: dict[str, str]) -> None:
    response = await client.get("/entityMaps", params={"type": "Building"})
    assert response.status_code == 201
    assert response.json()["entityMap"] == {
        "urn:x:1": [sources["north"]],
        "urn:x:2": [sources["north"]],
        "urn:x:3": ["@none", sources["south"]],
        "urn:x:4": [sources["south"]],
    }


async def test_a_source_that_makes_a_map_is_read_over_it_and_named(
    client: Any, peers: Peers, sources: dict[str, str]
) -> None:
    its_own = {"NGSILD-EntityMap": "/ngsi-ld/v1/entityMaps/urn:x:map-of-north"}
    many = [building(number) for number in range(1000, 2000)]
    peers.answer("GET", f"north{ENTITIES}", 201, many, **its_own)
    response = await client.get("/entityMaps", params={"type": "Building", "entityMapLifetime": "PT5M"})
    assert response.json()["linkedMaps"] == {sources["north"]: "urn:x:map-of-north"}
    shown = await client.get(response.headers["NGSILD-EntityMap"].removeprefix("/ngsi-ld/v1"))
    assert shown.json()["linkedMaps"] == response.json()["linkedMaps"]
    north = [one for one in peers.asked if one.url.host == "north"]
    assert {(one.url.params["entityMap"], one.url.params["entityMapLifetime"]) for one in north} == {("true", "PT5M")}
    assert [one.headers.get("NGSILD-EntityMap") for one in north[:2]] == [None, "urn:x:map-of-north"]


async def test_a_source_that_wants_no_map_is_asked_without(client: Any, peers: Peers, register: Any) -> None:
    await register("north", operations=["retrieveOps"])
    peers.answer("GET", f"north{ENTITIES}", content=[building(1)])
    response = await client.get("/entityMaps", params={"type": "Building"})
    assert (list(response.json()["entityMap"]), response.json()["linkedMaps"]) == (["urn:x:1"], {})
    assert [one.url.params.get("entityMap") for one in peers.asked] == [None]


async def test_a_source_that_refuses_a_map_is_asked_again_without(
    client: Any, peers: Peers, sources: dict[str, str]
) -> None:
    peers.answer_if("GET", f"north{ENTITIES}", "entityMap", 400, {"title": "unknown parameter"})
    response = await client.get("/entityMaps", params={"type": "Building"})
    assert (len(response.json()["entityMap"]), response.json()["linkedMaps"]) == (4, {})


async def test_parts_of_one_registration_share_no_map(client: Any, peers: Peers, register: Any) -> None:
    parts = [{"entities": [{"type": "Building", "id": f"urn:x:{number}"}]} for number in (1, 2)]
    await register("north", information=parts)
    peers.answer("GET", f"north{ENTITIES}", 201, [building(1)], **{"NGSILD-EntityMap": "urn:x:map-of-north"})
    response = await client.get("/entityMaps", params={"type": "Building"})
    assert response.json()["linkedMaps"] == {}
    assert [one.headers.get("NGSILD-EntityMap") for one in peers.asked] == [None, None]


async def test_only_those_who_have_something_of_a_page_are_asked(
    client: Any, peers: Peers, sources: dict[str, str]
) -> None:
    asked = {"type": "Building", "limit": "2", "options": "keyValues"}
    first = await client.get("/entities", params={**asked, "entityMap": "true"})
    assert first.status_code == 201
    assert [one["level"] for one in first.json()] == [1, 2]
    peers.asked.clear()
    headers = {"NGSILD-EntityMap": first.headers["NGSILD-EntityMap"]}
    second = await client.get("/entities", params={**asked, "offset": "2"}, headers=headers)
    assert [one["level"] for one in second.json()] == [3, 4]
    assert {request.url.host for request in peers.asked} == {"south"}
    assert 'rel="next"' not in second.headers["link"]


async def test_a_source_that_is_silent_does_not_empty_the_map(
    client: Any, peers: Peers, sources: dict[str, str]
) -> None:
    created = await client.get("/entityMaps", params={"type": "Building"})
    headers = {"NGSILD-EntityMap": created.headers["NGSILD-EntityMap"]}
    peers.answer("GET", f"north{ENTITIES}", 503)
    page = await client.get("/entities", params={"type": "Building"}, headers=headers)
    assert [one["id"] for one in page.json()] == ["urn:x:3", "urn:x:4"]
    assert sources["north"] in page.headers["NGSILD-Warning"]
    left = await client.get(created.headers["NGSILD-EntityMap"].removeprefix("/ngsi-ld/v1"))
    assert len(left.json()["entityMap"]) == 4


async def test_a_purge_of_a_map_stays_here(client: Any, peers: Peers, sources: dict[str, str]) -> None:
    created = await client.get("/entityMaps", params={"type": "Building"})
    headers = {"NGSILD-EntityMap": created.headers["NGSILD-EntityMap"]}
    assert (await client.delete("/entities?type=Building", headers=headers)).status_code == 422
    assert (await client.delete("/entities?type=Building&local=true", headers=headers)).status_code == 204
    assert all(request.method == "GET" for request in peers.asked)


async def test_one_entity_is_asked_of_those_who_had_it(client: Any, peers: Peers, sources: dict[str, str]) -> None:
    peers.answer("GET", f"south{ENTITIES}/urn:x:3", content=building(30))
    peers.answer("GET", f"north{ENTITIES}/urn:x:3", status=404)
    first = await client.get("/entities/urn:x:3", params={"entityMap": "true"})
    assert first.status_code == 200
    address = first.headers["NGSILD-EntityMap"]
    shown = (await client.get(address.removeprefix("/ngsi-ld/v1"))).json()
    assert shown["entityMap"] == {"urn:x:3": ["@none", sources["south"]]}
    peers.asked.clear()
    again = await client.get("/entities/urn:x:3", headers={"NGSILD-EntityMap": address})
    assert (again.headers["NGSILD-EntityMap"], again.json()["id"]) == (address, "urn:x:3")
    assert {request.url.host for request in peers.asked} == {"south"}


class TestOfThePast:
    """Clause 5.14.5.4: sources that make maps of a temporal query are read over them, and listed."""

    def past_of(self, number: int) -> dict[str, Any]:
        level = {"type": "Property", "value": number, "observedAt": "2026-01-02T00:00:00Z"}
        return {"id": f"urn:x:{number}", "type": "Building", "level": [level]}

    @pytest.fixture
    async def sources(self, client: Any, peers: Peers, register: Any) -> dict[str, str]:
        """As of the present: two sources, with two buildings each; one of the south is here too."""
        kept = await client.post("/temporal/entities", params={"local": "true"}, json=self.past_of(3))
        assert kept.status_code == 201, kept.text
        its_own = {"NGSILD-EntityMap": "/ngsi-ld/v1/entityMaps/urn:x:map-of-north"}
        peers.answer("GET", f"north{PAST}", 201, [self.past_of(1), self.past_of(2)], **its_own)
        peers.answer("GET", f"south{PAST}", content=[self.past_of(3), self.past_of(4)])
        return {
            "north": await register("north", operations=OPERATIONS),
            "south": await register("south", operations=OPERATIONS[:2]),
        }

    async def test_a_map_says_who_has_what_and_names_the_maps_of_sources(
        self, client: Any, peers: Peers, sources: dict[str, str]
    ) -> None:
        response = await client.get("/temporal/entityMaps", params={**OF_PAST, "entityMapLifetime": "PT5M"})
        assert response.status_code == 201, response.text
        assert response.json()["entityMap"] == {
            "urn:x:1": [sources["north"]],
            "urn:x:2": [sources["north"]],
            "urn:x:3": ["@none", sources["south"]],
            "urn:x:4": [sources["south"]],
        }
        assert response.json()["linkedMaps"] == {sources["north"]: "urn:x:map-of-north"}
        north, south = (next(one for one in peers.asked if one.url.host == host) for host in ("north", "south"))
        assert (north.url.params["entityMap"], north.url.params["entityMapLifetime"]) == ("true", "PT5M")
        assert "entityMap" not in south.url.params

    async def test_only_those_who_have_something_of_a_page_are_asked(
        self, client: Any, peers: Peers, sources: dict[str, str]
    ) -> None:
        first = await client.get("/temporal/entities", params={**OF_PAST, "limit": "2", "entityMap": "true"})
        assert (first.status_code, [one["id"] for one in first.json()]) == (201, ["urn:x:1", "urn:x:2"])
        peers.asked.clear()
        headers = {"NGSILD-EntityMap": first.headers["NGSILD-EntityMap"]}
        asked = {**OF_PAST, "limit": "2", "offset": "2"}
        second = await client.get("/temporal/entities", params=asked, headers=headers)
        assert [one["id"] for one in second.json()] == ["urn:x:3", "urn:x:4"]
        assert {request.url.host for request in peers.asked} == {"south"}
        assert 'rel="next"' not in second.headers["link"]

    async def test_words_of_the_source_do_not_keep_it_out_of_a_map(
        self, client: Any, peers: Peers, register: Any
    ) -> None:
        core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
        info = [{"key": "jsonldContext", "value": core}]
        kept = await client.post("/jsonldContexts", json={"@context": {"Haus": "urn:x:Haus"}})
        link = f'<http://vidik.test{kept.headers["location"]}>; rel="http://www.w3.org/ns/json-ld#context"'
        north = await register("north", operations=OPERATIONS, contextSourceInfo=info)
        peers.answer("GET", f"north{PAST}", content=[self.past_of(1)])
        response = await client.get("/temporal/entityMaps", params=OF_PAST, headers={"Link": link})
        assert response.json()["entityMap"] == {"urn:x:1": [north]}
