"""Times: offsets, zones, and the hours that clocks repeat or leave out."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.intake.profiles import Rejected
from vidik.intake.profiles.times import compile_time

BELGRADE = "Europe/Belgrade"
LOCAL = "%Y-%m-%d %H:%M:%S"


def utc(year: int, month: int, day: int, *time: int) -> int:
    return int(datetime(year, month, day, *time, tzinfo=UTC).timestamp()) * 1_000_000


class TestIso:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2025-11-22T01:00:00Z", utc(2025, 11, 22, 1)),
            ("2025-11-22T01:00:00+01:00", utc(2025, 11, 22, 0)),
            ("2025-11-22 01:00Z", utc(2025, 11, 22, 1)),
            ("2025-11-22T01:00:00.250Z", utc(2025, 11, 22, 1) + 250_000),
            ("2025-11-22T01:00:00.123456789Z", utc(2025, 11, 22, 1) + 123_456),
        ],
    )
    def test_reads(self, text: str, expected: int) -> None:
        assert compile_time("t", "iso8601", None, "reject")(text) == expected

    @pytest.mark.parametrize(
        "text",
        ["", "2025-11-22", "2025-W47-6", "20251122T010000Z", "yesterday", "2025-11-22T25:00:00Z", "٢٠٢٥-11-22T01:00Z"],
    )
    def test_refuses_what_is_not_a_full_time(self, text: str) -> None:
        with pytest.raises(Rejected):
            compile_time("t", "iso8601", None, "reject")(text)

    def test_refuses_a_time_without_offset_when_no_zone_is_named(self) -> None:
        with pytest.raises(Rejected, match="no offset"):
            compile_time("t", "iso8601", None, "reject")("2025-11-22T01:00:00")


class TestLocalTimes:
    def test_reads_summer_and_winter(self) -> None:
        parse = compile_time("t", LOCAL, BELGRADE, "reject")

        assert parse("2024-07-01 12:00:00") == utc(2024, 7, 1, 10)
        assert parse("2024-12-01 12:00:00") == utc(2024, 12, 1, 11)

    def test_refuses_the_hour_that_clocks_leave_out(self) -> None:
        with pytest.raises(Rejected, match="did not exist"):
            compile_time("t", LOCAL, BELGRADE, "earlier")("2023-03-26 02:00:00")

    def test_reads_the_repeated_hour_as_the_profile_says(self) -> None:
        assert compile_time("t", LOCAL, BELGRADE, "earlier")("2023-10-29 02:00:00") == utc(2023, 10, 29, 0)
        assert compile_time("t", LOCAL, BELGRADE, "later")("2023-10-29 02:00:00") == utc(2023, 10, 29, 1)

    def test_refuses_the_repeated_hour_when_the_profile_does_not_say(self) -> None:
        with pytest.raises(Rejected, match="happened twice"):
            compile_time("t", LOCAL, BELGRADE, "reject")("2023-10-29 02:30:00")

    @given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2037, 12, 31)))  # noqa: DTZ001  local times, whose zone comes with the profile
    def test_comes_back_to_the_same_wall_clock(self, moment: datetime) -> None:
        moment = moment.replace(microsecond=0)
        parse = compile_time("t", LOCAL, BELGRADE, "earlier")
        try:
            found = parse(moment.strftime(LOCAL))
        except Rejected:  # the hour that clocks leave out
            return
        back = datetime.fromtimestamp(found / 1_000_000, UTC).astimezone(ZoneInfo(BELGRADE))
        assert back.replace(tzinfo=None) == moment
        assert back.utcoffset() in (timedelta(hours=1), timedelta(hours=2))


class TestNumbers:
    def test_reads_seconds_milliseconds_and_microseconds(self) -> None:
        assert compile_time("t", "unix_s", None, "reject")(1_763_775_000) == 1_763_775_000_000_000
        assert compile_time("t", "unix_s", None, "reject")(1_763_775_000.5) == 1_763_775_000_500_000
        assert compile_time("t", "unix_ms", None, "reject")(1_763_775_000_250) == 1_763_775_000_250_000
        assert compile_time("t", "unix_us", None, "reject")(7) == 7

    @pytest.mark.parametrize("value", [True, "1763775000", None, -1, 1e18, float("inf"), float("nan")])
    def test_refuses_everything_else(self, value: object) -> None:
        with pytest.raises(Rejected):
            compile_time("t", "unix_s", None, "reject")(value)
