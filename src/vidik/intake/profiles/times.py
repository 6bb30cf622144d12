"""Times as devices write them, turned into whole microseconds since 1970 in UTC. Nothing is guessed.

A time without an offset is read only where the profile names its zone. When clocks go back, one hour of local
time happens twice: the profile says which of the two is meant, or the message is refused. When clocks go
forward, one hour does not exist: a time in it is refused.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from vidik.intake.profiles.reading import Rejected
from vidik.kernel.clock import EPOCH, MICROSECOND

Ambiguous = Literal["earlier", "later", "reject"]
TimeParser = Callable[[Any], int]

# datetime.fromisoformat takes more than a device should write (a date alone, week dates, digits without
# colons).
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII)
_UNITS = {"unix_s": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
_LAST_MICROSECOND = 253_402_300_800_000_000  # the year 10000


def compile_time(field: str, form: str, zone: str | None, ambiguous: Ambiguous) -> TimeParser:
    """Return a parser for times of `form` (iso8601, unix_s, unix_ms, unix_us or a strptime pattern).

    The parser raises Rejected, naming `field`.
    """
    if form in _UNITS:
        return _unix(field, _UNITS[form])
    place = ZoneInfo(zone) if zone is not None else None
    if form == "iso8601":
        return _text(field, _read_iso, place, ambiguous)

    def read_pattern(text: str) -> datetime:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the caller gives it the profile's zone

    return _text(field, read_pattern, place, ambiguous)


def local_to_utc(field: str, moment: datetime, zone: tzinfo, ambiguous: Ambiguous) -> datetime:
    """Return the UTC time of a local `moment`.

    Raises Rejected where that time never was, or was twice and the profile does not say which is meant.
    """
    first = moment.replace(tzinfo=zone, fold=0)
    second = moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    earlier = first.astimezone(UTC)
    if earlier.astimezone(zone).replace(tzinfo=None) != moment:
        raise Rejected(field, "this local time did not exist: the clocks went forward over it", str(moment))
    if ambiguous == "reject":
        raise Rejected(field, "this local time happened twice: the clocks went back over it", str(moment))
    return earlier if ambiguous == "earlier" else second.astimezone(UTC)


def _read_iso(text: str) -> datetime:
    if _ISO.fullmatch(text) is None:
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _text(field: str, read: Callable[[str], datetime], zone: tzinfo | None, ambiguous: Ambiguous) -> TimeParser:
    def parse(value: Any) -> int:
        if type(value) is not str:
            raise Rejected(field, "the time must be text", value)
        try:
            moment = read(value)
            if moment.tzinfo is None:
                if zone is None:
                    raise Rejected(field, "the time has no offset from UTC and the profile names no zone", value)
                moment = local_to_utc(field, moment, zone, ambiguous)
            return (moment - EPOCH) // MICROSECOND
        except (ValueError, OverflowError):
            raise Rejected(field, "the time cannot be read", value) from None

    return parse


def _unix(field: str, factor: int) -> TimeParser:
    last = _LAST_MICROSECOND // factor

    def parse(value: Any) -> int:
        kind = type(value)
        if kind is not int and kind is not float:
            raise Rejected(field, "the time must be a number", value)
        if not 0 <= value < last:
            raise Rejected(field, "the time is outside every calendar", value)
        return int(value * factor) if kind is int else round(value * factor)

    return parse
