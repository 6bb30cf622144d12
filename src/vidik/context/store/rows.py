"""Binary COPY rows for observations, made a whole batch at a time (PostgreSQL manual, COPY, "Binary Format")."""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

COLUMNS = "observed_at, recorded_at, number, series, json"

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970."""

_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("observed_length", ">i4"),
        ("observed", ">i8"),
        ("recorded_length", ">i4"),
        ("recorded", ">i8"),
        ("number_length", ">i4"),
        ("number", ">f8"),
        ("series_length", ">i4"),
        ("series", ">i8"),
        ("json_length", ">i4"),
    ]
)
_WITH_NUMBER = struct.Struct(">hiqiqidiqib")
_WITHOUT_NUMBER = struct.Struct(">hiqiqiiqib")
_NULL: Final = -1
_JSONB_VERSION: Final = 1

JsonRow = tuple[int, int, int, float | None, str | bytes]
"""(series, observed at, recorded at, number, json); times in microseconds since 1970."""


def copy_buffer(
    series: Sequence[int] | npt.NDArray[np.int64],
    observed_at: Sequence[int] | npt.NDArray[np.int64],
    numbers: Sequence[float] | npt.NDArray[np.float64],
    recorded_at: int,
    json_rows: Sequence[JsonRow] = (),
) -> bytes:
    """The bytes of one binary COPY: plain numbers as parallel sequences, everything else as `json_rows`."""
    rows = np.empty(len(series), _ROW)
    rows["fields"] = 5
    for name in ("observed_length", "recorded_length", "number_length", "series_length"):
        rows[name] = 8
    rows["json_length"] = -1
    rows["observed"] = np.asarray(observed_at, dtype=np.int64) - POSTGRES_EPOCH
    rows["recorded"] = recorded_at - POSTGRES_EPOCH
    rows["number"] = numbers
    rows["series"] = series
    parts = [HEADER, rows.tobytes()]
    parts.extend(_json_row(row) for row in json_rows)
    parts.append(TRAILER)
    return b"".join(parts)


def _json_row(row: JsonRow) -> bytes:
    series, observed_at, recorded_at, number, json = row
    body = json if isinstance(json, bytes) else json.encode()
    times = 8, observed_at - POSTGRES_EPOCH, 8, recorded_at - POSTGRES_EPOCH
    if number is None:
        return _WITHOUT_NUMBER.pack(5, *times, _NULL, 8, series, len(body) + 1, _JSONB_VERSION) + body
    return _WITH_NUMBER.pack(5, *times, 8, number, 8, series, len(body) + 1, _JSONB_VERSION) + body
