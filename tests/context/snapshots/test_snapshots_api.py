"""Snapshots over HTTP (ETSI GS CIM 009, clauses 4.3.7, 5.5.15, 5.16 and 6.36 to 6.38)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg.errors import DeadlockDetected
from tests.context.ngsild.conftest import READER_SECRET

from vidik.context import jobs
from vidik.context.ngsild.broker import Call
from vidik.context.snapshots import api, scope
from vidik.kernel.services import Services

BENCHES = {"type": "Query", "entities": [{"type": "Bench"}]}
PAST = {
    **BENCHES,
    "temporalQ": {"timerel": "between", "timeAt": "2026-03-01T00:00:00Z", "endTimeAt": "2026-03-02T00:00:00Z"},
}


def bench(number: int, seats: int = 2, day: int = 1) -> dict[str, Any]:
    at = f"2026-03-{day:02}T10:00:00Z"
    return {
        "id": f"urn:x:{number}",
        "type": "Bench",
        "seats": {"type": "Property", "value": seats, "observedAt": at},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.3]}},
    }


@pytest.fixture
async def benches(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client and three benches."""
    for number in range(3):
        await client.post("/entities", json=bench(number))
    return client


async def create(client: httpx.AsyncClient, **members: Any) -> str:
    """A new snapshot; its id."""
    body = {"type": "Snapshot", **(members or {"snapshotQueries": [BENCHES]})}
    response = await client.post("/snapshots", json=body)
    assert response.status_code == 201, response.text
    return str(response.headers["location"].rpartition("/")[2])


async def status(client: httpx.AsyncClient, snapshot: str) -> dict[str, Any]:
    response = await client.get(f"/snapshots/{snapshot}")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def inside(snapshot: str) -> dict[str, str]:
    return {"NGSILD-Snapshot": snapshot}


async def names(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **asked: str) -> str:
    response = await client.get("/entities", params={"type": "Bench", **asked}, headers=headers)
    assert response.status_code == 200, response.text
    return "".join(one["id"][-1] for one in response.json())


