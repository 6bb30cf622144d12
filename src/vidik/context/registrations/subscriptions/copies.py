"""All SQL about the copies of subscriptions that other sources were given (ETSI GS CIM 009, clause 5.8.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from vidik.context.registrations.sources.model import Json
from vidik.kernel.database import Connection

_SHOWN = "remote_id, subscription, registration, source, sent, gone_at"


@dataclass(slots=True)
class Copy:
    """A subscription of ours at a source; its id there is known to us and that source alone."""

    remote_id: str
    subscription: int
    """The key of ours, which may have gone meanwhile."""
    registration: int
    source: Json
    """The registration as it was when the source was last asked: it may have gone meanwhile, too."""
    sent: Json | None
    """What the source has taken; None is nothing yet."""
    gone_at: datetime | None = None
    """Since when it is to be deleted."""


async def revisions(connection: Connection) -> tuple[int, int, bool]:
    """The revisions of registrations and of subscriptions, and whether there are copies."""
    cursor = await connection.execute(
        "SELECT (SELECT revision FROM registration_revision) AS registrations,"
        " (SELECT revision FROM subscription_revision) AS subscriptions,"
        " EXISTS (SELECT FROM subscription_copy) AS copies"
    )
    row = await cursor.fetchone()
    return (row["registrations"] or 0, row["subscriptions"] or 0, row["copies"]) if row else (0, 0, False)


async def every(connection: Connection) -> list[Copy]:
    """All copies of the tenant's subscriptions."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM subscription_copy ORDER BY remote_id")
    return [Copy(**row) for row in await cursor.fetchall()]


async def get(connection: Connection, remote_id: str) -> Copy | None:
    """The copy with an id."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM subscription_copy WHERE remote_id = %s", [remote_id])
    row = await cursor.fetchone()
    return None if row is None else Copy(**row)


async def keep(connection: Connection, copy: Copy) -> None:
    """Note what is known of a copy."""
    await connection.execute(
        "INSERT INTO subscription_copy (remote_id, subscription, registration, source, sent, gone_at)"
        " VALUES (%s, %s, %s, %s::jsonb, %s::jsonb, %s)"
        " ON CONFLICT (remote_id) DO UPDATE"
        " SET source = excluded.source, sent = excluded.sent, gone_at = excluded.gone_at",
        [copy.remote_id, copy.subscription, copy.registration, _json(copy.source), _json(copy.sent), copy.gone_at],
    )


async def forget(connection: Connection, remote_id: str) -> None:
    """Let go of a copy."""
    await connection.execute("DELETE FROM subscription_copy WHERE remote_id = %s", [remote_id])


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
