"""Keeping and serving @contexts (ETSI GS CIM 009, clause 5.13)."""

from urllib.parse import quote

import httpx
import orjson
import pytest

from vidik.context import jobs
from vidik.context.jsonld import hosting
from vidik.context.ngsild.broker import Broker
from vidik.kernel.services import Services

LAMPS = {"@context": {"Svetiljka": "https://example.org/Lamp", "snaga": "https://example.org/power"}}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"


async def added(client: httpx.AsyncClient) -> str:
    response = await client.post("/jsonldContexts", json=LAMPS)
    assert response.status_code == 201
    return response.headers["location"].rpartition("/")[2]


class TestHosted:
    async def test_it_is_served_and_told_of(self, client: httpx.AsyncClient) -> None:
        identity = await added(client)
        assert (await client.get(f"/jsonldContexts/{identity}")).json() == LAMPS
        details = (await client.get(f"/jsonldContexts/{identity}?details=true")).json()
        assert (details["localId"], details["kind"], details["numberOfHits"]) == (identity, "Hosted", 0)
        assert details["URL"] == f"http://vidik.test/ngsi-ld/v1/jsonldContexts/{identity}"
        assert (await client.get("/jsonldContexts?kind=Hosted")).json() == [details["URL"]]

    async def test_its_words_are_understood_without_a_way_over_the_network(self, client: httpx.AsyncClient) -> None:
        identity = await added(client)
        url = f"https://another.name/ngsi-ld/v1/jsonldContexts/{identity}"
        link = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
        entity = {"id": "urn:e:1", "type": "Svetiljka", "snaga": 10}
        assert (await client.post("/entities", json=entity, headers=link)).status_code == 201
        stored = (await client.get("/entities/urn:e:1")).json()
        assert stored["type"] == "https://example.org/Lamp"
        assert (await client.get(f"/jsonldContexts/{identity}?details=true")).json()["numberOfHits"] == 1

    async def test_it_is_deleted(self, client: httpx.AsyncClient) -> None:
        identity = await added(client)
        response = await client.delete(f"/jsonldContexts/{identity}?reload=true")
        assert (response.status_code, response.json()["field"]) == (400, "reload")
        assert (await client.delete(f"/jsonldContexts/{identity}")).status_code == 204
        assert (await client.get(f"/jsonldContexts/{identity}")).status_code == 404
        assert (await client.delete(f"/jsonldContexts/{identity}")).status_code == 404

    async def test_it_is_deleted_by_its_address(self, client: httpx.AsyncClient) -> None:
        identity = await added(client)
        address = quote(f"http://vidik.test/ngsi-ld/v1/jsonldContexts/{identity}", safe="")
        assert (await client.get(f"/jsonldContexts/{address}")).json() == LAMPS
        assert (await client.delete(f"/jsonldContexts/{address}")).status_code == 204
        assert (await client.get(f"/jsonldContexts/{address}")).status_code == 404
        assert (await client.get(f"/jsonldContexts/{identity}")).status_code == 404

    async def test_deleted_it_means_the_same_to_those_that_are_written_in_it(
        self, client: httpx.AsyncClient, services: Services
    ) -> None:
        identity = await added(client)
        url = f"http://vidik.test/ngsi-ld/v1/jsonldContexts/{identity}"
        link = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
        body = {
            "id": "urn:ngsi-ld:Subscription:lamps",
            "type": "Subscription",
            "entities": [{"type": "Svetiljka"}],
            "notification": {"endpoint": {"uri": "http://example.org/notify"}},
        }
        assert (await client.post("/subscriptions", json=body, headers=link)).status_code == 201

        assert (await client.delete(f"/jsonldContexts/{identity}")).status_code == 204

        assert (await client.get(f"/jsonldContexts/{identity}")).status_code == 404
        assert (await client.get("/jsonldContexts?kind=Hosted")).json() == []
        assert (await client.delete(f"/jsonldContexts/{identity}")).status_code == 404
        contexts = Broker.of(services).contexts
        await contexts.forget(url)  # as another process, or this one after a start
        await jobs.forget_contexts(services, "city")
        (shown,) = (await client.get("/subscriptions")).json()
        assert shown["entities"] == [{"type": "https://example.org/Lamp"}]
        patched = await client.patch("/subscriptions/urn:ngsi-ld:Subscription:lamps", json={"isActive": False})
        assert patched.status_code == 204

        await client.delete("/subscriptions/urn:ngsi-ld:Subscription:lamps")
        await jobs.forget_contexts(services, "city")
        assert await hosting.content(services.database, identity) is None

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"A": "urn:a"}, "InvalidRequest"),  # 6.29.3.1: a body without an @context is no request
            ([], "InvalidRequest"),
            ({"@context": 7}, "BadRequestData"),
            ({"@context": [{"a": {"@id": 5}}]}, "BadRequestData"),
        ],
    )
    async def test_what_is_no_context_is_refused(self, client: httpx.AsyncClient, body: object, error: str) -> None:
        response = await client.post("/jsonldContexts", json=body)
        assert (response.status_code, response.json()["field"]) == (400, "@context")
        assert response.json()["type"] == f"https://uri.etsi.org/ngsi-ld/errors/{error}"


class TestImplicitlyCreated:
    async def test_that_a_subscription_made_it_is_no_use_of_it(self, client: httpx.AsyncClient) -> None:
        body = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Svetiljka"}],
            "notification": {"endpoint": {"uri": "http://example.org/notify"}},
            "@context": [LAMPS["@context"], CORE],
        }
        headers = {"Content-Type": "application/ld+json"}
        made = await client.post("/subscriptions", content=orjson.dumps(body), headers=headers)
        assert made.status_code == 201, made.text

        url = (await client.get("/subscriptions/urn:ngsi-ld:Subscription:1")).json()["jsonldContext"]
        details = (await client.get(f"/jsonldContexts/{url.rpartition('/')[2]}?details=true")).json()

        assert (details["kind"], details["numberOfHits"]) == ("ImplicitlyCreated", 0)


class TestCore:
    async def test_it_is_there_and_stays(self, client: httpx.AsyncClient) -> None:
        path = f"/jsonldContexts/{CORE.replace('/', '%2F').replace(':', '%3A')}"
        assert (await client.get(f"{path}?details=true")).json()["kind"] == "Cached"
        assert (await client.delete(path)).status_code == 400
        assert (await client.delete(f"{path}?reload=true")).status_code == 204


class TestList:
    @pytest.mark.parametrize("query", ["kind=Other", "details=maybe"])
    async def test_a_wrong_question(self, client: httpx.AsyncClient, query: str) -> None:
        assert (await client.get(f"/jsonldContexts?{query}")).status_code == 400
