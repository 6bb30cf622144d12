"""Queries over HTTP (ETSI GS CIM 009, 6.4.3.2 and 6.23)."""

from typing import Any

import httpx
import pytest

from vidik.context.ngsild.repository import pages

SQUARE = "[[[21.8,43.2],[22.0,43.2],[22.0,43.4],[21.8,43.4],[21.8,43.2]]]"


def entity(number: str, kind: Any, longitude: float, latitude: float, **attributes: Any) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"id": f"urn:e:{number}", "type": kind, "location": place, **attributes}


CITY = [
    entity("1", "Lamp", 21.9000, 43.3000, power=50, state="on", scope="/Nis/Centar"),
    entity("2", "Lamp", 21.9010, 43.3000, power=80, state="off", scope="/Nis/Medijana/Park"),
    entity("3", "Lamp", 21.9500, 43.3000, power=20, state="on"),
    entity("4", ["Lamp", "Sensor"], 22.5000, 43.3000, power={"value": 90, "accuracy": 2}),
    entity("5", "Bin", 21.9000, 43.3005, level=0.4, name={"languageMap": {"en": "Bin", "sr": "Корпа"}}),
    {
        "id": "urn:e:6",
        "type": "Park",
        "location": {
            "type": "Polygon",
            "coordinates": [[[21.902, 43.299], [21.904, 43.299], [21.904, 43.301], [21.902, 43.301], [21.902, 43.299]]],
        },
        "entrance": {"type": "Point", "coordinates": [21.904, 43.3]},
    },
]


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    response = await client.post("/entityOperations/create", json=CITY)
    assert response.status_code == 201
    return client


async def found(client: httpx.AsyncClient, **parameters: str) -> str:
    """The last characters of the ids that a query finds, in order."""
    response = await client.get("/entities", params=parameters)
    assert response.status_code == 200, response.text
    return "".join(one["id"][-1] for one in response.json())


class TestSelection:
    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({"type": "Lamp"}, "1234"),
            ({"type": "Lamp,Bin"}, "12345"),
            ({"type": "Lamp|Park"}, "12346"),
            ({"type": "(Lamp;Sensor)"}, "4"),
            ({"type": "(Lamp;Sensor)|Bin"}, "45"),
            ({"type": "Nothing"}, ""),
            ({"id": "urn:e:1,urn:e:5,urn:e:9", "local": "true"}, "15"),
            ({"type": "Lamp", "idPattern": "urn:e:[12]$"}, "12"),
            ({"attrs": "level,entrance"}, "56"),
            ({"scopeQ": "/Nis/Centar"}, "1"),
            ({"scopeQ": "/Nis/#"}, "12"),
            ({"scopeQ": "/Nis/+"}, "1"),
            ({"scopeQ": "/Nis/Centar,/Nis/+/Park"}, "12"),
            ({"scopeQ": "/Nis/#;/Nis/Centar"}, "1"),
            ({"q": "power>=50"}, "124"),
            ({"q": "power==50..90"}, "124"),
            ({"q": 'state=="on"'}, "13"),
            ({"q": 'state!="on"'}, "2"),
            ({"q": 'state=="on","off";power<60'}, "13"),
            ({"q": 'power>85|(state=="on";power<30)'}, "34"),
            ({"q": "power.accuracy"}, "4"),
            ({"q": "power.accuracy==2"}, "4"),
            ({"type": "Lamp", "q": "!state"}, "4"),
            ({"q": "state~=^o[fn]"}, "12" + "3"),
            ({"q": 'name[sr]=="Корпа"'}, "5"),
            ({"q": 'name=="Bin"'}, "5"),
            ({"type": "Lamp", "q": "createdAt>2020-01-01T00:00:00Z"}, "1234"),
            ({"type": "Lamp", "q": "createdAt<2020-01-01T00:00:00Z"}, ""),
        ],
    )
    async def test_it_finds(self, city: httpx.AsyncClient, parameters: dict[str, str], expected: str) -> None:
        assert await found(city, **parameters) == expected

    @pytest.mark.parametrize(
        ("georel", "geometry", "coordinates", "more", "expected"),
        [
            ("near;maxDistance==100", "Point", "[21.9,43.3]", {}, "125"),
            ("near;maxDistance==100", "Point", "[21.9,43.3]", {"type": "Lamp", "q": "power>60"}, "2"),
            ("near;maxDistance==200", "Point", "[21.9,43.3]", {}, "1256"),
            ("near;maxDistance==200", "Point", "[21.9,43.3]", {"limit": "3", "offset": "2"}, "56"),
            ("near;minDistance==10000", "Point", "[21.9,43.3]", {}, "4"),
            ("near;maxDistance==20", "LineString", "[[21.901,43.2],[21.901,43.4]]", {}, "2"),
            ("within", "Polygon", SQUARE, {}, "12356"),
            ("disjoint", "Polygon", SQUARE, {}, "4"),
            ("intersects", "Point", "[21.903,43.3]", {}, "6"),
            ("contains", "Point", "[21.903,43.3]", {}, "6"),
            ("equals", "Point", "[21.9,43.3]", {}, "1"),
            ("overlaps", "Polygon", "[[[21.903,43.3],[21.91,43.3],[21.91,43.31],[21.903,43.3]]]", {}, "6"),
            ("near;maxDistance==10", "Point", "[21.904,43.3]", {"geoproperty": "entrance"}, "6"),
        ],
    )
    async def test_it_finds_by_place(
        self,
        city: httpx.AsyncClient,
        georel: str,
        geometry: str,
        coordinates: str,
        more: dict[str, str],
        expected: str,
    ) -> None:
        place = {"georel": georel, "geometry": geometry, "coordinates": coordinates}
        assert await found(city, **place, **more) == expected


