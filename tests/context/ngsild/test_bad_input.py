"""Whatever comes in by any door of NGSI-LD is answered or refused with problem details, and what is refused changes
nothing: never a 500 (clauses 5.5.2 and 6.3.2). tests/acceptance/test_clients.py lets schemathesis try more."""

import json
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.context.ngsild import bad_input
from tests.context.ngsild.bad_input import (
    BODIES,
    CONTEXTS,
    DOORS,
    ID,
    LAMP,
    OTHER_BODIES,
    QUERIES,
    SEGMENTS,
    VALUES,
    Bad,
)


@pytest.fixture
async def lamp(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entities", json=LAMP)).status_code == 201
    return client


async def checked(client: httpx.AsyncClient, bad: Bad) -> int:
    """The status of an answer that is no failure of ours; one of 400 and more has problem details."""
    response = await client.request(bad.method, bad.path, content=bad.content, headers={"Content-Type": bad.kind})
    assert response.status_code < 500 or response.status_code == 504, (str(bad), response.text)
    if response.status_code >= 400 and response.status_code != 415:
        assert response.headers["content-type"] == "application/json"
        assert response.json()["title"]
    return response.status_code


async def shown(client: httpx.AsyncClient) -> Any:
    return (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json()


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
async def test_no_door_fails_for_a_value(lamp: httpx.AsyncClient, value: str) -> None:
    for bad in bad_input.with_value(value):
        before = await shown(lamp)
        assert await checked(lamp, bad) < 400 or await shown(lamp) == before


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_no_door_takes_a_body_that_is_none(lamp: httpx.AsyncClient, body: bytes) -> None:
    before = await shown(lamp)
    for bad in bad_input.with_body(body):
        assert 400 <= await checked(lamp, bad) < 500

    assert await shown(lamp) == before


@pytest.mark.parametrize("body", OTHER_BODIES)
async def test_no_door_fails_for_another_kind_of_body(lamp: httpx.AsyncClient, body: bytes) -> None:
    for bad in bad_input.with_body(body):
        await checked(lamp, bad)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
async def test_no_context_is_a_bomb(lamp: httpx.AsyncClient, context: Any) -> None:
    for bad in bad_input.with_context(context):
        await checked(lamp, bad)


@pytest.mark.parametrize("name", QUERIES)
async def test_no_parameter_is_a_bomb(lamp: httpx.AsyncClient, name: str) -> None:
    for bad in bad_input.with_parameter(name):
        await checked(lamp, bad)


@pytest.mark.parametrize("segment", SEGMENTS, ids=range(len(SEGMENTS)))
async def test_no_path_is_a_bomb(lamp: httpx.AsyncClient, segment: str) -> None:
    for bad in bad_input.with_segment(segment):
        await checked(lamp, bad)


MEMBERS = st.sampled_from(
    [
        *("type", "value", "object", "languageMap", "vocab", "json", "valueList", "objectList", "observedAt", "id"),
        *("datasetId", "unitCode", "coordinates", "scope", "level", "a", "@id", "@type", "@value", "@context"),
    ]
)
texts = st.text(max_size=8) | st.sampled_from(["urn:a:b", ID, "Lamp", "Point", "2026-01-01T00:00:00Z"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(door=st.sampled_from(DOORS), value=anything)
@settings(max_examples=400, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_door_fails_for_anything(lamp: httpx.AsyncClient, door: tuple[str, str, str], value: Any) -> None:
    method, path, around = door
    await checked(lamp, Bad(method, path, (around % json.dumps(value)).encode(errors="surrogatepass")))


async def test_brackets_in_text_are_no_nesting(lamp: httpx.AsyncClient) -> None:
    body = orjson.dumps({"level": "[{" * 500, "name": "}]" * 3})
    assert await checked(lamp, Bad("POST", f"/entities/{ID}/attrs", body)) == 204
