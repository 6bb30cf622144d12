"""Time inside Vidik: aware UTC datetimes at the borders, whole microseconds since 1970 on the hot path."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Europe/Belgrade")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def now_microseconds() -> int:
    """Whole microseconds since 1970-01-01T00:00Z."""
    return time.time_ns() // 1000


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The UTC datetime of whole microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a `Z`; no fraction when the moment has none, else milli- or microseconds."""
    text = moment.astimezone(UTC).replace(tzinfo=None)
    if not text.microsecond:
        return text.isoformat(timespec="seconds") + "Z"
    if text.microsecond % 1000:
        return text.isoformat(timespec="microseconds") + "Z"
    return text.isoformat(timespec="milliseconds") + "Z"
