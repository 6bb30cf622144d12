"""All SQL of tasks: the tasks themselves, their history, their photos."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Belonging, Reach
from vidik.operations.tasks.task import OVER, WITH_CREW, Stamp, Task, TaskState

Which = Literal[
    "active", "over", "all", "open", "assigned", "accepted", "under_way", "arrived", "done", "failed", "cancelled"
]
Editable = Literal["title", "kind", "instructions", "place", "address", "priority", "skill", "due_at", "asset"]
EDITABLE: tuple[str, ...] = get_args(Editable)
_JSON = ("place", "titles", "instruction_texts")
_IN_ALL_SCRIPTS: Mapping[str, str] = {"title": "titles", "instructions": "instruction_texts"}

_SELECT = """
    SELECT t.*, c.name AS crew_name, c.organisation AS crew_organisation,
           (SELECT count(*) FROM task_photo p WHERE p.task = t.id) AS photos,
           together(t.organisations, i.organisations) AS all_organisations, together(t.areas, i.areas) AS all_areas,
           coalesce(i.people, '{}') AS people
      FROM task t
      LEFT JOIN crew c ON c.id = t.crew
      LEFT JOIN incident i ON i.id = t.incident
"""
# A task belongs where its incident belongs, too.
_WHOSE = ("together(t.organisations, i.organisations)", "together(t.areas, i.areas)", "i.people")
# With the tasks of incidents that were merged into it.
_OF_INCIDENT = """
    t.incident IN (
        WITH RECURSIVE part (id) AS (
            SELECT %s::bigint
             UNION
            SELECT i.id FROM incident i JOIN part ON i.merged_into = part.id
        )
        SELECT id FROM part
    )
"""
_SAID = "t.title || ' ' || coalesce(t.titles::text, '') || ' ' || t.address || ' T-' || t.id"
_WORST_FIRST = "array_position(ARRAY['critical', 'high', 'medium', 'low'], t.priority)"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a task's history; `refused` is set for what came too late to count."""

    kind: str
    happened_at: datetime
    person: str
    login: str
    round: int
    before: TaskState | None
    after: TaskState
    crew: int | None = None
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None
    client_id: str | None = None


def facts_of(row: Mapping[str, Any]) -> Task:
    """Return a row of `task` as the core knows it."""
    acts = {act: Stamp(datetime.fromisoformat(at), key) for act, (at, key) in row["acts"].items()}
    return Task(row["round"], row["decision"], row["decided_at"], row["crew"], acts)


