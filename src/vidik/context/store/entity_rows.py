"""Binary COPY rows for new entities (PostgreSQL manual, COPY, "Binary Format"; types: their `…_send` in its source)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
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
_DOCUMENT = struct.Struct(">ib")
_FLAG = struct.Struct(">i?")
_BOX = struct.Struct(">i4d")
_TIME = struct.Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_JSONB_VERSION: Final = 1

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


def copy_buffer(entities: Iterable[NewEntity], moment: datetime) -> bytes:
    """The bytes of one binary COPY of entities that are created at a moment."""
    created_at = _time(to_microseconds(moment)) * 2  # modified then, too
    parts = [HEADER]
    for key, entity_id, kind, scope, document, several, place, observed_at, expires_at in entities:
        name = entity_id.encode()
        parts += (
            _HEAD.pack(_FIELDS, 8, key, len(name)),
            name,
            _KIND.pack(8, kind),
            _texts(scope) if scope else _NULL,
            _DOCUMENT.pack(len(document) + 1, _JSONB_VERSION),
            document,
            _FLAG.pack(1, several),
            _box(place) if place else _NULL,
            created_at,
            _NULL if observed_at is None else _time(observed_at),
            _NULL if expires_at is None else _time(expires_at),
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
