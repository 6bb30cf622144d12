"""Terms of q about single documents: PostgreSQL answers, by the very expressions that queries use."""

from __future__ import annotations

from collections.abc import Sequence

from vidik.context.ngsild.query.q_jsonpath import JsonPath
from vidik.context.ngsild.repository.pages import fetch
from vidik.context.store import arrays
from vidik.kernel.database import Connection


async def matches(
    connection: Connection, documents: Sequence[str], questions: Sequence[tuple[int, JsonPath]]
) -> list[bool]:
    """Of each question (the number of a document, a path): whether the path has a match in the document (JSON)."""
    if not questions:
        return []
    rows = await fetch(
        connection,
        "SELECT jsonb_path_exists_tz(entity.document, asked.path::jsonpath, '{}', true)"
        " FROM unnest(%s, %s) WITH ORDINALITY AS asked (entity, path, number)"
        " JOIN unnest(%s) WITH ORDINALITY AS entity (document, number) ON entity.number = asked.entity + 1"
        " ORDER BY asked.number",
        [
            arrays.bigints([number for number, _ in questions]),
            arrays.texts([path.text for _, path in questions]),
            arrays.documents(list(documents)),
        ],
    )
    return [bool(row[0]) for row in rows]
