"""Snapshots of what lies at several sources (ETSI GS CIM 009, clauses 4.3.7 and 5.16.1)."""

import asyncio
from typing import Any

from tests.context.registrations.conftest import Peers

ENTITIES = "/ngsi-ld/v1/entities"
SNAPSHOT = {
    "type": "Snapshot",
    "id": "urn:x:s",
    "snapshotQueries": [{"type": "Query", "entities": [{"type": "Building"}]}],
}


def building(number: int, **attributes: int) -> dict[str, Any]:
    shown = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": f"urn:x:{number}", "type": "Building", **shown}


async def test_what_sources_have_is_frozen_too(client: Any, peers: Peers, register: Any) -> None:
    await client.post("/entities", json=building(1, here=1))
    await client.post("/entities", json=building(2, here=2))
    await register()
    peers.answer("GET", f"peer{ENTITIES}", content=[building(2, there=2), building(3, there=3)])
    assert (await client.post("/snapshots", json=SNAPSHOT)).status_code == 201
    assert len(peers.asked) == 1  # for all of it at once
    peers.asked.clear()

    headers = {"NGSILD-Snapshot": "urn:x:s"}
    asked = {"type": "Building", "options": "keyValues"}
    frozen = (await client.get("/entities", params=asked, headers=headers)).json()

    assert [{name: one[name] for name in one if name != "type"} for one in frozen] == [
        {"id": "urn:x:1", "here": 1},
        {"id": "urn:x:2", "here": 2, "there": 2},
        {"id": "urn:x:3", "there": 3},
    ]
    assert not peers.asked
    changed = await client.patch("/entities/urn:x:3", json=building(3, there=4), headers=headers)
    assert changed.status_code == 204
    assert not peers.asked


async def test_a_source_that_is_silent_leaves_a_part(client: Any, peers: Peers, register: Any) -> None:
    await client.post("/entities", json=building(1, here=1))
    await register()
    peers.answer("GET", f"peer{ENTITIES}", 503)
    await client.post("/snapshots", json=SNAPSHOT)
    told = (await client.get("/snapshots/urn:x:s")).json()
    assert told["snapshotStatus"] == "partial"
    (details,) = told["snapshotQueriesDetails"]
    assert details["resultStatus"] == "success"
    assert "503" in details["problemDetails"]["detail"]


async def test_it_is_told_as_preparing_until_its_sources_have_answered(
    client: Any, peers: Peers, register: Any
) -> None:
    await client.post("/entities", json=building(1, here=1))
    await register()
    peers.answer("GET", f"peer{ENTITIES}", content=[building(2, there=2)])
    peers.open.clear()
    headers = {"NGSILD-Snapshot": "urn:x:s"}
    filling = asyncio.create_task(client.post("/snapshots", json=SNAPSHOT))
    await peers.heard.wait()
    assert (await client.get("/snapshots/urn:x:s")).json()["snapshotStatus"] == "preparing"
    for refused in (
        client.get("/entities", params={"type": "Building"}, headers=headers),
        client.post("/snapshots/urn:x:s/clone", json={"type": "Snapshot"}),
    ):
        assert (await refused).status_code == 409
    changed = await client.patch("/snapshots/urn:x:s", json={"snapshotPriority": 7})
    assert changed.status_code == 200
    peers.open.set()
    await filling
    told = (await client.get("/snapshots/urn:x:s")).json()
    assert (told["snapshotStatus"], told["snapshotPriority"]) == ("success", 7)
    found = (await client.get("/entities", params={"type": "Building"}, headers=headers)).json()
    assert [one["id"] for one in found] == ["urn:x:1", "urn:x:2"]


async def test_one_that_is_deleted_while_it_is_filled_is_gone(client: Any, peers: Peers, register: Any) -> None:
    await register()
    peers.answer("GET", f"peer{ENTITIES}", content=[building(2, there=2)])
    peers.open.clear()
    filling = asyncio.create_task(client.post("/snapshots", json=SNAPSHOT))
    await peers.heard.wait()
    assert (await client.delete("/snapshots/urn:x:s")).status_code == 204
    peers.open.set()
    assert (await filling).status_code == 201
    assert (await client.get("/snapshots/urn:x:s")).status_code == 404
