"""Every door under /api, knocked at with nonsense: refused with a reason, never a 500.

The doors, their questions and the members of their bodies are read from the interface's own description: a
new door is knocked at without anybody thinking of it. What each refusal must name, and that nothing changes, is tested
beside each module (`test_bad_input*.py`).
"""

import json
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.web import DISPATCHER

from vidik.kernel.identity import authenticator
from vidik.kernel.identity.roles import ROLES, Grant

JSON = {"Content-Type": "application/json"}
DEEP: Any = 1
for _ in range(100):
    DEEP = [DEEP]
WORTHLESS: list[Any] = [None, "nul \x00 byte", "\ud800", "x" * 200_000, 10**20, float("nan"), DEEP, {"unknown": 1}]
DEEPER: list[Any] = [None, "nul \x00 byte", 10**20, {"unknown": 1}]
BODIES = [b"", b"null", b"[]", b'"text"', b"17", b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 5_000, b'{"\\ud800": 1}']
WORDS = ["0", "-1", "100000000000000000000", "1.5", "nul%00", "%F0%9F%9A%80", "%ed%a0%80", "x" * 5_000]
ENDLESS = {"/console/stream"}
EXAMPLES = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "null": None}
FORMATS = {
    "date-time": "2099-01-01T00:00:00Z",
    "date": "2099-01-01",
    "uuid": "9b2f0e52-8f0a-4d41-9a64-1f6a3f6f7a10",
}

Doors = list[tuple[str, str, dict[str, Any]]]
"""Method, path and description."""


@pytest.fixture
async def anybody(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with every role."""
    everybody = replace(DISPATCHER, roles=frozenset(ROLES), grants=frozenset(Grant(role) for role in ROLES))
    authenticator(app.state.services).sources.append(lambda _user, secret: everybody if secret == "every" else None)
    headers = {"Authorization": "Bearer every"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test/api", headers=headers) as browser:
        yield browser


@pytest.fixture
async def interface(anybody: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await anybody.get("/openapi.json")).json()
    return found


def doors_of(interface: dict[str, Any]) -> Doors:
    return [
        (method.upper(), path, told)
        for path, methods in interface["paths"].items()
        for method, told in methods.items()
        if path not in ENDLESS
    ]


def addressed(path: str) -> str:
    """A path with a 1 in the place of each of its parameters."""
    return "/".join("1" if piece.startswith("{") else piece for piece in path.split("/"))


def example(schema: dict[str, Any], interface: dict[str, Any], depth: int = 0) -> Any:
    """Something of the kind that a schema asks for: good enough to get past the outermost check."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example(interface["components"]["schemas"][name], interface, depth + 1)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example(schema[several][0], interface, depth + 1)
    for given in ("const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    if schema.get("type") == "array":
        return [] if depth > 6 else [example(schema.get("items", {}), interface, depth + 1)]
    if "properties" in schema and depth <= 6:
        return {name: example(member, interface, depth + 1) for name, member in schema["properties"].items()}
    return EXAMPLES.get(schema.get("type", ""), {})


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body something stands, at any depth."""
    for name, member in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        yield (*place, name)
        yield from places(member, (*place, name))


def spoilt(body: Any) -> Iterator[Any]:
    """A body with each of its members, at any depth, in turn replaced by what is worth nothing."""
    for place in places(body):
        for worthless in WORTHLESS if len(place) == 1 else DEEPER:
            changed = deepcopy(body)
            inner = changed
            for name in place[:-1]:
                inner = inner[name]
            inner[place[-1]] = worthless
            yield changed


def is_answered(answer: httpx.Response) -> bool:
    """Whether an answer is none of a program that stumbled, and a refusal has its reason."""
    return answer.status_code < 400 or (answer.status_code < 500 and bool(answer.json()["detail"]))


async def test_in_every_member_of_every_body(anybody: httpx.AsyncClient, interface: dict[str, Any]) -> None:
    broken = []
    for method, path, told in doors_of(interface):
        for kind, asked in told.get("requestBody", {}).get("content", {}).items():
            assert kind == "application/json", (method, path, "is knocked at by no test here")
            whole = example(asked["schema"], interface)
            # Escaped to ASCII: a lone surrogate is JSON, though no UTF-8 can say it.
            for content in (*BODIES, *(json.dumps(body).encode() for body in spoilt(whole))):
                answer = await anybody.request(method, addressed(path), content=content, headers=JSON)
                if not is_answered(answer):
                    broken.append((method, path, content[:200], answer.status_code, answer.text[:200]))
    assert broken == [], "\n".join(str(one)[:300] for one in broken)


async def test_in_every_question(anybody: httpx.AsyncClient, interface: dict[str, Any]) -> None:
    # What stands in the place of a name in a path: test_any_path.py.
    broken = []
    for method, path, told in doors_of(interface):
        for name in [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]:
            for word in WORDS:
                answer = await anybody.request(method, f"{addressed(path)}?{name}={word}")
                if not is_answered(answer):
                    broken.append((method, path, name, word[:20], answer.status_code, answer.text[:200]))
    assert broken == [], "\n".join(str(one)[:300] for one in broken)
