"""All SQL about registrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from vidik.context.registrations.sources.model import Json, Registration
from vidik.kernel.database import Connection

CHANNEL: Final = "vidik_registrations"
"""Says, with the schema of the tenant, that registrations have changed."""
_SHOWN: Final = "key, body, created_at, modified_at, times_sent, times_failed, last_success, last_failure"
_FROM: Final = "registration LEFT JOIN registration_status status ON status.registration = registration.key"

_HAS_EXPIRED: Final = "(body ->> 'expiresAt')::timestamptz <= %s"


@dataclass(slots=True)
class Tally:
    """What became of requests to a source since it was last written down."""

    sent: int = 0
    failed: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None


async def state(connection: Connection) -> tuple[int, str]:
    """The revision of the tenant's registrations, and its name in Via headers."""
    cursor = await connection.execute("SELECT revision, alias FROM registration_revision")
    row = await cursor.fetchone()
    return (int(row["revision"]), str(row["alias"])) if row else (0, "vidik")


async def lock(connection: Connection) -> None:
    """Take the next revision; registrations change one at a time, so that two cannot contradict one another.

    Those who keep registrations in memory are told when the transaction is committed.
    """
    await connection.execute("UPDATE registration_revision SET revision = revision + 1")
    await connection.execute("SELECT pg_notify(%s, current_schema())", [CHANNEL])


async def hold(connection: Connection) -> None:
    """Let no registration change until the transaction ends."""
    await connection.execute("SELECT revision FROM registration_revision FOR UPDATE")


async def every(connection: Connection) -> list[Registration]:
    """All registrations of the tenant, in the order in which they were made."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} ORDER BY key")
    return [_registration(row) for row in await cursor.fetchall()]


async def get(connection: Connection, registration_id: str) -> Registration | None:
    """The registration with an id."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE id = %s", [registration_id])
    row = await cursor.fetchone()
    return None if row is None else _registration(row)


def _registration(row: Json) -> Registration:
    one = Registration.of(row["key"], row["body"], row["created_at"], row["modified_at"])
    one.times_sent, one.times_failed = row["times_sent"] or 0, row["times_failed"] or 0
    one.last_success, one.last_failure = row["last_success"], row["last_failure"]
    return one


async def insert(connection: Connection, body: Json, moment: datetime) -> bool:
    """Store a new registration; False when its id is taken."""
    cursor = await connection.execute(
        "WITH stored AS ("
        " INSERT INTO registration (id, body, created_at, modified_at)"
        " VALUES (%s, %s::jsonb, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING key"
        ") INSERT INTO registration_status (registration) SELECT key FROM stored",
        [body["id"], orjson.dumps(body).decode(), moment, moment],
    )
    return cursor.rowcount > 0


async def update(connection: Connection, key: int, body: Json, moment: datetime) -> None:
    """Store a registration that was changed."""
    await connection.execute(
        "UPDATE registration SET body = %s::jsonb, modified_at = %s WHERE key = %s",
        [orjson.dumps(body).decode(), moment, key],
    )


async def any_expired(connection: Connection, moment: datetime) -> bool:
    """Whether registrations that have expired by a moment are still there."""
    cursor = await connection.execute(
        f"SELECT EXISTS (SELECT FROM registration WHERE {_HAS_EXPIRED}) AS found", [moment]
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


async def take_expired(connection: Connection, moment: datetime) -> list[Registration]:
    """Delete the registrations that have expired by a moment and return them as they were."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE {_HAS_EXPIRED} ORDER BY key", [moment])
    found = [_registration(row) for row in await cursor.fetchall()]
    await connection.execute("DELETE FROM registration WHERE key = ANY(%s)", [[one.key for one in found]])
    return found


async def delete(connection: Connection, registration_id: str) -> None:
    """Delete a registration."""
    await connection.execute("DELETE FROM registration WHERE id = %s", [registration_id])


async def count(connection: Connection, tallies: Mapping[int, Tally]) -> None:
    """Add to the counters of registrations what became of requests to their sources."""
    for key in sorted(tallies):
        one = tallies[key]
        await connection.execute(
            "UPDATE registration_status SET times_sent = times_sent + %s, times_failed = times_failed + %s,"
            " last_success = coalesce(%s, last_success), last_failure = coalesce(%s, last_failure)"
            " WHERE registration = %s",
            [one.sent, one.failed, one.last_success, one.last_failure, key],
        )