class TestPaging:
    @pytest.mark.parametrize("at_most", [0, 1, 1000])
    async def test_a_page_near_is_the_same_whichever_way_it_is_found(
        self, city: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, at_most: int
    ) -> None:
        monkeypatch.setattr(pages, "MAXIMUM_NEARBY", at_most)
        place = {"georel": "near;maxDistance==200", "geometry": "Point", "coordinates": "[21.9,43.3]"}
        first = await city.get("/entities", params={**place, "limit": "2"})
        narrowed = await city.get("/entities", params={**place, "type": "Lamp", "q": "power>60"})
        assert [one["id"][-1] for one in first.json()] == ["1", "2"]
        assert 'rel="next"' in first.headers["link"]
        assert [one["id"][-1] for one in narrowed.json()] == ["2"]

    async def test_count_and_links(self, city: httpx.AsyncClient) -> None:
        response = await city.get("/entities", params={"type": "Lamp", "limit": "2", "offset": "1", "count": "true"})
        assert [one["id"] for one in response.json()] == ["urn:e:2", "urn:e:3"]
        assert response.headers["ngsild-results-count"] == "4"
        links = response.headers["link"]
        # The pages are of the media type of this one (clause 6.3.10).
        assert 'count=true&limit=2&offset=3&type=Lamp>;rel="next";type="application/json"' in links
        assert 'offset=0&type=Lamp>;rel="prev"' in links

    async def test_the_next_link_leads_on_and_the_last_page_has_none(self, city: httpx.AsyncClient) -> None:
        seen = []
        path: str | None = "/entities?type=Lamp&limit=3"
        while path:
            response = await city.get(path)
            seen += [one["id"][-1] for one in response.json()]
            following = response.headers["link"].partition('>;rel="next"')
            path = following[0].rpartition("<")[2].removeprefix("/ngsi-ld/v1") if following[1] else None
        assert seen == ["1", "2", "3", "4"]

    async def test_only_the_count(self, city: httpx.AsyncClient) -> None:
        response = await city.get("/entities", params={"type": "Lamp", "limit": "0", "count": "true"})
        assert (response.json(), response.headers["ngsild-results-count"]) == ([], "4")

    async def test_a_counted_search_by_place(self, city: httpx.AsyncClient) -> None:
        place = {"georel": "near;maxDistance==200", "geometry": "Point", "coordinates": "[21.9,43.3]"}
        response = await city.get("/entities", params={**place, "limit": "1", "count": "true"})
        assert response.headers["ngsild-results-count"] == "4"


class TestRepresentation:
    async def test_a_feature_collection(self, city: httpx.AsyncClient) -> None:
        response = await city.get(
            "/entities?type=Park&geometryProperty=entrance", headers={"Accept": "application/geo+json"}
        )
        body = response.json()
        assert body["type"] == "FeatureCollection"
        assert body["features"][0]["geometry"] == {"type": "Point", "coordinates": [21.904, 43.3]}

    async def test_only_the_asked_attributes(self, city: httpx.AsyncClient) -> None:
        response = await city.get("/entities?type=Lamp&attrs=state&options=keyValues&limit=1")
        assert response.json() == [{"id": "urn:e:1", "type": "Lamp", "scope": "/Nis/Centar", "state": "on"}]


class TestQueryByPost:
    async def test_it_finds_the_same(self, city: httpx.AsyncClient) -> None:
        query = {
            "type": "Query",
            "entities": [{"type": "Lamp"}, {"type": "Bin"}],
            "q": "power>10|level",
            "attrs": ["power", "level"],
            "geoQ": {"georel": "near;maxDistance==100", "geometry": "Point", "coordinates": [21.9, 43.3]},
        }
        response = await city.post("/entityOperations/query?limit=2&count=true&options=keyValues", json=query)
        assert response.status_code == 200
        assert [one["id"] for one in response.json()] == ["urn:e:1", "urn:e:2"]
        assert response.headers["ngsild-results-count"] == "3"

    async def test_something_else_is_refused(self, city: httpx.AsyncClient) -> None:
        response = await city.post("/entityOperations/query", json={"type": "Question"})
        assert response.status_code == 400


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({}, "type"),
            ({"type": "Lamp", "limit": "-1"}, "limit"),
            ({"type": "Lamp", "limit": "0"}, "limit"),
            ({"type": "Lamp", "limit": "x"}, "limit"),
            ({"type": "Lamp", "limit": "99999999999999999999"}, "limit"),
            ({"type": "Lamp", "offset": "-1"}, "offset"),
            ({"type": "Lamp", "count": "maybe"}, "count"),
            ({"type": "Lamp", "options": "fast"}, "options"),
            ({"type": "Lamp", "format": "fast"}, "format"),
            ({"type": "Lamp;"}, "type"),
            ({"type": "La mp"}, "type"),
            ({"id": "nothing"}, "id"),
            ({"type": "Lamp", "q": "power>>1"}, "q"),
            ({"type": "Lamp", "q": "state~=(("}, "q"),
            ({"type": "Lamp", "idPattern": "(("}, "q"),
            ({"type": "Lamp", "scopeQ": "/a//b"}, "scopeQ"),
            ({"type": "Lamp", "georel": "near;maxDistance==1"}, "georel"),
            ({"type": "Lamp", "q": "createdAt==now"}, "q"),
        ],
    )
    async def test_the_parameter_at_fault_is_named(
        self, city: httpx.AsyncClient, parameters: dict[str, str], field: str
    ) -> None:
        response = await city.get("/entities", params=parameters)
        assert response.status_code == 400
        kind = "InvalidRequest" if field in ("options", "format") else "BadRequestData"
        assert response.json()["type"] == f"https://uri.etsi.org/ngsi-ld/errors/{kind}"
        assert response.json()["field"] == field
