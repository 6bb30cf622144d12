"""Attributes that expire (ETSI GS CIM 009 v1.9.1, clause 4.22)."""

from datetime import datetime, timedelta

import httpx
import pytest

from vidik.context import jobs
from vidik.context.jsonld import processing
from vidik.context.ngsild.entities import merge
from vidik.context.ngsild.representation.rendering import Stored, View, render
from vidik.context.store import entities
from vidik.context.store.expiry import next_expiry, still_valid
from vidik.kernel.clock import iso, now, to_microseconds
from vidik.kernel.services import Services

CONTEXT = processing.build([], {})
PAST, FUTURE = iso(now() - timedelta(hours=1)), iso(now() + timedelta(hours=1))
A = "https://x.example/a"
B = "https://x.example/b"


@pytest.fixture
def services(client: httpx.AsyncClient) -> Services:
    """What the application behind the client works with."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    services: Services = transport.app.state.services  # type: ignore[attr-defined]  # a Starlette application
    return services


def one(value: int, **members: object) -> dict[str, object]:
    return {"type": "Property", "value": value, **members}


class TestDocuments:
    def test_what_has_expired_is_left_out(self) -> None:
        document = {A: one(1, expiresAt=PAST), B: [one(1), one(2, expiresAt=PAST, datasetId="urn:d:1")]}

        assert still_valid(document) == {B: [one(1)]}

    def test_a_sub_attribute_expires_by_itself(self) -> None:
        assert still_valid({A: {**one(1), B: one(2, expiresAt=PAST)}}) == {A: one(1)}

    def test_what_is_valid_is_the_very_document(self) -> None:
        document = {A: one(1, expiresAt=FUTURE), B: one(2)}

        assert still_valid(document) is document
        assert next_expiry(document) == to_microseconds(datetime.fromisoformat(FUTURE))

    def test_removing_says_what_is_gone(self) -> None:
        result = merge.expire({A: one(1, expiresAt=PAST), B: one(2)}, iso(now()))

        assert result.document == {B: one(2)}
        assert result.changed[A][0].keys() == {"type", "deletedAt"}

    @pytest.mark.parametrize("view", [View(CONTEXT), View(CONTEXT, "simplified"), View(CONTEXT, system=True)])
    def test_no_view_shows_what_has_expired(self, view: View) -> None:
        document = {A: one(1, expiresAt=PAST), B: one(2, expiresAt=FUTURE)}
        shown = render(Stored("urn:x:1", ["T"], None, document), view)

        assert A not in shown
        assert ("expiresAt" in str(shown)) == view.system


async def test_an_attribute_expires(client: httpx.AsyncClient) -> None:
    # Valid until now: what is asked for next comes after that.
    await client.post("/entities", json={"id": "urn:x:1", "type": "T", "a": one(1, expiresAt=iso(now())), "b": one(2)})

    assert (await client.get("/entities/urn:x:1")).json().keys() == {"id", "type", "b"}
    assert (await client.get("/entities?type=T")).json()[0].keys() == {"id", "type", "b"}
    assert "a" not in (await client.get("/temporal/entities/urn:x:1")).json()


AT = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.3]}}
NEAR = {"georel": "near;maxDistance==100", "geometry": "Point", "coordinates": "[21.9,43.3]"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "a"}, "valid"),
        ({"q": "a==1"}, "valid"),
        ({"q": "!a"}, "expired"),
        ({"q": "b==2;!a"}, "expired"),
        ({"q": "a!=7"}, "valid"),
        ({"q": "several==2"}, "valid"),
        ({"q": "several==1"}, "expired valid"),
        ({"q": "to{a}==1"}, ""),
        ({"q": "to{b}==2"}, "linking"),
        ({"attrs": "a"}, "valid"),
        ({"attrs": "a,b"}, "expired valid"),
        (NEAR, "valid"),
    ],
)
async def test_no_query_sees_what_has_expired_before_the_job_has_come(
    client: httpx.AsyncClient, asked: dict[str, str], found: str
) -> None:
    soon = iso(now())
    for name, end in (("expired", soon), ("valid", FUTURE)):
        several = [one(1), one(2, datasetId="urn:d:1", expiresAt=end)]
        entity = {"id": f"urn:x:{name}", "type": "T", "a": one(1, expiresAt=end), "b": one(2), "several": several}
        answer = await client.post("/entities", json={**entity, "location": {**AT, "expiresAt": end}})
        assert answer.status_code == 201
    link = {"type": "Relationship", "object": "urn:x:expired"}
    await client.post("/entities", json={"id": "urn:x:linking", "type": "U", "to": link})
    kind = {"type": "U", "join": "inline"} if "to{" in asked.get("q", "") else {"type": "T"}

    answer = await client.get("/entities", params={**kind, **asked, "count": "true"})

    assert [one["id"].removeprefix("urn:x:") for one in answer.json()] == found.split()
    assert answer.headers["NGSILD-Results-Count"] == str(len(found.split()))


async def test_the_job_removes_it_and_comes_again_for_the_next(client: httpx.AsyncClient, services: Services) -> None:
    soon = iso(now())
    await client.post("/entities", json={"id": "urn:x:1", "type": "T", "a": one(1, expiresAt=soon), "b": one(2)})
    await client.patch("/entities/urn:x:1", json={"c": one(3, expiresAt=FUTURE)})

    await jobs.expire_entities(services, "city")

    async with services.database.session("city") as connection:
        stored = (await entities.load(connection, ["urn:x:1"]))["urn:x:1"].document
        cursor = await connection.execute("SELECT expires_at FROM attribute_expiry")
        turns = [row["expires_at"] for row in await cursor.fetchall()]
    assert sorted(name.rpartition("/")[2] for name in stored) == ["b", "c"]
    assert turns == [datetime.fromisoformat(FUTURE)]


async def test_partial_updates_and_merging_keep_the_end_and_replacing_forgets_it(client: httpx.AsyncClient) -> None:
    attributes = {name: one(1, expiresAt=FUTURE) for name in "abc"}
    await client.post("/entities", json={"id": "urn:x:1", "type": "T", **attributes})

    await client.patch("/entities/urn:x:1/attrs/a", json={"value": 2})
    await client.patch("/entities/urn:x:1", json={"b": {"value": 2}})
    await client.patch("/entities/urn:x:1/attrs", json={"c": {"value": 2}})

    shown = (await client.get("/entities/urn:x:1?options=sysAttrs")).json()
    assert (shown["a"]["expiresAt"], shown["b"]["expiresAt"], "expiresAt" in shown["c"]) == (FUTURE, FUTURE, False)
    assert "expiresAt" not in (await client.get("/entities/urn:x:1")).text


async def test_the_past_of_an_entity_that_has_expired_stays(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json={"id": "urn:x:1", "type": "T", "expiresAt": PAST, "a": one(1, observedAt=PAST)})

    assert (await client.get("/entities/urn:x:1")).status_code == 404
    assert (await client.get("/temporal/entities/urn:x:1")).json()["a"]


@pytest.mark.parametrize("path", ["/entities", "/entityOperations/create", "/entityOperations/upsert"])
@pytest.mark.parametrize("others", [0, 20])
async def test_what_has_expired_does_not_stand_in_the_way(client: httpx.AsyncClient, path: str, others: int) -> None:
    await client.post("/entities", json={"id": "urn:x:1", "type": "T", "expiresAt": PAST, "a": one(1)})
    again = {"id": "urn:x:1", "type": "T", "b": one(2)}
    batch = [again, *({**again, "id": f"urn:y:{number}"} for number in range(others))]

    response = await client.post(path, json=again if path == "/entities" else batch)

    assert response.status_code == 201
    assert (await client.get("/entities/urn:x:1")).json().keys() == {"id", "type", "b"}
    assert (await client.post("/entities", json=again)).status_code == 409
