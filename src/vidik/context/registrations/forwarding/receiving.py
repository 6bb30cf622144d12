"""What a source sends, read in small steps: while a large answer is inflated and parsed, others are served.

A few kilobytes can inflate to gigabytes, and a few megabytes can be millions of empty lists; each step here is bounded
before it is taken, by bytes and by values, and between two steps the event loop does what else there is.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import httpx
import msgspec
import orjson

from vidik.context.ngsild.http.nesting import MAXIMUM_NESTING, is_too_deep

MAXIMUM_ANSWER: Final = 16 * 1024 * 1024
"""Bytes of a source's answer that are read, inflated; a larger one counts as invalid."""
MAXIMUM_VALUES: Final = 1_500_000
"""Commas and opening brackets of an answer; the largest answer of ordinary entities has half of it."""
ENCODING: Final = "gzip"
"""The content coding that sources may answer in."""
_STEP: Final = 128 * 1024
"""Bytes that are inflated or parsed in one step: a millisecond or two."""
_DEEPEST_CUT: Final = 4
"""Levels of lists and objects that are taken apart; what is large further inside is no answer of the API."""
_GZIP: Final = zlib.MAX_WBITS | 16


class Unreadable(Exception):
    """An answer that cannot be read; the text says why."""


async def read(response: httpx.Response) -> bytes:
    """The body of a streamed answer, inflated; raises Unreadable for one that is too large or cannot be inflated."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    raw = response.aiter_raw()
    if coding in ("gzip", "x-gzip"):
        raw = _inflated(raw)
    elif coding not in ("", "identity"):
        raise Unreadable("the answer is in a content coding that was not asked for")
    received = bytearray()
    async for part in raw:
        received += part
        if len(received) > MAXIMUM_ANSWER:
            raise Unreadable(f"the answer is larger than {MAXIMUM_ANSWER} bytes")
    return bytes(received)


async def _inflated(raw: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflater = zlib.decompressobj(_GZIP)
    async for part in raw:
        left = part
        while left and not inflater.eof:
            try:
                yield inflater.decompress(left, _STEP)
            except zlib.error:
                raise Unreadable("the answer cannot be inflated") from None
            left = inflater.unconsumed_tail
            if left:
                await asyncio.sleep(0)


async def parsed(body: bytes) -> Any:
    """The JSON of a body; raises Unreadable for one that is nested too deep or has too many values, ValueError for
    what is no JSON."""
    if len(body) > _STEP and body.count(b",") + body.count(b"[") + body.count(b"{") > MAXIMUM_VALUES:
        raise Unreadable(f"the answer has more than {MAXIMUM_VALUES} values")
    return await _parsed(body, 0)


async def _parsed(body: bytes, level: int) -> Any:
    if len(body) <= _STEP:
        return _at_once(body)
    await asyncio.sleep(0)
    opening = body.lstrip(b" \t\r\n")[:1]
    if opening not in (b"[", b"{"):
        return _at_once(body)
    if level == _DEEPEST_CUT:
        raise Unreadable("the answer is too large inside")
    if opening == b"{":
        return await _object(msgspec.json.decode(body, type=dict[str, msgspec.Raw]), level + 1)
    return await _list(msgspec.json.decode(body, type=list[msgspec.Raw]), level + 1)


async def _list(items: list[msgspec.Raw], level: int) -> list[Any]:
    content: list[Any] = []
    for some in _grouped(items):
        if len(some) == 1:
            content.append(await _parsed(bytes(some[0]), level))
        else:
            content += _at_once(b"[" + b",".join(some) + b"]")
        await asyncio.sleep(0)
    return content


async def _object(members: dict[str, msgspec.Raw], level: int) -> dict[str, Any]:
    content: dict[str, Any] = {}
    names = iter(members)
    for some in _grouped(members.values()):
        if len(some) == 1:
            content[next(names)] = await _parsed(bytes(some[0]), level)
        else:
            content.update(zip(islice(names, len(some)), _at_once(b"[" + b",".join(some) + b"]"), strict=True))
        await asyncio.sleep(0)
    return content


def _grouped(items: Iterable[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """Neighbours that are together no more than a step; one that is more stands alone."""
    group: list[msgspec.Raw] = []
    size = 0
    for one in items:
        length = memoryview(one).nbytes
        if group and size + length > _STEP:
            yield group
            group, size = [], 0
        group.append(one)
        size += length + 1
    if group:
        yield group


def _at_once(body: bytes) -> Any:
    found = orjson.loads(body)
    if is_too_deep(body, found):
        raise Unreadable(f"the answer is nested deeper than {MAXIMUM_NESTING}")
    return found
