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
    """The @context with an id, of whatever tenant; None where there is none."""
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
        " WHERE tenant = %s AND (%s::text IS NULL OR id = %s) ORDER BY created_at",
        [tenant, context_id, context_id],
    )
    return [HostedContext(**row) for row in await cursor.fetchall()]


async def delete(connection: Connection, tenant: str, context_id: str) -> None:
    """Let go of a context."""
    await connection.execute("DELETE FROM hosted_context WHERE tenant = %s AND id = %s", [tenant, context_id])
