"""The past, written here and at other sources (ETSI GS CIM 009, clauses 5.6.11 to 5.6.16)."""

import json
from typing import Any

import pytest
from tests.context.registrations.conftest import Peers

ID = "urn:ngsi-ld:Building:1"
PAST = "peer/ngsi-ld/v1/temporal/entities"
ENTITIES = "/temporal/entities"
WRITES = [
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteTemporal",
    "deleteAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
]
SINCE = {"startAt": "2020-01-01T00:00:00Z"}


def level(value: int, minute: int = 0) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-01T10:0{minute}:00Z"}


def building(**attributes: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Building", **attributes}


async def test_what_an_inclusive_source_has_too_is_written_in_both_places(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(operations=WRITES, observationInterval=SINCE)
    peers.answer("POST", PAST, status=201)
    peers.answer("POST", f"{PAST}/{ID}/attrs/", status=204)
    peers.answer("DELETE", f"{PAST}/{ID}/attrs/level", status=204)
    peers.answer("DELETE", f"{PAST}/{ID}", status=204)

    created = await client.post(ENTITIES, json=building(level=[level(1)], name=[level(2)]))
    added = await client.post(f"{ENTITIES}/{ID}/attrs", json={"level": [level(3, 1)]})
    gone = await client.delete(f"{ENTITIES}/{ID}/attrs/level")
    deleted = await client.delete(f"{ENTITIES}/{ID}")

    assert [one.status_code for one in (created, added, gone, deleted)] == [201, 204, 204, 204]
    assert created.headers["Location"] == f"/ngsi-ld/v1/temporal/entities/{ID}"
    assert json.loads(peers.asked[0].content) == building(level=[level(1)], name=[level(2)])
    assert json.loads(peers.asked[1].content) == {"level": [level(3, 1)]}


async def test_what_others_hold_alone_is_not_written_here(client: Any, peers: Peers, register: Any) -> None:
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]
    await register(mode="exclusive", information=information, operations=WRITES, observationInterval=SINCE)
    peers.answer("POST", PAST, status=201)

    created = await client.post(ENTITIES, json=building(level=[level(1)], name=[level(2)]))
    here = (await client.get(f"{ENTITIES}/{ID}?local=true")).json()

    assert created.status_code == 201
    assert json.loads(peers.asked[0].content) == building(level=[level(1)])
    assert "level" not in here
    assert "name" in here


async def test_a_holder_of_the_past_that_does_not_take_it_is_a_conflict(client: Any, register: Any) -> None:
    await register(mode="redirect", operations=["retrieveTemporal"], observationInterval=SINCE)

    response = await client.post(ENTITIES, json=building(level=[level(1)]))

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (409, "Conflict")


async def test_a_holder_of_the_present_has_no_say_in_the_past(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect", operations=["redirectionOps"])

    assert (await client.post(ENTITIES, json=building(level=[level(1)]))).status_code == 201
    assert peers.asked == []


@pytest.mark.parametrize("known", ["here", "there"])
async def test_an_instance_is_changed_where_it_is(client: Any, peers: Peers, register: Any, known: str) -> None:
    await client.post(ENTITIES, json=building(level=[level(1)]))
    body = (await client.get(f"{ENTITIES}/{ID}")).json()["level"]
    instance = (body[0] if isinstance(body, list) else body)["instanceId"] if known == "here" else "urn:x:there"
    await register(operations=WRITES, observationInterval=SINCE)
    path = f"temporal/entities/{ID}/attrs/level/{instance}"
    for method in ("PATCH", "DELETE"):
        peers.answer(method, f"peer/ngsi-ld/v1/{path}", status=404 if known == "here" else 204)

    changed = await client.patch(f"/{path}", json={"type": "Property", "value": 9})
    deleted = await client.delete(f"/{path}")

    assert (changed.status_code, deleted.status_code) == (204, 204)
    assert [one.method for one in peers.asked] == ["PATCH", "DELETE"]
