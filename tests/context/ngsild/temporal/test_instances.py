"""q and geo queries over the past, instance by instance (ETSI GS CIM 009, clause 5.7.4)."""

from typing import Any

import httpx
import pytest

DAY = "2026-03-01"
RANGE = {"timerel": "between", "timeAt": f"{DAY}T00:00:00Z", "endTimeAt": f"{DAY}T12:00:00Z"}


def at(hour: int) -> str:
    return f"{DAY}T{hour:02}:00:00Z"


def series(kind: str, member: str, *pairs: tuple[int, Any]) -> list[dict[str, Any]]:
    return [{"type": kind, member: value, "observedAt": at(hour)} for hour, value in pairs]


def point(longitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, 43.32]}


@pytest.fixture
async def buses(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Three buses; today none of them is as it was."""
    for name, speeds, lines, places in (
        ("a", ((1, 30), (2, 55), (3, 70), (14, 10)), ((1, "34A"), (3, "1")), ((1, 21.90), (2, 21.95), (14, 22.5))),
        ("b", ((1, 20), (2, 25), (14, 90)), ((1, "1"),), ((1, 22.5), (14, 21.90))),
        ("c", ((13, 60),), ((13, "34A"),), ((13, 21.90),)),
    ):
        response = await client.post(
            "/temporal/entities",
            json={
                "id": f"urn:ngsi-ld:Bus:{name}",
                "type": "Bus",
                "speed": series("Property", "value", *speeds),
                "line": series("Property", "value", *lines),
                "location": series("GeoProperty", "value", *((hour, point(one)) for hour, one in places)),
            },
        )
        assert response.status_code == 201
    return client


async def found(client: httpx.AsyncClient, **parameters: str) -> list[dict[str, Any]]:
    response = await client.get("/temporal/entities", params={"type": "Bus", **RANGE, **parameters})
    assert response.status_code == 200
    bodies: list[dict[str, Any]] = response.json()
    return bodies


def names(bodies: list[dict[str, Any]]) -> str:
    return "".join(one["id"][-1] for one in bodies)


def of(body: dict[str, Any], attribute: str) -> list[Any]:
    return [one["value"] for one in body.get(attribute, [])]


class TestQ:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("speed>50", "a"),
            ("speed<28", "b"),
            ("speed==25", "b"),
            ("speed==50..60", "a"),
            ("speed!=20", "ab"),
            ("speed", "ab"),
            ("!speed", ""),
            ("!doors", "ab"),
            ('line=="34A"', "a"),
            ('line~="^[0-9]$"', "ab"),
            ('line=="34A","7"', "a"),
            ("speed>50;line==1", "a"),
            ("speed>50|speed<22", "ab"),
            ("(speed>65|speed<22);line==1", "ab"),
            ("speed.observedAt>=2026-03-01T03:00:00Z", "a"),
            ("createdAt>2020-01-01T00:00:00Z;speed>50", "a"),
            ("createdAt<2020-01-01T00:00:00Z;speed>50", ""),
        ],
    )
    async def test_an_instance_in_the_range_must_fit(self, buses: httpx.AsyncClient, query: str, expected: str) -> None:
        assert names(await found(buses, q=query.replace("line==1", 'line=="1"'))) == expected

    async def test_terms_about_one_attribute_hold_of_one_instance(self, buses: httpx.AsyncClient) -> None:
        # No instance of b lies between, though one is above and another one below.
        assert names(await found(buses, q="speed>21;speed<24")) == ""
        assert names(await found(buses, q="speed>40;speed<60")) == "a"

    async def test_the_whole_range_of_what_fits_is_shown(self, buses: httpx.AsyncClient) -> None:
        (bus,) = await found(buses, q="speed>50")
        assert of(bus, "speed") == [30, 55, 70]
        assert of(bus, "line") == ["34A", "1"]

    async def test_of_when_it_was_written(self, buses: httpx.AsyncClient) -> None:
        bodies = await found(
            buses, q="speed>80", timerel="after", timeAt="2020-01-01T00:00:00Z", timeproperty="modifiedAt"
        )
        assert names(bodies) == "b"


NEAR = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[21.90,43.32]"}


class TestPlace:
    async def test_where_it_was_in_the_range(self, buses: httpx.AsyncClient) -> None:
        (bus,) = await found(buses, **NEAR)
        assert bus["id"].endswith("a")
        assert of(bus, "location") == [point(21.90), point(21.95)]
        assert of(bus, "speed") == [30, 55, 70]

    async def test_with_a_q(self, buses: httpx.AsyncClient) -> None:
        assert names(await found(buses, **NEAR, q="speed>50")) == "a"
        assert names(await found(buses, **NEAR, q="speed>80")) == ""


class TestPages:
    async def test_pages_hold_what_fits_and_are_counted(self, client: httpx.AsyncClient) -> None:
        for number in range(9):
            await client.post(
                "/temporal/entities",
                json={"id": f"urn:x:{number}", "type": "Bus", "speed": series("Property", "value", (1, number))},
            )
        asked = {"type": "Bus", **RANGE, "q": "speed>=3", "limit": "2", "count": "true"}
        response = await client.get("/temporal/entities", params={**asked, "offset": "2"})
        assert names(response.json()) == "56"
        assert response.headers["NGSILD-Results-Count"] == "6"
        assert 'rel="next"' in response.headers["link"]
        last = await client.get("/temporal/entities", params={**asked, "offset": "4"})
        assert names(last.json()) == "78"
        assert 'rel="next"' not in last.headers["link"]


class TestRefusals:
    async def test_too_many_alternatives(self, client: httpx.AsyncClient) -> None:
        query = ";".join(f"(a>{number}|b>{number})" for number in range(8))
        response = await client.get("/temporal/entities", params={"type": "Bus", **RANGE, "q": query})
        assert response.status_code == 403
        assert response.json()["type"].endswith("TooComplexQuery")

    async def test_a_pattern_that_is_none(self, buses: httpx.AsyncClient) -> None:
        response = await buses.get("/temporal/entities", params={"type": "Bus", **RANGE, "q": 'line~="["'})
        assert response.status_code == 400
