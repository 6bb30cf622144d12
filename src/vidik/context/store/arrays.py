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

_INT8, _TEXT, _TIMESTAMPTZ, _JSONB = 20, 25, 1184, 3802
_ARRAY_OF = {_INT8: 1016, _TEXT: 1009, _TIMESTAMPTZ: 1185, _JSONB: 3807}
_FIXED = np.dtype([("length", ">i4"), ("value", ">i8")])


class BinaryArray:
    """A one-dimensional array without nulls, ready to send."""

    __slots__ = ("body", "oid")

    def __init__(self, element: int, count: int, items: bytes) -> None:
        self.oid = _ARRAY_OF[element]
        head = _HEAD.pack(1 if count else 0, 0, element, count, 1) if count else struct.pack(">iiI", 0, 0, element)
        self.body = head + items


def bigints(numbers: Sequence[int]) -> BinaryArray:
    """A bigint[]."""
    return BinaryArray(_INT8, len(numbers), _fixed(np.asarray(numbers, np.int64)))


def moments(microseconds: Sequence[int]) -> BinaryArray:
    """A timestamptz[] of microseconds since 1970."""
    return BinaryArray(_TIMESTAMPTZ, len(microseconds), _fixed(np.asarray(microseconds, np.int64) - POSTGRES_EPOCH))


def texts(items: Sequence[str]) -> BinaryArray:
    """A text[]."""
    return BinaryArray(_TEXT, len(items), _variable([item.encode() for item in items]))


def documents(items: Sequence[str]) -> BinaryArray:
    """A jsonb[] of JSON texts."""
    return BinaryArray(_JSONB, len(items), _variable([b"\x01" + item.encode() for item in items]))


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
