"""Files as cities write them: read, or refused with a sentence; never silently mended."""

import contextlib
import gzip
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pilots.made import stamps, table

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.grid import day_grid
from vidik.pilots.measurement.reading import Kind, read_csv, to_series
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding


def read(
    data: bytes, zone: str = "UTC", kind: Kind = "amount", column: str | None = None
) -> tuple[Series, list[Finding]]:
    return read_csv(data, column=column, unit="CEL" if kind == "mean" else "KWH", zone=zone, kind=kind, name="meter")


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


DAY = stamps("2024-01-01", 48, 60)
VALUES = [float(number % 7 + 1) for number in range(48)]


def _lines(header: str, form: Callable[[str, float], str]) -> bytes:
    return "\n".join([header, *(form(time, value) for time, value in zip(DAY, VALUES, strict=True))]).encode()


def _wide() -> bytes:
    """A day a row, as some suppliers write it."""
    rows = [f"2024-01-{day:02d}," + ",".join(["1.5"] * 24) for day in range(1, 29)]
    return "\n".join(["date," + ",".join(f"{hour:02d}:00" for hour in range(24)), *rows]).encode()


FORMS = {
    "plain": table(DAY, VALUES),
    "gzip": gzip.compress(table(DAY, VALUES)),
    "mark of byte order": b"\xef\xbb\xbf" + table(DAY, VALUES),
    "zulu": _lines("timestamp,value", lambda time, value: f"{time.replace(' ', 'T')}Z,{value}"),
    "decimal comma": _lines("datetime;kwh", lambda time, value: f"{time};{str(value).replace('.', ',')}"),
    "serbian": _lines("Датум;kWh", lambda time, value: f"{time[8:10]}.{time[5:7]}.{time[:4]} {time[11:16]};{value}"),
    "date and hour": _lines("date,hour,load", lambda time, value: f"{time[:10]},{int(time[11:13])},{value}"),
    "quoted": _lines("name,datetime,kwh", lambda time, value: f'"A, b",{time},{value}'),
    "seconds": table([str(1704067200 + 3600 * number) for number in range(48)], VALUES, "ts,kwh"),
    "newest first": table(list(reversed(DAY)), list(reversed(VALUES))),
}


class TestForms:
    @pytest.mark.parametrize("form", FORMS)
    def test_the_same_meter_is_read_from_every_form(self, form: str) -> None:
        series, _ = read(FORMS[form])

        assert series.start == np.datetime64("2024-01-01T00", "h")
        assert series.values.tolist() == VALUES

    def test_quarters_of_an_hour_are_added(self) -> None:
        series, findings = read(table(stamps("2024-01-01", 192, 15), [0.25] * 192))

        assert series.values.tolist() == [1.0] * 48
        assert findings == []

    def test_an_hour_without_one_of_its_quarters_is_scaled_up_and_said(self) -> None:
        times = stamps("2024-01-01", 192, 15)
        del times[5]

        series, findings = read(table(times, [0.25] * 191))

        assert series.values.tolist() == [1.0] * 48
        assert codes(findings) == {"short-gaps"}

    def test_daily_rows_make_a_daily_series(self) -> None:
        series, _ = read(table([f"2024-01-{day:02d}" for day in range(1, 31)], [float(day) for day in range(1, 31)]))

        assert series.is_daily
        assert series.values.tolist() == [float(day) for day in range(1, 31)]

    def test_a_gap_holds_no_number(self) -> None:
        series, _ = read(table(DAY[:10] + DAY[20:], VALUES[:10] + VALUES[20:]))

        assert np.isnan(series.values[10:20]).all()
        assert not np.isnan(series.values[20:]).any()


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "no rows"),
            (b"datetime,kwh\n", "no rows"),
            (b"\x00\x01\x02\x03" * 100, "not a text file"),
            (b"\x1f\x8b" + b"nonsense" * 20, "damaged"),
            (b"hello\nworld\n", "not a table"),
            (b"a,b\nx,1\ny,2\n", "no time could be read"),
            (table([f"2024-{month:02d}-01" for month in range(1, 13)], [1.0] * 12), "days apart"),
            (table(stamps("2024-01-01", 40, 180), [1.0] * 40), "every 3 hours"),
            (table(DAY, ["much"] * 48), "no column of numbers"),
            (b"datetime,north,south\n" + b"\n".join(f"{time},1,2".encode() for time in DAY), "several columns"),
            (_wide(), "a column for each hour"),
        ],
        ids=[
            "nothing",
            "header",
            "binary",
            "gzip",
            "prose",
            "times",
            "monthly",
            "three hours",
            "words",
            "two columns",
            "wide",
        ],
    )
    def test_what_is_no_meter_is_refused_with_a_sentence(self, data: bytes, words: str) -> None:
        with pytest.raises(BadInput, match=words):
            read(data)

    def test_a_column_that_is_not_there_is_named_with_those_that_are(self) -> None:
        with pytest.raises(BadInput, match="no column 'heat'; it has datetime, kwh"):
            read(table(DAY, VALUES), column="heat")

    @given(st.binary(max_size=400))
    def test_no_bytes_end_in_anything_but_a_series_or_a_sentence(self, data: bytes) -> None:
        with contextlib.suppress(BadInput):
            read(data)

    @given(
        st.lists(
            st.tuples(st.text("0123456789-: T.,/Zza", max_size=20), st.text("0123456789.-eInfa, ", max_size=8)),
            max_size=30,
        )
    )
    def test_no_rows_do_either(self, rows: list[tuple[str, str]]) -> None:
        data = "\n".join(["datetime;kwh", *(f"{time};{value}" for time, value in rows)]).encode()
        try:
            series, _ = read(data, zone="Europe/Belgrade")
        except BadInput:
            return
        assert not np.isinf(series.values).any()


