"""What a receiver asks for that has no time now: Retry-After (RFC 9110, section 10.2.3; RFC 6585, section 4). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

HEEDED: Final = frozenset((429, 503))
LONGEST_SECONDS: Final = 3600.0
"""Longer than this nobody is left alone: what is owed waits meanwhile, and the city may need it told."""


def wait_seconds(status: int, asked: bytes, its_date: bytes, moment: datetime) -> float:
    """Seconds to leave a receiver alone; 0 where it does not ask, or not so that it can be read.

    `its_date` is the header Date of the same answer: a date to come is told by the receiver's own clock.
    """
    text = asked.decode("latin-1").strip()
    if status not in HEEDED or not text:
        return 0.0
    if text.isdecimal() and text.isascii():
        # So many digits are an hour in any case, and int() has a limit of its own.
        return min(float(text) if len(text) <= 10 else LONGEST_SECONDS, LONGEST_SECONDS)
    until = _date(text)
    if until is None:
        return 0.0
    seconds = (until - (_date(its_date.decode("latin-1")) or moment)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text.strip())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # "-0000", or no zone: HTTP's dates are all of Greenwich.
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
