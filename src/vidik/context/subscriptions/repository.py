"""All SQL about subscriptions and the notifications that are owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from vidik.context.store import arrays, changes
from vidik.context.subscriptions.model import About
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Connection

CHANNEL: Final = "vidik_subscription"
"""Says which tenant's subscriptions have changed; the table carries the truth."""
_SHOWN: Final = (
    "key, id, body, context, is_active, expires_at, since, created_at, modified_at,"
    " times_sent, times_failed, times_merged, last_notification, last_success, last_failure, about"
)
_FROM: Final = "subscription LEFT JOIN subscription_status status ON status.subscription = subscription.key"


@dataclass(slots=True)
class Row:
    """A subscription as it is stored, and how it is doing."""

    key: int
    id: str
    body: dict[str, Any]
    context: Any
    is_active: bool
    expires_at: datetime | None
    since: int
    """The newest change when it was made; only later ones concern it."""
    created_at: datetime
    modified_at: datetime
    times_sent: int
    times_failed: int
    times_merged: int
    last_notification: datetime | None
    last_success: datetime | None
    last_failure: datetime | None
    about: About = "entities"


@dataclass(frozen=True, slots=True)
class Owed:
    """One entity's part of a notification that is owed to a subscription; `payload` is JSON."""

    subscription: int
    entity_id: str
    owed_at: datetime
    payload: str
    position: int = 0


@dataclass(slots=True)
class Tally:
    """What became of a subscription's notifications since it was last written down."""

    sent: int = 0
    failed: int = 0
    merged: int = 0
    last_notification: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None

    def and_then(self, later: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.sent + later.sent,
            self.failed + later.failed,
            self.merged + later.merged,
            later.last_notification or self.last_notification,
            later.last_success or self.last_success,
            later.last_failure or self.last_failure,
        )


async def _next_revision(connection: Connection) -> int:
    # The row stays locked until the commit, so that revisions are seen in the order of their numbers.
    cursor = await connection.execute("UPDATE subscription_revision SET revision = revision + 1 RETURNING revision")
    row = await cursor.fetchone()
    await connection.execute("SELECT pg_notify(%s, current_schema())", [CHANNEL])
    return int(row["revision"]) if row else 0


async def insert(connection: Connection, row: Row) -> bool:
    """Store a new subscription; False when its id is taken."""
    revision = await _next_revision(connection)
    cursor = await connection.execute(
        "WITH stored AS ("
        " INSERT INTO subscription"
        " (about, id, body, context, is_active, expires_at, since, revision, created_at, modified_at)"
        " VALUES (%s, %s, %s::jsonb, %s::jsonb, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (about, id) DO NOTHING RETURNING key"
        ") INSERT INTO subscription_status (subscription) SELECT key FROM stored",
        [
            row.about,
            row.id,
            orjson.dumps(row.body).decode(),
            orjson.dumps(row.context).decode(),
            row.is_active,
            row.expires_at,
            await changes.newest_position(connection),
            revision,
            row.created_at,
            row.modified_at,
        ],
    )
    return cursor.rowcount > 0


async def update(connection: Connection, row: Row) -> None:
    """Store a subscription that was changed."""
    await connection.execute(
        "UPDATE subscription SET body = %s::jsonb, context = %s::jsonb, is_active = %s, expires_at = %s, revision = %s,"
        " modified_at = %s WHERE key = %s",
        [
            orjson.dumps(row.body).decode(),
            orjson.dumps(row.context).decode(),
            row.is_active,
            row.expires_at,
            await _next_revision(connection),
            row.modified_at,
            row.key,
        ],
    )


async def delete(connection: Connection, subscription_id: str, about: About = "entities") -> bool:
    """Delete a subscription with what is owed to it; False when it is not there."""
    await _next_revision(connection)
    cursor = await connection.execute(
        "DELETE FROM subscription WHERE about = %s AND id = %s RETURNING key", [about, subscription_id]
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    # The sender locks what it crosses out and then how the subscription is doing, which is locked here already. Waiting
    # for its rows would be a deadlock; they go anyway.
    await connection.execute(
        "DELETE FROM notification_owed WHERE position IN"
        " (SELECT position FROM notification_owed WHERE subscription = %s FOR UPDATE SKIP LOCKED)",
        [row["key"]],
    )
    return True


async def get(
    connection: Connection, subscription_id: str, about: About = "entities", *, for_update: bool = False
) -> Row | None:
    """The subscription with an id, of those about entities or about registrations."""
    lock = " FOR UPDATE OF subscription" if for_update else ""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM {_FROM} WHERE about = %s AND id = %s{lock}", [about, subscription_id]
    )
    row = await cursor.fetchone()
    return Row(**row) if row else None


