"""All SQL of crews: who they are, whether they are on duty, where they were seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.operations.tasks.task import WITH_CREW

_SELECT = """
    SELECT c.*,
           coalesce((SELECT jsonb_agg(jsonb_build_object('login', m.login, 'name', m.name) ORDER BY m.name, m.login)
                       FROM crew_member m
                      WHERE m.crew = c.id), '[]') AS members,
           (SELECT count(*) FROM task t WHERE t.crew = c.id AND t.state = ANY(%(with_crew)s)) AS open_tasks,
           p.longitude, p.latitude, p.accuracy_metres, p.at AS position_at
      FROM crew c
      LEFT JOIN LATERAL (SELECT longitude, latitude, accuracy_metres, at
                           FROM crew_position
                          WHERE crew = c.id AND at >= c.on_duty_since
                          ORDER BY at DESC
                          LIMIT 1) AS p ON true
"""
_COLUMNS = ("name", "organisation", "skills", "vehicle", "depot", "origin", "in_use")


def _values(crew: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Jsonb(crew[name]) if name == "depot" and crew[name] is not None else crew[name]
        for name in _COLUMNS
        if name in crew
    }


async def insert_crew(connection: Connection, crew: Mapping[str, Any], *, by: str, at: datetime) -> int | None:
    """Write a new crew and return its number; None when the name is taken."""
    values = _values(crew)
    cursor = await connection.execute(
        f"""
        INSERT INTO crew ({", ".join(values)}, changed_by, changed_at)
        VALUES ({", ".join(["%s"] * len(values))}, %s, %s)
        ON CONFLICT (name) DO NOTHING
        RETURNING id
        """,
        [*values.values(), by, at],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def write_crew(connection: Connection, crew: int, edits: Mapping[str, Any], *, by: str, at: datetime) -> None:
    """Write what a person typed anew of a crew; the version steps. Raises UniqueViolation for a name that is taken."""
    values = _values(edits)
    await connection.execute(
        f"""
        UPDATE crew
           SET {"".join(f"{name} = %s, " for name in values)}
               version = version + 1, changed_by = %s, changed_at = %s
         WHERE id = %s
        """,
        [*values.values(), by, at, crew],
    )


async def replace_members(connection: Connection, crew: int, members: Sequence[Mapping[str, str]]) -> None:
    """Put these members (login, name) in the place of those that stand."""
    await connection.execute("DELETE FROM crew_member WHERE crew = %s", [crew])
    await connection.execute(
        "INSERT INTO crew_member (crew, login, name) SELECT %s, * FROM unnest(%s::text[], %s::text[])",
        [crew, [member["login"] for member in members], [member["name"] for member in members]],
    )


async def set_duty(
    connection: Connection, crew: int, *, since: datetime | None, until: datetime | None, by: str, at: datetime
) -> None:
    """Write from when to when a crew is on duty; None since is off duty."""
    await connection.execute(
        """
        UPDATE crew
           SET on_duty_since = %s, on_duty_until = %s, version = version + 1, changed_by = %s, changed_at = %s
         WHERE id = %s
        """,
        [since, until, by, at, crew],
    )


async def find_crew(connection: Connection, crew: int, *, lock: bool = False) -> DictRow | None:
    """Return one row with members, load and position; locked until the transaction ends when asked."""
    cursor = await connection.execute(
        f"{_SELECT} WHERE c.id = %(crew)s {'FOR UPDATE OF c' if lock else ''}",
        {"crew": crew, "with_crew": list(WITH_CREW)},
    )
    return await cursor.fetchone()


async def list_crews(connection: Connection, *, in_use_only: bool = False) -> list[DictRow]:
    """Return every crew: those on duty first, by name."""
    cursor = await connection.execute(
        f"""
        {_SELECT}
         WHERE c.in_use OR NOT %(in_use_only)s
         ORDER BY (c.on_duty_since IS NULL), c.name
        """,
        {"in_use_only": in_use_only, "with_crew": list(WITH_CREW)},
    )
    return await cursor.fetchall()


async def crews_of(connection: Connection, login: str) -> list[DictRow]:
    """Return the crews in use that a person belongs to."""
    cursor = await connection.execute(
        f"""
        {_SELECT}
         WHERE c.in_use AND EXISTS (SELECT 1 FROM crew_member m WHERE m.crew = c.id AND m.login = %(login)s)
         ORDER BY c.name
        """,
        {"login": login, "with_crew": list(WITH_CREW)},
    )
    return await cursor.fetchall()


async def add_position(
    connection: Connection, crew: int, place: tuple[float, float], accuracy_metres: float | None, at: datetime
) -> None:
    """Write where a crew was seen; the same moment again changes nothing."""
    await connection.execute(
        "INSERT INTO crew_position (crew, at, longitude, latitude, accuracy_metres) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [crew, at, *place, accuracy_metres],
    )


async def forget_duties(connection: Connection, before: datetime) -> int:
    """Remove duties that ended long enough ago; returns how many."""
    return (await connection.execute("DELETE FROM crew_duty WHERE until < %s", [before])).rowcount


async def forget_positions(connection: Connection, before: datetime) -> int:
    """Remove positions that were kept long enough; returns how many."""
    return (await connection.execute("DELETE FROM crew_position WHERE at < %s", [before])).rowcount


async def crews_past_duty(connection: Connection, moment: datetime) -> list[int]:
    """Return the crews whose duty ended by the clock, locked."""
    cursor = await connection.execute(
        "SELECT id FROM crew WHERE on_duty_until <= %s ORDER BY id FOR UPDATE SKIP LOCKED", [moment]
    )
    return [row["id"] for row in await cursor.fetchall()]
