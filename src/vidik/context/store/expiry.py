"""Attributes that expire (ETSI GS CIM 009, clause 4.22): what of a document is still valid, and whose turn is next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from vidik.context.store import arrays
from vidik.context.store.document import Document, Instance, instances_of, microseconds_of
from vidik.kernel.database import Connection

EXPIRES_AT: Final = "expiresAt"
_MOST_AT_ONCE: Final = 1000
noted = 0
"""How often this process has noted that something expires: whoever remembers what is next looks again."""


def has_passed(text: str) -> bool:
    """Whether a stored date-time is not in the future."""
    return microseconds_of(text) <= time.time() * 1_000_000


def is_valid(instance: Instance) -> bool:
    """Whether an instance of an attribute has not expired."""
    return EXPIRES_AT not in instance or not has_passed(instance[EXPIRES_AT])


def still_valid(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document without the instances and sub-attributes that have expired; itself where there are none."""
    kept: Document = {}
    changed = False
    for name, stored in document.items():
        # An address names an attribute or sub-attribute; members of instances have no colon.
        if ":" not in name or not isinstance(stored, dict | list):
            kept[name] = stored
            continue
        before = instances_of(stored)
        after = [still_valid(one) for one in before if is_valid(one)]
        if len(after) == len(before) and all(one is other for one, other in zip(after, before, strict=True)):
            kept[name] = stored
            continue
        changed = True
        if after:
            kept[name] = after if isinstance(stored, list) else after[0]
    return kept if changed else document


def next_expiry(document: Mapping[str, Any]) -> int | None:
    """When the first attribute of a document expires, in microseconds since 1970; None where none does."""
    times = [
        microseconds_of(one[EXPIRES_AT])
        for stored in document.values()
        for one in instances_of(stored)
        if EXPIRES_AT in one
    ]
    return min(times) if times else None


async def note(connection: Connection, turns: Sequence[tuple[str, int]]) -> None:
    """Remember when attributes of entities expire: (id, microseconds since 1970); the earlier time stands."""
    if turns:
        global noted
        noted += 1
        await connection.execute(
            "INSERT INTO attribute_expiry (entity_id, expires_at) SELECT * FROM unnest(%s, %s)"
            " ON CONFLICT (entity_id) DO UPDATE"
            " SET expires_at = least(excluded.expires_at, attribute_expiry.expires_at)",
            [arrays.texts([one for one, _ in turns]), arrays.optional_moments([moment for _, moment in turns])],
        )


async def next_due(connection: Connection) -> datetime | None:
    """When the first attribute expires that nobody has deleted yet."""
    cursor = await connection.execute("SELECT min(expires_at) AS next FROM attribute_expiry")
    row = await cursor.fetchone()
    return row["next"] if row else None


async def take_due(connection: Connection) -> list[str]:
    """The entities of which an attribute may have expired; whoever takes them sees to them."""
    cursor = await connection.execute(
        "DELETE FROM attribute_expiry WHERE entity_id IN (SELECT entity_id FROM attribute_expiry"
        " WHERE expires_at <= now() ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING entity_id",
        [_MOST_AT_ONCE],
    )
    return [row["entity_id"] for row in await cursor.fetchall()]
