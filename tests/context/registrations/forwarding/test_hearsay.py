"""What other brokers say is passed on without keys and without markup (ETSI GS CIM 009, clauses 5.2.19 and 6.3.17)."""

from typing import Any

import pytest
from tests.context.registrations.conftest import Peers

KEY = "Bearer sec.ret-0123"
INFO = [{"key": "Authorization", "value": KEY}, {"key": "Accept-Charset", "value": "utf-8"}]
ID = "urn:ngsi-ld:Building:1"
ENTITY = f"peer/ngsi-ld/v1/entities/{ID}"
SAID = f"<script>alert(1)</script> {KEY} sec.ret-0123 https://me:pass@inner.example/a?token=abc"


def is_clean(text: str) -> bool:
    return not any(one in text for one in ("<", ">", "sec.ret", "pass@", "token=abc"))


async def test_a_warning_of_a_source_s_source_is_passed_on_clean(client: Any, peers: Peers, register: Any) -> None:
    await register(contextSourceInfo=INFO)
    building = {"id": ID, "type": "Building", "level": {"type": "Property", "value": 1}}
    peers.answer("GET", ENTITY, content=building, **{"NGSILD-Warning": f'199 urn:x:south "{SAID}", junk <b>'})

    response = await client.get(f"/entities/{ID}")

    assert response.status_code == 200
    assert response.headers["NGSILD-Warning"].startswith('199 urn:x:south "')
    assert "inner.example/a" in response.headers["NGSILD-Warning"]
    assert is_clean(response.headers["NGSILD-Warning"])


async def test_an_answer_that_cannot_be_read_is_quoted_clean(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(contextSourceInfo=INFO)
    peers.answer("GET", ENTITY, content={"id": ID, "type": "Building", SAID: {"type": "Property"}})

    response = await client.get(f"/entities/{ID}")

    assert registration_id in response.headers["NGSILD-Warning"]
    assert is_clean(response.headers["NGSILD-Warning"])


async def test_a_context_with_a_password_in_its_address_is_not_named_whole(
    client: Any, peers: Peers, register: Any
) -> None:
    address = "http://me:pass@127.0.0.1:1/context.jsonld?token=abc"
    await register(contextSourceInfo=[{"key": "jsonldContext", "value": address}])

    read = await client.get(f"/entities/{ID}")
    written = await client.patch(f"/entities/{ID}/attrs", json={"level": {"type": "Property", "value": 1}})

    assert "127.0.0.1:1/context.jsonld" in read.headers["NGSILD-Warning"]
    assert is_clean(read.headers["NGSILD-Warning"])
    assert is_clean(written.text)


@pytest.mark.parametrize("status", [400, 500])
async def test_of_a_refusal_title_and_detail_are_passed_on_clean(
    client: Any, peers: Peers, register: Any, status: int
) -> None:
    await register(mode="redirect", operations=["deleteEntity", "retrieveEntity"], contextSourceInfo=INFO)
    refusal = {"type": "urn:x:no", "title": "No", "detail": SAID, "status": "<b>", "trace": SAID}
    peers.answer("DELETE", ENTITY, status, refusal)

    response = await client.delete(f"/entities/{ID}")

    body = response.json()
    assert (response.status_code, body["status"], body["type"], body["title"]) == (status, status, "urn:x:no", "No")
    assert body.keys() == {"type", "title", "detail", "status"}
    assert is_clean(body["detail"])


async def test_errors_of_a_batch_are_passed_on_clean(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(mode="redirect", operations=["deleteBatch"], contextSourceInfo=INFO)
    errors = [{"entityId": ID, "error": {"title": "No", "detail": SAID, "status": 400}, "trace": SAID}]
    told = {"success": [SAID], "errors": errors}
    peers.answer("POST", "peer/ngsi-ld/v1/entityOperations/delete", 207, told)

    response = await client.post("/entityOperations/delete", json=[ID])

    assert response.status_code == 207
    assert (response.json()["success"], response.json()["errors"][0]["registrationId"]) == ([], registration_id)
    assert response.json()["errors"][0]["error"]["status"] == 400
    assert is_clean(response.text)
