"""Two cities federate: two whole Vidiks, each registered at the other (ETSI GS CIM 009, clause 4.3.6)."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.family import RunningVidik, running
from tests.memory import quick_folder

KIND = "Building"
EVERYTHING = ["federationOps", "redirectionOps", "createBatch", "upsertBatch", "deleteBatch"]


@dataclass
class City:
    """One of the two, and a client that may read and write its memory."""

    vidik: RunningVidik
    token: str
    client: httpx.Client

    @property
    def alias(self) -> str:
        """The name by which requests say that they have been here."""
        found = self.client.get("/info/sourceIdentity")
        return str(found.json()["contextSourceAlias"])

    def register(self, other: "City", *, by_name: bool = True, **members: Any) -> str:
        """Register the other city here; what is there is asked for with a token of its own.

        `by_name` says how it is known in Via: without it a city finds out only by asking that a request goes round.
        """
        body = {
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": KIND}]}],
            "endpoint": other.vidik.base_url,
            "operations": EVERYTHING,
            "contextSourceInfo": [{"key": "Authorization", "value": f"Bearer {other.token}"}],
            "management": {"timeout": 2000},
            **({"contextSourceAlias": other.alias} if by_name else {}),
            **members,
        }
        response = self.client.post("/csourceRegistrations", json=body)
        assert response.status_code == 201, response.text
        return response.headers["Location"].rpartition("/")[2]

    def forget_all(self) -> None:
        for one in self.client.get("/csourceRegistrations", params={"type": KIND}).json():
            self.client.delete(f"/csourceRegistrations/{one['id']}")
        for one in self.client.get("/entities", params={"type": KIND, "local": "true"}).json():
            self.client.delete(f"/entities/{one['id']}", params={"local": "true"})

    def has(self, number: int, **attributes: Any) -> None:
        response = self.client.post("/entities", params={"local": "true"}, json=building(number, **attributes))
        assert response.status_code == 201, response.text

    def shows(self, number: int, **query: Any) -> Any:
        response = self.client.get(f"/entities/{building(number)['id']}", params={"options": "keyValues", **query})
        return response.json() if response.status_code == 200 else None


def building(number: int, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{KIND}:{number}", "type": KIND, **attributes}


def open_city(vidik: RunningVidik) -> City:
    token = vidik.token()
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(base_url=f"{vidik.base_url}/ngsi-ld/v1", headers=headers, timeout=30)
    return City(vidik, token, client)


@pytest.fixture(scope="module")
def cities() -> Iterator[tuple[City, City]]:
    folder = quick_folder("vidik-federation-")
    setting = {"VIDIK_ALLOW_PRIVATE_ENDPOINTS": "true"}
    with running(folder / "nis", **setting) as nis, running(folder / "pirot", **setting) as pirot:
        both = open_city(nis), open_city(pirot)
        yield both
        for city in both:
            city.client.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def nis(cities: tuple[City, City]) -> Iterator[City]:
    yield cities[0]
    cities[0].forget_all()


@pytest.fixture
def pirot(cities: tuple[City, City]) -> Iterator[City]:
    yield cities[1]
    cities[1].forget_all()


def test_each_city_shows_what_both_know(nis: City, pirot: City) -> None:
    nis.register(pirot)
    pirot.register(nis)
    nis.has(1, name="fortress", level=1)
    pirot.has(1, owner="the state")
    pirot.has(2, name="old house")

    assert nis.shows(1) == building(1, name="fortress", level=1, owner="the state")
    assert pirot.shows(1) == nis.shows(1)
    for city in (nis, pirot):
        found = city.client.get("/entities", params={"type": KIND, "options": "keyValues"})
        assert [one["id"] for one in found.json()] == [building(1)["id"], building(2)["id"]]
        assert "NGSILD-Warning" not in found.headers


def test_a_loop_of_registrations_ends(nis: City, pirot: City) -> None:
    nis.register(pirot, by_name=False)
    pirot.register(nis, by_name=False)

    begun = time.monotonic()
    created = nis.client.post("/entities", json=building(3, level=1))
    changed = pirot.client.patch(f"/entities/{building(3)['id']}/attrs", json={"level": 2})
    deleted = nis.client.delete(f"/entities/{building(3)['id']}")

    found = nis.client.get("/entities", params={"type": KIND})

    assert (created.status_code, changed.status_code, deleted.status_code) == (201, 204, 204)
    assert found.headers["NGSILD-Warning"].startswith("199 ")  # a loop is told (table 6.3.17-1)
    assert nis.shows(3, local="true") is None
    assert pirot.shows(3, local="true") is None
    assert time.monotonic() - begun < 5


def test_what_the_other_city_holds_alone_is_written_there(nis: City, pirot: City) -> None:
    nis.register(pirot, mode="redirect")

    response = nis.client.post("/entities", json=building(4, level=1))
    batch = nis.client.post("/entityOperations/create", json=[building(5), building(6)])

    assert (response.status_code, batch.status_code) == (201, 201)
    assert nis.shows(4, local="true") is None
    assert pirot.shows(4, local="true") == nis.shows(4) == building(4, level=1)
    assert pirot.shows(6, local="true") == building(6)


def test_a_city_that_is_dead_leaves_a_partial_answer_in_time(nis: City, pirot: City) -> None:
    nis.register(pirot)
    nis.has(7, level=1)
    nis.register(pirot, endpoint="http://127.0.0.1:9")

    begun = time.monotonic()
    read = nis.client.get(f"/entities/{building(7)['id']}", params={"options": "keyValues"})
    written = nis.client.post("/entities", json=building(8))

    assert time.monotonic() - begun < 5
    assert read.json() == building(7, level=1)
    assert "199 urn:ngsi-ld:ContextSourceRegistration:" in read.headers["NGSILD-Warning"]
    assert written.status_code == 207
    assert written.json()["success"] == [building(8)["id"]]


def test_a_map_of_one_city_is_read_over_a_map_of_the_other(nis: City, pirot: City) -> None:
    registration = nis.register(pirot)
    nis.has(1)
    for number in (2, 3, 4):
        pirot.has(number)
    asked = {"type": KIND, "limit": 2, "entityMap": "true"}
    first = nis.client.get("/entities", params=asked)
    assert first.status_code == 201
    address = first.headers["NGSILD-EntityMap"]
    told = nis.client.get(address.removeprefix("/ngsi-ld/v1")).json()
    assert set(told["entityMap"]) == {building(number)["id"] for number in (1, 2, 3, 4)}

    theirs = pirot.client.get(f"/entityMaps/{told['linkedMaps'][registration]}")
    assert theirs.status_code == 200
    assert set(theirs.json()["entityMap"]) == {building(number)["id"] for number in (2, 3, 4)}

    pirot.has(0)  # what comes later is on no page
    following = {"type": KIND, "limit": 2, "offset": 2}
    second = nis.client.get("/entities", params=following, headers={"NGSILD-EntityMap": address})
    shown = [one["id"] for response in (first, second) for one in response.json()]
    assert shown == [building(number)["id"] for number in (1, 2, 3, 4)]
