"""Subscriptions that sources are given a copy of (ETSI GS CIM 009, clauses 5.8.1.4, 5.8.2.4, 5.8.5.4 and 5.8.6)."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.context.registrations.conftest import Peers
from tests.context.registrations.subscriptions.test_registration_subscriptions import private_endpoints
from tests.context.subscriptions.conftest import Worker, receiver, worker
from tests.context.subscriptions.receiver import Receiver

from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.registrations.subscriptions.copying import Copying
from vidik.context.registrations.subscriptions.hearing import Hearing
from vidik.kernel.services import Services

__all__ = ("private_endpoints", "receiver", "worker")

SUBSCRIPTION = "/subscriptions/urn:ngsi-ld:Subscription:1"
COPIES = "peer/ngsi-ld/v1/subscriptions"
NOTIFIED = "http://vidik.test/ngsi-ld/ex/remote-notify"


@pytest.fixture
def copying(peers: Peers, client: Any) -> Copying:
    """The worker's share, turned by hand."""
    peers.answer("POST", COPIES, 201)
    services: Services = client._transport.app.state.services
    copying = Copying(services, "city")
    copying._again_at = 0.0
    return copying


async def turn(copying: Copying, peers: Peers) -> list[tuple[str, Any]]:
    """What sources are asked in one turn."""
    peers.asked.clear()
    copying._again_at = 0.0
    await copying.turn()
    return [
        (one.method, json.loads(one.content) if one.content else one.url.path.rpartition("/")[2]) for one in peers.asked
    ]


async def subscribe(client: Any, uri: str = "http://127.0.0.1:9/secret", **members: Any) -> None:
    body = {
        "id": SUBSCRIPTION.rpartition("/")[2],
        "type": "Subscription",
        "entities": [{"type": "Building"}],
        "notification": {"attributes": ["level"], "endpoint": {"uri": uri}},
        **members,
    }
    response = await client.post("/subscriptions", json=body)
    assert response.status_code == 201, response.text


async def test_a_source_gets_a_copy_of_what_it_registered(
    client: Any, peers: Peers, register: Any, copying: Copying
) -> None:
    await register(information=[{"entities": [{"type": "Building"}], "propertyNames": ["level", "name"]}])
    await register("deaf", operations=["retrieveOps"])
    await subscribe(client, watchedAttributes=["level", "height"], q="level>1")

    ((method, copy),) = await turn(copying, peers)

    assert (method, copy["entities"], copy["q"]) == ("POST", [{"type": "Building"}], "level>1")
    assert copy["watchedAttributes"] == ["level"]
    assert copy["notification"]["endpoint"]["uri"].endswith("/ngsi-ld/ex/remote-notify")
    assert copy["notification"].keys() == {"format", "endpoint"}
    assert copy["id"] != SUBSCRIPTION.rpartition("/")[2]
    assert await turn(copying, peers) == []


async def test_a_context_source_filter_says_which_sources_get_one(
    client: Any, peers: Peers, register: Any, copying: Copying
) -> None:
    await register(trust=7)
    await register("other", trust=3)
    await subscribe(client, csf="trust>5")

    ((_, copy),) = await turn(copying, peers)
    assert "csf" not in copy

    peers.answer("PATCH", f"{COPIES}/{copy['id']}", 204)
    peers.answer("DELETE", f"{COPIES}/{copy['id']}", 204)
    await client.patch(SUBSCRIPTION, json={"csf": "trust>9"})
    assert await turn(copying, peers) == [("DELETE", copy["id"])]


async def test_a_copy_follows_its_subscription_and_goes_with_it(
    client: Any, peers: Peers, register: Any, copying: Copying
) -> None:
    await register()
    await subscribe(client, q="level>1", splitEntities=True)
    ((_, copy),) = await turn(copying, peers)
    assert "q" not in copy

    path = f"{COPIES}/{copy['id']}"
    peers.answer("PATCH", path, 204)
    await client.patch(SUBSCRIPTION, json={"watchedAttributes": ["level"], "splitEntities": False})
    ((method, patch),) = await turn(copying, peers)
    assert (method, patch["watchedAttributes"], patch["q"]) == ("PATCH", ["level"], "level>1")

    await client.delete(SUBSCRIPTION)
    peers.answer("DELETE", path, 503)
    assert await turn(copying, peers) == [("DELETE", copy["id"])]
    peers.answer("DELETE", path, 204)
    assert await turn(copying, peers) == [("DELETE", copy["id"])]
    assert await turn(copying, peers) == []


async def test_a_source_that_is_away_is_given_it_later_and_one_that_goes_loses_it(
    client: Any, peers: Peers, register: Any, copying: Copying
) -> None:
    registration_id = await register()
    await subscribe(client)
    peers.answer("POST", COPIES, 503)
    ((_, first),) = await turn(copying, peers)
    peers.answer("POST", COPIES, 201)
    ((_, second),) = await turn(copying, peers)
    assert first == second

    peers.answer("DELETE", f"{COPIES}/{second['id']}", 204)
    await client.delete(f"/csourceRegistrations/{registration_id}")
    assert await turn(copying, peers) == [("DELETE", second["id"])]


@pytest.mark.parametrize(("members", "headers"), [({"localOnly": True}, {}), ({}, {"Via": "1.1 other"})])
async def test_what_stays_here_is_not_copied(
    client: Any, peers: Peers, register: Any, copying: Copying, members: Any, headers: Any
) -> None:
    await register()
    client.headers.update(headers)
    await subscribe(client, **members)
    assert await turn(copying, peers) == []


