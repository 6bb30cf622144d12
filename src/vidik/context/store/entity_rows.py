"""Binary COPY rows for new entities (PostgreSQL manual, COPY, "Binary Format"; types: their `…_send` in its source)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from vidik.context.store import arrays
from vidik.context.store.rows import HEADER, POSTGRES_EPOCH, TRAILER
from vidik.kernel.clock import to_microseconds

COLUMNS: Final = "key, id, kind, scope, document, several, place, created_at, modified_at, observed_at, expires_at"

_FIELDS: Final = COLUMNS.count(",") + 1
_HEAD = struct.Struct(">hiqi")
_KIND = struct.Struct(">iq")
_LENGTH = struct.Struct(">i")
_FLAG = struct.Struct(">i?")
_BOX = struct.Struct(">i4d")
_TIME = struct.Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_JSONB_VERSION: Final = b"\x01"

Box = tuple[float, float, float, float]
"""(west, south, east, north) in degrees."""


class NewEntity(NamedTuple):
    """The columns of an entity that is not there yet; times in microseconds since 1970."""

    key: int
    id: str
    kind: int
    scope: list[str] | None
    document: bytes
    several: bool
    place: Box | None
    observed_at: int | None
    expires_at: int | None


def copy_buffer(entities: Sequence[NewEntity], moment: datetime) -> bytes:
    """The bytes of one binary COPY of entities that are created at a moment."""
    created_at = _time(to_microseconds(moment)) * 2  # modified then, too
    parts = [HEADER]
    for one in entities:
        name = one.id.encode()
        parts += (
            _HEAD.pack(_FIELDS, 8, one.key, len(name)),
            name,
            _KIND.pack(8, one.kind),
            _texts(one.scope) if one.scope else _NULL,
            _LENGTH.pack(len(one.document) + 1),
            _JSONB_VERSION,
            one.document,
            _FLAG.pack(1, one.several),
            _box(one.place) if one.place else _NULL,
            created_at,
            _NULL if one.observed_at is None else _time(one.observed_at),
            _NULL if one.expires_at is None else _time(one.expires_at),
        )
    parts.append(TRAILER)
    return b"".join(parts)


def _texts(items: Sequence[str]) -> bytes:
    body = arrays.texts(items).body
    return _LENGTH.pack(len(body)) + body


def _box(place: Box) -> bytes:
    west, south, east, north = place
    return _BOX.pack(32, east, north, west, south)


def _time(microseconds: int) -> bytes:
    return _TIME.pack(8, microseconds - POSTGRES_EPOCH)
