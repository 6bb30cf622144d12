"""Parts of the past (clause 6.3.10): whoever follows them gets everything once, and no part is too large."""

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.ngsild.temporal import paging
from vidik.context.ngsild.temporal.paging import Cut
from vidik.context.ngsild.temporal.query import TemporalQuery, parse_duration
from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import to_microseconds

FORWARD = TemporalQuery("observedAt", None, None, None, (), parse_duration("PT0S"), False)
BACKWARD = replace(FORWARD, last=100)
FAR = 2**62

Rows = dict[int, SeriesRows]

# Series of few different times, so that they often share one.
histories = st.dictionaries(
    st.integers(1, 4), st.lists(st.integers(0, 40), max_size=30, unique=True).map(sorted), min_size=1, max_size=4
)


def rows_of(history: dict[int, list[int]]) -> Rows:
    return {
        number: SeriesRows(
            np.array(times, np.int64) * 1_000_000, np.zeros(len(times), np.int64), np.array(times, np.float64), {}
        )
        for number, times in history.items()
    }


def numbers_of(rows: Rows) -> dict[int, list[int]]:
    return {number: [int(one) for one in series.numbers] for number, series in rows.items()}


def after(rows: Rows, cut: Cut) -> Rows:
    return {number: chunks.between(one, to_microseconds(cut.end) + 1, FAR) for number, one in rows.items()}


def before(rows: Rows, cut: Cut) -> Rows:
    return {number: chunks.between(one, -FAR, to_microseconds(cut.end)) for number, one in rows.items()}


def followed(rows: Rows, query: TemporalQuery, most: int, rest: Callable[[Rows, Cut], Rows]) -> list[Rows]:
    """Every part, as a client gets them that goes on where the one before has ended."""
    parts = []
    while True:
        part, cut = paging.cut(rows, query, most)
        parts.append(part)
        if cut is None:
            return parts
        rows = rest(rows, cut)


@given(histories, st.integers(1, 8))
def test_the_parts_forward_are_the_whole(history: dict[int, list[int]], most: int) -> None:
    parts = followed(rows_of(history), FORWARD, most, after)

    assert all(len(series) <= most for part in parts for series in part.values())
    told = [numbers_of(part) for part in parts]
    assert {number: [one for part in told for one in part[number]] for number in history} == history


@given(histories, st.integers(1, 8))
def test_the_parts_backward_are_the_whole(history: dict[int, list[int]], most: int) -> None:
    parts = followed(rows_of(history), BACKWARD, most, before)

    assert all(len(series) <= most for part in parts for series in part.values())
    told = [numbers_of(part) for part in reversed(parts)]
    assert {number: [one for part in told for one in part[number]] for number in history} == history


@given(histories, st.integers(1, 8))
def test_no_series_is_ahead_of_another(history: dict[int, list[int]], most: int) -> None:
    part, cut = paging.cut(rows_of(history), FORWARD, most)
    end = max((times for series in part.values() for times in series.times), default=0)

    told = numbers_of(part)
    assert cut is None or told == {
        number: [one for one in times if one * 1_000_000 <= end] for number, times in history.items()
    }


@given(histories, st.integers(1, 60))
def test_what_large_values_make_of_it_is_the_whole_too(history: dict[int, list[int]], most_json: int) -> None:
    rows = rows_of(history)
    for series in rows.values():
        series.json.update({place: "x" * (int(time) % 9) for place, time in enumerate(series.numbers) if time % 3})
    with patch.object(paging, "MOST_JSON", most_json):
        forward, backward = followed(rows, FORWARD, 100, after), followed(rows, BACKWARD, 100, before)
    for parts in (forward, backward[::-1]):
        told = [numbers_of(part) for part in parts]
        assert {number: [one for part in told for one in part[number]] for number in history} == history
        for part in parts:
            texts = [text for series in part.values() for text in series.json.values()]
            times = {int(series.times[place]) for series in part.values() for place in series.json}
            assert sum(map(len, texts)) <= most_json or len(times) == 1
