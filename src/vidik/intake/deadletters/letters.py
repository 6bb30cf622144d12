"""A message, or a part of one, that intake refused: kept whole, with the field and the reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as member

import orjson
from prometheus_client import Counter

from vidik.kernel.clock import from_microseconds
from vidik.kernel.database import Connection

PAYLOAD_LIMIT = 256 * 1024
_TEXT_LIMIT = 512

_COUNTED = Counter("vidik_dead_letters", "Messages refused in whole or in part.", ["door", "reason"])
_MOST_REASONS = 64
_VALUE_FIRST = re.compile(r"^[-+0-9.e, ]+ is ")
_known_reasons: set[str] = set()


@dataclass(slots=True)
class Refusal:
    """One value of a message that was refused."""

    field: str | None
    reason: str
    value: str | None = None


@dataclass(slots=True)
class Letter:
    """One refused message: the first refusal, the other ones, and the payload as it came.

    `received_at` is in microseconds since 1970.
    """

    device_id: str
    principal_id: str
    door: str
    topic: str
    received_at: int
    reason: str
    payload: bytes
    field: str | None = None
    value: str | None = None
    others: list[Refusal] = member(default_factory=list)


_STORE = """
    INSERT INTO dead_letter
           (device_id, principal_id, door, topic, received_at, field, reason, value, others, payload, size)
    SELECT device_id, principal_id, door, topic, received_at, field, reason, value,
           others::jsonb, payload, size
      FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[],
                  %s::text[], %s::text[], %s::bytea[], %s::int[])
        AS letter (device_id, principal_id, door, topic, received_at, field, reason,
                   value, others, payload, size)
"""


async def store(connection: Connection, letters: Sequence[Letter]) -> None:
    """Insert refused messages in one statement, in the caller's transaction.

    Never fails for what a device sent: text is made storable, payloads over 256 KiB are cut (`size` tells).
    """
    if not letters:
        return
    await connection.execute(
        _STORE,
        [
            [_storable(letter.device_id) for letter in letters],
            [_storable(letter.principal_id) for letter in letters],
            [letter.door for letter in letters],
            [_storable(letter.topic) for letter in letters],
            [from_microseconds(letter.received_at) for letter in letters],
            [_storable(letter.field) for letter in letters],
            [_storable(letter.reason) for letter in letters],
            [_storable(letter.value) for letter in letters],
            [_others(letter) for letter in letters],
            [letter.payload[:PAYLOAD_LIMIT] for letter in letters],
            [len(letter.payload) for letter in letters],
        ],
    )


def count(letters: Sequence[Letter]) -> None:
    """Count refused messages for Prometheus; call it after the commit."""
    for letter in letters:
        _COUNTED.labels(letter.door, _label(letter.reason)).inc()


def _label(reason: str) -> str:
    """A reason as a metric's label: without the value it begins with, and bounded whatever profiles say."""
    reason = _VALUE_FIRST.sub("… is ", reason)
    if reason not in _known_reasons:
        if len(_known_reasons) >= _MOST_REASONS:
            return "other"
        _known_reasons.add(reason)
    return reason


def _others(letter: Letter) -> str | None:
    if not letter.others:
        return None
    return orjson.dumps(
        [
            {"field": _storable(one.field), "reason": _storable(one.reason), "value": _storable(one.value)}
            for one in letter.others
        ]
    ).decode()


def _storable(text: str | None) -> str | None:
    """Text that PostgreSQL takes: no NUL, no lone surrogates, not endless."""
    if text is None:
        return None
    return text[:_TEXT_LIMIT].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
