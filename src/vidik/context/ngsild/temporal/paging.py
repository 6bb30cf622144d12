"""Answers with a part of the past: 206 and Content-Range (ETSI GS CIM 009, clause 6.3.10). Pure.

One answer holds at most so many instances of an attribute, and of large values so much. Where there is more, every
attribute ends at the same time, so that the client can go on from there without missing any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import from_microseconds, iso

MOST_JSON: Final = 12 * 1024 * 1024
"""Characters of JSON in one answer: with what stands around them still less than a broker reads of another's."""
_FAR: Final = 2**62


@dataclass(frozen=True, slots=True)
class Cut:
    """What an answer holds of the past that was asked for; `start` is where it begins, in the direction of reading."""

    start: datetime
    end: datetime
    size: int | None

    def header(self) -> str:
        """The value of Content-Range."""
        return f"date-time {iso(self.start)}-{iso(self.end)}/{'*' if self.size is None else self.size}"


def cut(rows: Mapping[int, SeriesRows], query: TemporalQuery, most: int) -> tuple[dict[int, SeriesRows], Cut | None]:
    """The rows of one answer, and what it holds where that is not everything."""
    kept = dict(rows)
    if query.last is None:
        ends = [int(one.times[most]) for one in rows.values() if len(one) > most] + _beyond(rows)
        if not ends:
            return kept, None
        kept = {number: chunks.between(one, -_FAR, min(ends)) for number, one in rows.items()}
        first, newest = _span(kept)
        return kept, Cut(query.origin or first, newest, None)
    starts = [int(one.times[-most - 1]) for one in rows.values() if len(one) > most] + _beyond(rows, backwards=True)
    if not starts:
        return kept, None
    kept = {number: chunks.between(one, max(starts) + 1, _FAR) for number, one in rows.items()}
    first, newest = _span(kept)
    return kept, Cut(query.end or newest, first, query.last)


def _beyond(rows: Mapping[int, SeriesRows], *, backwards: bool = False) -> list[int]:
    """The first time, in the direction of reading, that is too much for one answer; none where all fits."""
    if sum(len(text) for one in rows.values() for text in one.json.values()) <= MOST_JSON:
        return []
    sizes: dict[int, int] = {}
    for one in rows.values():
        for place, text in one.json.items():
            at = int(one.times[place])
            sizes[at] = sizes.get(at, 0) + len(text)
    left = MOST_JSON
    for number, at in enumerate(sorted(sizes, reverse=backwards)):
        left -= sizes[at]
        if left < 0 and number > 0:  # one time is always shown, or the client would never get past it
            return [at]
    return []


def _span(rows: Mapping[int, SeriesRows]) -> tuple[datetime, datetime]:
    some = [one for one in rows.values() if len(one)]
    first = min(int(one.times[0]) for one in some)
    return from_microseconds(first), from_microseconds(max(int(one.times[-1]) for one in some))