class TestCreate:
    async def test_it_holds_what_its_queries_found(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches, snapshotQueries=[{**BENCHES, "q": "seats>1"}, {**BENCHES, "q": "seats>5"}])
        told = await status(benches, snapshot)
        assert told["type"] == "Snapshot"
        assert told["snapshotStatus"] == "success"
        assert [one["resultStatus"] for one in told["snapshotQueriesDetails"]] == ["success", "empty"]
        assert told["snapshotPriority"] == 5
        assert await names(benches, inside(snapshot)) == "012"

    async def test_it_stays_as_it_was(self, benches: httpx.AsyncClient) -> None:
        before = (await benches.get("/entities/urn:x:0", params={"options": "sysAttrs"})).json()
        snapshot = await create(benches)
        await benches.patch("/entities/urn:x:0", json={"seats": {"type": "Property", "value": 9}})
        await benches.delete("/entities/urn:x:1")
        await benches.post("/entities", json=bench(7))
        frozen = await benches.get("/entities/urn:x:0", params={"options": "sysAttrs"}, headers=inside(snapshot))
        assert frozen.json() == before
        assert frozen.headers["NGSILD-Snapshot"] == snapshot
        assert await names(benches, inside(snapshot)) == "012"
        assert await names(benches) == "027"

    async def test_nothing_found_is_empty(self, client: httpx.AsyncClient) -> None:
        assert (await status(client, await create(client)))["snapshotStatus"] == "empty"

    async def test_a_query_that_fails_is_told(self, benches: httpx.AsyncClient) -> None:
        wrong = {"type": "Query", "entities": [{"type": "Bench"}], "q": "seats>>"}
        told = await status(benches, await create(benches, snapshotQueries=[BENCHES, wrong]))
        assert told["snapshotStatus"] == "partial"
        assert told["snapshotQueriesDetails"][1]["problemDetails"]["status"] == 400
        assert (await status(benches, await create(benches, snapshotQueries=[wrong])))["snapshotStatus"] == "failure"

    async def test_its_id_is_its_own(self, benches: httpx.AsyncClient) -> None:
        await create(benches, id="urn:x:snapshot", snapshotQueries=[BENCHES])
        again = {"type": "Snapshot", "id": "urn:x:snapshot", "snapshotQueries": [BENCHES]}
        response = await benches.post("/snapshots", json=again)
        assert response.status_code == 409
        assert response.json()["type"].endswith("AlreadyExists")

    async def test_it_ends_when_it_should(self, benches: httpx.AsyncClient) -> None:
        moment = datetime.now(UTC)
        for lifetime, longest in (("PT1H", timedelta(hours=2)), ("P1Y", timedelta(days=8))):
            told = await status(benches, await create(benches, snapshotQueries=[BENCHES], snapshotLifetime=lifetime))
            assert moment < datetime.fromisoformat(told["expiresAt"]) < moment + longest

    async def test_only_writers_freeze(self, client: httpx.AsyncClient) -> None:
        client.headers["Authorization"] = f"Bearer {READER_SECRET}"
        assert (await client.post("/snapshots", json={"type": "Snapshot"})).status_code == 403

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": "Entity"},
            {"snapshotQueries": None},
            {"snapshotQueries": []},
            {"snapshotQueries": [PAST]},
            {"snapshotTemporalQueries": [BENCHES]},
            {"snapshotPriority": 0},
            {"snapshotPriority": 11},
            {"snapshotLifetime": "1 hour"},
            {"snapshotLifetime": "PT0S"},
            {"endpoint": "ftp://example.org/x"},
            {"endpoint": "http://[::1"},
            {"endpoint": "http://example.org:99999"},
            {"endpoint": "http://"},
            {"endpoint": "http://example.org/ц"},
            {"receiverInfo": [{"key": "A: b", "value": "c"}]},
            {"receiverInfo": [{"key": "A", "value": "c\r\nB: d"}]},
            {"receiverInfo": [{"key": "Content-Length", "value": "0"}]},
            {"colour": "red"},
            {"id": "no uri"},
        ],
    )
    async def test_mistakes(self, client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
        body = {"type": "Snapshot", "snapshotQueries": [BENCHES], **wrong}
        response = await client.post("/snapshots", json=body)
        assert response.status_code == 400
        assert response.json()["type"].endswith("BadRequestData")


class TestInside:
    async def test_it_is_a_memory_to_write_to(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        here = inside(snapshot)
        assert (await benches.post("/entities", json=bench(8), headers=here)).status_code == 201
        change = {"seats": {"type": "Property", "value": 7}}
        assert (await benches.patch("/entities/urn:x:0", json=change, headers=here)).status_code == 204
        assert (await benches.delete("/entities/urn:x:2", headers=here)).status_code == 204
        batch = await benches.post("/entityOperations/upsert", json=[bench(9)], headers=here)
        assert batch.status_code == 201
        assert await names(benches, here) == "0189"
        assert await names(benches, here, q="seats==7") == "0"
        assert await names(benches) == "012"

    async def test_queries_of_every_kind(self, benches: httpx.AsyncClient) -> None:
        here = inside(await create(benches))
        near = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[21.9,43.3]"}
        assert await names(benches, here, **near) == "012"
        types = (await benches.get("/types", headers=here)).json()
        assert types["typeList"] == ["Bench"]
        pages = await benches.get(
            "/entities", params={"type": "Bench", "limit": "2", "entityMap": "true"}, headers=here
        )
        assert pages.status_code == 201
        assert 'rel="next"' in pages.headers["link"]

    async def test_the_past_of_it(self, benches: httpx.AsyncClient) -> None:
        await benches.post("/entityOperations/upsert", json=[bench(0, seats=5, day=3)])
        here = inside(await create(benches, snapshotTemporalQueries=[PAST]))
        await benches.delete("/temporal/entities/urn:x:1/attrs/seats")
        asked = {"type": "Bench", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "attrs": "seats"}
        response = await benches.get("/temporal/entities", params=asked, headers=here)
        assert [(one["id"], [each["value"] for each in one["seats"]]) for one in response.json()] == [
            ("urn:x:0", [2]),
            ("urn:x:1", [2]),
            ("urn:x:2", [2]),
        ]
        assert await names(benches, here) == ""

    async def test_what_it_has_not(self, benches: httpx.AsyncClient) -> None:
        here = inside(await create(benches))
        for path in ("/subscriptions", "/csourceRegistrations?type=Bench", "/jsonldContexts"):
            response = await benches.get(path, headers=here)
            assert response.status_code == 422
            assert response.json()["type"].endswith("OperationNotSupported")

    async def test_one_that_is_not_there(self, benches: httpx.AsyncClient) -> None:
        for name, expected in (("urn:x:nowhere", 404), ("no uri", 400)):
            response = await benches.delete("/entities/urn:x:0", headers=inside(name))
            assert response.status_code == expected
        assert await names(benches) == "012"

    @pytest.mark.parametrize(
        "path", ["/entities?type=Bench", "/entities/urn:x:1", "/temporal/entities/urn:x:1", "/types"]
    )
    async def test_one_that_is_deleted_while_it_is_read_is_not_there(
        self, benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        snapshot = await create(benches)
        enter = scope._enter

        async def enter_and_lose(call: Call) -> None:
            await enter(call)
            assert (await benches.delete(f"/snapshots/{snapshot}")).status_code == 204

        monkeypatch.setattr(scope, "_enter", enter_and_lose)
        response = await benches.get(path, headers=inside(snapshot))

        assert (response.status_code, snapshot in response.json()["detail"]) == (404, True)

    async def test_using_it_is_noted(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        async with services_of(benches).database.transaction("city") as connection:
            await connection.execute("UPDATE snapshot SET last_used_at = now() - interval '1 hour'")
        before = (await status(benches, snapshot))["lastUsedAt"]
        await names(benches, inside(snapshot))
        assert (await status(benches, snapshot))["lastUsedAt"] > before


def services_of(client: httpx.AsyncClient) -> Services:
    services: Services = client._transport.app.state.services  # type: ignore[attr-defined]  # an ASGI transport
    return services


class TestChange:
    async def test_its_lifetime_and_priority(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        before = await status(benches, snapshot)
        fragment = {"snapshotPriority": 9, "snapshotLifetime": "P3D", "snapshotStatus": "failure"}
        response = await benches.patch(f"/snapshots/{snapshot}", json=fragment)
        assert response.status_code == 200
        told = response.json()
        assert (told["snapshotPriority"], told["snapshotStatus"]) == (9, "success")
        assert told["expiresAt"] > before["expiresAt"]
        assert told == await status(benches, snapshot)

    async def test_its_queries_do_not_change(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        for fragment in ({"snapshotQueries": [BENCHES]}, {"id": "urn:x:other"}, {"colour": "red"}):
            assert (await benches.patch(f"/snapshots/{snapshot}", json=fragment)).status_code == 400
        assert (await benches.patch("/snapshots/urn:x:nowhere", json={})).status_code == 404


class TestClone:
    async def test_it_is_a_copy_with_a_life_of_its_own(self, benches: httpx.AsyncClient) -> None:
        first = await create(benches, snapshotQueries=[BENCHES], snapshotTemporalQueries=[PAST])
        await benches.delete("/entities/urn:x:0", headers=inside(first))
        response = await benches.post(f"/snapshots/{first}/clone", json={"type": "Snapshot", "id": "urn:x:clone"})
        assert response.headers["location"] == "/ngsi-ld/v1/snapshots/urn:x:clone"
        here = inside("urn:x:clone")
        assert await names(benches, here) == "12"
        assert (await benches.post("/entities", json=bench(8), headers=here)).status_code == 201
        change = {"seats": {"type": "Property", "value": 3, "observedAt": "2026-03-01T11:00:00Z"}}
        assert (await benches.patch("/entities/urn:x:1", json=change, headers=here)).status_code == 204
        past = (await benches.get("/temporal/entities/urn:x:1", params={"attrs": "seats"}, headers=here)).json()
        assert [one["value"] for one in past["seats"]] == [2, 3]
        await benches.delete(f"/snapshots/{first}")
        assert await names(benches, here) == "128"
        assert (await status(benches, "urn:x:clone"))["snapshotQueries"] == [BENCHES]

    async def test_mistakes(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        body = {"type": "Snapshot", "snapshotQueries": [BENCHES]}
        assert (await benches.post(f"/snapshots/{snapshot}/clone", json=body)).status_code == 400
        clone = {"type": "Snapshot", "id": snapshot}
        assert (await benches.post(f"/snapshots/{snapshot}/clone", json=clone)).status_code == 409
        assert (await benches.post("/snapshots/urn:x:nowhere/clone", json={"type": "Snapshot"})).status_code == 404


class TestEnd:
    async def schemas(self, client: httpx.AsyncClient) -> int:
        async with services_of(client).database.session("city") as connection:
            cursor = await connection.execute(
                "SELECT count(*) AS number FROM pg_namespace WHERE nspname LIKE 'snapshot%%'"
            )
            row = await cursor.fetchone()
        return int(row["number"]) if row else 0

    async def test_deleted_it_leaves_nothing(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches)
        assert await names(benches, inside(snapshot)) == "012"
        assert (await benches.delete(f"/snapshots/{snapshot}")).status_code == 204
        for response in (
            await benches.get(f"/snapshots/{snapshot}"),
            await benches.delete(f"/snapshots/{snapshot}"),
            await benches.get("/entities?type=Bench", headers=inside(snapshot)),
        ):
            assert response.status_code == 404
        assert await self.schemas(benches) == 0

    async def test_who_reads_in_it_at_the_same_time_is_no_reason_to_fail(
        self, benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        snapshot = await create(benches)
        deletes, deadlocks = api.repository.delete, iter((DeadlockDetected(),))

        async def meets_a_reader(*arguments: Any) -> None:
            for deadlock in deadlocks:
                raise deadlock
            await deletes(*arguments)

        monkeypatch.setattr(api.repository, "delete", meets_a_reader)

        assert (await benches.delete(f"/snapshots/{snapshot}")).status_code == 204
        assert (await benches.get(f"/snapshots/{snapshot}")).status_code == 404

    async def test_past_its_time_it_goes(self, benches: httpx.AsyncClient) -> None:
        snapshot = await create(benches, id="urn:x:snapshot", snapshotQueries=[BENCHES])
        services = services_of(benches)
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE snapshot SET expires_at = now()")
        assert (await benches.get(f"/snapshots/{snapshot}")).status_code == 404
        await jobs.forget_snapshots(services, "city")
        assert await self.schemas(benches) == 0
        await create(benches, id="urn:x:snapshot", snapshotQueries=[BENCHES])

    async def test_one_that_nobody_fills_any_more_has_failed(
        self, benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_arguments: object) -> None:
            """What a process that is killed does."""

        monkeypatch.setattr(api.filling, "run", killed)
        snapshot = await create(benches, snapshotQueries=[BENCHES, BENCHES])
        services = services_of(benches)
        await jobs.forget_snapshots(services, "city")
        assert (await status(benches, snapshot))["snapshotStatus"] == "preparing"
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE snapshot SET created_at = now() - interval '10 minutes'")
        await jobs.forget_snapshots(services, "city")
        told = await status(benches, snapshot)
        assert told["snapshotStatus"] == "failure"
        assert [one["resultStatus"] for one in told["snapshotQueriesDetails"]] == ["failure", "failure"]

    async def test_what_goes_wrong_while_it_is_filled_is_told(
        self, benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_arguments: object) -> None:
            raise OSError("the disk is gone")

        monkeypatch.setattr(api.filling, "collect", broken)
        told = await status(benches, await create(benches))
        assert told["snapshotStatus"] == "failure"
        assert told["snapshotQueriesDetails"][0]["problemDetails"]["title"] == "The snapshot was not filled"

    async def test_purged_by_what_it_says_of_itself(self, benches: httpx.AsyncClient) -> None:
        low, high = [await create(benches, snapshotQueries=[BENCHES], snapshotPriority=one) for one in (2, 8)]
        asked = {"q": 'snapshotPriority<5;snapshotStatus=="success";createdAt>2020-01-01T00:00:00Z'}
        assert (await benches.delete("/snapshots", params=asked)).status_code == 204
        assert (await benches.get(f"/snapshots/{low}")).status_code == 404
        assert (await benches.get(f"/snapshots/{high}")).status_code == 200
        assert (await benches.delete("/snapshots", params=asked)).status_code == 404
        for wrong in ({}, {"q": "seats>1"}, {"q": "snapshotPriority>>"}):
            assert (await benches.delete("/snapshots", params=wrong)).status_code == 400

    async def test_the_least_important_makes_room(
        self, benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api, "MAXIMUM_SNAPSHOTS", 2)
        first, second, third = [
            await create(benches, snapshotQueries=[BENCHES], snapshotPriority=one) for one in (8, 2, 5)
        ]
        assert [(await benches.get(f"/snapshots/{one}")).status_code for one in (first, second, third)] == [
            200,
            404,
            200,
        ]


async def test_the_endpoint_is_told(benches: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[Any, Any]] = []

    class Fake:
        async def send(self, endpoint: Any, message: Any) -> int:
            received.append((endpoint, message))
            return 200

    monkeypatch.setattr(api.Senders, "of", lambda _services: Fake())
    endpoint = {"endpoint": "https://example.org/told", "receiverInfo": [{"key": "Authorization", "value": "x"}]}
    snapshot = await create(benches, snapshotQueries=[BENCHES], **endpoint)
    await asyncio.sleep(0)
    ((told, message),) = received
    assert told.uri == "https://example.org/told"
    assert message.headers["Authorization"] == "x"
    body = httpx.Response(200, content=message.body).json()
    assert body["type"] == "SnapshotNotification"
    assert (body["snapshotId"], body["snapshotStatus"]) == (snapshot, "success")
    assert body["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
    benches.headers["Authorization"] = f"Bearer {READER_SECRET}"
    seen = await status(benches, snapshot)
    assert (seen["receiverInfo"][0]["value"], seen["endpoint"]) == ("…", "https://example.org/…")
