"""Whether entities that were put together out of several sources fit a query (ETSI GS CIM 009, clause 5.7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vidik.context.ngsild.query import geo, selections
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.subscriptions.questions import Questions


async def fitting_of(
    connection: Any, entities: Sequence[Stored], search: Search, types: selections.TypeSelection | None
) -> list[Stored]:
    """Those of some entities that a query would find: what was put together here is asked once more."""
    found = [
        one
        for one in entities
        if (types is None or selections.matches_types(types, one.types))
        and (search.ids is None or one.id in search.ids)
        and (search.attributes is None or not set(search.attributes).isdisjoint(one.document))
        and (search.scopes is None or selections.matches_scopes(search.scopes, one.scope or ()))
        and (search.geo is None or geo.is_in_place(one.document, search.geo))
    ]
    questions = Questions()
    query, context = search.q, search.context
    for one in found:
        if query is not None and context is not None:
            questions.ask_query(query, context, one)
        if search.id_pattern is not None:
            questions.ask_pattern(one.id, search.id_pattern)
    await questions.answer(connection)
    return [
        one
        for one in found
        if (query is None or context is None or questions.fits(query, context, one))
        and (search.id_pattern is None or questions.matches(one.id, search.id_pattern))
    ]
