"""What sources send, read in small steps."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.context.registrations.conftest import Peers

from vidik.context.registrations.forwarding import receiving

ENTITIES = "peer/ngsi-ld/v1/entities"
GZIP = {"Content-Encoding": "gzip"}


def building(number: int, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Building:{number}", "type": "Building", **attributes}


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


async def told(client: Any) -> tuple[int, str]:
    """How many entities a query finds, and the warning beside them."""
    response = await client.get("/entities?type=Building")
    assert response.status_code == 200
    return len(response.json()), response.headers.get("NGSILD-Warning", "")


async def test_a_source_is_asked_for_gzip_alone_and_its_answer_inflated(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(contextSourceInfo=[{"key": "Accept-Encoding", "value": "zstd"}])
    peers.answer("GET", ENTITIES, 200, gzip.compress(json.dumps([building(1)]).encode()), **GZIP)

    assert await told(client) == (1, "")
    assert peers.asked[-1].headers["Accept-Encoding"] == "gzip"


async def test_what_inflates_without_end_is_not_inflated(client: Any, peers: Peers, register: Any) -> None:
    inflater: Any = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(inflater.compress(bytes(1 << 24)) for _ in range(16)) + inflater.flush()
    await register()
    peers.answer("GET", ENTITIES, 200, bomb, **GZIP)
    longest = 0
    inflate = zlib.decompressobj

    class Watched:
        def __init__(self, bits: int) -> None:
            self._inner = inflate(bits)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def decompress(self, data: bytes, most: int = 0) -> bytes:
            nonlocal longest
            piece = self._inner.decompress(data, most)
            longest = max(longest, len(piece))
            return piece

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receiving.zlib, "decompressobj", Watched)
        found, warning = await told(client)

    assert found == 0
    assert warning.startswith("111 ")
    assert "larger than" in warning
    assert 0 < longest <= 1 << 20  # of 256 MB


@pytest.mark.parametrize(
    ("content", "coding", "problem"),
    [
        (b"no gzip", "gzip", "cannot be inflated"),
        (b"[]", "br", "content coding"),
        (b"[" + b",".join([b"[]"] * 1_000_000) + b"]", "identity", "values"),
        (b"[" * 200 + b'"' + b"x" * 500_000 + b'"' + b"]" * 200, "identity", "too large inside"),
        (b"[" * 200 + b"]" * 200, "identity", "nested"),
        (b'["' + b"x" * 500_000 + b'", ' + b"[" * 200 + b"]" * 200 + b"]", "identity", "nested"),
        (b'["' + b"x" * 500_000, "identity", "not JSON"),
    ],
)
async def test_what_cannot_be_read_is_a_warning(
    client: Any, peers: Peers, register: Any, content: bytes, coding: str, problem: str
) -> None:
    await register()
    peers.answer("GET", ENTITIES, 200, content, **{"Content-Encoding": coding})

    found, warning = await told(client)

    assert found == 0
    assert warning.startswith("111 ")
    assert problem in warning


async def test_others_are_served_while_a_large_answer_is_read() -> None:
    body = json.dumps([building(number, a=prop("x" * 50_000)) for number in range(100)]).encode()
    steps = 0

    async def others() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    content = await receiving.parsed(body)
    beside.cancel()

    assert len(content) == 100
    assert steps > 30  # five megabytes in steps of 128 kB


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@given(_VALUES, st.sampled_from([None, 1]))
async def test_what_is_read_in_steps_is_what_was_sent(content: Any, indent: int | None) -> None:
    body = json.dumps(content, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receiving, "_STEP", 8)
        patch.setattr(receiving, "_DEEPEST_CUT", 100)

        assert await receiving.parsed(body) == content
