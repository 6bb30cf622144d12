"""SQL of messages to people: owed as rows, sent at least once, told apart by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach
from vidik.operations.duty.belonging import escalations_within
from vidik.operations.duty.plan import Call

NOTICE = """
    SELECT id, key, escalation, round, step, login, person, channel, facts, state, attempts, made_at, due_at, sent_at,
           ended_at, problem, exercise_id
      FROM notice
"""


async def insert_notices(
    connection: Connection, escalation: Mapping[str, Any], call: Call, names: Mapping[str, str], moment: datetime
) -> list[int]:
    """Write the messages of one step, once; returns the numbers of the new ones."""
    pairs = [(login, channel) for login in call.people for channel in call.channels]
    cursor = await connection.execute(
        """
        INSERT INTO notice (escalation, round, step, login, person, channel, facts, state, made_at, due_at, exercise_id)
        SELECT %(escalation)s, %(round)s, %(step)s, login, person, channel, %(facts)s, 'due', %(at)s, %(at)s,
               %(exercise)s
          FROM unnest(%(logins)s::text[], %(people)s::text[], %(channels)s::text[]) AS n (login, person, channel)
        ON CONFLICT (escalation, round, step, login, channel) DO NOTHING
        RETURNING id
        """,
        {
            "escalation": escalation["id"],
            "round": call.place.round,
            "step": call.place.step,
            "logins": [login for login, _ in pairs],
            "people": [names.get(login, login) for login, _ in pairs],
            "channels": [channel for _, channel in pairs],
            "facts": Jsonb({"kind": escalation["cause"], "subject": str(escalation["subject"]), **escalation["facts"]}),
            "at": moment,
            "exercise": escalation["exercise_id"],
        },
    )
    return [row["id"] for row in await cursor.fetchall()]


async def insert_trial(connection: Connection, login: str, person: str, channel: str, moment: datetime) -> int:
    """Write a message by which a person tries a channel."""
    cursor = await connection.execute(
        """
        INSERT INTO notice (login, person, channel, facts, state, made_at, due_at)
        VALUES (%s, %s, %s, %s, 'due', %s, %s)
        RETURNING id
        """,
        [login, person, channel, Jsonb({"kind": "trial"}), moment, moment],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])


async def insert_messages(
    connection: Connection,
    addressed: Sequence[tuple[str, str, str]],
    facts: Mapping[str, Any],
    moment: datetime,
    exercise_id: int | None,
    escalation: int | None = None,
) -> list[int]:
    """Write messages outside the steps of a plan: one for each login, shown name and channel; returns their numbers.

    Those of an `escalation` are answered with it.
    """
    cursor = await connection.execute(
        """
        INSERT INTO notice (escalation, login, person, channel, facts, state, made_at, due_at, exercise_id)
        SELECT %(escalation)s, login, person, channel, %(facts)s, 'due', %(at)s, %(at)s, %(exercise)s
          FROM unnest(%(logins)s::text[], %(people)s::text[], %(channels)s::text[]) AS n (login, person, channel)
        RETURNING id
        """,
        {
            "logins": [login for login, _, _ in addressed],
            "people": [person for _, person, _ in addressed],
            "channels": [channel for _, _, channel in addressed],
            "facts": Jsonb(dict(facts)),
            "at": moment,
            "exercise": exercise_id,
            "escalation": escalation,
        },
    )
    return [row["id"] for row in await cursor.fetchall()]


async def notices(connection: Connection, ids: Sequence[int]) -> list[DictRow]:
    """Return messages by number."""
    if not ids:
        return []
    return await (await connection.execute(f"{NOTICE} WHERE id = ANY(%s) ORDER BY id", [list(ids)])).fetchall()


async def newest_notices(
    connection: Connection, limit: int, before: int | None = None, reach: Reach = EVERYWHERE
) -> list[DictRow]:
    """Return the newest messages within reach (those to oneself are), newest first."""
    within, parameters = escalations_within(reach)
    mine = "true" if reach.is_everywhere else "login = %s"
    cursor = await connection.execute(
        f"{NOTICE} WHERE (%s::bigint IS NULL OR id < %s) AND ({mine} OR escalation IN ({within}))"
        " ORDER BY id DESC LIMIT %s",
        [before, before, *([] if reach.is_everywhere else [reach.login]), *parameters, limit],
    )
    return await cursor.fetchall()


async def claim(connection: Connection, moment: datetime, lease: timedelta, limit: int) -> list[DictRow]:
    """Take messages that are due; until the lease ends nobody else takes them, then whoever sends is gone."""
    cursor = await connection.execute(
        """
        UPDATE notice
           SET attempts = attempts + 1, due_at = %s
         WHERE id IN (
            SELECT id
              FROM notice
             WHERE state IN ('due', 'failed') AND due_at <= %s
             ORDER BY due_at, id
             LIMIT %s
               FOR UPDATE SKIP LOCKED
         )
        RETURNING id, key, escalation, login, person, channel, facts, attempts, made_at, exercise_id
        """,
        [moment + lease, moment, limit],
    )
    return await cursor.fetchall()


async def mark_sent(connection: Connection, notice: int, moment: datetime) -> None:
    """Say that a provider has taken a message; one that was answered meanwhile stays answered."""
    await connection.execute(
        """
        UPDATE notice
           SET sent_at = %s,
               problem = NULL,
               state = CASE WHEN state IN ('due', 'failed') THEN 'sent' ELSE state END
         WHERE id = %s
        """,
        [moment, notice],
    )


async def mark_failed(
    connection: Connection, notice: int, problem: str, moment: datetime, again_at: datetime | None
) -> None:
    """Say why a message did not leave and when it is tried again; None gives it up."""
    await connection.execute(
        """
        UPDATE notice
           SET state = CASE WHEN %(again)s::timestamptz IS NULL THEN 'given_up' ELSE 'failed' END,
               problem = %(problem)s,
               due_at = coalesce(%(again)s, due_at),
               ended_at = CASE WHEN %(again)s::timestamptz IS NULL THEN %(at)s END
         WHERE id = %(notice)s
           AND state IN ('due', 'failed')
        """,
        {"notice": notice, "problem": problem, "at": moment, "again": again_at},
    )
