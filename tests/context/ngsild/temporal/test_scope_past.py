"""Scopes over time, and what is deleted of an entity that has only a past (ETSI GS CIM 009, 4.5.6, 4.18, 5.7.4.4)."""

from typing import Any

import httpx
import pytest

TEMPORAL = "/temporal/entities"
NOON = {"type": "Lamp", "timerel": "between", "timeAt": "2026-03-01T12:00:00Z", "endTimeAt": "2026-03-01T13:00:00Z"}


def at(time: str, value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-03-01T{time}:00Z"}


async def found(client: httpx.AsyncClient, scope: str, **more: str) -> dict[str, list[Any]]:
    answer = await client.get(TEMPORAL, params={**NOON, "scopeQ": scope, **more})
    assert answer.status_code == 200, answer.text
    return {one["id"].rpartition(":")[2]: [each["value"] for each in one["power"]] for one in answer.json()}


@pytest.fixture
async def lamps(client: httpx.AsyncClient) -> httpx.AsyncClient:
    scopes = {
        "before": [at("10:00", "/Park")],
        "replaced": [at("10:00", "/Park"), at("12:30", ["/Street", "/Bridge"])],
        "late": [at("14:00", "/Park")],
        "plain": "/Park",
    }
    for name, scope in scopes.items():
        power = [at("12:15", 1), at("12:45", 2)]
        body = {"id": f"urn:ngsi-ld:Lamp:{name}", "type": "Lamp", "scope": scope, "power": power}
        assert (await client.post(TEMPORAL, json=body)).status_code == 201
    return client


async def test_an_entity_is_found_for_as_long_as_its_scope_was_valid(lamps: httpx.AsyncClient) -> None:
    assert await found(lamps, "/Park") == {"before": [1, 2], "replaced": [1], "plain": [1, 2]}
    assert await found(lamps, "(/Street;/Bridge)") == {"replaced": [2]}
    assert await found(lamps, "/#", q="power==2") == {"before": [1, 2], "replaced": [1, 2], "plain": [1, 2]}
    assert await found(lamps, "/Nowhere") == {}


async def test_the_scope_that_was_valid_at_the_beginning_is_shown(lamps: httpx.AsyncClient) -> None:
    shown = {one["id"].rpartition(":")[2]: one for one in (await lamps.get(TEMPORAL, params=NOON)).json()}
    assert [one["value"] for one in shown["replaced"]["scope"]] == ["/Park", ["/Street", "/Bridge"]]
    assert "scope" not in shown["late"]
    assert shown["plain"]["scope"] == "/Park"
    simple = (await lamps.get(TEMPORAL, params={**NOON, "format": "temporalValues", "scopeQ": "/Bridge"})).json()
    assert simple[0]["scope"] == {
        "type": "Property",
        "values": [["/Park", "2026-03-01T10:00:00Z"], [["/Street", "/Bridge"], "2026-03-01T12:30:00Z"]],
    }


async def test_a_change_of_now_is_an_instance_of_the_past(client: httpx.AsyncClient) -> None:
    lamp = {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", "scope": "/Park", "power": at("12:00", 1)}
    assert (await client.post("/entities", json=lamp)).status_code == 201
    assert (await client.patch("/entities/urn:ngsi-ld:Lamp:1", json={"scope": "/Street"})).status_code == 204
    shown = (await client.get(f"{TEMPORAL}/urn:ngsi-ld:Lamp:1", params={"options": "sysAttrs"})).json()["scope"]
    assert [one["value"] for one in shown] == ["/Park", "/Street"]
    assert all(one["observedAt"] == one["modifiedAt"] for one in shown)
    assert (await client.delete("/entities/urn:ngsi-ld:Lamp:1/attrs/scope")).status_code == 204
    gone = (await client.get(f"{TEMPORAL}/urn:ngsi-ld:Lamp:1", params={"timeproperty": "deletedAt"})).json()["scope"]
    assert [one["value"] for one in gone] == [[]]


async def test_what_is_deleted_of_an_entity_with_only_a_past_is_marked_there(lamps: httpx.AsyncClient) -> None:
    lamp = "urn:ngsi-ld:Lamp:plain"
    assert (await lamps.delete(f"/entities/{lamp}/attrs/power", params={"type": "Tree"})).status_code == 404
    for name in ("power", "scope"):
        assert (await lamps.delete(f"/entities/{lamp}/attrs/{name}")).status_code == 204
        assert (await lamps.delete(f"/entities/{lamp}/attrs/{name}")).status_code == 404
    body = (await lamps.get(f"{TEMPORAL}/{lamp}", params={"timeproperty": "deletedAt"})).json()
    (power,), (scope,) = body["power"], body["scope"]
    assert power.keys() == {"type", "value", "instanceId", "deletedAt"}
    assert (power["value"], scope["value"]) == ("urn:ngsi-ld:null", [])
    assert (await lamps.get(f"{TEMPORAL}/{lamp}")).json()["power"][0]["value"] == 1
    assert await found(lamps, "/Park") == {"before": [1, 2], "replaced": [1], "plain": [1, 2]}


async def test_history_from_elsewhere_may_say_that_something_was_deleted(client: httpx.AsyncClient) -> None:
    lamp = {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", "power": [at("12:00", 1), at("12:10", "urn:ngsi-ld:null")]}
    assert (await client.post(TEMPORAL, json=lamp)).status_code == 201
    shown = (await client.get(f"{TEMPORAL}/urn:ngsi-ld:Lamp:1")).json()["power"]
    assert [one["value"] for one in shown] == [1, "urn:ngsi-ld:null"]
    refused = {**lamp, "expiresAt": "urn:ngsi-ld:null"}
    assert (await client.post(TEMPORAL, json=refused)).status_code == 400
