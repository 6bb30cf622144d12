"""Which types and attributes there are (ETSI GS CIM 009, clauses 5.7.5 to 5.7.10)."""

import httpx
import pytest

BASE = "https://uri.etsi.org/ngsi-ld/default-context/"


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    for entity in (
        {"id": "urn:e:1", "type": "Lamp", "power": 10, "location": {"type": "Point", "coordinates": [21.9, 43.3]}},
        {"id": "urn:e:2", "type": "Lamp", "power": {"languageMap": {"en": "ten"}}},
        {"id": "urn:e:3", "type": ["Bin", "Asset"], "level": 1},
    ):
        assert (await client.post("/entities", json=entity)).status_code == 201
    return client


class TestTypes:
    async def test_a_list(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/types")).json()
        assert (body["type"], body["typeList"]) == ("EntityTypeList", ["Asset", "Bin", "Lamp"])

    async def test_with_their_attributes(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/types?details=true")).json()
        assert [(one["typeName"], one["attributeNames"]) for one in body] == [
            ("Asset", ["level"]),
            ("Bin", ["level"]),
            ("Lamp", ["power", "location"]),
        ]

    async def test_one(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/types/Lamp")).json()
        assert (body["id"], body["entityCount"]) == (f"{BASE}Lamp", 2)
        assert [(one["attributeName"], one["attributeTypes"]) for one in body["attributeDetails"]] == [
            ("power", ["LanguageProperty", "Property"]),
            ("location", ["GeoProperty"]),
        ]

    async def test_one_that_nothing_has_any_more(self, city: httpx.AsyncClient) -> None:
        await city.delete("/entities/urn:e:3")
        assert (await city.get("/types/Bin")).status_code == 404
        assert (await city.get("/types")).json()["typeList"] == ["Lamp"]


class TestAttributes:
    async def test_a_list(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/attributes")).json()
        assert (body["type"], body["attributeList"]) == ("AttributeList", ["level", "power", "location"])

    async def test_with_their_types(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/attributes?details=true")).json()
        assert body[0] == {
            "id": f"{BASE}level",
            "type": "Attribute",
            "attributeName": "level",
            "typeNames": ["Asset", "Bin"],
        }

    async def test_one(self, city: httpx.AsyncClient) -> None:
        body = (await city.get("/attributes/power")).json()
        assert (body["attributeCount"], body["typeNames"]) == (2, ["Lamp"])
        assert body["attributeTypes"] == ["LanguageProperty", "Property"]
        assert (await city.get("/attributes/nothing")).status_code == 404


class TestParameters:
    @pytest.mark.parametrize("path", ["/entities?type=Lamp&typ=Lamp", "/types?detail=true", "/entities/urn:e:1?x=1"])
    async def test_one_that_no_operation_has_is_refused(self, city: httpx.AsyncClient, path: str) -> None:
        response = await city.get(path)
        assert response.status_code == 400
        assert response.json()["type"] == "https://uri.etsi.org/ngsi-ld/errors/InvalidRequest"
