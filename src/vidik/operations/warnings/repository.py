"""All SQL of warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.operations.warnings.content import Content, MessageType
from vidik.operations.warnings.warning import State

_WARNING = """
    SELECT id, kind, follows, incident, state, content, authors, drafted_by, drafted_at, released_login, released_by,
           identifier, sender, sent_at, expires_at, version, changed_by, changed_at
      FROM warning
"""
BROWSERS_AT_MOST = 500_000


async def find(connection: Connection, warning: int, *, lock: bool = False) -> DictRow | None:
    """Return one warning, locked until the transaction ends if asked for."""
    ending = "FOR UPDATE" if lock else ""
    return await (await connection.execute(f"{_WARNING} WHERE id = %s {ending}", [warning])).fetchone()


async def of_client(connection: Connection, client_id: UUID | None) -> DictRow | None:
    """Return the draft that a client has made before under its own number."""
    return await (await connection.execute(f"{_WARNING} WHERE client_id = %s", [client_id])).fetchone()


async def newest(connection: Connection, limit: int, before: int | None) -> list[DictRow]:
    """Return warnings that were not thrown away, newest first."""
    cursor = await connection.execute(
        f"""
        {_WARNING}
         WHERE state <> 'discarded'
           AND (%s::bigint IS NULL OR id < %s)
         ORDER BY id DESC
         LIMIT %s
        """,
        [before, before, limit],
    )
    return await cursor.fetchall()


async def public(connection: Connection, moment: datetime) -> list[DictRow]:
    """Return what the public feed carries, newest first: real warnings that stand, and cancellations of a day."""
    cursor = await connection.execute(
        f"""
        {_WARNING}
         WHERE content ->> 'status' = 'Actual'
           AND state = 'released'
           AND expires_at > %s
           AND (kind <> 'Cancel' OR sent_at > %s)
         ORDER BY sent_at DESC, id DESC
         LIMIT 100
        """,
        [moment, moment - timedelta(days=1)],
    )
    return await cursor.fetchall()


async def document(connection: Connection, identifier: str) -> str | None:
    """Return the CAP document of an identifier, or None."""
    cursor = await connection.execute("SELECT xml FROM warning WHERE identifier = %s", [identifier])
    row = await cursor.fetchone()
    return str(row["xml"]) if row else None


async def insert(
    connection: Connection,
    *,
    kind: MessageType,
    follows: int | None,
    incident: int | None,
    content: Content,
    login: str,
    person: str,
    moment: datetime,
    client_id: UUID | None,
) -> int | None:
    """Write a draft and return its number; None when its client has made it before, perhaps at this moment."""
    cursor = await connection.execute(
        """
        INSERT INTO warning (kind, follows, incident, state, content, authors, drafted_by, drafted_at, expires_at,
                             changed_by, changed_at, client_id)
        VALUES (%s, %s, %s, 'draft', %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (client_id) DO NOTHING
        RETURNING id
        """,
        [
            kind,
            follows,
            incident,
            Jsonb(content.model_dump(mode="json")),
            [login],
            person,
            moment,
            content.expires,
            person,
            moment,
            client_id,
        ],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else None


async def change(
    connection: Connection, warning: int, content: Content, login: str, person: str, moment: datetime
) -> None:
    """Write a draft anew; whoever did is one of its authors from now on."""
    await connection.execute(
        """
        UPDATE warning
           SET content = %(content)s,
               expires_at = %(expires)s,
               authors = CASE WHEN %(login)s = ANY(authors) THEN authors ELSE authors || %(login)s::text END,
               version = version + 1,
               changed_by = %(person)s,
               changed_at = %(at)s
         WHERE id = %(warning)s
        """,
        {
            "content": Jsonb(content.model_dump(mode="json")),
            "expires": content.expires,
            "login": login,
            "person": person,
            "at": moment,
            "warning": warning,
        },
    )


async def set_state(connection: Connection, warning: int, state: State, person: str, moment: datetime) -> None:
    """Write the state of a warning."""
    await connection.execute(
        "UPDATE warning SET state = %s, version = version + 1, changed_by = %s, changed_at = %s WHERE id = %s",
        [state, person, moment, warning],
    )


async def release(
    connection: Connection,
    warning: int,
    *,
    identifier: str,
    sender: str,
    xml: str,
    sent_at: datetime,
    login: str,
    person: str,
) -> None:
    """Write a release; raises psycopg's CheckViolation when an author does it, whatever the program above thinks."""
    await connection.execute(
        """
        UPDATE warning
           SET state = 'released', identifier = %s, sender = %s, xml = %s, sent_at = %s, released_login = %s,
               released_by = %s, version = version + 1, changed_by = %s, changed_at = %s
         WHERE id = %s
        """,
        [identifier, sender, xml, sent_at, login, person, person, sent_at, warning],
    )


async def before(connection: Connection, follows: int | None) -> list[DictRow]:
    """Return the messages that one follows, oldest first."""
    cursor = await connection.execute(
        f"""
        WITH RECURSIVE earlier AS (
            SELECT id, follows FROM warning WHERE id = %s
             UNION ALL
            SELECT w.id, w.follows FROM warning w JOIN earlier e ON w.id = e.follows
        )
        {_WARNING}
         WHERE id IN (SELECT id FROM earlier)
         ORDER BY id
        """,
        [follows],
    )
    return await cursor.fetchall()


async def expire(connection: Connection, moment: datetime) -> list[int]:
    """Say of what has ended that it has; returns the numbers."""
    cursor = await connection.execute(
        """
        UPDATE warning
           SET state = 'expired', version = version + 1, changed_by = 'Vidik', changed_at = %s
         WHERE state = 'released' AND expires_at <= %s
        RETURNING id
        """,
        [moment, moment],
    )
    return [row["id"] for row in await cursor.fetchall()]


async def add_browser(
    connection: Connection, endpoint: str, p256dh: str, auth: str, language: str, ends_at: datetime
) -> bool:
    """Remember a citizen's browser, or make its end later; False when there are too many already."""
    cursor = await connection.execute(
        """
        INSERT INTO warning_browser (endpoint, host, p256dh, auth, language, ends_at)
        SELECT %(endpoint)s, %(host)s, %(p256dh)s, %(auth)s, %(language)s, %(ends)s
         WHERE (SELECT count(*) FROM warning_browser) < %(most)s
        ON CONFLICT (endpoint) DO UPDATE
           SET p256dh = excluded.p256dh, auth = excluded.auth, language = excluded.language,
               ends_at = excluded.ends_at
        RETURNING id
        """,
        {
            "endpoint": endpoint,
            "host": urlsplit(endpoint).hostname or "",
            "p256dh": p256dh,
            "auth": auth,
            "language": language,
            "ends": ends_at,
            "most": BROWSERS_AT_MOST,
        },
    )
    return await cursor.fetchone() is not None


async def remove_browsers(connection: Connection, endpoints: Sequence[str]) -> None:
    """Forget browsers: their person asked for it, or their push service says that they are gone."""
    await connection.execute("DELETE FROM warning_browser WHERE endpoint = ANY(%s)", [list(endpoints)])


async def forget_ended(connection: Connection, moment: datetime) -> None:
    """Forget browsers whose year is over."""
    await connection.execute("DELETE FROM warning_browser WHERE ends_at <= %s", [moment])


async def forget_pushes(connection: Connection, warnings: Sequence[int]) -> None:
    """Owe nobody a message about warnings that stand no more."""
    await connection.execute("DELETE FROM warning_push WHERE warning = ANY(%s)", [list(warnings)])


async def owe_pushes(connection: Connection, warning: int, moment: datetime) -> None:
    """Owe every browser a message about a warning."""
    await connection.execute(
        "INSERT INTO warning_push (warning, browser, due_at) SELECT %s, id, %s FROM warning_browser WHERE ends_at > %s",
        [warning, moment, moment],
    )


async def claim_pushes(
    connection: Connection,
    moment: datetime,
    lease: timedelta,
    *,
    limit: int,
    per_host: int,
    busy: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Take messages that are due; until the lease ends nobody else takes them.

    Of one host so many as stay under `per_host` with those that are on their way to it (`busy`).
    """
    cursor = await connection.execute(
        """
        WITH due AS (
            SELECT p.warning, p.browser, p.due_at,
                   row_number() OVER (PARTITION BY b.host ORDER BY p.due_at) + coalesce(u.messages, 0) AS place
              FROM warning_push p
              JOIN warning_browser b ON b.id = p.browser
              LEFT JOIN unnest(%(hosts)s::text[], %(messages)s::int[]) AS u (host, messages) ON u.host = b.host
             WHERE p.due_at <= %(now)s
        ), chosen AS (
            SELECT p.warning, p.browser
              FROM warning_push p
             WHERE (p.warning, p.browser) IN (
                SELECT warning, browser FROM due WHERE place <= %(per_host)s ORDER BY due_at LIMIT %(limit)s
             )
               AND p.due_at <= %(now)s
               FOR UPDATE SKIP LOCKED
        )
        UPDATE warning_push p
           SET attempts = attempts + 1, due_at = %(until)s
          FROM chosen c, warning w, warning_browser b
         WHERE (p.warning, p.browser) = (c.warning, c.browser)
           AND w.id = p.warning
           AND b.id = p.browser
        RETURNING p.warning, p.browser, p.attempts, b.endpoint, b.host, b.p256dh, b.auth, b.language, w.content, w.kind,
                  w.identifier
        """,
        {
            "hosts": list(busy),
            "messages": list(busy.values()),
            "now": moment,
            "until": moment + lease,
            "per_host": per_host,
            "limit": limit,
        },
    )
    return await cursor.fetchall()


async def settle_push(connection: Connection, warning: int, browser: int, again_at: datetime | None) -> None:
    """Say that a message is no longer owed, or when it is tried again."""
    if again_at is None:
        await connection.execute("DELETE FROM warning_push WHERE (warning, browser) = (%s, %s)", [warning, browser])
    else:
        await connection.execute(
            "UPDATE warning_push SET due_at = %s WHERE (warning, browser) = (%s, %s)", [again_at, warning, browser]
        )