async def by_key(connection: Connection, key: int) -> Row | None:
    """The subscription with a key."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE key = %s", [key])
    row = await cursor.fetchone()
    return Row(**row) if row else None


async def page(connection: Connection, about: About = "entities", *, limit: int, offset: int) -> list[Row]:
    """Subscriptions in the order in which they were made; one more than the limit, where there is one."""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM {_FROM} WHERE about = %s ORDER BY key LIMIT %s OFFSET %s", [about, limit + 1, offset]
    )
    return [Row(**row) for row in await cursor.fetchall()]


async def every(connection: Connection, about: About) -> list[Row]:
    """All subscriptions about entities or about registrations, in the order in which they were made."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE about = %s ORDER BY key", [about])
    return [Row(**row) for row in await cursor.fetchall()]


async def count(connection: Connection, about: About = "entities") -> int:
    """How many subscriptions there are."""
    cursor = await connection.execute("SELECT count(*) AS count FROM subscription WHERE about = %s", [about])
    row = await cursor.fetchone()
    return int(row["count"]) if row else 0


async def revision(connection: Connection) -> int:
    """The number of the newest change of any subscription."""
    cursor = await connection.execute("SELECT revision FROM subscription_revision")
    row = await cursor.fetchone()
    return int(row["revision"]) if row else 0


async def changed_since(connection: Connection, known: int) -> list[Row]:
    """Subscriptions that were made or changed after a revision."""
    cursor = await connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE revision > %s", [known])
    return [Row(**row) for row in await cursor.fetchall()]


async def keys(connection: Connection) -> set[int]:
    """The keys of all subscriptions."""
    cursor = await connection.execute("SELECT key FROM subscription")
    return {int(row["key"]) for row in await cursor.fetchall()}


async def owe(connection: Connection, owed: Sequence[Owed]) -> None:
    """Write down notifications, in this order; those of subscriptions that are gone are left out."""
    await connection.execute(
        "INSERT INTO notification_owed (subscription, entity_id, owed_at, payload)"
        " SELECT new.subscription, new.entity_id, new.owed_at, new.payload"
        " FROM unnest(%s, %s, %s, %s) WITH ORDINALITY AS new (subscription, entity_id, owed_at, payload, number)"
        " WHERE EXISTS (SELECT FROM subscription WHERE key = new.subscription)"
        " ORDER BY new.number",
        [
            arrays.bigints([one.subscription for one in owed]),
            arrays.texts([one.entity_id for one in owed]),
            arrays.moments([to_microseconds(one.owed_at) for one in owed]),
            arrays.texts([one.payload for one in owed]),
        ],
    )


async def owed_after(connection: Connection, position: int) -> tuple[dict[int, int], int]:
    """Per subscription how many notifications were written down after a position, and the newest position."""
    cursor = await connection.execute(
        "SELECT subscription, count(*) AS count, max(position) AS newest"
        " FROM notification_owed WHERE position > %s GROUP BY subscription",
        [position],
    )
    rows = await cursor.fetchall()
    return {row["subscription"]: row["count"] for row in rows}, max([position, *(row["newest"] for row in rows)])


async def waiting(connection: Connection, subscriptions: Sequence[int]) -> dict[int, int]:
    """How many notifications are owed to each of some subscriptions."""
    cursor = await connection.execute(
        "SELECT subscription, count(*) AS count FROM notification_owed WHERE subscription = ANY(%s)"
        " GROUP BY subscription",
        [arrays.bigints(subscriptions)],
    )
    return {row["subscription"]: row["count"] for row in await cursor.fetchall()}


async def next_owed(connection: Connection, after: Sequence[tuple[int, int, int]], size: int) -> dict[int, list[Owed]]:
    """What is owed next to each of some subscriptions, given as (key, position already sent, how many).

    Of each at least one, and no more once those before have so many bytes, as they are stored.
    """
    cursor = await connection.execute(
        "SELECT subscription, entity_id, owed_at, payload, owed.position"
        " FROM unnest(%s, %s, %s) AS asked (key, position, number)"
        " CROSS JOIN LATERAL ("
        "  SELECT subscription, entity_id, owed_at, payload, position,"
        "   sum(pg_column_size(payload)) OVER (ORDER BY position) - pg_column_size(payload) AS before"
        "  FROM notification_owed"
        "  WHERE subscription = asked.key AND position > asked.position ORDER BY position LIMIT asked.number"
        " ) AS owed WHERE owed.before < %s ORDER BY owed.position",
        [
            arrays.bigints([key for key, _, _ in after]),
            arrays.bigints([position for _, position, _ in after]),
            arrays.bigints([number for _, _, number in after]),
            size,
        ],
    )
    found: dict[int, list[Owed]] = {}
    for row in await cursor.fetchall():
        found.setdefault(row["subscription"], []).append(Owed(**row))
    return found


