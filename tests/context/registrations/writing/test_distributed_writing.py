"""Writing shared with other sources (ETSI GS CIM 009, clauses 4.3.6, 5.6 and 6.3.17 to 6.3.18)."""

import json
import time
from typing import Any

import pytest
from tests.context.registrations.buildings import BATCHES, ENTITIES, ID, REDIRECTION, building, create, local, prop
from tests.context.registrations.conftest import Peers


async def test_an_entity_is_created_here_and_at_an_inclusive_source(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=REDIRECTION)
    peers.answer("POST", ENTITIES, status=201)

    response = await client.post("/entities", json=building(level=prop(1)))

    assert response.status_code == 201
    assert response.headers["Location"] == f"/ngsi-ld/v1/entities/{ID}"
    assert json.loads(peers.asked[0].content) == building(level=prop(1))
    assert await local(client) == building(level=prop(1))


async def test_what_is_held_exclusively_is_written_to_its_holder_only(client: Any, peers: Peers, register: Any) -> None:
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]
    await register(mode="exclusive", information=information, operations=REDIRECTION)
    peers.answer("POST", ENTITIES, status=201)
    peers.answer("PATCH", f"{ENTITIES}/{ID}/attrs/level", status=204)

    created = await client.post("/entities", json=building(level=prop(1), name=prop("a")))
    changed = await client.patch(f"/entities/{ID}/attrs/level", json={"value": 2})

    assert (created.status_code, changed.status_code) == (201, 204)
    assert json.loads(peers.asked[0].content) == building(level=prop(1))
    assert await local(client) == building(name=prop("a"))


async def test_what_is_redirected_is_not_written_here(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect", operations=REDIRECTION)
    peers.answer("POST", ENTITIES, status=201)

    assert (await client.post("/entities", json=building(level=prop(1)))).status_code == 201
    assert await local(client) is None


async def test_a_holder_that_does_not_take_the_operation_is_a_conflict(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(mode="redirect", operations=["retrieveOps"])

    assert (await client.post("/entities", json=building(level=prop(1)))).status_code == 409
    assert peers.asked == []


async def test_what_only_some_did_is_a_partial_success(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(operations=REDIRECTION, management={"timeout": 200})
    peers.late("POST", ENTITIES)

    response = await client.post("/entities", json=building(level=prop(1)))

    assert response.status_code == 207
    body = response.json()
    assert body["success"] == [ID]
    assert [(one["entityId"], one["registrationId"]) for one in body["errors"]] == [(ID, registration_id)]
    assert body["errors"][0]["error"]["status"] == 504


async def test_what_nobody_did_has_the_error_of_each(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=REDIRECTION)
    await create(client, level=prop(1))
    peers.answer("POST", ENTITIES, status=409, content={"title": "There", "status": 409})

    response = await client.post("/entities", json=building(level=prop(1)))

    assert response.status_code == 207
    assert [one["error"]["status"] for one in response.json()["errors"]] == [409, 409]


@pytest.mark.parametrize("body", [[], "text", {}, {"id": "x", "type": "Building"}, {**building(), "a": None}, [[1]]])
async def test_a_body_that_is_no_entity_goes_nowhere(client: Any, peers: Peers, register: Any, body: Any) -> None:
    await register(operations=REDIRECTION)

    assert (await client.post("/entities", json=body)).status_code == 400
    assert peers.asked == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"/entities/{ID}", building(level=prop(2))),
        ("PATCH", f"/entities/{ID}", {"level": prop(2)}),
        ("POST", f"/entities/{ID}/attrs/", {"level": prop(2)}),
        ("PATCH", f"/entities/{ID}/attrs/", {"level": prop(2)}),
        ("PATCH", f"/entities/{ID}/attrs/level", {"value": 2}),
        ("PUT", f"/entities/{ID}/attrs/level", prop(2)),
        ("DELETE", f"/entities/{ID}/attrs/level", None),
        ("DELETE", f"/entities/{ID}", None),
    ],
)
async def test_every_change_of_an_entity_is_shared(
    client: Any, peers: Peers, register: Any, method: str, path: str, body: Any
) -> None:
    await register(operations=REDIRECTION)
    await create(client, level=prop(1), name=prop("a"))
    peers.answer(method, f"peer/ngsi-ld/v1{path}", status=204)

    response = await client.request(method, path, json=body)

    assert response.status_code == 204, response.text
    (asked,) = peers.asked
    assert (json.loads(asked.content) if asked.content else None) == body
    assert (await local(client) or {}).get("level") == (prop(2) if method != "DELETE" else None)


