"""The named streets of the city's base map, for the search."""

import asyncio
from collections.abc import Mapping

import orjson

from vidik.console.search import street_names
from vidik.kernel.basemap import basemap_file
from vidik.kernel.errors import NotFound
from vidik.kernel.settings import Settings

Named = Mapping[str, tuple[str, list[float]]]
"""Folded name to (name, a place on the street)."""


class Streets:
    """The streets of one installation, read again when the file of its base map changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._named: Named = {}
        self._changed = 0
        self._reading = asyncio.Lock()

    async def named(self) -> Named:
        """The streets; none without a base map."""
        # Beside the event loop: a city's map is tens of megabytes, and every live screen would stand still meanwhile.
        async with self._reading:
            return await asyncio.to_thread(self._read)

    def _read(self) -> Named:
        try:
            file = basemap_file(self._settings)
            changed = file.stat().st_mtime_ns
            if changed != self._changed:
                self._named, self._changed = street_names(orjson.loads(file.read_bytes())), changed
        except (NotFound, OSError):
            return {}
        return self._named
