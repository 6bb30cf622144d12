"""An @context may come from another server: whoever needs one has it before the transaction in which it is needed.

That nobody waits for one with a connection in hand is watched over in every test (`tests/one_connection.py`).
"""

import asyncio
from typing import Any

import httpx
import pytest

from vidik.context.jsonld import hosting
from vidik.context.jsonld.fetching import ContextUnavailableError
from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.registrations.subscriptions import announcing
from vidik.context.subscriptions.registry import READ_AGAIN_SECONDS, Registry
from vidik.kernel.services import Services

ID = "urn:ngsi-ld:Subscription:1"
WORDS = {"Haus": "https://uri.etsi.org/ngsi-ld/default-context/Building"}
BODY: dict[str, Any] = {
    "id": ID,
    "type": "Subscription",
    "entities": [{"type": "Haus"}],
    "notification": {"endpoint": {"uri": "http://example.org/notify"}},
}
REGISTRATION = {
    "id": "urn:ngsi-ld:ContextSourceRegistration:1",
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "Building"}]}],
    "endpoint": "http://example.org/ngsi-ld",
}


async def host(client: httpx.AsyncClient, words: dict[str, str]) -> str:
    """Keep an @context here; returns its address."""
    kept = await client.post("/jsonldContexts", json={"@context": words})
    assert kept.status_code == 201, kept.text
    return f"http://vidik.test{kept.headers['location']}"


async def subscribe(client: httpx.AsyncClient, path: str) -> None:
    """Subscribe in the words of an @context that has an address."""
    url = await host(client, WORDS)
    link = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"'}
    answer = await client.post(path, json=BODY | {"jsonldContext": url}, headers=link)
    assert answer.status_code == 201, answer.text


async def forget_all(client: httpx.AsyncClient) -> None:
    """Let the process have no @context in memory any more: one that goes takes those with it that may rest on it."""
    url = await host(client, {"x": "http://example.org/x"})
    assert (await client.delete(f"/jsonldContexts/{url.rpartition('/')[2]}")).status_code == 204


@pytest.mark.parametrize("path", ["/subscriptions", "/csourceSubscriptions"])
async def test_a_subscription_is_changed(client: httpx.AsyncClient, path: str) -> None:
    await subscribe(client, path)
    await forget_all(client)

    assert (await client.patch(f"{path}/{ID}", json={"description": "x"})).status_code == 204

    assert (await client.get(f"{path}/{ID}")).json()["description"] == "x"


async def test_a_registration_is_made_and_taken_away_before_subscribers(client: httpx.AsyncClient) -> None:
    await subscribe(client, "/csourceSubscriptions")
    announcing._watches.clear()
    await forget_all(client)

    assert (await client.post("/csourceRegistrations", json=REGISTRATION)).status_code == 201

    announcing._watches.clear()
    await forget_all(client)
    assert (await client.delete(f"/csourceRegistrations/{REGISTRATION['id']}")).status_code == 204


async def test_a_context_that_is_away_for_good_is_not_waited_for_when_a_registration_is_made(
    client: httpx.AsyncClient,
) -> None:
    await subscribe(client, "/csourceSubscriptions")
    for kept in (await client.get("/jsonldContexts")).json():
        await client.delete(f"/jsonldContexts/{kept.rpartition('/')[2]}")
    announcing._watches.clear()

    assert (await client.post("/csourceRegistrations", json=REGISTRATION)).status_code == 201


async def test_a_context_that_is_away_is_asked_for_again_only_after_a_while(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(client, "/csourceSubscriptions")
    announcing._watches.clear()
    asked: list[Any] = []

    async def away(self: ContextResolver, local: Any) -> Any:
        asked.append(local)
        raise ContextUnavailableError(str(local), "no answer")

    monkeypatch.setattr(ContextResolver, "resolve", away)

    for _ in range(3):
        await announcing.prepare(services, "city")
    assert len(asked) == 1
    row, _ = announcing._unread.popitem()[1]
    announcing._unread[row.key, row.id] = row, 0.0
    await announcing.prepare(services, "city")

    assert len(asked) == 2


async def test_of_two_changes_at_once_both_stand(client: httpx.AsyncClient) -> None:
    await subscribe(client, "/subscriptions")
    changes = [{"description": "x"}, {"subscriptionName": "y"}, {"throttling": 5}, {"lang": "sr"}]

    answers = await asyncio.gather(*(client.patch(f"/subscriptions/{ID}", json=one) for one in changes))

    assert {answer.status_code for answer in answers} == {204}
    found = (await client.get(f"/subscriptions/{ID}")).json()
    assert [found.get(name) for one in changes for name in one] == [value for one in changes for value in one.values()]


async def test_one_that_cannot_be_had_is_asked_for_again_beside_the_transactions(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(client, "/subscriptions")
    registry = Registry.of(services)
    known = registry.tenant("city")

    async def refreshed() -> int:
        await registry.prepare("city", services.database)
        async with services.database.transaction("city") as connection:
            await registry.refresh("city", connection)
        return len(known.by_key)

    with monkeypatch.context() as away:
        away.setattr(hosting, "id_in", lambda _: None)  # it is somebody else's, who does not answer
        assert await refreshed() == 0
    asked: list[Any] = []
    load = ContextResolver._load_all
    monkeypatch.setattr(ContextResolver, "_load_all", lambda self, local: asked.append(local) or load(self, local))
    assert await refreshed() == 0
    assert asked == []

    known.read_again_at -= READ_AGAIN_SECONDS

    assert await refreshed() == 1
    assert asked