async def test_a_batch_is_one_request_a_source(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=BATCHES)
    batch = [building(number, level=prop(number)) for number in (1, 2)]
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/create", status=201, content=[one["id"] for one in batch])

    response = await client.post("/entityOperations/create", json=batch)

    assert (response.status_code, response.json()) == (201, [one["id"] for one in batch])
    (asked,) = peers.asked
    assert json.loads(asked.content) == batch
    assert await local(client, 2) == batch[1]


CITY = "https://vidik.rs/ns/city.jsonld"
LD_JSON = {"Content-Type": "application/ld+json"}
PARKING = "https://smartdatamodels.org/dataModel.Parking/OffStreetParking"


async def test_a_batch_says_its_context_once(client: Any, peers: Peers, register: Any) -> None:  # 6.3.5
    await register(operations=BATCHES)
    batch = [building(number, level=prop(number)) for number in (1, 2)]
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/upsert", status=204)

    written = [{**one, "@context": [CITY]} for one in batch]
    await client.post("/entityOperations/upsert", json=written, headers=LD_JSON)

    (asked,) = peers.asked
    assert json.loads(asked.content) == batch
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Link"].startswith(f"<{CITY}>")


async def test_of_several_contexts_each_entity_of_a_batch_says_its_own(
    client: Any, peers: Peers, register: Any
) -> None:  # 6.3.5
    await register(operations=BATCHES)
    batch = [{**building(1), "@context": CITY}, {**building(2), "@context": [CITY, {"level": "urn:x:level"}]}]
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/upsert", status=204)

    await client.post("/entityOperations/upsert", json=batch, headers=LD_JSON)

    (asked,) = peers.asked
    assert json.loads(asked.content) == batch
    assert asked.headers["Content-Type"] == "application/ld+json"
    assert "Link" not in asked.headers


@pytest.mark.parametrize(
    ("info", "kind", "link"),
    [
        ({"jsonldContext": CITY}, "application/json", f"<{CITY}>"),
        ({"contentType": "application/ld+json"}, "application/ld+json", ""),
        ({"contentType": "application/json"}, "application/json", ""),
    ],
)
async def test_a_batch_is_written_as_its_source_takes_it(
    client: Any, peers: Peers, register: Any, info: dict[str, str], kind: str, link: str
) -> None:  # 4.3.6.6
    await register(
        operations=BATCHES,
        information=[{"entities": [{"type": PARKING}]}],
        contextSourceInfo=[{"key": key, "value": value} for key, value in info.items()],
    )
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/upsert", status=204)
    inline = {"Garage": PARKING, "free": "urn:x:free"}
    entity = {"id": "urn:x:1", "type": "Garage", "free": prop(3), "@context": inline}

    await client.post("/entityOperations/upsert", json=[entity], headers=LD_JSON)

    (asked,) = peers.asked
    (sent,) = json.loads(asked.content)
    word = "OffStreetParking" if "jsonldContext" in info else "Garage" if kind in LD_JSON.values() else PARKING
    assert (asked.headers["Content-Type"], sent["type"]) == (kind, word)
    assert asked.headers.get("Link", "").startswith(link)
    assert bool(asked.headers.get("Link")) == bool(link)
    assert ("@context" in sent) == (kind in LD_JSON.values())


async def test_a_batch_says_what_a_source_did_not_do(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(operations=BATCHES, management={"timeout": 200})
    peers.late("POST", "peer/ngsi-ld/v1/entityOperations/upsert")
    vehicle = {"id": "urn:ngsi-ld:Vehicle:1", "type": "Vehicle"}

    response = await client.post("/entityOperations/upsert", json=[building(level=prop(1)), vehicle])

    assert response.status_code == 207
    assert response.json()["success"] == [vehicle["id"]]
    assert [one["registrationId"] for one in response.json()["errors"]] == [registration_id]
    assert await local(client) == building(level=prop(1))


async def test_a_batch_keeps_what_others_hold_alone_out_of_here(client: Any, peers: Peers, register: Any) -> None:
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]
    await register(mode="exclusive", information=information, operations=BATCHES)
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/create", status=201)
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/delete", status=204)

    created = await client.post("/entityOperations/create", json=[building(level=prop(1), name=prop("a"))])
    kept = await local(client)
    deleted = await client.post("/entityOperations/delete", json=[ID])

    assert (created.status_code, deleted.status_code) == (201, 204)
    assert json.loads(peers.asked[0].content) == [building(level=prop(1))]
    assert json.loads(peers.asked[1].content) == [ID]
    assert kept == building(name=prop("a"))


