"""Closed days as chunks: one series' day of observations packed into a few bytes a value.

Layout: version byte, count, then four length-prefixed sections, compressed together by Zstandard:
times (microseconds, differences), recorded minus observed (differences, in microseconds), numbers, and the JSON of
the values that are not plain numbers. Times of a device that reports every few minutes differ by nearly the same
amount, so their second differences are mostly zeros.

Numbers with up to four decimals (nearly every sensor) are kept as scaled integers, and as differences, if that gives
back exactly the same floating-point number; otherwise as the raw 64 bits. Nothing is rounded. Bytes of equal weight
are put side by side before compression (the "shuffle" of HDF5 and Blosc).
"""

import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

Times = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

_VERSION = 1
_HEAD = struct.Struct("<BBI4I")
_RAW = 255
_LEVEL = 6
_local = threading.local()


@dataclass(slots=True)
class SeriesRows:
    """Observations of one series, ordered by time: parallel arrays.

    `times` and `recorded` are microseconds since 1970 (UTC). `numbers` has NaN where a value is not a number.
    `json` holds the JSON text of values that are more than a number, by position; missing means a plain number.
    """

    times: Times
    recorded: Times
    numbers: Numbers
    json: dict[int, str]

    def __len__(self) -> int:
        return len(self.times)


def empty() -> SeriesRows:
    """No observations."""
    return SeriesRows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64), {})


def pack(rows: SeriesRows) -> bytes:
    """A chunk of one series' observations, which must be ordered by time."""
    scale, numbers = _pack_numbers(rows.numbers)
    sections = (
        _shuffle(_second_differences(rows.times)),
        _shuffle(np.diff(rows.recorded - rows.times, prepend=0)),
        _shuffle(numbers),
        msgspec.msgpack.encode(rows.json) if rows.json else b"",
    )
    head = _HEAD.pack(_VERSION, scale, len(rows), *(len(section) for section in sections))
    return head + _compressor().compress(b"".join(sections))


def unpack(chunk: bytes) -> SeriesRows:
    """The observations of a chunk. Raises ValueError for a chunk of a version that this Vidik does not know."""
    version, scale, count, *lengths = _HEAD.unpack_from(chunk)
    if version != _VERSION:
        raise ValueError(f"a chunk of version {version}; this Vidik reads version {_VERSION}")
    body = _decompressor().decompress(memoryview(chunk)[_HEAD.size :])
    ends = np.cumsum(lengths)
    times_raw, recorded_raw, numbers_raw, json_raw = (
        body[end - length : end] for end, length in zip(ends, lengths, strict=True)
    )
    times = np.cumsum(np.cumsum(_unshuffle(times_raw, count)))
    recorded = np.cumsum(_unshuffle(recorded_raw, count)) + times
    packed = _unshuffle(numbers_raw, count)
    numbers = packed.view(np.float64) if scale == _RAW else np.cumsum(packed) / 10.0**scale
    json = msgspec.msgpack.decode(json_raw, type=dict[int, str]) if json_raw else {}
    return SeriesRows(times, recorded, numbers, json)


def merge(parts: Sequence[SeriesRows]) -> SeriesRows:
    """One series from several parts, ordered by time; of two values of the same time the earlier part's stands."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty()
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    keep = order[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    json: dict[int, str] = {}
    if any(part.json for part in parts):
        offset = 0
        texts: dict[int, str] = {}
        for part in parts:
            texts.update({offset + index: text for index, text in part.json.items()})
            offset += len(part)
        json = {place: texts[index] for place, index in enumerate(keep.tolist()) if index in texts}
    return SeriesRows(
        times[keep],
        np.concatenate([part.recorded for part in parts])[keep],
        np.concatenate([part.numbers for part in parts])[keep],
        json,
    )


def between(rows: SeriesRows, start: int, end: int) -> SeriesRows:
    """The observations with start <= time < end (microseconds)."""
    low, high = np.searchsorted(rows.times, [start, end])
    if low == 0 and high == len(rows):
        return rows
    json = {index - int(low): text for index, text in rows.json.items() if low <= index < high}
    return SeriesRows(rows.times[low:high], rows.recorded[low:high], rows.numbers[low:high], json)


def _pack_numbers(numbers: Numbers) -> tuple[int, Times]:
    if np.all(np.isfinite(numbers)):
        for scale in range(5):
            factor = 10.0**scale
            scaled = np.round(numbers * factor)
            if np.any(np.abs(scaled) > 2**52):
                break
            if np.array_equal(scaled / factor, numbers) and not np.any(np.signbit(numbers) & (numbers == 0)):
                whole: Times = scaled.astype(np.int64)
                return scale, np.diff(whole, prepend=np.int64(0))
    return _RAW, numbers.view(np.int64)


def _second_differences(times: Times) -> Times:
    return np.diff(np.diff(times, prepend=0), prepend=0)


def _shuffle(numbers: Times) -> bytes:
    # Zigzag first, so that small negative numbers have zero high bytes too.
    zigzag = (numbers << 1) ^ (numbers >> 63)
    return zigzag.view(np.uint8).reshape(-1, 8).T.tobytes()


def _unshuffle(raw: bytes, count: int) -> Times:
    zigzag = np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(8, count).T).view(np.uint64).reshape(count)
    return (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor
