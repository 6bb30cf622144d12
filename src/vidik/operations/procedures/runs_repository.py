"""All SQL of runs: a row a run, a row each time a step is entered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Belonging, Reach, named
from vidik.operations.procedures import run as core
from vidik.operations.procedures.run import Run, Visit

Which = Literal["running", "ended", "stopped", "all"]
_RUN = """
    SELECT id, procedure, procedure_version, incident, exercise_id, state, started_at, started_by, ended_at, ended_by,
           ended_login, reason, due_at, version
      FROM procedure_run
"""
_VISIT_FIELDS = (
    "number", "step", "state", "since", "begun_version", "due_at", "overdue_at", "ended_at", "person", "login",
    "note", "branch", "result", "problem",
)  # fmt: skip
_VISITS = f"SELECT run, {', '.join(_VISIT_FIELDS)} FROM procedure_visit"
_JSON = frozenset({"result", "problem"})
_LINE_OF_INCIDENTS = """
    WITH RECURSIVE part (id) AS (
        SELECT %(incident)s::bigint
         UNION
        SELECT i.id FROM incident i JOIN part ON i.merged_into = part.id
    )
"""


class Standing(NamedTuple):
    """A run as it is written: its row, and where it stands."""

    row: DictRow
    run: Run


async def insert(connection: Connection, values: Mapping[str, Any], run: Run) -> int | None:
    """Write a new run; None when this client's, or one of this procedure, is there already."""
    cursor = await connection.execute(
        """
        INSERT INTO procedure_run (procedure, procedure_version, incident, exercise_id, state, started_at, started_by,
                                   started_login, due_at, version, client_id)
        VALUES (%(procedure)s, %(procedure_version)s, %(incident)s, %(exercise_id)s, 'running', %(at)s, %(by)s,
                %(login)s, %(due_at)s, %(version)s, %(client_id)s)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        {**values, "due_at": core.due_at(run), "version": run.version},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    await write_visit(connection, row["id"], run.visit)
    return int(row["id"])


async def update(connection: Connection, run_id: int, run: Run) -> None:
    """Write where a run stands."""
    await connection.execute(
        """
        UPDATE procedure_run
           SET state = %s, version = %s, due_at = %s, ended_at = %s, ended_by = %s, ended_login = %s, reason = %s
         WHERE id = %s
        """,
        [
            run.state,
            run.version,
            core.due_at(run),
            run.ended_at,
            run.ended_by,
            run.ended_login,
            run.reason,
            run_id,
        ],
    )


async def write_visit(connection: Connection, run_id: int, visit: Visit) -> None:
    """Write a visit, new or as it became."""
    values: list[Any] = [run_id]
    for name in _VISIT_FIELDS:
        value = getattr(visit, name)
        values.append(Jsonb(dict(value)) if name in _JSON and value is not None else value)
    changing = [name for name in _VISIT_FIELDS if name not in ("number", "step", "since", "begun_version")]
    await connection.execute(
        f"""
        INSERT INTO procedure_visit (run, {", ".join(_VISIT_FIELDS)})
        VALUES ({", ".join(["%s"] * len(values))})
            ON CONFLICT (run, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in changing)}
        """,
        values,
    )


async def find(connection: Connection, run_id: int, *, lock: bool = False) -> Standing | None:
    """Return a run and where it stands, locked until the transaction ends if asked for."""
    ending = "FOR UPDATE" if lock else ""
    row = await (await connection.execute(f"{_RUN} WHERE id = %s {ending}", [run_id])).fetchone()
    if row is None:
        return None
    visit = await (
        await connection.execute(f"{_VISITS} WHERE run = %s ORDER BY number DESC LIMIT 1", [run_id])
    ).fetchone()
    assert visit is not None  # noqa: S101  (a run is written with its first visit)
    del visit["run"]
    names = ("state", "version", "ended_at", "ended_by", "ended_login", "reason")
    return Standing(row, Run(visit=Visit(**visit), **{name: row[name] for name in names}))


async def find_by_client(connection: Connection, client_id: str) -> int | None:
    """Return the run that a client started under its own id."""
    cursor = await connection.execute("SELECT id FROM procedure_run WHERE client_id = %s::uuid", [client_id])
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def running_of(connection: Connection, incident: int, procedure: str) -> int | None:
    """Return the running run of a procedure in an incident."""
    cursor = await connection.execute(
        "SELECT id FROM procedure_run WHERE incident = %s AND procedure = %s AND state = 'running'",
        [incident, procedure],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def belonging(connection: Connection, run_id: int) -> Belonging | None:
    """Return whose a run is: that of its incident; None when there is none."""
    cursor = await connection.execute(
        """
        SELECT organisations, areas, people
          FROM procedure_run
          JOIN incident ON incident.id = procedure_run.incident
         WHERE procedure_run.id = %s
        """,
        [run_id],
    )
    row = await cursor.fetchone()
    return Belonging.of(row) if row else None


async def listed(
    connection: Connection,
    *,
    incident: int | None,
    state: Which,
    limit: int,
    after: int | None,
    reach: Reach = EVERYWHERE,
) -> list[DictRow]:
    """Return runs within reach, newest first; of an incident those of incidents merged into it too."""
    within, parameters = named(reach.condition(people="people"))
    cursor = await connection.execute(
        f"""
        {_LINE_OF_INCIDENTS}
        {_RUN}
         WHERE (%(incident)s::bigint IS NULL OR incident IN (SELECT id FROM part))
           AND (%(state)s = 'all' OR state = %(state)s)
           AND (%(after)s::bigint IS NULL OR id < %(after)s)
           AND incident IN (SELECT id FROM incident WHERE {within})
         ORDER BY id DESC
         LIMIT %(limit)s
        """,
        {"incident": incident, "state": state, "after": after, "limit": limit, **parameters},
    )
    return await cursor.fetchall()


async def visits_of(connection: Connection, run_ids: Collection[int]) -> dict[int, list[DictRow]]:
    """Return the visits of runs, in their order."""
    cursor = await connection.execute(f"{_VISITS} WHERE run = ANY(%s) ORDER BY run, number", [list(run_ids)])
    found: dict[int, list[DictRow]] = defaultdict(list)
    for row in await cursor.fetchall():
        found[row["run"]].append(row)
    return found


async def due(connection: Connection, moment: datetime, behind: int) -> int | None:
    """Return, locked, the next run behind another one with which the clock has something to do; others skip it."""
    cursor = await connection.execute(
        """
        SELECT id
          FROM procedure_run
         WHERE due_at <= %s AND id > %s
         ORDER BY id
         LIMIT 1
           FOR UPDATE SKIP LOCKED
        """,
        [moment, behind],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def left_behind(connection: Connection, behind: int) -> int | None:
    """Return, locked, the next running run whose incident (or the one that it was merged into) is closed."""
    cursor = await connection.execute(
        """
        SELECT r.id
          FROM procedure_run r
         CROSS JOIN LATERAL (
            WITH RECURSIVE whole (id, state, merged_into) AS (
                SELECT i.id, i.state, i.merged_into FROM incident i WHERE i.id = r.incident
                 UNION
                SELECT i.id, i.state, i.merged_into FROM incident i JOIN whole ON i.id = whole.merged_into
            )
            SELECT 1 AS closed FROM whole WHERE state = 'closed'
         ) AS over
         WHERE r.state = 'running' AND r.id > %s
         ORDER BY r.id
         LIMIT 1
           FOR UPDATE OF r SKIP LOCKED
        """,
        [behind],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None
