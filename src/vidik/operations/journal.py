"""The journal of work: what changed in the command centre, told to every desk within a second.

A room tells in the transaction of its change, so nobody hears of what was rolled back. Numbers of rows are drawn
before their transactions commit: a reader may see 12 before 11. No lock makes them come in order (rooms lock rows of
their own, and two could wait for each other); a reader remembers the numbers that it has not seen, and looks again.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection

Topic = Literal["incident", "task", "crew", "procedure-run", "shift", "notice", "warning", "exercise", "request"]

SEEN_WITH: Mapping[Topic, str] = {
    "incident": "incidents.read",
    "task": "incidents.read",
    "crew": "tasks.manage",
    "procedure-run": "incidents.read",
    "shift": "duty.read",
    "notice": "duty.read",
    "warning": "incidents.read",
    "exercise": "incidents.read",
    "request": "requests.read",
}
"""The permission without which a browser gets nothing of a topic: positions and duty are people's."""

WORK_CHANNEL = "vidik_work"
PRESENCE_CHANNEL = "vidik_presence"
KEPT = timedelta(days=7)
_AT_ONCE = 500
_LOOKED_BACK = 200
_MISSING_SECONDS = 120.0


async def tell(connection: Connection, topic: Topic, subject: str | int, data: Mapping[str, Any]) -> int:
    """Say in the caller's transaction that something changed; returns the number of the event.

    `data` is the view of the thing as `GET` of one answers it (plain JSON: times as text).
    """
    cursor = await connection.execute(
        "INSERT INTO work_event (topic, subject, data) VALUES (%s, %s, %s) RETURNING id",
        [topic, str(subject), Jsonb(dict(data))],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    await connection.execute("SELECT pg_notify(%s, current_schema())", [WORK_CHANNEL])
    return int(row["id"])


async def tell_presence(connection: Connection, topic: Topic, subject: str | int, data: Mapping[str, Any]) -> None:
    """Say who looks at a thing, or where a crew is, now: passed on to who follows at this moment, written nowhere.

    `data` has `whose`: `organisations` and `areas` (and `people`), by which it goes to those only who reach the thing.
    """
    said = {"topic": topic, "subject": str(subject), "data": dict(data)}
    await connection.execute(
        "SELECT pg_notify(%s, jsonb_build_object('schema', current_schema(), 'said', %s::jsonb)::text)",
        [PRESENCE_CHANNEL, Jsonb(said)],
    )


async def forget_old(connection: Connection, moment: datetime) -> None:
    """Remove what is older than a week: the rooms keep their own history."""
    await connection.execute("DELETE FROM work_event WHERE at < %s", [moment - KEPT])


class JournalReader:
    """One reader's place in the journal: every committed event once, those of slow transactions later."""

    def __init__(self) -> None:
        self._newest = 0
        self._missing: dict[int, float] = {}

    async def begin(self, connection: Connection) -> None:
        """Start behind the newest event; what is being written now is still waited for."""
        cursor = await connection.execute(
            "SELECT id FROM work_event ORDER BY id DESC LIMIT %s",
            [_LOOKED_BACK],
        )
        seen = {row["id"] for row in await cursor.fetchall()}
        self._newest = max(seen, default=0)
        now = time.monotonic()
        first = max(self._newest - _LOOKED_BACK, 0) + 1
        self._missing = {number: now for number in range(first, self._newest) if number not in seen}

    async def read(self, connection: Connection) -> list[dict[str, Any]]:
        """Return the next events (id, topic, subject, at, data), by number; empty when there are none."""
        now = time.monotonic()
        self._missing = {number: since for number, since in self._missing.items() if now - since < _MISSING_SECONDS}
        cursor = await connection.execute(
            """
            SELECT id, topic, subject, at, data
              FROM work_event
             WHERE id > %s OR id = ANY(%s)
             ORDER BY id
             LIMIT %s
            """,
            [self._newest, list(self._missing), _AT_ONCE],
        )
        rows = await cursor.fetchall()
        for row in rows:
            self._missing.pop(row["id"], None)
            if row["id"] > self._newest:
                self._missing.update((number, now) for number in range(self._newest + 1, row["id"]))
                self._newest = row["id"]
        return [{**row, "id": str(row["id"]), "at": iso(row["at"])} for row in rows]
