"""What breaks programs that read trustingly, and the doors where it is tried; bench/bad_input.py measures the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from vidik.context.ngsild.http.exchange import JSON, LD_JSON

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
    ("POST", "/snapshots", '{"type":"Snapshot","snapshotQueries":%s}'),
    (
        "POST",
        "/snapshots",
        '{"type":"Snapshot","snapshotQueries":[{"type":"Query","entities":[{"type":"Lamp"}]}],"snapshotLifetime":%s}',
    ),
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
    "no address": "http://[::1",
    "no address imported": {"@import": "http://[::1"},
    "no address inside": {"a": {"@id": "http://x.test/a", "@context": "http://[::1"}},
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

BODIES = {
    "nothing": b"",
    "blanks": b"  \n ",
    "not JSON": b"<entity/>",
    "not UTF-8": b'{"id":"urn:x:1","type":"\xff\xfe"}',
    "UTF-16": '{"id":"urn:x:1","type":"Lamp"}'.encode("utf-16"),
    "a zero": b'{"id":"urn:x:1","type":"a\x00"}',
    "10 MB": b'{"id":"urn:x:1","type":"Lamp","a":"' + b"x" * 10_000_000 + b'"}',
}
AROUND_CONTEXTS: list[tuple[str, dict[str, Any]]] = [
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
SEGMENTS = ["%00", "%ff", "urn:a%00b", "..%2f..", "x" * 5000, "%C3%28"]
RESOURCES = [
    "entities",
    "subscriptions",
    "csourceRegistrations",
    "types",
    "attributes",
    "jsonldContexts",
    "temporal/entities",
    "snapshots",
    "entityMaps",
]
OTHER_BODIES = [b"null", b"1", b'"urn:x:1"', b"[]", b"[[]]", b"{}"]


@dataclass(frozen=True)
class Bad:
    """One request."""

    method: str
    path: str
    content: bytes = b""
    kind: str = JSON

    def __str__(self) -> str:
        return f"{self.method} {self.path[:60]} {self.content[:60]!r}"


def with_value(value: str) -> Iterator[Bad]:
    """A value at every door."""
    for method, path, around in DOORS:
        yield Bad(method, path, (around % value).encode(errors="surrogatepass"))


def with_body(body: bytes) -> Iterator[Bad]:
    """A body at every door."""
    for method, path in dict.fromkeys((method, path) for method, path, _ in DOORS):
        yield Bad(method, path, body)


def with_context(context: Any) -> Iterator[Bad]:
    """A @context in every kind of body."""
    for path, body in AROUND_CONTEXTS:
        yield Bad("POST", path, orjson.dumps({**body, "@context": context}), LD_JSON)


def with_parameter(name: str) -> Iterator[Bad]:
    """Every bad value of a parameter, wherever one can ask."""
    beside = {"georel": "&geometry=Point&coordinates=[0,0]", "coordinates": "&geometry=Polygon&georel=within"}
    beside["aggrPeriodDuration"] = "&aggrMethods=avg"
    for path in ASKED:
        for value in QUERIES[name]:
            yield Bad("GET", f"{path}&{urlencode({name: value})}{beside.get(name, '')}")


def with_segment(segment: str) -> Iterator[Bad]:
    """An id in every path."""
    for path in [*(f"/{one}/{segment}" for one in RESOURCES), f"/entities/{ID}/attrs/{segment}"]:
        for method in ("GET", "PATCH", "DELETE"):
            yield Bad(method, path, b'{"value":1}')


def everything() -> Iterator[Bad]:
    """All of it."""
    for value in VALUES.values():
        yield from with_value(value)
    for body in (*BODIES.values(), *OTHER_BODIES):
        yield from with_body(body)
    for context in CONTEXTS.values():
        yield from with_context(context)
    for name in QUERIES:
        yield from with_parameter(name)
    for segment in SEGMENTS:
        yield from with_segment(segment)
