"""Times as files write them, into UTC; a file is read by one convention throughout."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.grid import utc_offsets
from vidik.pilots.outcome import Finding

Times = NDArray[np.datetime64]
SECONDS_AN_HOUR = 3600
SAMPLE = 200
READABLE_SHARE = 0.5
EARLIEST, LATEST = np.datetime64("1900-01-01"), np.datetime64("2200-01-01")
FORMATS = (
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y. %H:%M",
    "%d.%m.%Y. %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y.",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%d-%b-%Y %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%Y%m%d %H:%M",
    "%Y%m%d%H%M",
    "%Y%m%d",
)
"""Beside ISO 8601 and seconds or milliseconds since 1970. Day before month where both would do."""
_MIDNIGHT = re.compile(r"([ T])24:00")
EPOCH_SECONDS = (1e8, 1e11)
EPOCH_MILLISECONDS = (1e11, 1e14)


def parse_times(texts: Sequence[str]) -> tuple[Times, bool] | None:
    """Times to the second (NaT where one cannot be read), and whether they carry their offset and so are UTC.

    None where less than half of the first 200 texts can be read in any one way.
    """
    sample = [text for text in texts[:SAMPLE] if text]
    if not sample:
        return None
    if any(_MIDNIGHT.search(text) for text in sample):
        return _with_midnights(texts)
    if _numeric(sample):
        return _epochs(texts)
    if _offset(sample[0]) is not None:
        return _each(texts, _iso_utc), True
    if np.mean([text[4:5] == "-" and len(text) >= len("2024-01-31") for text in sample]) >= READABLE_SHARE:
        times = _iso(texts)
        return (times, False) if _share(times[:SAMPLE]) >= READABLE_SHARE else None
    best = max(FORMATS, key=lambda form: _agreement(texts, form))
    if _agreement(texts, best) < READABLE_SHARE:
        return None
    return _each(texts, lambda text: _strptime(text, best)), False


def _with_midnights(texts: Sequence[str]) -> tuple[Times, bool] | None:
    """A file whose days end at 24:00, which is the next day's first moment (ISO 8601-1:2019, 4.3.8)."""
    ends = np.array([_MIDNIGHT.search(text) is not None for text in texts], dtype=np.bool_)
    parsed = parse_times(
        [_MIDNIGHT.sub(r"\g<1>00:00", text) if end else text for text, end in zip(texts, ends, strict=True)]
    )
    if parsed is None:
        return None
    times, is_utc = parsed
    return times + ends * np.timedelta64(1, "D"), is_utc


def to_utc(local: Times, zone: str) -> tuple[Times, list[Finding]]:
    """Wall-clock times of a zone as UTC.

    In autumn one hour comes twice: when the file goes back in it, the second time is the later one. Where a file has
    values in hours that the clock skips in spring, its clock does not change: it is then taken to stand at the zone's
    standard time, and a finding says so.
    """
    known = ~np.isnat(local)
    if not known.any():
        return local, []
    seconds = local.astype("datetime64[s]").astype(np.int64)
    start = int(seconds[known].min()) // SECONDS_AN_HOUR - 30
    length = int(seconds[known].max()) // SECONDS_AN_HOUR + 30 - start
    offsets = utc_offsets(start, length, zone)
    hours = np.where(known, seconds, seconds[known][0]) // SECONDS_AN_HOUR - start
    standard = int(offsets.min())
    earlier = hours - int(offsets.max())
    later = hours - standard
    as_summer = offsets[earlier] == hours - earlier
    as_winter = offsets[later] == hours - later
    skipped = known & ~as_summer & ~as_winter
    doubled = known & as_summer & as_winter & (earlier != later)
    findings: list[Finding] = []
    if skipped.any() and _stands_still(hours[skipped], hours[known], offsets):
        findings.append(
            Finding(
                "clock-stands-still",
                "note",
                "The times run through the hour that clocks skip in spring, so they were read as standard time of "
                f"{zone} all year.",
                values={"zone": zone, "hours": int(skipped.sum())},
            )
        )
        return _shifted(local, np.full(len(hours), standard)), findings
    shift = np.where(as_summer, offsets[earlier], standard)
    if doubled.any():
        shift[_second_time(seconds, doubled)] = standard
    return _shifted(local, shift), findings