async def test_what_a_source_notifies_is_handed_on(
    client: Any, peers: Peers, register: Any, copying: Copying, receiver: Receiver, worker: Worker
) -> None:
    await register()
    await client.post("/entities?local=true", json={"id": "urn:ngsi-ld:Building:1", "type": "Building", "name": "A"})
    await subscribe(
        client,
        receiver.uri,
        q='level>1;name=="A"',
        splitEntities=True,
        notification={"attributes": ["level", "name"], "format": "keyValues", "endpoint": {"uri": receiver.uri}},
    )
    ((_, copy),) = await turn(copying, peers)

    async def notify(level: int, subscription_id: str = copy["id"]) -> int:
        data = [{"id": "urn:ngsi-ld:Building:1", "type": "Building", "level": {"type": "Property", "value": level}}]
        body = {"type": "Notification", "subscriptionId": subscription_id, "data": data}
        async with httpx.AsyncClient(transport=client._transport) as stranger:
            return (await stranger.post(NOTIFIED, json=body)).status_code

    assert await notify(5, "urn:ngsi-ld:Subscription:1") == 404
    assert await notify(1) == 200
    assert await notify(7) == 200
    (told,) = await receiver.wait(1, seconds=60)
    assert told.body["subscriptionId"] == "urn:ngsi-ld:Subscription:1"
    assert told.data == [{"id": "urn:ngsi-ld:Building:1", "type": "Building", "level": 7, "name": "A"}]


async def notify(client: Any, copy: Any, **members: Any) -> None:
    body = {
        "type": "Notification",
        "subscriptionId": copy["id"],
        "data": [{"id": "urn:ngsi-ld:Building:1", "type": "Building", **members}],
    }
    async with httpx.AsyncClient(transport=client._transport) as stranger:
        response = await stranger.post(NOTIFIED, json=body)
    assert response.status_code == 200, response.text


async def test_what_other_sources_have_of_a_split_entity_is_told_too(
    client: Any, peers: Peers, register: Any, copying: Copying, receiver: Receiver, worker: Worker
) -> None:  # 5.8.6
    for host in ("peer", "other"):
        await register(host)
        peers.answer("POST", f"{host}/ngsi-ld/v1/subscriptions", 201)
    told_of = {"attributes": ["level", "name"], "endpoint": {"uri": receiver.uri}}
    await subscribe(client, q='level>1;name=="A"', splitEntities=True, notification=told_of)
    ((_, copy), _) = await turn(copying, peers)
    (asked,) = {one.url.host for one in peers.asked if json.loads(one.content)["id"] == copy["id"]}
    (silent,) = {"peer", "other"} - {asked}
    path = "ngsi-ld/v1/entities/urn:ngsi-ld:Building:1"
    named = {"id": "urn:ngsi-ld:Building:1", "type": "Building", "name": {"type": "Property", "value": "A"}}
    peers.answer("GET", f"{silent}/{path}", content=named)
    peers.asked.clear()

    await notify(client, copy, level={"type": "Property", "value": 7})

    (told,) = await receiver.wait(1, seconds=60)
    assert told.data == [{**named, "level": {"type": "Property", "value": 7}}]
    assert [one.url.host for one in peers.asked] == [silent]


@pytest.mark.parametrize(
    "said", [{"deletedAt": "2026-11-23T10:00:00Z"}, {"level": "urn:ngsi-ld:null"}], ids=["entity", "attribute"]
)
async def test_that_a_source_has_deleted_something_is_told(
    client: Any, peers: Peers, register: Any, copying: Copying, receiver: Receiver, worker: Worker, said: Any
) -> None:  # 5.8.6
    await register()
    await subscribe(client, receiver.uri, notificationTrigger=["attributeDeleted", "entityDeleted"])
    ((_, copy),) = await turn(copying, peers)

    await notify(client, copy, **said)

    (told,) = await receiver.wait(1, seconds=60)
    assert told.data == [{"id": "urn:ngsi-ld:Building:1", "type": "Building", **said}]


async def test_all_tenants_hear_of_changes_over_one_connection(client: Any, register: Any) -> None:
    services: Services = client._transport.app.state.services
    hearing = Hearing.of(services)
    async with hearing.waiting("city") as here, hearing.waiting("elsewhere") as elsewhere:
        async with services.database.platform() as connection, asyncio.timeout(60):
            await elsewhere.wait()  # set once it is heard
            query = "SELECT count(*) AS count FROM pg_stat_activity WHERE query LIKE 'LISTEN vidik_subscription%%'"
            found = await (await connection.execute(query)).fetchone()
        here.clear()
        elsewhere.clear()
        await register(information=[{"entities": [{"type": "Building"}]}])
        await hearing.wait(here, 60)
        assert not elsewhere.is_set()

    assert found is not None
    assert found["count"] == 1
    assert hearing._task is None


async def test_a_stranger_makes_us_ask_nobody_for_a_context(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked(*_: Any) -> None:
        raise AssertionError("a @context was looked up for a stranger")

    monkeypatch.setattr(ContextResolver, "resolve", asked)
    entity = {"id": "urn:ngsi-ld:Building:1", "type": "Building", "@context": "http://elsewhere.test/context.jsonld"}

    response = await client.post(
        NOTIFIED, json={"subscriptionId": "urn:ngsi-ld:Subscription:guessed", "data": [entity]}
    )

    assert response.status_code == 404
