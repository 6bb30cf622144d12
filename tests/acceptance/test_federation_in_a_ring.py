"""Three cities in a ring, each registered at the one before: nothing goes round for ever (clauses 4.3.6.4, 5.8.1.4)."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.test_federation import EVERYTHING, KIND, City, building, open_city
from tests.family import running, wait_for
from tests.memory import quick_folder

TEMPORAL = ["queryTemporal", "retrieveTemporal", "upsertTemporal", "deleteTemporal"]
ALL = [*EVERYTHING, "updateBatch", "mergeBatch", *TEMPORAL]
OBSERVED = "2026-11-23T10:00:00Z"
SINGLE = ["federationOps", "redirectionOps", *TEMPORAL]


@pytest.fixture(scope="module")
def ring() -> Iterator[list[City]]:
    """Niš asks Pirot, Pirot asks Knjaževac, and that asks Niš again."""
    folder = quick_folder("vidik-ring-")
    setting = {"VIDIK_ALLOW_PRIVATE_ENDPOINTS": "true"}
    with (
        running(folder / "nis", **setting) as nis,
        running(folder / "pirot", **setting) as pirot,
        running(folder / "knjazevac", **setting) as knjazevac,
    ):
        cities = [open_city(one) for one in (nis, pirot, knjazevac)]
        yield cities
        for city in cities:
            city.client.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cities(ring: list[City]) -> Iterator[list[City]]:
    yield ring
    for city in ring:
        city.forget_all()


def close(cities: list[City], *, by_name: bool, mode: str, operations: list[str] = ALL) -> None:
    """Make the ring; `by_name` says whether a city knows before it asks that the next one was asked already."""
    entities: dict[str, Any] = {"type": KIND}
    part: dict[str, Any] = {"entities": [entities]}
    if mode == "exclusive":
        entities["id"] = building(1)["id"]
        part["propertyNames"] = ["level"]
    for city, following in zip(cities, [*cities[1:], cities[0]], strict=True):
        city.register(following, by_name=by_name, mode=mode, operations=operations, information=[part])


def asked(cities: list[City]) -> list[int]:
    """How often each city has asked the next; what is counted a second later is in it, too."""

    def counted() -> list[int]:
        found = [city.client.get("/csourceRegistrations", params={"type": KIND}).json() for city in cities]
        return [one.get("timesSent", 0) for city in found for one in city]

    before = None
    while (now := counted()) != before:
        before = now
        time.sleep(1.5)
    return now


REQUESTS: list[tuple[str, str, dict[str, str], Any]] = [
    ("POST", "/entities", {}, building(1, level=1)),
    ("PATCH", f"/entities/{building(1)['id']}/attrs", {}, {"level": 2}),
    ("PATCH", f"/entities/{building(1)['id']}", {}, {"level": 3}),
    ("GET", f"/entities/{building(1)['id']}", {}, None),
    ("GET", "/entities", {"type": KIND}, None),
    ("POST", "/entityOperations/upsert", {}, [building(1, level=4)]),
    ("POST", "/entityOperations/query", {}, {"type": "Query", "entities": [{"type": KIND}]}),
    ("POST", "/temporal/entities", {}, building(1, level=[{"type": "Property", "value": 5, "observedAt": OBSERVED}])),
    ("GET", f"/temporal/entities/{building(1)['id']}", {}, None),
    ("GET", "/temporal/entities", {"type": KIND, "timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}, None),
    ("GET", "/types", {}, None),
    ("DELETE", "/entities", {"type": KIND}, None),
    ("DELETE", f"/entities/{building(1)['id']}", {}, None),
]


@pytest.mark.parametrize("mode", ["inclusive", "redirect", "exclusive"])
@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "nameless"])
@pytest.mark.parametrize("operations", [ALL, SINGLE], ids=["batches", "singles"])
def test_every_request_goes_round_once_at_most(
    cities: list[City], mode: str, by_name: bool, operations: list[str]
) -> None:
    close(cities, by_name=by_name, mode=mode, operations=operations)
    before = asked(cities)
    answers = [
        cities[0].client.request(method, path, params=query, json=body) for method, path, query, body in REQUESTS
    ]

    assert [one.status_code for one in answers if one.status_code >= 500 and one.status_code not in (504, 508)] == []
    made = [after - first for first, after in zip(before, asked(cities), strict=True)]
    assert all(made[0] >= one for one in made[1:]), made
    assert len(REQUESTS) <= made[0] <= len(REQUESTS) + 1, made  # an upsert of one by one may be a POST and a PUT
    assert (made[2] == 0) or not by_name, made


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "nameless"])
def test_each_city_shows_each_building_once(cities: list[City], by_name: bool) -> None:
    close(cities, by_name=by_name, mode="inclusive")
    for number, city in enumerate(cities):
        city.has(number, level=number)
        city.has(9, **{f"of{number}": number})

    for city in cities:
        found = city.client.get("/entities", params={"type": KIND, "options": "keyValues", "count": "true"})
        assert [one["id"] for one in found.json()] == [building(number)["id"] for number in (0, 1, 2, 9)]
        assert found.json()[-1] == building(9, of0=0, of1=1, of2=2)
        assert ("NGSILD-Warning" in found.headers) is not by_name


def test_copies_of_a_subscription_do_not_go_round(cities: list[City]) -> None:
    close(cities, by_name=True, mode="inclusive")
    made = cities[0].client.post(
        "/subscriptions",
        json={
            "type": "Subscription",
            "entities": [{"type": KIND}],
            "notification": {"endpoint": {"uri": f"{cities[0].vidik.base_url}/nowhere"}},
        },
    )
    assert made.status_code == 201, made.text

    def at(city: City) -> list[Any]:
        found: list[Any] = city.client.get("/subscriptions").json()
        return [one for one in found if one["entities"][0]["type"] == KIND]

    wait_for("a copy at the next city", lambda: len(at(cities[1])) == 1, 60)
    asked(cities)  # until nothing is asked any more
    assert [len(at(city)) for city in cities] == [1, 1, 0]

    cities[0].client.delete(made.headers["Location"].removeprefix("/ngsi-ld/v1"))
    wait_for("the copy to go", lambda: at(cities[1]) == [], 60)


def test_a_city_of_the_ring_that_is_gone_leaves_the_others_answers(cities: list[City]) -> None:
    close(cities, by_name=True, mode="inclusive")
    cities[0].has(1, level=1)
    cities[1].has(2, level=2)
    for one in cities[1].client.get("/csourceRegistrations", params={"type": KIND}).json():
        patched = cities[1].client.patch(f"/csourceRegistrations/{one['id']}", json={"endpoint": "http://127.0.0.1:9"})
        assert patched.status_code == 204

    def both() -> httpx.Response | None:
        found = cities[0].client.get("/entities", params={"type": KIND})
        return found if len(found.json()) == 2 and "NGSILD-Warning" in found.headers else None

    assert wait_for("what two cities know, and a warning of the third", both, 60).status_code == 200