def _stands_still(skipped: NDArray[np.int64], known: NDArray[np.int64], offsets: NDArray[np.int64]) -> bool:
    """Whether most of the clock's spring changes that the file spans have values in the skipped hour."""
    changes = np.flatnonzero(np.diff(offsets) > 0) + 1
    local = changes + offsets[changes - 1]
    spanned = local[(local > known.min()) & (local < known.max())]
    return bool(len(spanned)) and len(np.intersect1d(spanned, skipped)) * 2 >= len(spanned)


def _second_time(seconds: NDArray[np.int64], doubled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which times of doubled hours come after the file's clock went back."""
    second = np.zeros(len(seconds), dtype=np.bool_)
    places = np.flatnonzero(doubled)
    if len(places) < 2:
        return second
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    for run in np.split(places, breaks):
        steps = np.diff(seconds[run])
        if len(steps) == 0:
            continue
        forward = np.median(steps) >= 0
        back = np.flatnonzero((steps <= 0) if forward else (steps >= 0))
        if len(back):
            second[run[back[0] + 1 :] if forward else run[: back[0] + 1]] = True
    return second


def _shifted(local: Times, hours: NDArray[np.int64]) -> Times:
    shifted: Times = local - (hours * SECONDS_AN_HOUR).astype("timedelta64[s]")
    return shifted


def _numeric(sample: Sequence[str]) -> bool:
    try:
        numbers = np.array([float(text) for text in sample])
    except ValueError:
        return False
    return bool(np.all((numbers >= EPOCH_SECONDS[0]) & (numbers < EPOCH_MILLISECONDS[1]))) and not all(
        len(text) in (8, 12) and text[:2] in ("19", "20") and _strptime(text, _compact(text)) for text in sample
    )


def _compact(text: str) -> str:
    return "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M"


def _epochs(texts: Sequence[str]) -> tuple[Times, bool]:
    def read(text: str) -> datetime | None:
        try:
            number = float(text)
        except ValueError:
            return None
        seconds = number / 1000 if number >= EPOCH_MILLISECONDS[0] else number
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if 0 <= seconds < 1e11 else None

    return _each(texts, read), True


def _offset(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _iso_utc(text: str) -> datetime | None:
    moment = _offset(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None


def _iso(texts: Sequence[str]) -> Times:
    """ISO 8601 without offset: all at once, and one by one only where a text spoils it."""
    try:
        times = np.array(texts, dtype="datetime64[s]")
    except ValueError:
        return _each(texts, _plain_iso)
    # A year alone, or a wild one, is a time to numpy; to us it is a mistake in the file.
    times[(times < EARLIEST) | (times > LATEST)] = np.datetime64("NaT", "s")
    return times


def _plain_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _strptime(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007  the zone is applied to all at once
    except ValueError:
        return None


def _each(texts: Sequence[str], read: Callable[[str], datetime | None]) -> Times:
    times = np.array([read(text) for text in texts], dtype="datetime64[s]")
    times[(times < EARLIEST) | (times > LATEST)] = np.datetime64("NaT", "s")
    return times


def _share(times: Times) -> float:
    return float((~np.isnat(times)).mean()) if len(times) else 0.0


def _agreement(texts: Sequence[str], form: str) -> float:
    """Share of a sample through the whole file that the form reads, a little less where its order jumps about."""
    stride = max(1, len(texts) // SAMPLE)
    times = _each([text for text in texts[::stride] if text], lambda text: _strptime(text, form))
    share = _share(times)
    steps = np.diff(times[~np.isnat(times)].astype(np.int64))
    orderly = max(float((steps > 0).mean()), float((steps < 0).mean())) if len(steps) else 1.0
    return share * (0.9 + 0.1 * orderly)


def refuse_unreadable(name: str, example: str) -> BadInput:
    """What to tell where no column holds times that can be read."""
    return BadInput(
        f"{name}: no time could be read, for example '{example[:40]}'. Write times as 2024-01-31 14:00.",
        field="datetime",
        code="times-unreadable",
        values={"name": name, "example": example[:40]},
    )
