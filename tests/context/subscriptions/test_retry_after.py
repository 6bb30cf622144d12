"""Retry-After of a receiver: seconds or a date, up to an hour (RFC 9110, section 10.2.3)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.subscriptions.retry_after import LONGEST_SECONDS, wait_seconds

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (b"120", 120),
        (b" 0 ", 0),
        (b"86400", LONGEST_SECONDS),
        (b"9" * 5000, LONGEST_SECONDS),
        (b"Mon, 23 Nov 2026 12:01:30 GMT", 90),
        (b"Monday, 23-Nov-26 12:01:30 GMT", 90),
        (b"Mon Nov 23 12:01:30 2026", 90),
        (b"Mon, 23 Nov 2026 11:00:00 GMT", 0),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_SECONDS),
        (b"-5", 0),
        (b"1.5", 0),
        (b"soon", 0),
        (b"\xd9\xa3", 0),
        (b"", 0),
    ],
)
def test_what_is_asked_for(asked: bytes, seconds: float) -> None:
    assert wait_seconds(503, asked, b"", NOON) == seconds


def test_a_date_is_told_by_the_clock_of_the_receiver() -> None:
    its_date = b"Mon, 23 Nov 2026 13:00:00 GMT"

    assert wait_seconds(429, b"Mon, 23 Nov 2026 13:00:20 GMT", its_date, NOON) == 20


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_only_who_has_no_time_is_heeded(status: int) -> None:
    assert wait_seconds(status, b"120", b"", NOON) == 0


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_header_is_a_failure(asked: bytes, its_date: bytes) -> None:
    assert 0 <= wait_seconds(503, asked, its_date, NOON) <= LONGEST_SECONDS