async def test_a_registration_says_how_its_source_is_doing(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register()
    peers.answer("GET", f"{ENTITIES}/{ID}", status=500)
    await client.get(f"/entities/{ID}")
    shown: dict[str, Any] = {}

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "timesSent" not in shown:
        shown = (await client.get(f"/csourceRegistrations/{registration_id}")).json()

    assert (shown["status"], shown["timesSent"], shown["timesFailed"]) == ("failed", 1, 1)
    assert shown["lastFailure"].endswith("Z")


async def test_a_source_is_left_alone_after_a_failure(client: Any, peers: Peers, register: Any) -> None:
    await register(management={"cooldown": 60_000})
    peers.answer("GET", f"{ENTITIES}/{ID}", status=500)

    await client.get(f"/entities/{ID}")
    again = await client.get(f"/entities/{ID}")

    assert len(peers.asked) == 1
    assert "cooldown" in again.headers["NGSILD-Warning"]


async def test_names_go_out_in_the_words_of_the_source(client: Any, peers: Peers, register: Any) -> None:
    context = "https://vidik.rs/ns/city.jsonld"
    parking = "https://smartdatamodels.org/dataModel.Parking/OffStreetParking"
    await register(
        information=[{"entities": [{"type": parking}]}], contextSourceInfo=[{"key": "jsonldContext", "value": context}]
    )

    await client.get("/entities", params={"type": parking})

    (asked,) = peers.asked
    assert asked.headers["Link"].startswith(f"<{context}>")
    assert asked.url.params["type"] == "OffStreetParking"


async def test_a_purge_is_shared(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=REDIRECTION)
    await create(client, level=prop(1))
    peers.answer("DELETE", ENTITIES, status=204)

    asked = {"type": "Building", "attrs": "level", "q": "level==1", "expandValues": "level"}
    response = await client.delete("/entities", params=asked)

    assert response.status_code == 204
    assert dict(peers.asked[0].url.params) == asked  # with less, the source would delete more
    assert await local(client) is None


async def test_a_purge_by_ids_and_names_of_attributes_is_shared(
    client: Any, peers: Peers, register: Any
) -> None:  # 5.6.21.4, b
    await register(operations=REDIRECTION)
    await create(client, level=prop(1), name=prop("a"))
    peers.answer("DELETE", ENTITIES, status=204)

    assert (await client.delete("/entities", params={"id": ID})).status_code == 400
    assert (await client.delete("/entities", params={"id": ID, "keep": "level"})).status_code == 204

    assert [dict(asked.url.params) for asked in peers.asked] == [{"id": ID, "type": "Building", "keep": "level"}]
    assert await local(client) == building(level=prop(1))


@pytest.mark.parametrize(
    ("entities", "query", "sent"),
    [
        ([{"type": "Building"}], {"type": "Building,Tower"}, {"type": "Building"}),
        ([{"type": "Building"}], {"q": "level"}, {"type": "Building", "q": "level"}),
        ([{"type": "Building", "id": ID}], {"type": "Building"}, {"type": "Building", "id": ID}),
        (
            [{"type": "Building", "idPattern": ".*:1$"}],
            {"type": "Building"},
            {"type": "Building", "idPattern": ".*:1$"},
        ),
        ([{"type": "Building", "idPattern": ".*:1$"}], {"type": "Building", "id": f"{ID},urn:x:2"}, {"id": ID}),
        ([{"type": "Building", "idPattern": ".*:1$"}], {"type": "Building", "idPattern": "urn.*"}, None),
        ([{"type": "Building", "id": ID}, {"type": "Building", "idPattern": ".*:2$"}], {"type": "Building"}, None),
    ],
)
async def test_a_purge_keeps_to_what_a_source_registered(
    client: Any, peers: Peers, register: Any, entities: Any, query: dict[str, str], sent: dict[str, str] | None
) -> None:  # 4.3.6.1
    await register(operations=REDIRECTION, information=[{"entities": entities}])
    peers.answer("DELETE", ENTITIES, status=204)

    response = await client.delete("/entities", params=query)

    assert response.status_code == (204 if sent is not None else 207)
    assert [dict(one.url.params) for one in peers.asked] == ([] if sent is None else [{"type": "Building", **sent}])


async def test_what_several_sources_have_has_no_order(client: Any, peers: Peers, register: Any) -> None:  # 5.7.2.4
    await register()
    ordered = {"type": "Building", "orderBy": "level"}

    assert (await client.get("/entities", params=ordered)).status_code == 400
    assert (await client.get("/entities", params={**ordered, "local": "true"})).status_code == 200
    assert (await client.get("/entities", params={**ordered, "type": "Other"})).status_code == 200
