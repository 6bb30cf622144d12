"""SQL of what hides alarms."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import DictRow

from vidik.kernel.database import Connection
from vidik.operations.alarms.alarm import Alarm, HoldKind
from vidik.operations.alarms.holds import Hold
from vidik.operations.alarms.repository import ALARM_COLUMNS, to_alarm

_HOLD = "SELECT id, kind, rule, entity_id, attribute, begins_at, until, reason, placed_by, placed_at FROM alarm_hold"


class OpenAlarm(NamedTuple):
    """An alarm that something may hide, with what its place in the city tells."""

    alarm: Alarm
    service: str
    related: frozenset[str]


async def place_hold(
    connection: Connection,
    *,
    kind: HoldKind,
    rule: str | None,
    entity_id: str | None,
    attribute: str | None,
    begins_at: datetime,
    until: datetime | None,
    reason: str,
    person: str,
    moment: datetime,
) -> int:
    """Write a hold and return its number."""
    cursor = await connection.execute(
        """
        INSERT INTO alarm_hold (kind, rule, entity_id, attribute, begins_at, until, reason, placed_by, placed_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        RETURNING id
        """,
        [kind, rule, entity_id, attribute, begins_at, until, reason, person, moment],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])


async def end_hold(connection: Connection, hold_id: int, person: str | None, moment: datetime) -> None:
    """Say that a hold is over; `person` None: its time was up."""
    await connection.execute(
        "UPDATE alarm_hold SET ended_at = %s, ended_by = %s WHERE id = %s AND ended_at IS NULL",
        [moment, person, hold_id],
    )


async def end_holds_whose_time_is_up(connection: Connection, moment: datetime) -> None:
    """Say of every hold whose end has come that it is over."""
    await connection.execute(
        "UPDATE alarm_hold SET ended_at = %s WHERE ended_at IS NULL AND until <= %s", [moment, moment]
    )


async def hold_rows(connection: Connection) -> list[DictRow]:
    """Return the holds that are not over, planned ones too, newest first."""
    cursor = await connection.execute(f"{_HOLD} WHERE ended_at IS NULL ORDER BY id DESC")
    return await cursor.fetchall()


async def find_hold(connection: Connection, hold_id: int) -> DictRow | None:
    """Return one hold that is not over, locked until the transaction ends."""
    cursor = await connection.execute(f"{_HOLD} WHERE id = %s AND ended_at IS NULL FOR UPDATE", [hold_id])
    return await cursor.fetchone()


def to_hold(row: DictRow) -> Hold:
    """Return a row of `alarm_hold` as the core knows it."""
    fields: dict[str, Any] = {name: row[name] for name in row if name != "placed_at"}
    return Hold(**fields, at_once=row["begins_at"] <= row["placed_at"])


async def hideable_alarms(connection: Connection) -> list[OpenAlarm]:
    """Return every alarm that is open or asks for an acknowledgement, locked, in the order of their numbers."""
    cursor = await connection.execute(
        f"{ALARM_COLUMNS} WHERE cleared_at IS NULL OR state = 'returned_unacknowledged' ORDER BY id FOR UPDATE"
    )
    return _open(await cursor.fetchall())


async def active_alarms_of(connection: Connection, rules: Collection[str]) -> list[OpenAlarm]:
    """Return the alarms of some rules whose readings say that something is wrong, hidden ones too."""
    if not rules:
        return []
    cursor = await connection.execute(
        f"{ALARM_COLUMNS} WHERE rule = ANY(%s) AND cleared_at IS NULL AND returned_at IS NULL", [list(rules)]
    )
    return _open(await cursor.fetchall())


async def anything_hidden(connection: Connection) -> bool:
    """Whether any open alarm is hidden."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM alarm WHERE hidden_by IS NOT NULL AND cleared_at IS NULL) AS hidden"
    )
    row = await cursor.fetchone()
    return bool(row and row["hidden"])


def _open(rows: list[DictRow]) -> list[OpenAlarm]:
    return [OpenAlarm(to_alarm(row), row["service"], frozenset(row["related"])) for row in rows]