async def insert_task(connection: Connection, values: Mapping[str, Any]) -> int | None:
    """Write a new task (its columns by name, `place` as GeoJSON) and return its number.

    None when its `client_id` is there already: the same request came a second time, perhaps at this moment.
    """
    columns = {name: Jsonb(value) if name in _JSON and value is not None else value for name, value in values.items()}
    cursor = await connection.execute(
        f"""
        INSERT INTO task ({", ".join(columns)}, round, decision, state)
        VALUES ({", ".join(["%s"] * len(columns))}, 1, 'opened', 'open')
            ON CONFLICT (client_id) DO NOTHING
        RETURNING id
        """,
        list(columns.values()),
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def task_by_client_id(connection: Connection, client_id: str) -> DictRow:
    """Return the row that a client opened before with the same id."""
    row = await (await connection.execute(f"{_SELECT} WHERE t.client_id = %s", [client_id])).fetchone()
    assert row is not None  # noqa: S101  (tasks are never removed)
    return row


async def belonging(connection: Connection, task: int) -> Belonging | None:
    """Return whose a task is, its crew's members among those who see it; None when there is none."""
    cursor = await connection.execute(
        """
        SELECT together(t.organisations, i.organisations) AS organisations, together(t.areas, i.areas) AS areas,
               together(i.people, (SELECT array_agg(login) FROM crew_member WHERE crew = t.crew)) AS people
          FROM task t
          LEFT JOIN incident i ON i.id = t.incident
         WHERE t.id = %s
        """,
        [task],
    )
    row = await cursor.fetchone()
    return Belonging.of(row) if row else None


async def find_task(connection: Connection, task: int) -> DictRow | None:
    """Return one row."""
    return await (await connection.execute(f"{_SELECT} WHERE t.id = %s", [task])).fetchone()


async def lock_tasks(connection: Connection, tasks: Collection[int]) -> dict[int, DictRow]:
    """Return rows by number, locked in order of their numbers until the transaction ends."""
    cursor = await connection.execute(
        f"{_SELECT} WHERE t.id = ANY(%s) ORDER BY t.id FOR UPDATE OF t",
        [sorted(set(tasks))],
    )
    return {row["id"]: row for row in await cursor.fetchall()}


async def write_facts(connection: Connection, task: int, facts: Task, *, by: str, at: datetime, note: str) -> None:
    """Write what the core says of a task now; its version steps. An empty note leaves the one that stands."""
    acts = {act: [iso(stamp.at), stamp.key] for act, stamp in facts.acts.items()}
    state = facts.state
    result = facts.result
    ended_at = None
    if state in OVER:
        ended_at = facts.acts[result].at if facts.decision == "assigned" and result else facts.decided_at
    await connection.execute(
        """
        UPDATE task
           SET round = %s, decision = %s, decided_at = %s, crew = %s, acts = %s, state = %s, ended_at = %s,
               result_note = CASE WHEN %s <> '' THEN %s WHEN %s THEN '' ELSE result_note END,
               version = version + 1, changed_by = %s, changed_at = %s
         WHERE id = %s
        """,
        [
            facts.round,
            facts.decision,
            facts.decided_at,
            facts.crew,
            Jsonb(acts),
            state,
            ended_at,
            note,
            note,
            facts.decision == "reopened",
            by,
            at,
            task,
        ],
    )


async def write_edits(connection: Connection, task: int, edits: Mapping[str, Any], *, by: str, at: datetime) -> None:
    """Write what a person typed anew (columns of EDITABLE); the version steps."""
    chosen = {name: edits[name] for name in EDITABLE if name in edits}
    # What a person has typed takes the place of what Vidik said in every script.
    chosen |= {machine: None for typed, machine in _IN_ALL_SCRIPTS.items() if typed in chosen}
    values = [Jsonb(value) if name in _JSON and value is not None else value for name, value in chosen.items()]
    await connection.execute(
        f"""
        UPDATE task
           SET {"".join(f"{name} = %s, " for name in chosen)}
               version = version + 1, changed_by = %s, changed_at = %s
         WHERE id = %s
        """,
        [*values, by, at, task],
    )


async def list_tasks(
    connection: Connection,
    *,
    which: Which,
    limit: int,
    after: int | None = None,
    crew: int | None = None,
    incident: int | None = None,
    words: str | None = None,
    organisation: str | None = None,
    reach: Reach = EVERYWHERE,
) -> list[DictRow]:
    """Return tasks within reach: what is not over worst first, then as opened; other lists newest first, by number.

    `organisation` chooses tasks that a crew of it has or had in this round.
    """
    conditions = {"active": ["t.ended_at IS NULL"], "over": ["t.ended_at IS NOT NULL"], "all": []}.get(which)
    parameters: list[Any] = []
    if conditions is None:
        conditions, parameters = ["t.state = %s"], [which]
    for clause, value in (
        ("t.id < %s", after),
        ("t.crew = %s", crew),
        (_OF_INCIDENT, incident),
        ("t.state <> 'open' AND c.organisation = %s", organisation),
        (f"strpos(lower({_SAID}), lower(%s)) > 0", words or None),
    ):
        if value is not None:
            conditions.append(clause)
            parameters.append(value)
    within, whose = reach.condition(*_WHOSE)
    conditions.append(within)
    parameters += whose
    order = f"{_WORST_FIRST}, t.id" if which == "active" else "t.id DESC"
    cursor = await connection.execute(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT %s",
        [*parameters, limit],
    )
    return await cursor.fetchall()


async def count_by_state(connection: Connection, reach: Reach = EVERYWHERE) -> dict[str, int]:
    """Return how many tasks within reach that are not over stand in each state."""
    within, parameters = reach.condition(*_WHOSE)
    cursor = await connection.execute(
        "SELECT t.state, count(*) AS tasks FROM task t LEFT JOIN incident i ON i.id = t.incident"
        f" WHERE t.ended_at IS NULL AND {within} GROUP BY t.state",
        parameters,
    )
    return {row["state"]: row["tasks"] for row in await cursor.fetchall()}


async def tasks_of_crews(connection: Connection, crews: Sequence[int], since: datetime) -> list[DictRow]:
    """Return what crews have to do, worst first, and what they ended since a time."""
    cursor = await connection.execute(
        f"""
        {_SELECT}
         WHERE t.crew = ANY(%s)
           AND (t.state = ANY(%s) OR (t.state IN ('done', 'failed') AND t.ended_at >= %s))
         ORDER BY t.ended_at NULLS FIRST, {_WORST_FIRST}, t.id
        """,
        [list(crews), list(WITH_CREW), since],
    )
    return await cursor.fetchall()


async def append_events(connection: Connection, task: int, events: Sequence[Event], at: datetime) -> None:
    """Append lines to a task's history, in order."""
    for event in events:
        await connection.execute(
            """
            INSERT INTO task_event (task, recorded_at, happened_at, kind, person, login, crew, round, state_before,
                                    state_after, note, data, refused, client_id)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                task,
                at,
                event.happened_at,
                event.kind,
                event.person,
                event.login,
                event.crew,
                event.round,
                event.before,
                event.after,
                event.note,
                Jsonb(dict(event.data)),
                event.refused,
                event.client_id,
            ],
        )


async def events_of(connection: Connection, task: int) -> list[DictRow]:
    """Return a task's whole history, oldest first."""
    cursor = await connection.execute(
        """
        SELECT e.*, c.name AS crew_name
          FROM task_event e
          LEFT JOIN crew c ON c.id = e.crew
         WHERE e.task = %s
         ORDER BY e.id
        """,
        [task],
    )
    return await cursor.fetchall()


async def known_changes(connection: Connection, client_ids: Collection[str]) -> dict[str, DictRow]:
    """Return what became of changes that a phone sent before, by client id."""
    cursor = await connection.execute(
        "SELECT client_id::text AS client_id, task, refused, happened_at FROM task_event"
        " WHERE client_id = ANY(%s::uuid[])",
        [list(client_ids)],
    )
    return {row["client_id"]: row for row in await cursor.fetchall()}


async def tasks_ever_given(connection: Connection, crew: int, tasks: Collection[int]) -> set[int]:
    """Return which of these tasks the crew had at some time."""
    cursor = await connection.execute(
        "SELECT DISTINCT task FROM task_event WHERE task = ANY(%s) AND crew = %s AND kind = 'assigned'",
        [sorted(set(tasks)), crew],
    )
    return {row["task"] for row in await cursor.fetchall()}


async def refused_of_crews(connection: Connection, crews: Sequence[int], since: datetime) -> list[DictRow]:
    """Return what crews brought too late to count, newest first, each with the task as it stands now."""
    cursor = await connection.execute(
        """
        SELECT e.id, e.task, e.kind, e.happened_at, e.recorded_at, e.note, e.refused, e.client_id::text AS client_id,
               t.title, t.titles, t.state, t.changed_by, t.changed_at, c.name AS crew_name
          FROM task_event e
          JOIN task t ON t.id = e.task
          LEFT JOIN crew c ON c.id = t.crew
         WHERE e.crew = ANY(%s)
           AND e.refused IS NOT NULL
           AND e.recorded_at >= %s
         ORDER BY e.id DESC
         LIMIT 50
        """,
        [list(crews), since],
    )
    return await cursor.fetchall()


async def insert_photo(connection: Connection, task: int, values: Mapping[str, Any]) -> None:
    """Write what is known of a photo; the same one again changes nothing."""
    await connection.execute(
        """
        INSERT INTO task_photo (task, sha256, given_sha256, media_type, bytes, width, height, added_at, added_by)
        VALUES (%(task)s, %(sha256)s, %(given_sha256)s, %(media_type)s, %(bytes)s, %(width)s, %(height)s,
                %(added_at)s, %(added_by)s)
        ON CONFLICT DO NOTHING
        """,
        {"task": task, **values},
    )


async def photos_of(connection: Connection, task: int) -> list[DictRow]:
    """Return what is known of a task's photos, oldest first."""
    cursor = await connection.execute("SELECT * FROM task_photo WHERE task = %s ORDER BY added_at, sha256", [task])
    return await cursor.fetchall()
