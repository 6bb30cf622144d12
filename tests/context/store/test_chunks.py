"""Chunks give back exactly what went in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows

MOMENTS = st.integers(min_value=-(2**50), max_value=2**52)


@st.composite
def series_rows(draw: st.DrawFn) -> SeriesRows:
    times = sorted(draw(st.sets(MOMENTS, max_size=40)))
    size = len(times)
    delays = draw(st.lists(st.integers(-(2**40), 2**40), min_size=size, max_size=size))
    numbers = draw(
        st.lists(
            st.one_of(
                st.floats(allow_nan=True, allow_infinity=True),
                st.decimals(min_value=-10_000, max_value=10_000, places=2).map(float),
            ),
            min_size=size,
            max_size=size,
        )
    )
    json = draw(st.dictionaries(st.integers(0, size - 1), st.text(max_size=10))) if size else {}
    moments = np.array(times, np.int64)
    return SeriesRows(moments, moments + np.array(delays, np.int64), np.array(numbers, np.float64), json)


class TestPack:
    @given(series_rows())
    @settings(deadline=None)
    def test_unpack_returns_every_bit(self, rows: SeriesRows) -> None:
        back = chunks.unpack(chunks.pack(rows))

        assert_array_equal(back.times, rows.times)
        assert_array_equal(back.recorded, rows.recorded)
        assert_array_equal(back.numbers.view(np.int64), rows.numbers.view(np.int64))
        assert back.json == rows.json

    def test_a_sensor_with_one_decimal_takes_under_five_bytes_a_value(self) -> None:
        generator = np.random.default_rng(7)
        times = np.arange(2880, dtype=np.int64) * 30_000_000
        rows = SeriesRows(
            times, times + generator.integers(20_000, 900_000, 2880), np.round(generator.normal(60, 0.4, 2880), 1), {}
        )

        assert len(chunks.pack(rows)) / len(rows) < 5


class TestMerge:
    @given(series_rows(), series_rows())
    @settings(deadline=None)
    def test_times_are_unique_and_the_first_part_wins(self, first: SeriesRows, second: SeriesRows) -> None:
        merged = chunks.merge([first, second])

        expected = dict(zip(second.times.tolist(), second.recorded.tolist(), strict=True))
        expected.update(zip(first.times.tolist(), first.recorded.tolist(), strict=True))
        assert dict(zip(merged.times.tolist(), merged.recorded.tolist(), strict=True)) == expected
        assert merged.times.tolist() == sorted(expected)

    @given(series_rows(), MOMENTS, MOMENTS)
    @settings(deadline=None)
    def test_between_keeps_the_json_with_its_value(self, rows: SeriesRows, start: int, end: int) -> None:
        part = chunks.between(rows, start, max(start, end))

        kept = [place for place, time in enumerate(rows.times.tolist()) if start <= time < max(start, end)]
        assert part.times.tolist() == rows.times[kept].tolist()
        assert [part.json.get(place) for place in range(len(part))] == [rows.json.get(place) for place in kept]
