"""The change stream: what was committed, in commit order, at least once.

A sequence number alone is not commit order: a transaction may draw a low number and commit late, and a reader that
has passed the number would miss it. Here the number is drawn under a transaction-long advisory lock that is taken
last and released after the commit is visible, so a visible position implies that all lower ones are visible. A
commit carries one row, however many entities it changes, so the lock is taken some tens of times a second.

LISTEN/NOTIFY only wakes readers; the table carries the truth.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import Any, Literal

import msgspec
import psycopg

from vidik.kernel.database import Connection, Database

CHANNEL = "vidik_change"
_LOCK = 0x56_4348_414E  # "V CHAN"

Operation = Literal["created", "updated", "late", "deleted"]


class Detail(msgspec.Struct, array_like=True):
    """The instances around a change, which subscriptions look at: written only where a tenant has any.

    `before` has the instances of the changed attributes as they were (of a deleted entity: of all attributes),
    `after` those that the change wrote; a deleted instance stands there as `{"type": …, "deletedAt": …}`.
    `created_at` and `modified_at` are those of an entity that was deleted: nothing else has them any more.
    """

    before: dict[str, list[dict[str, Any]]]
    after: dict[str, list[dict[str, Any]]]
    scope: list[str] | None
    created_at: datetime | None = None
    modified_at: datetime | None = None


class Change(msgspec.Struct, array_like=True):
    """What happened to one entity in one transaction.

    `attributes` maps an expanded attribute name to (value, observed at in microseconds or None); a deleted
    attribute has the value None. An operation `late` means that history grew, but the newest state did not change.
    `detail` is None for readings of devices, and where nobody had subscribed.
    """

    entity_id: str
    types: tuple[str, ...]
    operation: Operation
    attributes: dict[str, tuple[Any, int | None]]
    detail: Detail | None = None


class Rejection(msgspec.Struct, array_like=True):
    """A value that a door refused because it is not plausible; the entity keeps its last good one."""

    entity_id: str
    attribute: str
    reason: str
    value: Any
    observed_at: int


class Alike(msgspec.Struct, array_like=True):
    """Entities of the same types in which the same attributes were written, said at once where nobody has subscribed.

    For each attribute, `values` and `observed` (microseconds or None) have an item an entity.
    """

    types: tuple[str, ...]
    entity_ids: list[str]
    attributes: list[str]
    values: list[list[Any]]
    observed: list[list[int | None]]
    operation: Literal["created", "updated"] = "created"

    def changes(self) -> list[Change]:
        """The same as a change of each entity."""
        columns = [zip(*column, strict=True) for column in zip(self.values, self.observed, strict=True)]
        rows = zip(*columns, strict=True) if columns else repeat(())
        return [
            Change(entity_id, self.types, self.operation, dict(zip(self.attributes, row, strict=True)))
            for entity_id, row in zip(self.entity_ids, rows, strict=False)
        ]


class _Payload(msgspec.Struct, array_like=True):
    changes: list[Change]
    rejections: list[Rejection]
    alike: list[Alike] = []


@dataclass(slots=True)
class ChangeBatch:
    """All changes of one transaction; `position` orders batches as they were committed."""

    position: int
    recorded_at: datetime
    single: list[Change] = field(default_factory=list)
    """The changes that are not said by `alike`."""
    rejections: list[Rejection] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)
    _changes: list[Change] | None = None

    @property
    def changes(self) -> list[Change]:
        """Every change."""
        if not self.alike:
            return self.single
        if self._changes is None:
            self._changes = [*self.single, *(change for one in self.alike for change in one.changes())]
        return self._changes

    def changes_for(self, concerns: Callable[[tuple[str, ...]], bool]) -> list[Change]:
        """Every change, without those of crowds whose (expanded) types are no concern of the reader."""
        crowds = [one for one in self.alike if concerns(one.types)]
        return [*self.single, *(change for one in crowds for change in one.changes())] if crowds else self.single


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Payload).decode


async def append(
    connection: Connection,
    recorded_at: datetime,
    changes: Sequence[Change],
    rejections: Sequence[Rejection] = (),
    details: Callable[[], Sequence[Detail | None]] | None = None,
    alike: Sequence[Alike] = (),
) -> None:
    """Write what this transaction changed; must be its last statement before the commit.

    `details` makes those of the changes and then of those that are alike, one each, where anybody has subscribed.
    """
    if changes or rejections or alike:
        await _append(connection, recorded_at, changes, rejections, details, alike)


async def wake(connection: Connection, recorded_at: datetime) -> None:
    """Let the readers of changes come at once for what this transaction wrote beside changes: a record of none.

    Like `append` it stands at the end of the transaction.
    """
    await _append(connection, recorded_at, (), ())


async def _append(
    connection: Connection,
    recorded_at: datetime,
    changes: Sequence[Change],
    rejections: Sequence[Rejection],
    details: Callable[[], Sequence[Detail | None]] | None = None,
    alike: Sequence[Alike] = (),
) -> None:
    # The lock is a statement of its own: inside the INSERT it could come after the position is drawn.
    cursor = await connection.execute(
        "SELECT pg_advisory_xact_lock(%s, hashtext(current_schema())),"
        " EXISTS (SELECT FROM subscription WHERE about = 'entities') AS followed",
        [_LOCK & 0x7FFFFFFF],
    )
    row = await cursor.fetchone()
    followed = row is not None and row["followed"]
    if followed and details is not None:
        changes, alike = [*changes, *(change for one in alike for change in one.changes())], ()
        for change, detail in zip(changes, details(), strict=True):
            change.detail = detail
    payload = _payload(changes, rejections, alike, followed=followed)
    await connection.execute(
        "WITH written AS ("
        " INSERT INTO change (recorded_at, payload) VALUES (%s, %b) RETURNING position"
        ") SELECT pg_notify(%s, current_schema() || ':' || position) FROM written",
        [recorded_at, payload, CHANNEL],
    )


def _payload(
    changes: Sequence[Change], rejections: Sequence[Rejection], alike: Sequence[Alike], *, followed: bool
) -> bytes:
    payload = _Payload(list(changes), list(rejections), list(alike))
    if followed:
        try:
            return _encode(payload)
        except OverflowError:
            pass  # a whole number beyond 64 bits: the change is told without its detail
    for change in changes:
        change.detail = None
    return _encode(payload)


async def newest_position(connection: Connection) -> int:
    """The position of the newest committed batch; 0 when there is none."""
    cursor = await connection.execute("SELECT coalesce(max(position), 0) AS position FROM change")
    row = await cursor.fetchone()
    return int(row["position"]) if row else 0


async def read_after(connection: Connection, position: int, limit: int = 64) -> list[ChangeBatch]:
    """Up to `limit` batches committed after a position, in commit order."""
    cursor = await connection.execute(
        "SELECT position, recorded_at, payload FROM change WHERE position > %s ORDER BY position LIMIT %s",
        [position, limit],
        binary=True,
    )
    batches = []
    for row in await cursor.fetchall():
        payload = _decode(row["payload"])
        batch = ChangeBatch(row["position"], row["recorded_at"], payload.changes, payload.rejections, payload.alike)
        batches.append(batch)
    return batches


async def cursor_of(connection: Connection, consumer: str) -> int:
    """The durable cursor of a consumer, locked until the transaction ends; a new consumer begins at the newest."""
    cursor = await connection.execute("SELECT position FROM change_cursor WHERE consumer = %s FOR UPDATE", [consumer])
    row = await cursor.fetchone()
    if row is not None:
        return int(row["position"])
    position = await newest_position(connection)
    await connection.execute(
        "INSERT INTO change_cursor (consumer, position) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [consumer, position],
    )
    return position


async def move_cursor(connection: Connection, consumer: str, position: int) -> None:
    """Say that a consumer has taken in everything up to a position, in the transaction of its effects."""
    await connection.execute("UPDATE change_cursor SET position = %s WHERE consumer = %s", [position, consumer])


async def forget_consumed(connection: Connection, keep_seconds: int = 3600) -> int:
    """Delete batches that every consumer has passed and that are older than `keep_seconds`; returns how many."""
    cursor = await connection.execute(
        "DELETE FROM change"
        " WHERE recorded_at < now() - make_interval(secs => %s)"
        " AND position <= coalesce((SELECT min(position) FROM change_cursor), 9223372036854775807)",
        [keep_seconds],
    )
    return cursor.rowcount


class Tailer:
    """Follows the change stream of one tenant from now on, for readers that keep no cursor (live screens)."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self.position = 0

    async def batches(self, start: int | None = None) -> AsyncIterator[ChangeBatch]:
        """Committed batches after `start` (default: from now), for ever; survives a database that restarts."""
        pause = 0.2
        if start is not None:
            self.position = start
        started = start is not None
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    connection = await self._database.dedicated(self._tenant)
                    stack.push_async_callback(connection.close)
                    await connection.execute(f"LISTEN {CHANNEL}")
                    if not started:
                        self.position = await newest_position(connection)
                        started = True
                    pause = 0.2
                    while True:
                        for batch in await read_after(connection, self.position):
                            self.position = batch.position
                            yield batch
                        if await self._wait(connection):
                            continue
            except psycopg.OperationalError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    @staticmethod
    async def _wait(connection: Connection) -> bool:
        """Sleep until a notification, or a second; one wake-up stands for all that came meanwhile."""
        async for _ in connection.notifies(timeout=1.0, stop_after=1):
            return True
        return False
