"""Whatever comes in by any door of NGSI-LD is answered or refused with problem details, and what is refused changes
nothing: never a 500 (clauses 5.5.2 and 6.3.2). tests/acceptance/test_clients.py lets schemathesis try more."""

import json
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.context.ngsild import exchange

ID = "urn:ngsi-ld:Lamp:1"
LAMP = {"id": ID, "type": "Lamp", "level": 1, "place": {"type": "Point", "coordinates": [21.9, 43.3]}}
OBSERVED = '"observedAt":"2026-01-01T00:00:00Z"'
ENDPOINT = '"notification":{"endpoint":{"uri":"http://192.0.2.1/x"}}'
SUBSCRIPTION = f'"type":"Subscription","entities":[{{"type":"Lamp"}}],{ENDPOINT}'
REGISTRATION = '"type":"ContextSourceRegistration","endpoint":"http://192.0.2.1/x"'
PAST = "timerel=before&timeAt=2030-01-01T00:00:00Z"

# Method, path, and the body around one value.
DOORS: list[tuple[str, str, str]] = [
    ("POST", "/entities", '{"id":"urn:x:1","type":"Lamp","a":%s}'),
    ("POST", "/entities", '{"id":"urn:x:1","type":%s}'),
    ("POST", "/entities", '{"id":"urn:x:1","type":"Lamp","scope":%s}'),
    ("PUT", f"/entities/{ID}", '{"type":"Lamp","a":%s}'),
    ("PATCH", f"/entities/{ID}", '{"level":%s}'),
    ("POST", f"/entities/{ID}/attrs", '{"a":%s}'),
    ("PATCH", f"/entities/{ID}/attrs", '{"level":%s}'),
    ("PATCH", f"/entities/{ID}/attrs/level", '{"value":%s}'),
    ("PUT", f"/entities/{ID}/attrs/level", '{"type":"Property","value":%s}'),
    ("POST", "/entityOperations/create", '[{"id":"urn:x:1","type":"Lamp","a":%s}]'),
    ("POST", "/entityOperations/upsert", '[{"id":"urn:x:1","type":"Lamp","a":%s}]'),
    ("POST", "/entityOperations/update", '[{"id":"urn:x:1","type":"Lamp","a":%s},1]'),
    ("POST", "/entityOperations/merge", '[{"id":"urn:x:1","type":"Lamp","a":%s}]'),
    ("POST", "/entityOperations/delete", '["urn:x:1",%s]'),
    ("POST", "/entityOperations/query", '{"type":"Query","entities":[{"type":"Lamp"}],"q":%s}'),
    ("POST", "/entityOperations/query", '{"type":"Query","entities":[{"type":"Lamp"}],"geoQ":%s}'),
    ("POST", "/entityOperations/query", '{"type":"Query","entities":%s}'),
    ("POST", "/temporal/entities", '{"id":"urn:x:2","type":"Lamp","a":[{"value":%s,' + OBSERVED + "}]}"),
    ("POST", f"/temporal/entities/{ID}/attrs", '{"a":[{"value":%s,' + OBSERVED + "}]}"),
    ("POST", "/temporal/entityOperations/query", '{"type":"Query","entities":[{"type":"Lamp"}],"temporalQ":%s}'),
    ("POST", "/subscriptions", "{" + SUBSCRIPTION + ',"q":%s}'),
    ("POST", "/subscriptions", "{" + SUBSCRIPTION + ',"geoQ":%s}'),
    ("POST", "/subscriptions", '{"type":"Subscription",' + ENDPOINT + ',"entities":%s}'),
    ("POST", "/subscriptions", '{"type":"Subscription","entities":[{"type":"Lamp"}],"notification":%s}'),
    ("POST", "/csourceSubscriptions", "{" + SUBSCRIPTION + ',"csf":%s}'),
    ("POST", "/csourceRegistrations", "{" + REGISTRATION + ',"information":%s}'),
    (
        "POST",
        "/csourceRegistrations",
        "{" + REGISTRATION + ',"information":[{"entities":[{"type":"B"}]}],"location":%s}',
    ),
    ("POST", "/jsonldContexts", '{"@context":%s}'),
]
# What breaks programs that read JSON trustingly.
VALUES = {
    "a list in lists": "[" * 500 + "]" * 500,
    "a list in more lists than JSON is read": "[" * 100_000,
    "an object in objects": '{"a":' * 300 + "1" + "}" * 300,
    "attributes in attributes": '{"value":1,"a":' * 200 + "1" + "}" * 200,
    "a number beyond all numbers": "1e999",
    "a whole number of 5,000 digits": "9" * 5000,
    "no number": "NaN",
    "a zero in text": '"a\\u0000b"',
    "a zero in a name": '{"a\\u0000":1}',
    "half a character": '"\\ud800"',
    "null": "null",
    "a date that was never": '{"type":"Property","value":1,"observedAt":"0000-00-00T25:00:00Z"}',
    "a date before the calendar": '{"type":"Property","value":1,"observedAt":"0001-01-01T00:00:00+14:00"}',
    "an id that is an object": '{"type":"Relationship","object":{"a":[]}}',
    "types that are no text": '{"type":["Property",{}],"value":1}',
    "keywords of JSON-LD": '{"@id":{"@value":[]},"@type":"@json","@list":[{"@set":[]}]}',
    "a place without a place": '{"type":"Point","coordinates":[null,"x"]}',
    "a place beyond the earth": '{"type":"Point","coordinates":[1e308,-1e308]}',
    "a ring of two": '{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}',
    "many instances": "[" + ",".join(f'{{"value":1,"datasetId":"urn:d:{n}"}}' for n in range(1500)) + "]",
}
CONTEXTS: dict[str, Any] = {
    "a circle": {"a": "b:x", "b": "a:x"},
    "a chain": {f"k{n}": f"k{n + 1}:x" for n in range(1000)},
    "a context in contexts": {"a": {"@id": "http://x.test/a", "@context": {"a": {"@context": {}}}}},
    "many contexts of many terms": {f"k{n}": {"@id": f"http://x.test/{n}", "@context": {}} for n in range(2000)},
    "many terms": {f"k{n}": f"http://x.test/{n}" for n in range(30_000)},
    "lists in lists": [[[[[[[[[[[{}]]]]]]]]]]],
    "a number": 5,
    "a file": "file:///etc/passwd",
    "this machine": "http://127.0.0.1:9/context.jsonld",
    "a keyword": {"id": "@type", "type": "@id", "@vocab": "::", "@version": 1},
    "a hundred addresses": [f"http://127.0.0.1:9/{n}" for n in range(100)],
}
QUERIES = {
    "q": [
        "(" * 5000,
        "a==" + "9" * 4000,
        "a==1e999",
        "a~=[",
        "a~=(a)\\1{300}",
        "a" + ".a" * 3000,
        "a==\x00",
        "a==1..",
        "!" * 500,
    ],
    "scopeQ": ["/" * 5000, "#/#", "(" * 3000, "\x00"],
    "type": ["((A;B)|C", "(" * 3000, "\x00", ","],
    "id": ["x", "\x00", "urn:" + "x" * 7000],
    "idPattern": ["[", "(a*)*b", "\x00", "(?<n>a)"],
    "attrs": ["\x00", "a," * 3000],
    "pick": ["a{b{c", "{" * 3000],
    "orderBy": ["\x00", "a;b;c"],
    "lang": ["\x00"],
    "limit": ["-1", "9" * 40, "x", "\u0663"],
    "offset": ["9" * 40],
    "lastN": ["-1", "9" * 40],
    "georel": ["near;maxDistance==NaN", "near;maxDistance==1e999", "\x00"],
    "coordinates": ["[" * 5000, "[1e999,0]", "[NaN,0]", "\x00"],
    "timeAt": ["9999-99-99T00:00:00Z", "\x00", "0001-01-01T00:00:00+14:00"],
    "aggrPeriodDuration": ["P", "PT0S", "P9999999999Y", "-P1D", "\x00"],
    "csf": ["(" * 3000, "\x00"],
}
ASKED = [
    "/entities?type=Lamp",
    f"/entities/{ID}?",
    f"/temporal/entities?type=Lamp&{PAST}",
    f"/temporal/entities/{ID}?{PAST}",
]
ASKED += ["/csourceRegistrations?type=Lamp", "/subscriptions?", "/types?", "/attributes?", "/jsonldContexts?"]


