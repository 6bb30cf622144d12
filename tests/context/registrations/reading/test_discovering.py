"""Discovery of types and attributes together with other sources (ETSI GS CIM 009, clauses 5.7.5 to 5.7.10)."""

from typing import Any

import httpx
import pytest
from tests.context.registrations.conftest import Peers

from vidik.context.registrations.reading.discovering import united

PREFIX = "peer/ngsi-ld/v1"
NAMES = "https://uri.etsi.org/ngsi-ld/default-context/"


async def create(client: httpx.AsyncClient, kind: str = "Building", **attributes: Any) -> None:
    body = {"id": f"urn:ngsi-ld:{kind}:1", "type": kind, **attributes}
    response = await client.post("/entities?local=true", json=body)
    assert response.status_code == 201, response.text


async def test_types_are_those_of_all(client: Any, peers: Peers, register: Any) -> None:
    await create(client)
    await create(client, "Lamp")
    await register(information=[{"entities": [{"type": "Building"}, {"type": "Vehicle"}]}])
    content = {"id": "urn:x", "type": "EntityTypeList", "typeList": ["Building", "Vehicle", "NotRegistered"]}
    peers.answer("GET", f"{PREFIX}/types", content=content)

    body = (await client.get("/types")).json()

    assert body["type"] == "EntityTypeList"
    assert sorted(body["typeList"]) == ["Building", "Lamp", "Vehicle"]


async def test_details_of_types_are_put_together(client: Any, peers: Peers, register: Any) -> None:
    await create(client, level=1)
    await register()
    content = [
        {"id": f"{NAMES}Building", "type": "EntityType", "typeName": "Building", "attributeNames": ["level", "name"]}
    ]
    peers.answer("GET", f"{PREFIX}/types", content=content)

    (body,) = (await client.get("/types", params={"details": "true"})).json()

    assert (body["typeName"], sorted(body["attributeNames"])) == ("Building", ["level", "name"])
    assert peers.asked[0].url.params["details"] == "true"


async def test_one_type_is_counted_in_every_place(client: Any, peers: Peers, register: Any) -> None:
    await create(client, level=1)
    await register()
    details = [
        {"id": NAMES + name, "type": "Attribute", "attributeName": name, "attributeTypes": [kind]}
        for name, kind in (("level", "Relationship"), ("name", "Property"))
    ]
    content = {
        "id": f"{NAMES}Building",
        "type": "EntityTypeInfo",
        "typeName": "Building",
        "entityCount": 4,
        "attributeDetails": details,
    }
    peers.answer("GET", f"{PREFIX}/types/Building", content=content)

    body = (await client.get("/types/Building")).json()

    assert (body["id"], body["typeName"], body["entityCount"]) == (f"{NAMES}Building", "Building", 5)
    assert {one["attributeName"]: one["attributeTypes"] for one in body["attributeDetails"]} == {
        "level": ["Property", "Relationship"],
        "name": ["Property"],
    }


async def test_attributes_are_those_of_all_and_of_what_is_registered(client: Any, peers: Peers, register: Any) -> None:
    await create(client, level=1)
    await register(information=[{"entities": [{"type": "Building"}], "propertyNames": ["name"]}])
    content = {"id": "urn:x", "type": "AttributeList", "attributeList": ["name", "hidden"]}
    peers.answer("GET", f"{PREFIX}/attributes", content=content)

    assert sorted((await client.get("/attributes")).json()["attributeList"]) == ["level", "name"]


async def test_one_attribute_may_be_elsewhere_only(client: Any, peers: Peers, register: Any) -> None:
    await register()
    content = {
        "id": f"{NAMES}name",
        "type": "Attribute",
        "attributeName": "name",
        "attributeCount": 2,
        "attributeTypes": ["Property"],
        "typeNames": ["Building"],
    }
    peers.answer("GET", f"{PREFIX}/attributes/name", content=content)

    response = await client.get("/attributes/name")

    assert (response.status_code, response.json()) == (200, content)


async def test_what_nobody_has_is_not_found(client: Any, peers: Peers, register: Any) -> None:
    await register()

    response = await client.get("/types/Building")

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("content", [None, [], "types", {"typeList": 5}, {"typeList": [None]}])
async def test_an_answer_that_cannot_be_read_leaves_the_rest(
    client: Any, peers: Peers, register: Any, content: Any
) -> None:
    await create(client)
    registration_id = await register()
    peers.answer("GET", f"{PREFIX}/types", content=content)

    response = await client.get("/types")

    assert response.json()["typeList"] == ["Building"]
    assert registration_id in response.headers["NGSILD-Warning"]


async def test_a_source_that_does_not_answer_is_warned_of(client: Any, peers: Peers, register: Any) -> None:
    await create(client)
    await register(management={"timeout": 200})
    peers.late("GET", f"{PREFIX}/types")

    response = await client.get("/types")

    assert response.json()["typeList"] == ["Building"]
    assert "no answer within 0.2 seconds" in response.headers["NGSILD-Warning"]


async def test_a_source_that_does_not_take_the_operation_is_not_asked(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=["retrieveOps"])

    await client.get("/types")
    await client.get("/attributes", params={"local": "true"})

    assert peers.asked == []


def test_things_are_united_by_their_ids() -> None:
    one = [{"id": "a", "names": ["x"], "count": 1}]
    other = [{"id": "a", "names": ["x", "y"], "count": 2}, {"id": "b", "names": []}]

    assert united(one, other) == [{"id": "a", "names": ["x", "y"], "count": 3}, {"id": "b", "names": []}]
