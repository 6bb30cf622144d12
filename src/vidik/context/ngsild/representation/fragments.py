"""Entities as they were rendered, kept in memory: what has not changed since is not read, parsed or rendered again.

A fragment is the JSON of one entity under one view, known by the version of its row (key, transaction that wrote it,
place in the table). Every query still asks PostgreSQL which entities it finds and in which version they are, so an
answer is never older than the query.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from itertools import count
from typing import Final

import orjson

from vidik.context.ngsild.representation.rendering import Stored, View, render
from vidik.context.store.expiry import next_expiry

MEMORY_BYTES: Final = 96 * 1024 * 1024
_VIEWS: Final = 128
_OVERHEAD_BYTES: Final = 250
_SLOWLY: Final = 0.02
_WORTH: Final = 0.3


class Shelf:
    """The fragments of one view."""

    def __init__(self, number: int, view: View, memory: _Memory) -> None:
        self._number = number
        self._view = view
        self._memory = memory
        self._found = 1.0

    @property
    def worth_asking(self) -> bool:
        """Whether most entities of late were here, so that asking for versions first saves reading documents."""
        return self._found > _WORTH

    def get(self, version: str) -> bytes | None:
        """The fragment of a row's version; b"" for an entity of which the view shows nothing."""
        fragment = self._memory.get((self._number, version))
        self._found += _SLOWLY * ((fragment is not None) - self._found)
        return fragment

    def put(self, version: str, entity: Stored) -> bytes:
        """Render an entity and keep its fragment."""
        shown = render(entity, self._view)
        fragment = orjson.dumps(shown) if shown else b""
        if next_expiry(entity.document) is None:  # else it is only true for a while
            self._memory.put((self._number, version), fragment)
        return fragment


class _Memory:
    """Fragments in two generations: what was not asked for while one filled goes with the older."""

    def __init__(self, size: int) -> None:
        self._size = size // 2
        self._young: dict[Hashable, bytes] = {}
        self._old: dict[Hashable, bytes] = {}
        self._filled = 0

    def get(self, key: Hashable) -> bytes | None:
        fragment = self._young.get(key)
        if fragment is None:
            fragment = self._old.get(key)
            if fragment is not None:
                self.put(key, fragment)
        return fragment

    def put(self, key: Hashable, fragment: bytes) -> None:
        self._young[key] = fragment
        self._filled += len(fragment) + _OVERHEAD_BYTES
        if self._filled > self._size:
            self._old, self._young, self._filled = self._young, {}, 0


class Fragments:
    """The shelves of one process; `size` bounds what they hold together, in bytes."""

    def __init__(self, size: int = MEMORY_BYTES) -> None:
        self._memory = _Memory(size)
        self._shelves: OrderedDict[Hashable, Shelf] = OrderedDict()
        self._numbers = count()

    def shelf(self, tenant: str, view: View) -> Shelf | None:
        """The shelf of a view of a tenant's entities; None for one that is not kept."""
        if view.pick is not None or view.omit is not None:
            return None
        # The shelf holds the view and with it the context, so the context's identity stays its own.
        key = (
            tenant,
            id(view.context),
            view.format,
            view.system,
            view.attributes,
            view.datasets,
            view.language,
        )
        shelf = self._shelves.get(key)
        if shelf is None:
            if len(self._shelves) >= _VIEWS:
                self._shelves.popitem(last=False)
            shelf = self._shelves[key] = Shelf(next(self._numbers), view, self._memory)
        self._shelves.move_to_end(key)
        return shelf