@pytest.fixture
async def lamp(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entities", json=LAMP)).status_code == 201
    return client


async def checked(client: httpx.AsyncClient, method: str, path: str, content: bytes, kind: str = exchange.JSON) -> int:
    """The status of an answer that is no failure of ours; one of 400 and more has problem details."""
    response = await client.request(method, path, content=content, headers={"Content-Type": kind})
    assert response.status_code < 500 or response.status_code == 504, (method, path, content[:200], response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["title"]
    return response.status_code


async def shown(client: httpx.AsyncClient) -> Any:
    return (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json()


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
async def test_no_door_fails_for_a_value(lamp: httpx.AsyncClient, value: str) -> None:
    for method, path, around in DOORS:
        before = await shown(lamp)
        if await checked(lamp, method, path, (around % value).encode()) >= 400:
            assert await shown(lamp) == before


BODIES = {
    "nothing": b"",
    "blanks": b"  \n ",
    "not JSON": b"<entity/>",
    "not UTF-8": b'{"id":"urn:x:1","type":"\xff\xfe"}',
    "UTF-16": '{"id":"urn:x:1","type":"Lamp"}'.encode("utf-16"),
    "a zero": b'{"id":"urn:x:1","type":"a\x00"}',
    "10 MB": b'{"id":"urn:x:1","type":"Lamp","a":"' + b"x" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_no_door_takes_a_body_that_is_none(lamp: httpx.AsyncClient, body: bytes) -> None:
    before = await shown(lamp)
    for method, path in dict.fromkeys((method, path) for method, path, _ in DOORS):
        assert 400 <= await checked(lamp, method, path, body) < 500

    assert await shown(lamp) == before


@pytest.mark.parametrize("body", [b"null", b"1", b'"urn:x:1"', b"[]", b"[[]]", b"{}"])
async def test_no_door_fails_for_another_kind_of_body(lamp: httpx.AsyncClient, body: bytes) -> None:
    for method, path in dict.fromkeys((method, path) for method, path, _ in DOORS):
        await checked(lamp, method, path, body)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
async def test_no_context_is_a_bomb(lamp: httpx.AsyncClient, context: Any) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/entities", {"id": "urn:x:1", "type": "Lamp"}),
        ("/entityOperations/upsert", {}),
        ("/temporal/entities", {"id": "urn:x:2", "type": "Lamp"}),
        ("/subscriptions", json.loads("{" + SUBSCRIPTION + "}")),
        (
            "/csourceRegistrations",
            {**json.loads("{" + REGISTRATION + "}"), "information": [{"entities": [{"type": "B"}]}]},
        ),
        ("/jsonldContexts", {}),
    ]
    for path, body in bodies:
        await checked(lamp, "POST", path, orjson.dumps({**body, "@context": context}), exchange.LD_JSON)


@pytest.mark.parametrize("name", QUERIES)
async def test_no_parameter_is_a_bomb(lamp: httpx.AsyncClient, name: str) -> None:
    rest = {"georel": "&geometry=Point&coordinates=[0,0]", "coordinates": "&geometry=Polygon&georel=within"}
    for path in ASKED:
        for value in QUERIES[name]:
            asked = httpx.QueryParams({name: value, **({"aggrMethods": "avg"} if name.startswith("aggr") else {})})
            await checked(lamp, "GET", f"{path}&{asked}{rest.get(name, '')}", b"")


@pytest.mark.parametrize("segment", ["%00", "%ff", "urn:a%00b", "..%2f..", "x" * 5000, "%C3%28"])
async def test_no_path_is_a_bomb(lamp: httpx.AsyncClient, segment: str) -> None:
    paths = [
        "entities",
        "subscriptions",
        "csourceRegistrations",
        "types",
        "attributes",
        "jsonldContexts",
        "temporal/entities",
    ]
    for path in [*(f"/{one}/{segment}" for one in paths), f"/entities/{ID}/attrs/{segment}"]:
        for method in ("GET", "PATCH", "DELETE"):
            await checked(lamp, method, path, b'{"value":1}')


WORDS = [
    "type",
    "value",
    "object",
    "languageMap",
    "vocab",
    "json",
    "valueList",
    "objectList",
    "observedAt",
    "datasetId",
]
WORDS += ["unitCode", "coordinates", "id", "scope", "level", "a", "@id", "@type", "@value", "@context", "@graph"]
texts = st.text(max_size=8) | st.sampled_from(["urn:a:b", ID, "Lamp", "Point", "2026-01-01T00:00:00Z"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(door=st.sampled_from(DOORS), value=anything)
@settings(max_examples=400, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_door_fails_for_anything(lamp: httpx.AsyncClient, door: tuple[str, str, str], value: Any) -> None:
    method, path, around = door
    await checked(lamp, method, path, (around % json.dumps(value)).encode(errors="surrogatepass"))


async def test_brackets_in_text_are_no_nesting(lamp: httpx.AsyncClient) -> None:
    body = orjson.dumps({"level": "[{" * 500, "name": "}]" * 3})
    assert await checked(lamp, "POST", f"/entities/{ID}/attrs", body) == 204
