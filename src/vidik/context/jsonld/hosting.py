"""The @contexts that this installation keeps for its clients (ETSI GS CIM 009, clause 5.13)."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from vidik.kernel.clock import now
from vidik.kernel.database import Connection, Database

_REFERENCE: Final = re.compile(r"(?:^|/)jsonldContexts/(urn(?::|%3A)vidik(?::|%3A)context(?::|%3A)[0-9a-f\-]{36})$")


@dataclass(frozen=True, slots=True)
class HostedContext:
    """A context that is kept here."""

    id: str
    implicit: bool
    context: Any
    created_at: datetime


def id_in(url: str) -> str | None:
    """The id of a hosted context that an address names, whatever its host is called; None for other addresses."""
    match = _REFERENCE.search(url)
    return None if match is None else match.group(1).replace("%3A", ":")


async def content(database: Database, context_id: str) -> Any:
    """The @context with an id, of whatever tenant; None where there is none.

    Also one that was deleted, as long as anything is written in it: nobody's words lose their meaning.
    """
    async with database.platform() as connection:
        cursor = await connection.execute("SELECT context FROM hosted_context WHERE id = %s", [context_id])
        row = await cursor.fetchone()
    return None if row is None else row["context"]


async def add(connection: Connection, tenant: str, context: Any, *, implicit: bool = False) -> str:
    """Keep a context; returns its id."""
    identity = f"urn:vidik:context:{uuid.uuid4()}"
    await connection.execute(
        "INSERT INTO hosted_context (id, tenant, implicit, context, created_at) VALUES (%s, %s, %s, %s::jsonb, %s)",
        [identity, tenant, implicit, orjson.dumps(context).decode(), now()],
    )
    return identity


async def of_tenant(connection: Connection, tenant: str, context_id: str | None = None) -> list[HostedContext]:
    """The contexts of a tenant, oldest first; all, or the one with an id."""
    cursor = await connection.execute(
        "SELECT id, implicit, context, created_at FROM hosted_context"
        " WHERE tenant = %s AND (%s::text IS NULL OR id = %s) AND deleted_at IS NULL ORDER BY created_at",
        [tenant, context_id, context_id],
    )
    return [HostedContext(**row) for row in await cursor.fetchall()]


async def delete(connection: Connection, tenant: str, context_id: str) -> None:
    """Let go of a context."""
    await connection.execute("DELETE FROM hosted_context WHERE tenant = %s AND id = %s", [tenant, context_id])


async def put_away(connection: Connection, tenant: str, context_id: str) -> None:
    """Show and serve a context no more that something is still written in."""
    await connection.execute(
        "UPDATE hosted_context SET deleted_at = %s WHERE tenant = %s AND id = %s", [now(), tenant, context_id]
    )


async def is_used(connection: Connection, context_id: str) -> bool:
    """Whether subscriptions or registrations of a tenant refer to a context; their @contexts are asked for again."""
    # By its number alone, because an address may have the colons of an id encoded.
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM subscription"
        "  WHERE strpos(context::text, %(number)s) > 0 OR strpos(body::text, %(number)s) > 0)"
        " OR EXISTS (SELECT FROM registration WHERE strpos(body::text, %(number)s) > 0) AS used",
        {"number": context_id.rpartition(":")[2]},
    )
    row = await cursor.fetchone()
    return row is not None and bool(row["used"])


async def forget_unused(database: Database, tenant: str) -> None:
    """Let go of the contexts of a tenant that were put away and that nothing refers to any more."""
    async with database.platform() as connection:
        cursor = await connection.execute(
            "SELECT id FROM hosted_context WHERE tenant = %s AND deleted_at IS NOT NULL", [tenant]
        )
        away = [row["id"] for row in await cursor.fetchall()]
    if not away:
        return
    async with database.session(tenant) as connection:
        unused = [one for one in away if not await is_used(connection, one)]
    async with database.platform() as connection:
        for one in unused:
            await delete(connection, tenant, one)
