"""What citizens wrote is not the city's memory: it is put aside when it is stored, and only the desk reads it.

Everybody with `context.read`, and every subscription, snapshot and other city behind it, sees an entity through its
row, its history and its changes. So an entity of a sealed type keeps in those what its sender and the desk tell each
other; the citizen's words and the place go into a table of their own, and whatever else was sent (who reported) is not
stored at all. See docs/decisions/0044-what-a-citizen-wrote-is-not-the-citys-memory.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from vidik.context.jsonld import names
from vidik.context.store import arrays, expiry
from vidik.context.store.document import Document, bounding_box, box_literal
from vidik.context.store.states import EntityRow, EntityWrite
from vidik.kernel.database import Connection

TYPE: Final = "service_requests"
"""How the address of a sealed type ends: a sender's wrong @context, or an exercise, changes only what is before it."""
PUBLISHED: Final = frozenset(
    names.expand_attribute(name)
    for name in (
        "service_code", "service_request_id", "requested_datetime", "updated_datetime", "expected_datetime", "status",
        "requestState", "status_notes", "incidentNumber", "agency_responsible", "dataOrigin",
    )
)  # fmt: skip
"""What everybody may read who may read the city's memory."""
WORDS: Final = frozenset(
    names.expand_attribute(name)
    for name in ("service_name", "description", "address_string", "address", "media_url", "location")
)
"""What the desk needs for the work."""


def is_sealed(types: Iterable[str]) -> bool:
    """Whether entities of these (expanded) types are published only in part."""
    for one in types:  # noqa: SIM110  (asked for each entity that is written: a generator takes twice as long)
        if one.endswith(TYPE):
            return True
    return False


def published(types: Iterable[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Of the attributes of an entity those that all may read."""
    if not is_sealed(types):
        return dict(attributes)
    return {name: content for name, content in attributes.items() if name in PUBLISHED}


async def put_aside(connection: Connection, writes: Sequence[EntityWrite]) -> None:
    """Take out of what is written what is not published, and keep of it the words; the writes are changed."""
    said: dict[str, Document] = {}
    for write in writes:
        if is_sealed(write.types):
            words = {name: content for name, content in write.document.items() if name in WORDS}
            write.document = published(write.types, write.document)
            write.changed = published(write.types, write.changed)
            if words or write.before is not None:
                said[write.entity_id] = words
        elif write.before is not None and is_sealed(write.before.types):
            said[write.entity_id] = {}
    if said:
        await _keep(connection, said)


async def _keep(connection: Connection, said: Mapping[str, Document]) -> None:
    silent = [entity_id for entity_id, words in said.items() if not words]
    if silent:
        await forget(connection, silent)
    kept = {entity_id: words for entity_id, words in said.items() if words}
    if not kept:
        return
    turns = [(entity_id, moment) for entity_id, words in kept.items() if (moment := expiry.next_expiry(words))]
    await expiry.note(connection, turns)
    await connection.execute(
        "INSERT INTO entity_words (id, document, place)"
        " SELECT id, document, nullif(place, '')::box FROM unnest(%s, %s, %s) AS new (id, document, place)"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document, place = excluded.place",
        [
            arrays.texts(list(kept)),
            arrays.documents([orjson.dumps(words) for words in kept.values()]),
            arrays.texts([box_literal(bounding_box(words)) or "" for words in kept.values()]),
        ],
    )


async def complete(connection: Connection, rows: Iterable[EntityRow]) -> None:
    """Give rows of sealed types their words back: for those who write them, or work on them."""
    by_id = {row.id: row for row in rows if is_sealed(row.types)}
    if not by_id:
        return
    cursor = await connection.execute(
        "SELECT id, document FROM entity_words WHERE id = ANY(%s)", [arrays.texts(list(by_id))]
    )
    for found in await cursor.fetchall():
        row = by_id[found["id"]]
        row.document = {**row.document, **found["document"]}


async def forget(connection: Connection, entity_ids: Sequence[str]) -> None:
    """Forget what was said of entities."""
    await connection.execute("DELETE FROM entity_words WHERE id = ANY(%s)", [arrays.texts(entity_ids)])
