"""All SQL of exercises."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.operations.exercises.course import Timed
from vidik.operations.exercises.exercise import Exercise
from vidik.operations.exercises.scenario import Scenario

Which = Literal["playing", "over", "all"]
_WHICH: Mapping[Which, str] = {
    "playing": "state IN ('running', 'paused')",
    "over": "state IN ('ended', 'stopped')",
    "all": "true",
}
_EXERCISE = """
    SELECT id, scenario, definition, speed, state, clock_seconds, counted_at, started_at, started_by, ended_at,
           ended_by, note, score, cleared_at, version, changed_by, changed_at
      FROM exercise
"""


async def insert(
    connection: Connection, scenario: Scenario, speed: float, person: str, moment: datetime, client_id: UUID | None
) -> int | None:
    """Write an exercise that runs from now; returns its number, None while another one is played."""
    cursor = await connection.execute(
        """
        INSERT INTO exercise (scenario, definition, speed, state, counted_at, started_at, started_by, changed_by,
                              changed_at, client_id)
        VALUES (%(scenario)s, %(definition)s, %(speed)s, 'running', %(at)s, %(at)s, %(person)s, %(person)s, %(at)s,
                %(client)s)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        {
            "scenario": scenario.code,
            "definition": Jsonb(scenario.model_dump(mode="json")),
            "speed": speed,
            "at": moment,
            "person": person,
            "client": client_id,
        },
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def insert_events(connection: Connection, exercise: int, events: Sequence[Timed]) -> None:
    """Write everything that an exercise will do."""
    await connection.execute(
        """
        INSERT INTO exercise_event (exercise, place, event, at_seconds, action)
        SELECT %s, place, event, at_seconds, action
          FROM unnest(%s::text[], %s::float8[], %s::jsonb[]) WITH ORDINALITY AS e (event, at_seconds, action, place)
        """,
        [
            exercise,
            [one.event for one in events],
            [one.at_seconds for one in events],
            [Jsonb(one.action) for one in events],
        ],
    )


async def find(connection: Connection, exercise: int, *, lock: bool = False) -> DictRow | None:
    """Return one exercise, locked until the transaction ends if asked for."""
    ending = "FOR UPDATE" if lock else ""
    return await (await connection.execute(f"{_EXERCISE} WHERE id = %s {ending}", [exercise])).fetchone()


async def of_client(connection: Connection, client_id: UUID) -> DictRow | None:
    """Return the exercise that a client began under its own id."""
    return await (await connection.execute(f"{_EXERCISE} WHERE client_id = %s", [client_id])).fetchone()


async def list_exercises(connection: Connection, which: Which, limit: int, before: int | None) -> list[DictRow]:
    """Return exercises, newest first."""
    cursor = await connection.execute(
        f"{_EXERCISE} WHERE {_WHICH[which]} AND (%s::bigint IS NULL OR id < %s) ORDER BY id DESC LIMIT %s",
        [before, before, limit],
    )
    return await cursor.fetchall()


async def anything_to_do(connection: Connection) -> bool:
    """Whether an exercise runs, or one that is over has left something."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM exercise WHERE state = 'running' OR (ended_at IS NOT NULL AND cleared_at IS NULL))"
        " AS found"
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


async def lock_running(connection: Connection) -> DictRow | None:
    """Return the exercise that runs; nobody else moves it until the transaction ends."""
    return await (await connection.execute(f"{_EXERCISE} WHERE state = 'running' FOR UPDATE")).fetchone()


async def lock_left(connection: Connection) -> DictRow | None:
    """Return an exercise that is over and not cleared away, locked."""
    cursor = await connection.execute(
        f"{_EXERCISE} WHERE ended_at IS NOT NULL AND cleared_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return await cursor.fetchone()


async def mark_cleared(connection: Connection, exercise: int, moment: datetime) -> None:
    """Say that nothing of an exercise stands any more."""
    await connection.execute("UPDATE exercise SET cleared_at = %s WHERE id = %s", [moment, exercise])


async def write(connection: Connection, exercise: int, state: Exercise, person: str, moment: datetime) -> None:
    """Write where an exercise's clock stands, and whether it runs."""
    await connection.execute(
        """
        UPDATE exercise
           SET state = %(state)s, clock_seconds = %(clock)s, counted_at = %(counted)s, version = version + 1,
               changed_by = %(person)s, changed_at = %(at)s
         WHERE id = %(exercise)s
        """,
        {
            "state": state.state,
            "clock": state.clock_seconds,
            "counted": state.counted_at,
            "person": person,
            "at": moment,
            "exercise": exercise,
        },
    )


