"""Who gets what of what is written (ETSI GS CIM 009, clauses 4.3.6.3, 5.6.1, 5.6.7 to 5.6.10 and 5.6.20)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.context.registrations.buildings import BATCHES, ENTITIES, ID, REDIRECTION, building, create, local, prop
from tests.context.registrations.conftest import Peers

from vidik.kernel.clock import iso, now

LEVEL = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]


def asked(peers: Peers) -> list[tuple[str, str, str, Any]]:
    """What sources were asked: host, method, path and body."""
    return [
        (one.url.host, one.method, one.url.path.removeprefix("/ngsi-ld/v1"), json.loads(one.content or b"null"))
        for one in peers.asked
    ]


async def test_inclusive_sources_get_what_holders_leave(client: Any, peers: Peers, register: Any) -> None:
    await register("every", operations=REDIRECTION)
    await register("holder", mode="exclusive", information=LEVEL, operations=REDIRECTION)
    for host in ("every", "holder"):
        peers.answer("POST", f"{host}/ngsi-ld/v1/entities", status=201)

    created = await client.post("/entities", json=building(level=prop(1), name=prop("a")))

    assert created.status_code == 201
    assert sorted(asked(peers), key=str) == [
        ("every", "POST", "/entities", building(name=prop("a"))),
        ("holder", "POST", "/entities", building(level=prop(1))),
    ]
    assert await local(client) == building(name=prop("a"))


async def test_of_a_batch_too(client: Any, peers: Peers, register: Any) -> None:
    await register("every", operations=BATCHES)
    await register("holder", mode="exclusive", information=LEVEL, operations=BATCHES)
    for host in ("every", "holder"):
        peers.answer("POST", f"{host}/ngsi-ld/v1/entityOperations/create", status=201)

    response = await client.post("/entityOperations/create", json=[building(level=prop(1), name=prop("a"))])

    assert response.status_code == 201
    assert sorted(asked(peers), key=str) == [
        ("every", "POST", "/entityOperations/create", [building(name=prop("a"))]),
        ("holder", "POST", "/entityOperations/create", [building(level=prop(1))]),
    ]


@pytest.mark.parametrize("path", ["/entities", "/entityOperations/create"])
async def test_a_source_that_has_it_in_two_ways_gets_it_once(
    client: Any, peers: Peers, register: Any, path: str
) -> None:
    information = [{"entities": [{"type": "Building"}], "propertyNames": [name]} for name in ("level", "name")]
    await register(information=information, operations=[*REDIRECTION, *BATCHES])
    peers.answer("POST", f"peer/ngsi-ld/v1{path}", status=201)
    entity = building(level=prop(1), name=prop("a"), other=prop("b"))

    response = await client.post(path, json=[entity] if "Operations" in path else entity)

    assert response.status_code == 201
    sent = building(level=prop(1), name=prop("a"))
    assert asked(peers) == [("peer", "POST", path, [sent] if "Operations" in path else sent)]


@pytest.mark.parametrize(
    ("operation", "query", "method", "path"),
    [
        ("create", {}, "POST", "/entities"),
        ("upsert", {}, "POST", "/entities"),
        ("update", {}, "PATCH", f"/entities/{ID}/attrs/"),
        ("update", {"options": "noOverwrite"}, "POST", f"/entities/{ID}/attrs/"),
        ("merge", {}, "PATCH", f"/entities/{ID}"),
        ("delete", {}, "DELETE", f"/entities/{ID}"),
    ],
)
async def test_who_takes_no_batch_gets_its_entities_one_by_one(
    client: Any, peers: Peers, register: Any, operation: str, query: dict[str, str], method: str, path: str
) -> None:
    await register(mode="redirect", operations=REDIRECTION)
    status = 201 if path == "/entities" else 204
    peers.answer(method, f"peer/ngsi-ld/v1{path}", status=status)
    entity = building(level=prop(1))

    response = await client.post(
        f"/entityOperations/{operation}", params=query, json=[ID if operation == "delete" else entity]
    )

    assert response.status_code == status, response.text
    assert asked(peers) == [("peer", method, path, None if operation == "delete" else entity)]
    assert dict(peers.asked[0].url.params) == query
    assert await local(client) is None


THERE = {"title": "There", "status": 409}


@pytest.mark.parametrize(("options", "method", "path"), [("replace", "PUT", ""), ("update", "PATCH", "/attrs/")])
@pytest.mark.parametrize(
    ("status", "content"),
    [(409, THERE), (207, {"success": [], "errors": [{"entityId": ID, "error": THERE}, {"error": THERE}]})],
    ids=["there", "there and elsewhere"],
)
async def test_of_an_upsert_what_is_there_is_changed(
    client: Any, peers: Peers, register: Any, options: str, method: str, path: str, status: int, content: Any
) -> None:
    await register(mode="redirect", operations=REDIRECTION)
    peers.answer("POST", ENTITIES, status=status, content=content)
    peers.answer(method, f"{ENTITIES}/{ID}{path}", status=204)

    response = await client.post("/entityOperations/upsert", params={"options": options}, json=[building()])

    assert response.status_code == 204
    assert [one[1] for one in asked(peers)] == ["POST", method]


async def test_of_an_upsert_what_cannot_be_changed_is_an_error(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(mode="redirect", operations=["createEntity"])
    peers.answer("POST", ENTITIES, status=409, content=THERE)

    response = await client.post("/entityOperations/upsert", json=[building()])

    assert response.status_code == 207
    (error,) = response.json()["errors"]
    assert (error["entityId"], error["registrationId"]) == (ID, registration_id)
    assert error["error"]["type"].endswith("/OperationNotSupported")


async def test_who_does_not_answer_is_not_asked_for_each_entity(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect", operations=REDIRECTION, management={"timeout": 100})
    peers.late("POST", ENTITIES)

    response = await client.post("/entityOperations/create", json=[building(number) for number in range(100)])

    assert response.status_code == 207
    assert len(response.json()["errors"]) == 100
    assert 0 < len(peers.asked) < 20


async def test_a_holder_to_whom_the_way_goes_round_has_not_done_it(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect", operations=BATCHES)
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/create", 508, {"title": "Loop", "status": 508})

    response = await client.post("/entityOperations/create", json=[building()])

    assert response.status_code == 207
    assert response.json()["success"] == []
    assert [one["error"]["status"] for one in response.json()["errors"]] == [508]


@pytest.mark.parametrize(
    ("query", "entity"), [({"options": "bogus"}, building()), ({}, building(level=None)), ({}, {"id": ID})]
)
async def test_a_batch_that_cannot_be_read_goes_nowhere(
    client: Any, peers: Peers, register: Any, query: dict[str, str], entity: dict[str, Any]
) -> None:
    await register(operations=BATCHES)

    response = await client.post("/entityOperations/upsert", params=query, json=[entity])

    assert response.status_code == (400 if query else 207)
    assert peers.asked == []


@pytest.mark.parametrize("operation", ["create", "upsert"])
async def test_what_has_expired_here_is_created_here_and_there(
    client: Any, peers: Peers, register: Any, operation: str
) -> None:
    await register(operations=BATCHES)
    await create(client, level=prop(1), expiresAt=iso(now() - timedelta(hours=1)))
    peers.answer("POST", f"peer/ngsi-ld/v1/entityOperations/{operation}", status=201)

    response = await client.post(f"/entityOperations/{operation}", json=[building(level=prop(2))])

    assert (response.status_code, response.json()) == (201, [ID])
    assert await local(client) == building(level=prop(2))


async def test_a_source_of_other_types_than_are_selected_is_not_asked(
    client: Any, peers: Peers, register: Any
) -> None:  # 4.17, 5.6.6.4
    await register(mode="redirect", information=LEVEL, operations=REDIRECTION)
    await create(client, name=prop("a"))

    response = await client.delete(f"/entities/{ID}", params={"type": "Vehicle"})

    assert response.status_code == 404
    assert peers.asked == []
    assert await local(client) == building(name=prop("a"))


@pytest.mark.parametrize("operation", ["delete", "update", "upsert"])
async def test_what_was_done_here_is_said_beside_what_was_not_done_there(
    client: Any, peers: Peers, register: Any, operation: str
) -> None:  # 5.6.8 to 5.6.10
    information = [{"entities": [{"type": "Building", "id": ID}]}]
    await register(mode="redirect", operations=BATCHES, information=information)
    await create(client, 2, level=prop(1))
    batch = [building(number, level=prop(2)) for number in (1, 2)]

    response = await client.post(
        f"/entityOperations/{operation}", json=[one["id"] for one in batch] if operation == "delete" else batch
    )

    assert response.status_code == 207
    assert response.json()["success"] == [batch[1]["id"]]
    assert [one["entityId"] for one in response.json()["errors"]] == [ID]
