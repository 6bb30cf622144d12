"""Alarms as lists and pages show them: each with what hides it, and how many there are of what."""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import DictRow

from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound
from vidik.operations.alarms import holds_repository, repository
from vidik.operations.alarms.holds_repository import to_hold
from vidik.operations.alarms.view import alarm_view
from vidik.operations.rules.signals import AlarmKey


def hold_view(row: DictRow) -> dict[str, Any]:
    """Return a hold as JSON."""
    times = {name: iso(row[name]) if row[name] else None for name in ("begins_at", "until", "placed_at")}
    return {**row, **times, "id": str(row["id"])}


async def views_of(connection: Connection, rows: Sequence[DictRow]) -> list[dict[str, Any]]:
    """Return alarms as JSON; `holds` of a hidden one are people's holds that cover it now (none: by design)."""
    views = [alarm_view(row) | {"holds": []} for row in rows]
    if not any(row["hidden_by"] and row["cleared_at"] is None for row in rows):
        return views
    moment = now()
    standing = [
        (hold, row)
        for hold, row in ((to_hold(row), row) for row in await holds_repository.hold_rows(connection))
        if hold.counts_at(moment)
    ]
    for row, view in zip(rows, views, strict=True):
        if row["hidden_by"] and row["cleared_at"] is None:
            key = AlarmKey(row["rule"], row["entity_id"], row["attribute"])
            view["holds"] = [hold_view(found) for hold, found in standing if hold.covers(key)]
    return views


async def view_of(connection: Connection, alarm_id: int) -> dict[str, Any]:
    """Return an alarm as it stands in this transaction; raises NotFound."""
    rows = await repository.alarm_rows(connection, [alarm_id])
    if not rows:
        raise NotFound(f"There is no alarm {alarm_id}.")
    return (await views_of(connection, rows))[0]
