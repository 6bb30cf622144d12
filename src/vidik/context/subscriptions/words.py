"""What subscriptions asked for before they were changed: changes from before are judged by it (clause 5.8.2).

The stream of changes is read a little later than it is written. Without these words a change would be judged by what
its subscription asks for when it is read, and not by what it asked for when the change was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from vidik.context.store import changes
from vidik.context.store.changes import Change
from vidik.context.subscriptions.index import Index
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.repository import Row, by_key
from vidik.kernel.database import Connection

CONSUMER: Final = "context.subscriptions"
"""Who judges changes; its cursor says which it has judged."""


class Former(NamedTuple):
    """A subscription as it was for changes up to a position; `finder` has it, unless it was notified at intervals."""

    until: int
    subscription: Subscription
    finder: Index


def former(until: int, subscription: Subscription) -> Former:
    """What a subscription was until a position."""
    finder = Index()
    if subscription.interval_seconds is None:
        finder.add(subscription)
    return Former(until, subscription, finder)


def candidates(
    current: Sequence[Subscription], formers: Sequence[Former], change: Change, attributes: Iterable[str]
) -> list[Subscription]:
    """Subscriptions that a change may concern, with those in former words that were valid then, in order of keys."""
    then = {one.subscription.key for one in formers}
    found = [one for one in current if one.key not in then]
    for one in formers:
        found += one.finder.candidates(change.entity_id, change.types, attributes)
    return sorted(found, key=lambda subscription: subscription.key)


def valid_at(formers: Sequence[Former], position: int) -> list[Former]:
    """The words that were valid at a position, of subscriptions that had others then."""
    found: dict[int, Former] = {}
    for one in formers:
        if one.until >= position:
            key = one.subscription.key
            found[key] = min(found.get(key, one), one, key=lambda former: former.until)
    return list(found.values())


async def keep(connection: Connection, key: int) -> None:
    """Keep what a subscription asks for before it is changed, if changes from before are still to be judged."""
    newest = await changes.newest_position(connection)
    # Of two changes at the same position the words before the first are those that were valid.
    await connection.execute(
        "INSERT INTO subscription_former (subscription, until, body, is_active, expires_at)"
        " SELECT key, %(newest)s, body, is_active, expires_at FROM subscription WHERE key = %(key)s"
        " AND about = 'entities' AND since < %(newest)s"
        " AND EXISTS (SELECT FROM change_cursor WHERE consumer = %(consumer)s AND position < %(newest)s)"
        " ON CONFLICT DO NOTHING",
        {"key": key, "newest": newest, "consumer": CONSUMER},
    )


async def every(connection: Connection) -> list[tuple[int, Row]]:
    """All former words, as rows of their subscriptions, with the position until which they were valid."""
    cursor = await connection.execute(
        "SELECT subscription, until, body, is_active, expires_at FROM subscription_former"
    )
    found = []
    for one in await cursor.fetchall():
        row = await by_key(connection, one["subscription"])
        if row is not None:
            words = {"body": one["body"], "is_active": one["is_active"], "expires_at": one["expires_at"]}
            found.append((int(one["until"]), replace(row, **words)))
    return found


async def forget(connection: Connection, position: int) -> None:
    """Forget the words that were valid up to a position at most."""
    await connection.execute("DELETE FROM subscription_former WHERE until <= %s", [position])
