"""All assets as a browser loads them: lines of JSON, each a slice of columns that stands for itself.

A list of 50,000 objects said every name 50,000 times (16.8 MB) and held up the web process while it was made. A line
has the columns of some assets; a column in which all are alike is one value, and what repeats is a number into a table.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import orjson

from vidik.console.projection import Asset

SLICE: Final = 2_000
"""Assets a line: made and read in a few milliseconds, between which other work gets its turn."""
_SECOND = 1_000_000
_GZIP = 31
_FASTEST = 1


async def lines(assets: Sequence[Asset], now: int) -> AsyncIterator[bytes]:
    """Yield the assets as lines of JSON (see `columns`); `now` in µs, from which ages are counted."""
    for first in range(0, len(assets), SLICE):
        yield orjson.dumps(columns(assets[first : first + SLICE], now)) + b"\n"
        await asyncio.sleep(0)


async def gzipped(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield parts compressed, each so that it can be read as soon as it has come."""
    packer = zlib.compressobj(_FASTEST, wbits=_GZIP)
    async for part in parts:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def columns(assets: Sequence[Asset], now: int) -> dict[str, Any]:
    """Return some assets as columns.

    `id` is what follows the prefix; `lon` and `lat` are millionths of a degree; `recorded` is seconds before `now`,
    `observed` seconds before `recorded`; `value` is the headline's. `prefix`, `type` and `unit` are places in
    `prefixes`, `types` ([type, service, headline]) and `units`; -1 is none.
    """
    prefixes, types, units = _Table(), _Table(), _Table()
    rows = [_row(asset, now, prefixes, types, units) for asset in assets]
    found = {name: _alike(column) for name, column in zip(_COLUMNS, zip(*rows, strict=True), strict=True)}
    return {"n": len(rows), "prefixes": prefixes.items, "types": types.items, "units": units.items, **found}


_COLUMNS = ("id", "prefix", "type", "name", "name_en", "lon", "lat", "state", "origin", "recorded", "observed", "value",
            "unit")  # fmt: skip


class _Table:
    """Values by number, in the order in which they were met."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, key: Any, value: Any) -> int:
        """Return the number of a value, which its key stands for."""
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = len(self.items)
            self.items.append(value)
        return found


def _row(asset: Asset, now: int, prefixes: _Table, types: _Table, units: _Table) -> tuple[Any, ...]:
    head, colon, tail = asset.id.rpartition(":")
    kind = asset.asset_type
    headline = kind.headline
    value = None if headline is None else asset.values.get(headline)
    unit = None if headline is None or value is None else asset.units.get(headline)
    recorded = None if asset.recorded_at is None else (now - asset.recorded_at) // _SECOND
    observed = None
    if asset.observed_at is not None:
        observed = (now - asset.observed_at) // _SECOND - (recorded or 0)
    place = asset.place
    return (
        tail,
        prefixes.place(head, head + colon),
        types.place(kind.name, [kind.name, kind.service, headline]),
        asset.name,
        asset.name_en,
        None if place is None else round(place[0] * 1e6),
        None if place is None else round(place[1] * 1e6),
        asset.state,
        asset.origin,
        recorded,
        observed,
        value,
        -1 if unit is None else units.place(unit, unit),
    )


def _alike(column: Iterable[Any]) -> Any:
    """Return {"all": value} of a column in which all are alike, or else all values."""
    values = list(column)
    first = values[0]
    return {"all": first} if all(type(one) is type(first) and one == first for one in values) else values
