"""Whoever holds a connection of a pool takes no other: once all are held by such, each waits until the pool gives up.
Nor does it wait for an @context, which another server may keep for seconds, and whoever waits for its locks with it.

Every test stands watch over what it runs (a plugin); what a test itself does with connections is its own affair.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from vidik.context.jsonld import packaged, processing
from vidik.context.jsonld.resolver import ContextResolver
from vidik.kernel import database
from vidik.kernel.database import Connection, Database

_take = Database._connection
_load = ContextResolver._load_all
_held: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()
_second: list[str] = []
_waited: list[str] = []


@asynccontextmanager
async def _watched(self: Database, schema: str) -> AsyncIterator[Connection]:
    task, place = asyncio.current_task(), _asked_from()
    if task is None or place is None:
        async with _take(self, schema) as connection:
            yield connection
        return
    if task in _held:
        _second.append(f"{place}, while {_held[task]} holds one")
    before = _held.get(task)
    _held[task] = place
    try:
        async with _take(self, schema) as connection:
            yield connection
    finally:
        if before is None:
            _held.pop(task, None)
        else:
            _held[task] = before


async def _watched_load(self: ContextResolver, local: Any) -> dict[str, Any]:
    task = asyncio.current_task()
    elsewhere = [one for one in processing.references(local) if packaged.document(one) is None]
    if task in _held and elsewhere:
        _waited.append(f"{', '.join(elsewhere)}, while {_held[task]} holds a connection")
    return await _load(self, local)


def _asked_from() -> str | None:
    """The line of ours that asks for a connection; None where a test does."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename == database.__file__ or "contextlib" in frame.f_code.co_filename:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    path = frame.f_code.co_filename.rpartition("/src/")[2]
    return f"{path}:{frame.f_lineno}" if path.startswith("vidik/") else None


@pytest.fixture(scope="session", autouse=True)
def _watch() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_connection", _watched)
        patch.setattr(ContextResolver, "_load_all", _watched_load)
        yield


@pytest.fixture(autouse=True)
def _one_connection_each(_watch: None) -> Iterator[None]:
    """Fail a test in which somebody held a connection and took another, or waited for an @context."""
    _second.clear()
    _waited.clear()
    yield
    assert not _second, "\n".join(["a connection was taken by:", *sorted(set(_second))])
    assert not _waited, "\n".join(["an @context was waited for:", *sorted(set(_waited))])
