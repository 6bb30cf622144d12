"""All SQL of plans, files, watches, events and jobs; the ledger has its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection

_FREEZING = 0x5046  # "PF": plans are frozen one at a time, so that none overlaps another unseen


@dataclass(frozen=True)
class Signature:
    """Everything that the freeze of a plan writes beside its text."""

    statement: str
    signed_by: str
    actor: str
    signed_at: datetime
    four_eyes: bool
    digests: Mapping[str, str]
    digests_until: date
    simulated: bool
    audit_position: int


_PLAN = """
    SELECT plan.id, plan.draft, plan.created_by, plan.created_at, plan.changed_by, plan.actor, plan.changed_at,
           plan.power,
           frozen.canonical, frozen.hash, frozen.statement, frozen.signed_by, frozen.signed_at, frozen.four_eyes,
           frozen.digests, frozen.digests_until, frozen.simulated, frozen.audit_position,
           coalesce((SELECT jsonb_agg(jsonb_build_array(link.canonical, link.hash, link.audit_position)
                                      ORDER BY link.number)
                       FROM pilot_amendment link
                      WHERE link.plan = plan.id), '[]') AS amendments,
           watch.computed_at, watch.until, watch.result,
           (SELECT count(*)
              FROM pilot_event event
             WHERE event.plan = plan.id
               AND NOT EXISTS (SELECT FROM pilot_event_answer answer WHERE answer.event = event.id)) AS open_events
      FROM pilot_plan plan
      LEFT JOIN pilot_frozen frozen ON frozen.plan = plan.id
      LEFT JOIN LATERAL (SELECT computed_at, until, result
                           FROM pilot_watch
                          WHERE pilot_watch.plan = plan.id
                          ORDER BY id DESC
                          LIMIT 1) AS watch ON true
"""


async def list_plans(connection: Connection) -> list[DictRow]:
    """Every plan, the newest first."""
    return await (await connection.execute(f"{_PLAN} ORDER BY plan.id DESC")).fetchall()


async def find_plan(connection: Connection, plan: int) -> DictRow | None:
    """One plan, or None."""
    return await (await connection.execute(f"{_PLAN} WHERE plan.id = %s", [plan])).fetchone()


async def lock_plan(connection: Connection, plan: int) -> None:
    """Keep others from changing a plan until the transaction ends."""
    await connection.execute("SELECT FROM pilot_plan WHERE id = %s FOR UPDATE", [plan])


async def lock_freezing(connection: Connection) -> None:
    """Keep others from freezing or amending until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_FREEZING])


async def insert_plan(connection: Connection, draft: Mapping[str, Any], person: str, actor: str, at: datetime) -> int:
    """Write a new draft and return its number."""
    cursor = await connection.execute(
        "INSERT INTO pilot_plan (draft, created_by, created_at, changed_by, actor, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
        [Jsonb(dict(draft)), person, at, person, actor, at],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])


async def update_draft(
    connection: Connection, plan: int, draft: Mapping[str, Any], person: str, actor: str, at: datetime
) -> None:
    """Write what was typed of a draft; its power curve was another draft's."""
    await connection.execute(
        "UPDATE pilot_plan SET draft = %s, changed_by = %s, actor = %s, changed_at = %s, power = NULL WHERE id = %s",
        [Jsonb(dict(draft)), person, actor, at, plan],
    )


async def delete_draft(connection: Connection, plan: int) -> None:
    """Take away a plan that was never frozen, and its jobs."""
    await connection.execute("DELETE FROM pilot_job WHERE plan = %s", [plan])
    await connection.execute("DELETE FROM pilot_plan WHERE id = %s", [plan])


async def write_power(connection: Connection, plan: int, power: Mapping[str, Any]) -> None:
    """Keep the newest power curve of a plan."""
    await connection.execute("UPDATE pilot_plan SET power = %s WHERE id = %s", [Jsonb(dict(power)), plan])


async def read_detectable(connection: Connection) -> list[DictRow]:
    """Of each service the plan whose data show the smallest saving, by the runs of its newest power curve.

    `detectable` is a fraction that is shown in four of five pilots; 1 where no saving up to 60 % is.
    """
    cursor = await connection.execute(
        """
        SELECT DISTINCT ON (plan.draft ->> 'service')
               plan.id AS plan, plan.draft ->> 'service' AS service, plan.draft ->> 'title' AS title,
               greatest(coalesce((plan.power ->> 'detectable')::float8, 1), 0.001) AS detectable,
               (plan.power ->> 'placebos')::int AS placebos, coalesce(frozen.simulated, false) AS simulated
          FROM pilot_plan plan
          LEFT JOIN pilot_frozen frozen ON frozen.plan = plan.id
         WHERE (plan.power ->> 'placebos')::int >= 2
         ORDER BY plan.draft ->> 'service', 4, plan.id DESC
        """
    )
    return await cursor.fetchall()


