"""SQL of shifts, plans and people: who is at a desk, who may be called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.operations.duty.plan import Plan

_SHIFT = "SELECT id, desk, login, person, begins_at, ends_at, version, changed_by, changed_at FROM shift"
_PLAN = "SELECT code, definition, enabled, stands_since, version, changed_by, changed_at FROM on_call_plan"


async def people(connection: Connection, tenant: str) -> dict[str, str]:
    """Return login and shown name of everybody with an account that is in use."""
    cursor = await connection.execute(
        """
        SELECT login, name
          FROM platform.account
         WHERE tenant = %s AND enabled AND (ends_at IS NULL OR ends_at > now())
           AND (password_hash IS NOT NULL
                OR EXISTS (SELECT FROM platform.account_link WHERE account_link.account = account.id))
         ORDER BY name
        """,
        [tenant],
    )
    return {row["login"]: row["name"] for row in await cursor.fetchall()}


async def shifts_between(connection: Connection, begin: datetime, end: datetime) -> list[DictRow]:
    """Return every shift that lies at least partly between two times, by beginning."""
    cursor = await connection.execute(
        f"{_SHIFT} WHERE begins_at < %s AND ends_at > %s ORDER BY begins_at, desk, id LIMIT 2000", [end, begin]
    )
    return await cursor.fetchall()


async def find_shift(connection: Connection, shift: int) -> DictRow | None:
    """Return one shift, locked until the transaction ends."""
    return await (await connection.execute(f"{_SHIFT} WHERE id = %s FOR UPDATE", [shift])).fetchone()


async def shift_of_client(connection: Connection, client_id: UUID) -> DictRow | None:
    """Return the shift that a client has made before under its own number."""
    return await (await connection.execute(f"{_SHIFT} WHERE client_id = %s", [client_id])).fetchone()


async def insert_shift(connection: Connection, values: Mapping[str, Any]) -> DictRow | None:
    """Write a shift; None when its client has made it before, or its person has another one at that time.

    Either may happen at this very moment: both are waited for here, so that the caller sees which of them it was.
    """
    cursor = await connection.execute(
        """
        INSERT INTO shift (desk, login, person, begins_at, ends_at, changed_by, changed_at, client_id)
        VALUES (%(desk)s, %(login)s, %(person)s, %(begins_at)s, %(ends_at)s, %(by)s, %(at)s, %(client_id)s)
            ON CONFLICT DO NOTHING
        RETURNING id, desk, login, person, begins_at, ends_at, version, changed_by, changed_at
        """,
        values,
    )
    return await cursor.fetchone()


async def update_shift(connection: Connection, shift: int, values: Mapping[str, Any]) -> DictRow:
    """Write a shift anew; raises psycopg's ExclusionViolation when the person has another one at that time."""
    cursor = await connection.execute(
        """
        UPDATE shift
           SET desk = %(desk)s, login = %(login)s, person = %(person)s, begins_at = %(begins_at)s,
               ends_at = %(ends_at)s, version = version + 1, changed_by = %(by)s, changed_at = %(at)s
         WHERE id = %(shift)s
        RETURNING id, desk, login, person, begins_at, ends_at, version, changed_by, changed_at
        """,
        {**values, "shift": shift},
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (the row is locked)
    return row


async def delete_shift(connection: Connection, shift: int) -> None:
    """Take a shift out of the roster."""
    await connection.execute("DELETE FROM shift WHERE id = %s", [shift])


async def on_shift(connection: Connection, at: datetime) -> dict[str, list[str]]:
    """Return the logins of who is at each desk at a moment, who came first first."""
    cursor = await connection.execute(
        "SELECT desk, login FROM shift WHERE begins_at <= %s AND ends_at > %s ORDER BY begins_at, id", [at, at]
    )
    found: dict[str, list[str]] = {}
    for row in await cursor.fetchall():
        found.setdefault(row["desk"], []).append(row["login"])
    return found


async def plan_rows(connection: Connection) -> list[DictRow]:
    """Return every on-call plan, by code."""
    return await (await connection.execute(f"{_PLAN} ORDER BY code")).fetchall()


async def find_plan(connection: Connection, code: str) -> DictRow | None:
    """Return one on-call plan, locked until the transaction ends."""
    return await (await connection.execute(f"{_PLAN} WHERE code = %s FOR UPDATE", [code])).fetchone()


async def write_plan(
    connection: Connection, code: str, plan: Plan, *, enabled: bool, person: str, moment: datetime
) -> DictRow:
    """Write a plan, new or over the one before; from now on it calls for what happens from now on."""
    cursor = await connection.execute(
        """
        INSERT INTO on_call_plan AS p (code, definition, enabled, stands_since, changed_by, changed_at)
        VALUES (%(code)s, %(definition)s, %(enabled)s, %(at)s, %(by)s, %(at)s)
        ON CONFLICT (code) DO UPDATE
           SET definition = excluded.definition,
               enabled = excluded.enabled,
               -- Whoever only changes the steps must not make the plan forget what it listens for.
               stands_since = CASE WHEN p.enabled THEN p.stands_since ELSE excluded.stands_since END,
               version = p.version + 1,
               changed_by = excluded.changed_by,
               changed_at = excluded.changed_at
        RETURNING code, definition, enabled, stands_since, version, changed_by, changed_at
        """,
        {
            "code": code,
            "definition": Jsonb(plan.model_dump(mode="json")),
            "enabled": enabled,
            "by": person,
            "at": moment,
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return row


async def delete_plan(connection: Connection, code: str) -> None:
    """Take a plan away; what it has called for so far stays on record."""
    await connection.execute("DELETE FROM on_call_plan WHERE code = %s", [code])


async def contacts(connection: Connection, logins: list[str] | None = None) -> dict[str, DictRow]:
    """Return how people are reached (language, addresses by channel, changed_at), by login; all when none is named."""
    cursor = await connection.execute(
        """
        SELECT login, language, addresses, changed_by, changed_at
          FROM duty_contact
         WHERE %(logins)s::text[] IS NULL OR login = ANY(%(logins)s)
        """,
        {"logins": logins},
    )
    return {row["login"]: row for row in await cursor.fetchall()}


async def write_contact(
    connection: Connection, login: str, language: str, addresses: Mapping[str, str], person: str, moment: datetime
) -> None:
    """Write how a person is reached."""
    await connection.execute(
        """
        INSERT INTO duty_contact (login, language, addresses, changed_by, changed_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (login) DO UPDATE
           SET language = excluded.language,
               addresses = excluded.addresses,
               changed_by = excluded.changed_by,
               changed_at = excluded.changed_at
        """,
        [login, language, Jsonb(dict(addresses)), person, moment],
    )


async def browsers(connection: Connection, login: str) -> list[DictRow]:
    """Return where web push reaches a person."""
    cursor = await connection.execute("SELECT endpoint, p256dh, auth FROM duty_browser WHERE login = %s", [login])
    return await cursor.fetchall()


async def write_browser(
    connection: Connection, login: str, endpoint: str, p256dh: str, auth: str, moment: datetime
) -> None:
    """Write a browser that web push reaches; one that somebody else used before is now this person's."""
    await connection.execute(
        """
        INSERT INTO duty_browser (login, endpoint, p256dh, auth, made_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (endpoint) DO UPDATE
           SET login = excluded.login, p256dh = excluded.p256dh, auth = excluded.auth, made_at = excluded.made_at
        """,
        [login, endpoint, p256dh, auth, moment],
    )


async def delete_browser(connection: Connection, endpoint: str, login: str | None = None) -> None:
    """Forget a browser: the person asked for it, or its push service says that it is gone."""
    await connection.execute(
        "DELETE FROM duty_browser WHERE endpoint = %s AND (%s::text IS NULL OR login = %s)", [endpoint, login, login]
    )