async def write_end(
    connection: Connection,
    exercise: int,
    state: Exercise,
    scored: Mapping[str, Any],
    person: str,
    note: str,
    moment: datetime,
) -> None:
    """Write the end of an exercise with its score."""
    await connection.execute(
        """
        UPDATE exercise
           SET state = %(state)s, clock_seconds = %(clock)s, counted_at = %(at)s, ended_at = %(at)s,
               ended_by = %(person)s, note = %(note)s, score = %(score)s, version = version + 1,
               changed_by = %(person)s, changed_at = %(at)s
         WHERE id = %(exercise)s
        """,
        {
            "state": state.state,
            "clock": state.clock_seconds,
            "at": moment,
            "person": person,
            "note": note,
            "score": Jsonb(dict(scored)),
            "exercise": exercise,
        },
    )


async def begin_pause(connection: Connection, exercise: int, moment: datetime) -> None:
    """Say since when the clock stands."""
    await connection.execute("INSERT INTO exercise_pause (exercise, begins_at) VALUES (%s, %s)", [exercise, moment])


async def end_pause(connection: Connection, exercise: int, moment: datetime) -> None:
    """Say when the clock went on."""
    await connection.execute(
        "UPDATE exercise_pause SET ends_at = %s WHERE exercise = %s AND ends_at IS NULL", [moment, exercise]
    )


async def pauses(connection: Connection, exercise: int) -> list[tuple[datetime, datetime | None]]:
    """Return the pauses of an exercise."""
    cursor = await connection.execute(
        "SELECT begins_at, ends_at FROM exercise_pause WHERE exercise = %s ORDER BY begins_at", [exercise]
    )
    return [(row["begins_at"], row["ends_at"]) for row in await cursor.fetchall()]


async def events(connection: Connection, exercise: int, *, due: float | None = None) -> list[DictRow]:
    """Return what an exercise does, in order; `due`: only what has not been done by that second of its clock."""
    cursor = await connection.execute(
        """
        SELECT place, event, at_seconds, action, fired_at, result
          FROM exercise_event
         WHERE exercise = %s
           AND (%s::float8 IS NULL OR (fired_at IS NULL AND at_seconds <= %s))
         ORDER BY at_seconds, place
        """,
        [exercise, due, due],
    )
    return await cursor.fetchall()


async def mark_fired(
    connection: Connection, exercise: int, place: int, result: Mapping[str, Any], moment: datetime
) -> None:
    """Say that one of its events has happened, and what came of it."""
    await connection.execute(
        "UPDATE exercise_event SET fired_at = %s, result = %s WHERE exercise = %s AND place = %s",
        [moment, Jsonb(dict(result)), exercise, place],
    )


async def twins_gone(connection: Connection, prefix: str) -> list[str]:
    """Return the ids of twins that have only a past any more."""
    cursor = await connection.execute("SELECT id FROM entity_gone WHERE starts_with(id, %s) ORDER BY id", [prefix])
    return [row["id"] for row in await cursor.fetchall()]


async def nearest_asset(
    connection: Connection, type_iri: str, longitude: float, latitude: float, used: Sequence[str]
) -> DictRow | None:
    """Return the real asset of a type nearest to a place (id, document), none of `used`."""
    cursor = await connection.execute(
        """
        SELECT id, document
          FROM entity
          JOIN kind USING (kind)
         WHERE types && %s::text[]
           AND place IS NOT NULL
           AND NOT id = ANY(%s)
           AND (expires_at IS NULL OR expires_at > now())
         ORDER BY place <-> point(%s, %s)
         LIMIT 1
        """,
        [[type_iri], list(used), longitude, latitude],
    )
    return await cursor.fetchone()


async def forget_people(connection: Connection, ended_before: datetime) -> None:
    """Take the names out of exercises that ended before a time."""
    await connection.execute(
        """
        UPDATE exercise
           SET started_by = '—', ended_by = '—', changed_by = '—', note = ''
         WHERE ended_at < %s AND started_by <> '—'
        """,
        [ended_before],
    )
