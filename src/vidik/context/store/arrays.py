"""PostgreSQL arrays in binary form, made at once from Python sequences.

psycopg's own array dumper looks at every element several times; for batches of thousands of readings that was most
of the writer's time. Layout: PostgreSQL source, `array_send`.
"""

import struct
from collections.abc import Sequence

import numpy as np
from psycopg import adapters, pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, PyFormat

from vidik.context.store.rows import POSTGRES_EPOCH

_HEAD = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")

_BOOL, _INT8, _TEXT, _FLOAT8, _TIMESTAMPTZ, _JSONB = 16, 20, 25, 701, 1184, 3802
_ARRAY_OF = {_BOOL: 1000, _INT8: 1016, _TEXT: 1009, _FLOAT8: 1022, _TIMESTAMPTZ: 1185, _JSONB: 3807}
_NULL = _LENGTH.pack(-1)
_NUMBER = struct.Struct(">iq")
_FLOAT = struct.Struct(">id")
_TRUE, _FALSE = _LENGTH.pack(1) + b"\x01", _LENGTH.pack(1) + b"\x00"
_FIXED = np.dtype([("length", ">i4"), ("value", ">i8")])


class BinaryArray:
    """A one-dimensional array, ready to send."""

    __slots__ = ("body", "oid")

    def __init__(self, element: int, count: int, items: bytes, *, nulls: bool = False) -> None:
        self.oid = _ARRAY_OF[element]
        head = _HEAD.pack(1, nulls, element, count, 1) if count else struct.pack(">iiI", 0, 0, element)
        self.body = head + items


def bigints(numbers: Sequence[int]) -> BinaryArray:
    """A bigint[]."""
    return BinaryArray(_INT8, len(numbers), _fixed(np.asarray(numbers, np.int64)))


def moments(microseconds: Sequence[int]) -> BinaryArray:
    """A timestamptz[] of microseconds since 1970."""
    return BinaryArray(_TIMESTAMPTZ, len(microseconds), _fixed(np.asarray(microseconds, np.int64) - POSTGRES_EPOCH))


def optional_bigints(numbers: Sequence[int | None]) -> BinaryArray:
    """A bigint[] that may have nulls."""
    items = b"".join([_NULL if number is None else _NUMBER.pack(8, number) for number in numbers])
    return BinaryArray(_INT8, len(numbers), items, nulls=True)


def optional_moments(microseconds: Sequence[int | None]) -> BinaryArray:
    """A timestamptz[] of microseconds since 1970 that may have nulls."""
    items = b"".join([_NULL if at is None else _NUMBER.pack(8, at - POSTGRES_EPOCH) for at in microseconds])
    return BinaryArray(_TIMESTAMPTZ, len(microseconds), items, nulls=True)


def optional_floats(numbers: Sequence[float | None]) -> BinaryArray:
    """A float8[] that may have nulls."""
    items = b"".join([_NULL if number is None else _FLOAT.pack(8, number) for number in numbers])
    return BinaryArray(_FLOAT8, len(numbers), items, nulls=True)


def optional_documents(items: Sequence[str | bytes | None]) -> BinaryArray:
    """A jsonb[] of JSON texts that may have nulls."""
    bodies = [None if one is None else b"\x01" + (one.encode() if isinstance(one, str) else one) for one in items]
    parts = [_NULL if body is None else _LENGTH.pack(len(body)) + body for body in bodies]
    return BinaryArray(_JSONB, len(items), b"".join(parts), nulls=True)


def booleans(items: Sequence[bool]) -> BinaryArray:
    """A boolean[]."""
    return BinaryArray(_BOOL, len(items), b"".join([_TRUE if item else _FALSE for item in items]))


def texts(items: Sequence[str]) -> BinaryArray:
    """A text[]."""
    return BinaryArray(_TEXT, len(items), _variable([item.encode() for item in items]))


def documents(items: Sequence[str | bytes]) -> BinaryArray:
    """A jsonb[] of JSON texts."""
    bodies = [item.encode() if isinstance(item, str) else item for item in items]
    return BinaryArray(_JSONB, len(items), _variable([b"\x01" + body for body in bodies]))


def _variable(bodies: Sequence[bytes]) -> bytes:
    pack = _LENGTH.pack
    return b"".join([part for body in bodies for part in (pack(len(body)), body)])


def _fixed(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> bytes:
    rows = np.empty(len(numbers), _FIXED)
    rows["length"] = 8
    rows["value"] = numbers
    return rows.tobytes()


class _BinaryArrayDumper(Dumper):
    format = pq.Format.BINARY

    # psycopg remembers dumpers by this key: one for each element type.
    def get_key(self, obj: BinaryArray, _format: PyFormat) -> tuple[type, int]:  # type: ignore[override]
        return (self.cls, obj.oid)

    def upgrade(self, obj: BinaryArray, _format: PyFormat) -> Dumper:
        dumper = type(self)(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: BinaryArray) -> Buffer | None:
        return obj.body


adapters.register_dumper(BinaryArray, _BinaryArrayDumper)
