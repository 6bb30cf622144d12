"""Answers with a part of the past: 206 and Content-Range (ETSI GS CIM 009, clause 6.3.10). Pure.

One answer holds at most so many instances of an attribute. Where one attribute has more, every attribute ends at the
same time, so that the client can go on from there without missing any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vidik.context.ngsild.temporal import TemporalQuery
from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import from_microseconds, iso

_FAR = 2**62


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
        ends = [int(one.times[most]) for one in rows.values() if len(one) > most]
        if not ends:
            return kept, None
        kept = {number: chunks.between(one, -_FAR, min(ends)) for number, one in rows.items()}
        first, newest = _span(kept)
        return kept, Cut(query.origin or first, newest, None)
    starts = [int(one.times[-most - 1]) for one in rows.values() if len(one) > most]
    if not starts:
        return kept, None
    kept = {number: chunks.between(one, max(starts) + 1, _FAR) for number, one in rows.items()}
    first, newest = _span(kept)
    return kept, Cut(query.end or newest, first, query.last)


def _span(rows: Mapping[int, SeriesRows]) -> tuple[datetime, datetime]:
    some = [one for one in rows.values() if len(one)]
    first = min(int(one.times[0]) for one in some)
    return from_microseconds(first), from_microseconds(max(int(one.times[-1]) for one in some))