async def insert_frozen(connection: Connection, plan: int, canonical: str, hash_: str, signature: Signature) -> None:
    """Write what was signed; it can never be changed."""
    await connection.execute(
        """
        INSERT INTO pilot_frozen (plan, canonical, hash, statement, signed_by, actor, signed_at, four_eyes, digests,
                                  digests_until, simulated, audit_position)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            plan,
            canonical,
            hash_,
            signature.statement,
            signature.signed_by,
            signature.actor,
            signature.signed_at,
            signature.four_eyes,
            Jsonb(dict(signature.digests)),
            signature.digests_until,
            signature.simulated,
            signature.audit_position,
        ],
    )


async def insert_amendment(
    connection: Connection, plan: int, number: int, canonical: str, hash_: str, audit_position: int
) -> None:
    """Write an amendment; it can never be changed."""
    await connection.execute(
        "INSERT INTO pilot_amendment (plan, number, canonical, hash, audit_position) VALUES (%s, %s, %s, %s, %s)",
        [plan, number, canonical, hash_, audit_position],
    )


async def insert_watch(
    connection: Connection, plan: int, computed_at: datetime, until: date, result: Mapping[str, Any]
) -> None:
    """Keep what was computed of a plan, beside what was computed before."""
    await connection.execute(
        "INSERT INTO pilot_watch (plan, computed_at, until, result) VALUES (%s, %s, %s, %s)",
        [plan, computed_at, until, Jsonb(dict(result))],
    )


async def events_of(connection: Connection, plan: int) -> list[DictRow]:
    """The events of a plan with their answers, oldest first."""
    cursor = await connection.execute(
        """
        SELECT id, finding, found_at, answer, note, answered_by, answered_at, amendment
          FROM pilot_event
          LEFT JOIN pilot_event_answer ON event = id
         WHERE plan = %s
         ORDER BY id
        """,
        [plan],
    )
    return await cursor.fetchall()


async def insert_events(connection: Connection, plan: int, findings: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Write events that were found for the first time."""
    for finding in findings:
        await connection.execute(
            "INSERT INTO pilot_event (plan, finding, found_at) VALUES (%s, %s, %s)", [plan, Jsonb(dict(finding)), at]
        )


async def insert_answer(
    connection: Connection,
    event: int,
    *,
    answer: str,
    note: str,
    person: str,
    at: datetime,
    amendment: int | None,
    audit_position: int,
) -> None:
    """Write a person's answer to an event; it can never be changed."""
    await connection.execute(
        """
        INSERT INTO pilot_event_answer (event, answer, note, answered_by, answered_at, amendment, audit_position)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        [event, answer, note, person, at, amendment, audit_position],
    )


async def insert_file(
    connection: Connection,
    *,
    sha256: str,
    name: str,
    size: int,
    simulated: bool,
    description: Mapping[str, Any],
    content: bytes,
    person: str,
    at: datetime,
) -> None:
    """Keep a file once; the same bytes given in again change nothing."""
    await connection.execute(
        """
        INSERT INTO pilot_file (sha256, name, size, simulated, description, content, given_by, given_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT DO NOTHING
        """,
        [sha256, name, size, simulated, Jsonb(dict(description)), content, person, at],
    )


async def list_files(connection: Connection, sha256: Sequence[str] | None = None) -> list[DictRow]:
    """The files without their bytes, the newest first; of some hashes, or all."""
    cursor = await connection.execute(
        "SELECT sha256, name, size, simulated, description, given_by, given_at FROM pilot_file"
        " WHERE %(some)s::text[] IS NULL OR sha256 = ANY(%(some)s) ORDER BY given_at DESC, sha256",
        {"some": None if sha256 is None else list(sha256)},
    )
    return await cursor.fetchall()


async def file_content(connection: Connection, sha256: str) -> bytes | None:
    """The compressed bytes of a file, or None."""
    cursor = await connection.execute("SELECT content FROM pilot_file WHERE sha256 = %s", [sha256], binary=True)
    row = await cursor.fetchone()
    return bytes(row["content"]) if row else None


async def numeric_series(connection: Connection) -> list[DictRow]:
    """Every attribute of a living entity whose newest value is a number and that history knows, by entity's id."""
    cursor = await connection.execute(
        """
        SELECT entity.id, kind.types, entity.document, series.attribute, series.series
          FROM series
          JOIN entity ON entity.key = series.entity
          JOIN kind USING (kind)
         WHERE series.dataset = ''
           AND jsonb_typeof(entity.document -> series.attribute -> 'value') = 'number'
         ORDER BY entity.id, series.attribute
        """
    )
    return await cursor.fetchall()


async def reach_of(connection: Connection, series: Sequence[int]) -> dict[int, tuple[date | None, date | None]]:
    """From which day to which day history knows each series."""
    cursor = await connection.execute(
        """
        SELECT wanted.series,
               least((SELECT min(day) FROM observation_chunk c WHERE c.series = wanted.series),
                     (SELECT min(observed_at) FROM observation o WHERE o.series = wanted.series)::date) AS first,
               greatest((SELECT max(day) FROM observation_chunk c WHERE c.series = wanted.series),
                        (SELECT max(observed_at) FROM observation o WHERE o.series = wanted.series)::date) AS last
          FROM unnest(%s::bigint[]) AS wanted (series)
        """,
        [list(series)],
    )
    return {row["series"]: (row["first"], row["last"]) for row in await cursor.fetchall()}


async def read_assumptions(connection: Connection) -> DictRow | None:
    """What the city assumes of the candidates: content, changed_by, changed_at; None while nothing was said."""
    return await (await connection.execute("SELECT content, changed_by, changed_at FROM pilot_assumptions")).fetchone()


async def write_assumptions(connection: Connection, content: Mapping[str, Any], person: str, at: datetime) -> None:
    """Keep what the city assumes of the candidates."""
    await connection.execute(
        """
        INSERT INTO pilot_assumptions (content, changed_by, changed_at)
        VALUES (%s, %s, %s)
            ON CONFLICT (only_one) DO UPDATE
           SET content = EXCLUDED.content, changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at
        """,
        [Jsonb(dict(content)), person, at],
    )


async def insert_job(connection: Connection, kind: str, plan: int, request: Mapping[str, Any], at: datetime) -> UUID:
    """Ask the worker for long work; while the same is waiting or under way, that one is meant."""
    while True:  # the one that was under way may end between the two statements
        cursor = await connection.execute(
            """
            INSERT INTO pilot_job (kind, plan, request, created_at)
            VALUES (%(kind)s, %(plan)s, %(request)s, %(at)s)
                ON CONFLICT (plan, kind) WHERE state IN ('waiting', 'running') DO NOTHING
            RETURNING id
            """,
            {"kind": kind, "plan": plan, "request": Jsonb(dict(request)), "at": at},
        )
        row = await cursor.fetchone() or await open_job(connection, plan, kind)
        if row is not None:
            return UUID(str(row["id"]))


async def open_job(connection: Connection, plan: int, kind: str) -> DictRow | None:
    """The job of a kind that waits or runs for a plan, or None."""
    cursor = await connection.execute(
        "SELECT id, request FROM pilot_job WHERE plan = %s AND kind = %s AND state IN ('waiting', 'running')",
        [plan, kind],
    )
    return await cursor.fetchone()


async def last_failure(connection: Connection, plan: int, kind: str) -> dict[str, Any] | None:
    """Why the newest job of a kind that has ended failed; None where it did not, or there is none."""
    cursor = await connection.execute(
        """
        SELECT error
          FROM pilot_job
         WHERE plan = %s AND kind = %s AND state IN ('done', 'failed')
         ORDER BY finished_at DESC
         LIMIT 1
        """,
        [plan, kind],
    )
    row = await cursor.fetchone()
    return row["error"] if row else None


async def find_job(connection: Connection, job: UUID) -> DictRow | None:
    """One job, or None."""
    return await (await connection.execute("SELECT * FROM pilot_job WHERE id = %s", [job])).fetchone()


async def take_job(connection: Connection, at: datetime, stalled_before: datetime) -> DictRow | None:
    """The next job to do, marked as running: one that waits, or one whose worker has gone silent."""
    cursor = await connection.execute(
        """
        UPDATE pilot_job
           SET state = 'running', touched_at = %(at)s
         WHERE id = (
            SELECT id
              FROM pilot_job
             WHERE state = 'waiting' OR (state = 'running' AND touched_at < %(stalled)s)
             ORDER BY created_at
             LIMIT 1
               FOR UPDATE SKIP LOCKED
         )
        RETURNING *
        """,
        {"at": at, "stalled": stalled_before},
    )
    return await cursor.fetchone()


async def advance_job(
    connection: Connection, job: UUID, at: datetime, *, stage: str | None = None, done: int = 0, of_steps: int = 0
) -> None:
    """Say how far a job is; without a stage only that it lives."""
    await connection.execute(
        """
        UPDATE pilot_job
           SET touched_at = %(at)s,
               stage = coalesce(%(stage)s, stage),
               done = CASE WHEN %(stage)s::text IS NULL THEN done ELSE %(done)s END,
               of_steps = CASE WHEN %(stage)s::text IS NULL THEN of_steps ELSE %(of)s END
         WHERE id = %(job)s
        """,
        {"at": at, "stage": stage, "done": done, "of": of_steps, "job": job},
    )


async def finish_job(
    connection: Connection, job: UUID, at: datetime, *, result: Any = None, error: Mapping[str, Any] | None = None
) -> None:
    """Write how a job ended."""
    await connection.execute(
        """
        UPDATE pilot_job
           SET state = %s, result = %s, error = %s, finished_at = %s, stage = NULL, done = of_steps
         WHERE id = %s
        """,
        [
            "failed" if error else "done",
            Jsonb(result) if result is not None else None,
            Jsonb(dict(error)) if error else None,
            at,
            job,
        ],
    )


async def forget_jobs(connection: Connection, before: datetime) -> None:
    """Take away jobs that ended long ago; what they found is kept elsewhere."""
    await connection.execute("DELETE FROM pilot_job WHERE finished_at < %s", [before])
