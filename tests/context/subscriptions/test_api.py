"""Subscriptions as resources (ETSI GS CIM 009, clauses 5.8.1 to 5.8.5, 6.10 and 6.11)."""

from typing import Any

import httpx
import pytest
from tests.context.ngsild.conftest import READER_SECRET

from vidik.context.jsonld.packaged import CITY_CONTEXT_URL

SUBSCRIPTION: dict[str, Any] = {
    "id": "urn:ngsi-ld:Subscription:1",
    "type": "Subscription",
    "entities": [{"type": "Building"}],
    "notification": {"endpoint": {"uri": "http://example.org/notify"}},
}
PATH = "/subscriptions/urn:ngsi-ld:Subscription:1"


def subscription(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**SUBSCRIPTION, **members}.items() if value is not None}


def to(**endpoint: Any) -> dict[str, Any]:
    return {"notification": {"endpoint": {"uri": "http://example.org/notify", **endpoint}}}


def saying(**notification: Any) -> dict[str, Any]:
    return {"notification": {**SUBSCRIPTION["notification"], **notification}}


@pytest.fixture
async def there(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/subscriptions", json=SUBSCRIPTION)).status_code == 201
    return client


async def test_create_and_retrieve(client: httpx.AsyncClient) -> None:
    # What is none of its members (clause 5.2.12), or only Vidik says, is ignored.
    given = {**SUBSCRIPTION, "own": 1, "status": "expired"}
    created = await client.post("/subscriptions", json=given)
    assert created.status_code == 201
    assert created.headers["location"] == f"/ngsi-ld/v1{PATH}"

    found = await client.get(PATH)
    assert found.status_code == 200
    assert found.json() == {
        **SUBSCRIPTION,
        "status": "active",
        "notificationTrigger": ["attributeCreated", "attributeUpdated"],
    }


async def test_an_id_is_made_where_none_is_given(client: httpx.AsyncClient) -> None:
    created = await client.post("/subscriptions", json=subscription(id=None))
    assert created.status_code == 201
    assert created.headers["location"].startswith("/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:")


async def test_a_taken_id_is_a_conflict(there: httpx.AsyncClient) -> None:
    answer = await there.post("/subscriptions", json=SUBSCRIPTION)
    assert answer.status_code == 409
    assert answer.json()["type"] == "https://uri.etsi.org/ngsi-ld/errors/AlreadyExists"


@pytest.mark.parametrize(
    "members",
    [
        {"type": "Entity"},
        {"id": "not a uri"},
        {"entities": None},
        {"entities": []},
        {"entities": [{}]},
        {"entities": [{"type": "Building", "id": "no uri"}]},
        {"entities": [{"type": "Building", "idPattern": "("}]},
        {"entities": [{"type": "(Building"}]},
        {"watchedAttributes": []},
        {"watchedAttributes": "level "},
        {"timeInterval": 0},
        {"timeInterval": "5"},
        {"timeInterval": 5, "throttling": 5},
        {"timeInterval": 5, "watchedAttributes": ["level"]},
        {"throttling": -1},
        {"throttling": 1e400},
        {"q": ""},
        {"q": "level>"},
        {"q": 'name~="("'},
        {"scopeQ": "//"},
        {"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}},
        {"geoQ": {"georel": "within", "geometry": "Point"}},
        {"geoQ": "near"},
        {"isActive": "yes"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "tomorrow"},
        {"notificationTrigger": ["somethingHappened"]},
        {"notificationTrigger": []},
        {"jsonldContext": "unknownContext"},
        {"lang": 5},
        {"datasetId": []},
        {"notification": None},
        {"notification": {}},
        {"notification": {"endpoint": {}}},
        to(uri="ftp://example.org/x"),
        to(uri="http://"),
        to(uri="http://example.org:99999/"),
        to(uri="http://example.org/a b"),
        to(uri="mqtt://example.org"),
        to(uri="mqtt://example.org/a/+"),
        to(accept="text/plain"),
        to(timeout=0),
        to(cooldown="1"),
        to(receiverInfo={"key": "a"}),
        to(receiverInfo=[{"key": "X\r\nY", "value": "1"}]),
        to(receiverInfo=[{"key": "X", "value": "1\r\nHost: else"}]),
        to(receiverInfo=[{"key": "Content-Length", "value": "1"}]),
        to(notifierInfo=[{"key": "MQTT-QoS", "value": "3"}]),
        to(notifierInfo=[{"key": "MQTT-Version", "value": "mqtt4"}]),
        saying(format="xml"),
        saying(format=["concise"]),
        saying(attributes=[]),
        saying(attributes=["a"], pick=["b"]),
        saying(pick=["id"], omit=["id"]),
        saying(showChanges=True, format="keyValues"),
        saying(showChanges="yes"),
        saying(sysAttrs=1),
        saying(join="deep"),
        saying(joinLevel=0),
    ],
)
async def test_a_mistake_is_bad_request_data(client: httpx.AsyncClient, members: dict[str, Any]) -> None:
    body = __import__("json").dumps(subscription(**members)).replace("Infinity", "1e400")
    answer = await client.post("/subscriptions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].startswith("https://uri.etsi.org/ngsi-ld/errors/")
    assert (await client.get("/subscriptions")).json() == []


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"x"', b"null", b"{"])
async def test_what_is_no_subscription(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/subscriptions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_an_unknown_subscription(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get(PATH),
        await client.patch(PATH, json={"q": "a"}),
        await client.delete(PATH),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "https://uri.etsi.org/ngsi-ld/errors/ResourceNotFound"


async def test_an_id_that_is_no_uri(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/subscriptions/x"), await client.delete("/subscriptions/x")):
        assert answer.status_code == 400


async def test_paging_and_count(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await client.post("/subscriptions", json=subscription(id=f"urn:ngsi-ld:Subscription:{number}"))

    page = await client.get("/subscriptions", params={"limit": 2, "offset": 2, "count": "true"})

    assert [one["id"][-1] for one in page.json()] == ["2", "3"]
    assert page.headers["ngsild-results-count"] == "5"
    assert 'rel="next"' in page.headers["link"]
    assert 'rel="prev"' in page.headers["link"]
    assert (await client.get("/subscriptions", params={"limit": 0})).status_code == 400
    assert (await client.get("/subscriptions", params={"limit": -1})).status_code == 400


async def test_an_update_or_delete_without_an_id_is_not_there(there: httpx.AsyncClient) -> None:
    for method in ("PATCH", "DELETE"):
        response = await there.request(method, "/subscriptions/", json={})
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_delete(there: httpx.AsyncClient) -> None:
    assert (await there.delete(PATH)).status_code == 204
    assert (await there.get(PATH)).status_code == 404


async def test_one_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/subscriptions", json=subscription(description="x" * 300_000))
    assert response.status_code == 413


async def test_a_q_may_be_encoded_as_in_a_url(there: httpx.AsyncClient) -> None:
    encoded = {**SUBSCRIPTION, "id": "urn:ngsi-ld:Subscription:encoded", "q": "level%3E1%3B%28name%3D%3D%22a%22%29"}
    broken = {**SUBSCRIPTION, "id": "urn:ngsi-ld:Subscription:broken", "q": "level%3E"}

    assert (await there.post("/subscriptions", json=encoded)).status_code == 201
    assert (await there.post("/subscriptions", json=broken)).json()["field"] == "q"


async def test_update_changes_what_it_names(there: httpx.AsyncClient) -> None:
    fragment = {"q": "level>1", **saying(format="concise")}
    assert (await there.patch(PATH, json=fragment)).status_code == 204

    body = (await there.get(PATH)).json()
    assert body["q"] == "level>1"
    assert body["notification"] == {"format": "concise", "endpoint": {"uri": "http://example.org/notify"}}

    assert (await there.patch(PATH, json={"q": "urn:ngsi-ld:null"})).status_code == 204
    assert "q" not in (await there.get(PATH)).json()


@pytest.mark.parametrize(
    "fragment",
    [
        {"notification": {"endpoint": None}},
        {"notification": {"format": "concise"}},
        {"q": None},
        {"entities": "urn:ngsi-ld:null"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"isActive": True, "expiresAt": "2020-01-01T00:00:00Z"},
        {"id": "urn:ngsi-ld:Subscription:2"},
        {"throttling": 0},
        {"type": "Entity"},
        [],
    ],
)
async def test_a_fragment_with_a_mistake_changes_nothing(there: httpx.AsyncClient, fragment: Any) -> None:
    before = (await there.get(PATH)).json()
    assert (await there.patch(PATH, json=fragment)).status_code == 400
    assert (await there.get(PATH)).json() == before


async def test_pause_and_resume(there: httpx.AsyncClient) -> None:
    await there.patch(PATH, json={"isActive": False})
    assert (await there.get(PATH)).json()["status"] == "paused"
    await there.patch(PATH, json={"isActive": True})
    assert (await there.get(PATH)).json()["status"] == "active"


async def test_names_are_told_in_the_words_of_the_reader(client: httpx.AsyncClient) -> None:
    context = f'<{CITY_CONTEXT_URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    body = subscription(
        entities=[{"type": "(OffStreetParking|ParkingSpot)"}], watchedAttributes=["availableSpotNumber"]
    )
    await client.post("/subscriptions", json=body, headers={"Link": context})

    same = (await client.get(PATH, headers={"Link": context})).json()
    assert same["entities"] == [{"type": "(OffStreetParking|ParkingSpot)"}]
    assert same["watchedAttributes"] == ["availableSpotNumber"]
    other = (await client.get(PATH)).json()
    assert other["entities"][0]["type"].startswith("(https://")
    assert other["watchedAttributes"][0].startswith("https://")


async def test_json_ld(there: httpx.AsyncClient) -> None:
    answer = await there.get(PATH, headers={"Accept": "application/ld+json"})
    assert "@context" in answer.json()
    assert "rel=" not in answer.headers.get("link", "")


async def test_who_may_only_read_sees_no_secrets(there: httpx.AsyncClient) -> None:
    await there.patch(PATH, json=to(receiverInfo=[{"key": "Authorization", "value": "Bearer x"}]))
    assert (await there.get(PATH)).json()["notification"]["endpoint"]["receiverInfo"][0]["value"] == "Bearer x"

    there.headers["Authorization"] = f"Bearer {READER_SECRET}"
    assert (await there.get(PATH)).json()["notification"]["endpoint"]["receiverInfo"][0]["value"] == "…"
    assert (await there.post("/subscriptions", json=SUBSCRIPTION)).status_code == 403
    assert (await there.delete(PATH)).status_code == 403


@pytest.mark.parametrize(
    ("uri", "seen"),
    [
        ("https://anna:word@example.org/", "https://example.org"),
        ("https://example.org:8443/hook/T0P5ecret", "https://example.org:8443/…"),
        ("https://example.org?key=word", "https://example.org/…"),
        ("mqtt://anna:word@example.org:1883/topic", "mqtt://example.org:1883/…"),
    ],
)
async def test_who_may_only_read_sees_no_key_in_an_address(there: httpx.AsyncClient, uri: str, seen: str) -> None:
    assert (await there.patch(PATH, json=to(uri=uri))).status_code == 204
    assert (await there.get(PATH)).json()["notification"]["endpoint"]["uri"] == uri

    there.headers["Authorization"] = f"Bearer {READER_SECRET}"
    (shown,) = (await there.get("/subscriptions")).json()
    assert shown["notification"]["endpoint"]["uri"] == seen


async def test_a_stranger_sees_nothing(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/subscriptions")).status_code == 401


async def test_an_update_without_a_context_keeps_the_words_of_the_subscription(client: httpx.AsyncClient) -> None:
    context = f'<{CITY_CONTEXT_URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    body = subscription(watchedAttributes=["availableSpotNumber"], q="availableSpotNumber>1")
    await client.post("/subscriptions", json=body, headers={"Link": context})

    assert (await client.patch(PATH, json={"isActive": False})).status_code == 204

    same = (await client.get(PATH, headers={"Link": context})).json()
    assert same["watchedAttributes"] == ["availableSpotNumber"]
    assert same["q"] == "availableSpotNumber>1"
    assert (await client.get(PATH)).json()["q"].startswith("https://")
