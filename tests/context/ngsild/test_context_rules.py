"""Where the @context of a request stands (ETSI GS CIM 009, clause 6.3.5): in a Link header or the body, never both."""

from typing import Any

import httpx
import pytest

CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
LINK = {"Link": f'<{CORE}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
JSON, LD_JSON, MERGE_PATCH = "application/json", "application/ld+json", "application/merge-patch+json"
ENTITY = {"id": "urn:x:1", "type": "Bench", "seats": {"type": "Property", "value": 1}}
SEATS = {"seats": {"type": "Property", "value": 2}}
QUERY = {"type": "Query", "entities": [{"type": "Bench"}]}


async def status_of(
    client: httpx.AsyncClient, method: str, path: str, body: Any, kind: str, **headers: str
) -> tuple[int, str]:
    await client.post("/entities", json={**ENTITY, "id": "urn:x:2"})
    response = await client.request(method, path, json=body, headers={"Content-Type": kind, **headers})
    return response.status_code, response.json().get("type", "").rpartition("/")[2] if response.content else ""


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/entities", ENTITY),
        ("PUT", "/entities/urn:x:2", {**ENTITY, "id": "urn:x:2"}),
        ("PATCH", "/entities/urn:x:2", SEATS),
        ("POST", "/entities/urn:x:2/attrs", SEATS),
        ("PATCH", "/entities/urn:x:2/attrs", SEATS),
        ("PATCH", "/entities/urn:x:2/attrs/seats", {"value": 3}),
        ("POST", "/entityOperations/query", QUERY),
        ("POST", "/temporal/entities", ENTITY),
        ("POST", "/entityMaps", QUERY),
        ("POST", "/snapshots", {"type": "Snapshot", "snapshotQueries": [QUERY]}),
        ("POST", "/subscriptions", {"type": "Subscription"}),
        ("POST", "/csourceRegistrations", {"type": "ContextSourceRegistration"}),
    ],
)
class TestEveryWrite:
    async def test_json_has_none_inside(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
    ) -> None:
        given = {**body, "@context": CORE}
        assert await status_of(client, method, path, given, JSON) == (400, "BadRequestData")
        assert await status_of(client, method, path, given, JSON, **LINK) == (400, "BadRequestData")

    async def test_json_ld_has_one_inside(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
    ) -> None:
        assert await status_of(client, method, path, body, LD_JSON) == (400, "BadRequestData")

    async def test_json_ld_has_none_beside(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
    ) -> None:
        given = {**body, "@context": CORE}
        assert await status_of(client, method, path, given, LD_JSON, **LINK) == (400, "BadRequestData")

    async def test_another_media_type(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
    ) -> None:
        for kind in ("text/plain", "application/xml", ""):
            assert (await status_of(client, method, path, body, kind))[0] == 415


async def test_a_merge_patch_is_json(client: httpx.AsyncClient) -> None:
    path = "/entities/urn:x:2"
    assert await status_of(client, "PATCH", path, SEATS, MERGE_PATCH, **LINK) == (204, "")
    assert (await status_of(client, "PATCH", path, {**SEATS, "@context": CORE}, MERGE_PATCH))[0] == 400
    assert (await status_of(client, "POST", "/entities", ENTITY, MERGE_PATCH))[0] == 415


async def test_a_context_inside_an_attribute(client: httpx.AsyncClient) -> None:
    inside = {**ENTITY, "seats": {"type": "Property", "value": 1, "@context": CORE}}
    assert await status_of(client, "POST", "/entities", inside, JSON) == (400, "BadRequestData")
    # A value is the client's own, whatever it looks like.
    value = {**ENTITY, "seats": {"type": "Property", "value": {"@context": CORE}}}
    assert (await status_of(client, "POST", "/entities", value, JSON))[0] == 201


async def test_each_entity_of_a_batch_has_its_own(client: httpx.AsyncClient) -> None:
    path = "/entityOperations/create"
    for entity, kind in ((ENTITY, LD_JSON), ({**ENTITY, "@context": CORE}, JSON)):
        response = await client.post(path, json=[entity], headers={"Content-Type": kind})
        assert response.status_code == 207
        (error,) = response.json()["errors"]
        assert error["error"]["type"].endswith("BadRequestData")
    both = [{**ENTITY, "@context": CORE}]
    assert (await client.post(path, json=both, headers={"Content-Type": LD_JSON, **LINK})).status_code == 400
    assert (await client.post(path, json=both, headers={"Content-Type": LD_JSON})).status_code == 201
