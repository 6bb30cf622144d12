"""Sentences of ETSI GS CIM 009 v1.9.1 that are easily read past, each with its clause."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from vidik.context.ngsild.query.geo import parse_geo
from vidik.context.ngsild.values import uri
from vidik.kernel.errors import BadInput

ROOM = {
    "id": "urn:ngsi-ld:Room:1",
    "type": "Room",
    "level": 1,
    "name": "one",
    "place": {"object": "urn:ngsi-ld:House:1"},
}


@pytest.fixture
async def room(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entities", json=ROOM)).status_code == 201
    return client


async def test_errors_are_plain_json_whatever_was_asked_for(client: httpx.AsyncClient) -> None:  # 5.5.3, 6.3.3
    response = await client.get("/entities/urn:x:none", headers={"Accept": "application/ld+json"})

    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert {"type", "title", "detail", "status"} <= response.json().keys()


async def test_a_body_without_length_is_refused_without_a_word(client: httpx.AsyncClient) -> None:  # 6.3.4
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"id": "urn:x:1", "type": "T"}'

    response = await client.post("/entities", content=parts(), headers={"Content-Type": "application/json"})

    assert (response.status_code, response.content) == (411, b"")


async def test_an_error_about_a_tenant_names_it(client: httpx.AsyncClient) -> None:  # 6.3.14
    response = await client.get("/entities?type=Room", headers={"NGSILD-Tenant": "nobody"})

    assert (response.status_code, response.headers["NGSILD-Tenant"]) == (404, "nobody")


async def test_a_source_says_who_it_is(client: httpx.AsyncClient) -> None:  # 5.15.1, 6.33
    body = (await client.get("/info/sourceIdentity")).json()

    assert body["type"] == "ContextSourceIdentity"
    assert body["id"].endswith(body["contextSourceAlias"])
    assert body["contextSourceUptime"].startswith("PT")
    assert body["contextSourceTimeAt"].endswith("Z")


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"type": "Room", "pick": "place{name}"}, "pick"),  # 5.7.2.4: links that are not followed
        ({"type": "Room", "omit": "place{owner{name}}", "join": "inline"}, "omit"),
        ({"type": "Room", "geometryProperty": "location"}, "geometryProperty"),
        ({"type": "*", "local": "false"}, "local"),
        ({"q": 'modifiedAt>"2020-01-01T00:00:00Z"'}, "type"),
        ({"type": "Room", "csf": "))"}, "csf"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, parameters: dict[str, str], field: str
) -> None:
    response = await client.get("/entities", params=parameters)

    assert (response.status_code, response.json()["field"]) == (400, field)


async def test_a_bar_stands_for_a_comma_in_a_projection(room: httpx.AsyncClient) -> None:  # 4.21
    response = await room.get(f"/entities/{ROOM['id']}", params={"pick": "id|level", "options": "keyValues"})

    assert response.json() == {"id": ROOM["id"], "level": 1}


@pytest.mark.parametrize(
    ("member", "field"), [({"attrs": []}, "attrs"), ({"temporalQ": {"timerel": "after"}}, "temporalQ")]
)
async def test_a_query_by_post_has_what_it_may_have(
    client: httpx.AsyncClient, member: dict[str, Any], field: str
) -> None:  # 5.2.23
    body = {"type": "Query", "entities": [{"type": "Room"}], **member}
    response = await client.post("/entityOperations/query", json=body)

    assert (response.status_code, response.json()["field"]) == (400, field)


async def test_an_id_stands_over_a_pattern(room: httpx.AsyncClient) -> None:  # 5.2.33
    entities = [{"type": "Room", "id": ROOM["id"], "idPattern": "other"}]
    response = await room.post("/entityOperations/query", json={"type": "Query", "entities": entities})

    assert [one["id"] for one in response.json()] == [ROOM["id"]]


async def test_a_query_of_the_past_by_post_counts_and_aggregates(client: httpx.AsyncClient) -> None:  # 5.2.21, 5.2.44
    for hour in (1, 2, 3):
        level = {"type": "Property", "value": hour, "observedAt": f"2026-01-01T0{hour}:00:00Z"}
        await client.post("/entityOperations/upsert", json=[{**ROOM, "level": level}])
    body = {"type": "Query", "entities": [{"type": "Room"}], "attrs": ["level"]}
    times = {"timerel": "after", "timeAt": "2026-01-01T01:00:00Z"}
    path = "/temporal/entityOperations/query"

    last = await client.post(path, json={**body, "temporalQ": {**times, "lastN": 1}})
    mean = await client.post(path, json={**body, "temporalQ": times, "aggrParams": {"aggrMethods": ["avg"]}})
    refused = await client.post(path, json={**body, "temporalQ": {**times, "lastN": 0}})

    assert [one["value"] for one in last.json()[0]["level"]] == [3]
    assert mean.json()[0]["level"]["avg"][0][0] == 2
    assert (refused.status_code, refused.json()["field"]) == (400, "temporalQ.lastN")


async def test_the_past_is_ordered_by_id_only(client: httpx.AsyncClient) -> None:  # 5.7.4.4
    times = {"type": "Room", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}

    assert (await client.get("/temporal/entities", params={**times, "orderBy": "name"})).status_code == 400
    assert (await client.get("/temporal/entities", params={**times, "orderBy": "id;desc"})).status_code == 200


@pytest.mark.parametrize("georel", ["near;maxDistance==0", "near;maxDistance==5;minDistance==1"])
def test_a_distance_is_positive_and_there_is_one(georel: str) -> None:  # 4.10
    with pytest.raises(BadInput):
        parse_geo(georel, "Point", "[8,40]", "location")


@pytest.mark.parametrize("unseen", ["202e", "200b", "feff", "2028", "00a0", "fe0f", "fdd0", "3164", "2800"])
def test_an_id_has_nothing_that_cannot_be_seen(unseen: str) -> None:  # 4.5.1, RFC 3987
    with pytest.raises(BadInput):
        uri(f"urn:ngsi-ld:Room:{chr(int(unseen, 16))}1", "id")


def test_an_id_may_be_written_in_any_script() -> None:  # RFC 3987
    assert uri("urn:ngsi-ld:Соба:1", "id") == "urn:ngsi-ld:Соба:1"


async def test_geojson_has_its_context_where_the_client_prefers_it(room: httpx.AsyncClient) -> None:  # 6.3.6
    headers = {"Accept": "application/geo+json"}
    with_it = await room.get("/entities?type=Room", headers=headers)
    without = await room.get("/entities?type=Room", headers={**headers, "Prefer": "body=json"})

    assert "@context" in with_it.json()
    assert "@context" not in without.json()
    assert "json-ld#context" in without.headers["Link"]


@pytest.mark.parametrize(
    ("prefer", "status", "kind", "applied"),
    [
        ("ngsi-ld=1.5", 203, "Property", "ngsi-ld=1.5"),
        ('respond-async, NGSI-LD="1.5";q=0.1', 203, "Property", "ngsi-ld=1.5"),
        ("ngsi-ld=1.9", 200, "VocabProperty", "ngsi-ld=1.9"),
        ("ngsi-ld=3.0", 200, "VocabProperty", "ngsi-ld=1.9"),
        ("body=json", 200, "VocabProperty", None),
    ],
)
async def test_an_earlier_version_may_be_preferred(
    client: httpx.AsyncClient, prefer: str, status: int, kind: str, applied: str | None
) -> None:  # 4.3.6.8
    entity = {"id": "urn:x:1", "type": "Room", "use": {"type": "VocabProperty", "vocab": "office"}, "scope": "/A"}
    assert (await client.post("/entities", json=entity)).status_code == 201

    response = await client.get("/entities/urn:x:1", headers={"Prefer": prefer})

    assert (response.status_code, response.json()["use"]["type"]) == (status, kind)
    assert response.headers.get("Preference-Applied") == applied
    assert response.json()["use"].get("value", "office") == "office"


async def test_lists_are_simply_lists(client: httpx.AsyncClient) -> None:  # 4.5.4
    lists = {"valueList": [1, 2]}, {"objectList": [{"object": "urn:x:a"}, {"object": "urn:x:b"}]}
    entity = {"id": "urn:x:1", "type": "Room", "periods": lists[0], "route": lists[1], "raw": {"json": {"a": 1}}}
    assert (await client.post("/entities", json=entity)).status_code == 201

    shown = (await client.get("/entities/urn:x:1", params={"options": "keyValues"})).json()

    assert (shown["periods"], shown["route"]) == ([1, 2], ["urn:x:a", "urn:x:b"])
    assert shown["raw"] == {"json": {"a": 1}}


@pytest.mark.parametrize(
    "too_wide",
    [
        {"id": ROOM["id"]},
        {"idPattern": ".*"},
        {"idPattern": ".*", "keep": "level"},
        {"keep": "level"},
        {"id": ROOM["id"], "keep": "createdAt"},
        {"q": 'modifiedAt>"2020-01-01T00:00:00Z"'},
        {},
    ],
)
async def test_a_purge_says_more_than_ids(room: httpx.AsyncClient, too_wide: dict[str, str]) -> None:  # 5.6.21.4
    assert (await room.delete("/entities", params=too_wide)).status_code == 400
    assert (await room.get(f"/entities/{ROOM['id']}")).status_code == 200


async def test_ids_and_the_names_of_attributes_are_enough_for_a_purge(room: httpx.AsyncClient) -> None:  # 5.6.21.4, b
    assert (await room.delete("/entities", params={"id": ROOM["id"], "keep": "level"})).status_code == 204
    assert (await room.get(f"/entities/{ROOM['id']}")).json().keys() == {"id", "type", "level"}


async def test_null_is_no_item_of_a_batch(room: httpx.AsyncClient) -> None:  # 5.5.4, 5.6.7.4
    other = {"id": "urn:ngsi-ld:Room:2", "type": "Room"}

    assert (await room.post("/entityOperations/create", json=[other, None])).status_code == 400
    assert (await room.get(f"/entities/{other['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ('place=="urn:ngsi-ld:House:1"', 1),
        ('place!="urn:ngsi-ld:House:2"', 1),
        ('place>"urn:a"', 0),
        ('place~="urn"', 0),
        ('place!~="nothing"', 0),
    ],
)
async def test_relationships_are_equal_or_unequal(room: httpx.AsyncClient, q: str, expected: int) -> None:  # 4.9
    assert len((await room.get("/entities", params={"type": "Room", "q": q})).json()) == expected


async def test_a_query_through_relationships_is_refused_aloud(room: httpx.AsyncClient) -> None:  # 4.9, 5.6.21.4
    asked = {"type": "Room", "q": 'place{name}=="one"'}

    assert (await room.get("/entities", params=asked)).status_code == 400
    assert (await room.delete("/entities", params=asked)).status_code == 400
    assert (await room.get("/entities/urn:ngsi-ld:Room:1")).status_code == 200


async def test_words_of_a_vocabulary_are_expanded(room: httpx.AsyncClient) -> None:  # 4.9, example 12
    await room.post("/entities", json={"id": "urn:x:1", "type": "Shop", "kind": {"vocab": "bakery"}})

    assert (await room.get("/entities?type=Shop&q=kind==bakery&expandValues=kind")).json()


@pytest.mark.parametrize("path", ["/types/Room?details=true", "/attributes?limit=5", "/attributes/level?details=true"])
async def test_discovery_has_its_own_parameters(room: httpx.AsyncClient, path: str) -> None:  # 6.3.20
    response = await room.get(path)

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (400, "InvalidRequest")


async def test_the_past_is_not_given_a_null_as_its_end(client: httpx.AsyncClient) -> None:  # 5.5.4, 5.6.11
    past = {"id": "urn:x:1", "type": "T", "a": [{"value": 1, "observedAt": "2026-01-01T00:00:00Z"}]}

    assert (await client.post("/temporal/entities", json={**past, "expiresAt": "urn:ngsi-ld:null"})).status_code == 400
    assert (await client.get("/temporal/entities/urn:x:1")).status_code == 404


async def test_headers_of_notifications_are_text(client: httpx.AsyncClient) -> None:  # 5.2.22
    endpoint = {"uri": "http://127.0.0.1:9/", "receiverInfo": [{"key": "K", "value": 42}]}
    subscription = {"type": "Subscription", "entities": [{"type": "T"}], "notification": {"endpoint": endpoint}}

    assert (await client.post("/subscriptions", json=subscription)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/entities/urn:ngsi-ld:Room:1"), ("POST", "/entities/urn:ngsi-ld:Room:1/attrs"), ("POST", "/entities")],
)
async def test_a_null_is_no_type(room: httpx.AsyncClient, method: str, path: str) -> None:  # 5.5.4, 5.6.17
    body = {"id": "urn:x:1", "type": ["Room", "urn:ngsi-ld:null"]}
    fragment = {name: value for name, value in body.items() if name != "id" or path == "/entities"}

    assert (await room.request(method, path, json=fragment)).status_code == 400
    assert (await room.get("/entities/urn:ngsi-ld:Room:1?pick=type")).json() == {"type": "Room"}
    assert (await room.get("/entities/urn:x:1")).status_code == 404


@pytest.mark.parametrize(
    ("context", "attributes"),
    [
        ({}, {"level": {"value": 1, "id": "urn:x:2"}}),
        ({}, {"place": {"object": "urn:x:2", "objectType": "urn:ngsi-ld:null"}}),
        ({"word": "@id"}, {"word": "urn:x:2"}),
        ({"word": "@type"}, {"level": {"value": 1, "by": {"value": 2, "word": 3}}}),
    ],
)
async def test_what_would_be_no_json_ld_is_refused(
    client: httpx.AsyncClient, context: dict[str, str], attributes: dict[str, Any]
) -> None:  # 4.5.1, 5.5.4
    entity = {"id": "urn:x:1", "type": "Room", **attributes, "@context": context}
    headers = {"Content-Type": "application/ld+json"}

    for _ in range(2):  # what a word means is remembered
        assert (await client.post("/entities", json=entity, headers=headers)).status_code == 400
    assert (await client.post("/entityOperations/upsert", json=[entity], headers=headers)).json()["success"] == []
    assert (await client.get("/entities/urn:x:1")).status_code == 404


@pytest.mark.parametrize(
    ("form", "expected"),
    [("normalized", {"type": "LanguageProperty", "languageMap": {}}), ("simplified", {"languageMap": {}})],
)
async def test_a_text_in_no_language_is_not_null(
    client: httpx.AsyncClient, form: str, expected: Any
) -> None:  # 4.15, 5.2.1
    await client.post("/entities", json={"id": "urn:x:1", "type": "Room", "name": {"languageMap": {"en": "one"}}})
    await client.patch("/entities/urn:x:1", json={"name": {"languageMap": {"en": "urn:ngsi-ld:null"}}})

    assert (await client.get(f"/entities/urn:x:1?lang=en&format={form}")).json()["name"] == expected