async def settle(connection: Connection, positions: Sequence[int], tallies: dict[int, Tally]) -> None:
    """Cross out what was delivered, and write down how subscriptions are doing."""
    if positions:
        await connection.execute(
            "DELETE FROM notification_owed WHERE position = ANY(%s)", [arrays.bigints(sorted(positions))]
        )
    if not tallies:
        return
    # In the order of their keys, so that two writers never wait for one another.
    listed = sorted(tallies.items())
    await connection.execute(
        "UPDATE subscription_status AS status SET"
        "  times_sent = status.times_sent + new.sent,"
        "  times_failed = status.times_failed + new.failed,"
        "  times_merged = status.times_merged + new.merged,"
        "  last_notification = coalesce(new.last_notification, status.last_notification),"
        "  last_success = coalesce(new.last_success, status.last_success),"
        "  last_failure = coalesce(new.last_failure, status.last_failure)"
        " FROM unnest(%s, %s, %s, %s, %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])"
        "  AS new (key, sent, failed, merged, last_notification, last_success, last_failure)"
        " WHERE status.subscription = new.key",
        [
            arrays.bigints([key for key, _ in listed]),
            arrays.bigints([one.sent for _, one in listed]),
            arrays.bigints([one.failed for _, one in listed]),
            arrays.bigints([one.merged for _, one in listed]),
            [one.last_notification for _, one in listed],
            [one.last_success for _, one in listed],
            [one.last_failure for _, one in listed],
        ],
    )


async def merge_owed(connection: Connection, subscription: int, in_order: int, most: int) -> tuple[int, int]:
    """Keep of each entity only the newest state that is owed, and of these the newest `most`.

    Up to `in_order` all are kept: the caller's count may be of a transaction that was never committed.

    Returns (how many were given up, how many are left).
    """
    cursor = await connection.execute(
        "WITH ranked AS ("
        " SELECT position, row_number() OVER (PARTITION BY entity_id ORDER BY position DESC) AS age,"
        "  count(*) OVER () AS number"
        " FROM notification_owed WHERE subscription = %s"
        "), newest AS ("
        " SELECT position FROM ranked WHERE age = 1 OR number <= %s ORDER BY position DESC LIMIT %s"
        "), gone AS ("
        " DELETE FROM notification_owed WHERE subscription = %s AND position NOT IN (SELECT position FROM newest)"
        " RETURNING position"
        ") SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM newest) AS kept",
        [subscription, in_order, most, subscription],
    )
    row = await cursor.fetchone()
    return (int(row["gone"]), int(row["kept"])) if row else (0, 0)


async def forget_owed(connection: Connection, subscriptions: Sequence[int]) -> None:
    """Cross out everything that is owed to those of the subscriptions that are gone or have expired."""
    await connection.execute(
        "DELETE FROM notification_owed WHERE subscription = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM subscription WHERE key = notification_owed.subscription"
        "  AND (expires_at IS NULL OR expires_at > now()))",
        [list(subscriptions)],
    )


async def replace_owed(connection: Connection, subscription: int, owed: Sequence[Owed]) -> None:
    """Let these stand for everything that was owed to a subscription before."""
    await connection.execute("DELETE FROM notification_owed WHERE subscription = %s", [subscription])
    await owe(connection, owed)


async def last_successes(connection: Connection, subscriptions: Sequence[int]) -> dict[int, datetime | None]:
    """When each of some subscriptions was last notified with success."""
    cursor = await connection.execute(
        "SELECT subscription, last_success FROM subscription_status WHERE subscription = ANY(%s)",
        [list(subscriptions)],
    )
    return {row["subscription"]: row["last_success"] for row in await cursor.fetchall()}


async def last_intervals(connection: Connection, subscriptions: Sequence[int]) -> dict[int, datetime | None]:
    """When each subscription was last notified because its time had come."""
    cursor = await connection.execute(
        "SELECT subscription, last_interval FROM subscription_status WHERE subscription = ANY(%s)",
        [list(subscriptions)],
    )
    return {row["subscription"]: row["last_interval"] for row in await cursor.fetchall()}


async def note_interval(connection: Connection, subscription: int, moment: datetime) -> None:
    """Say that a subscription's time has come."""
    await connection.execute(
        "UPDATE subscription_status SET last_interval = %s WHERE subscription = %s", [moment, subscription]
    )