class TestClock:
    def test_the_hour_that_comes_twice_is_two_hours(self) -> None:
        times = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]

        series, findings = read(table(times, [1.0, 2.0, 3.0, 4.0]), zone="Europe/Belgrade")

        assert series.values.tolist() == [1.0, 2.0, 3.0, 4.0]
        assert findings == []

    def test_a_clock_that_never_changes_is_noticed(self) -> None:
        series, findings = read(table(stamps("2024-03-30", 72, 60), [1.0] * 60 + [2.0] * 12), zone="Europe/Belgrade")

        assert codes(findings) == {"clock-stands-still"}
        assert len(series) == 72

    @given(
        st.integers(0, 400),
        st.sampled_from(["Europe/Belgrade", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    )
    def test_days_add_up_to_what_was_read_in_any_zone(self, offset: int, zone: str) -> None:
        start = np.datetime64("2024-01-01T00", "h") + np.timedelta64(offset * 24, "h")
        values = np.arange(24 * 40, dtype=float) + 1
        grid = day_grid(Series("meter", start, values, "KWH", zone))

        assert grid.daily(values).sum() == pytest.approx(values.sum())
        assert (grid.hour_of_step >= 0).all()
        assert (grid.hour_of_step < 24).all()


class TestRepeats:
    def test_the_same_row_twice_counts_once(self) -> None:
        series, findings = read(table([*DAY, DAY[3]], [*VALUES, VALUES[3]]))

        assert series.values.tolist() == VALUES
        assert [finding.severity for finding in findings] == ["repaired"]

    def test_another_value_at_the_same_time_is_a_warning(self) -> None:
        _, findings = read(table([*DAY, DAY[3]], [*VALUES, 99.0]))

        assert [(finding.code, finding.severity) for finding in findings] == [("duplicates", "warning")]

    @given(st.permutations(range(48)))
    def test_the_order_of_rows_says_nothing(self, order: list[int]) -> None:
        times = np.datetime64("2024-01-01T00", "s") + np.arange(48) * np.timedelta64(3600, "s")
        values = np.array(VALUES)

        series, _ = to_series(times[order], values[order], name="meter", unit="KWH", zone="UTC", kind="amount")

        assert series.values.tolist() == VALUES
