"""Whether registrations fit filters on the properties that their sources' owners gave them (clause 4.9, csf)."""

from __future__ import annotations

from collections.abc import Sequence

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.query import q
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.registrations.sources.model import Registration
from vidik.context.registrations.sources.parsing import own_properties
from vidik.context.subscriptions.questions import Questions
from vidik.kernel.database import Connection

Filtered = tuple[Registration, Sequence[q.Query], ActiveContext]
"""A registration, the filters that it is to fit, and the words that these are written in."""


async def fit(connection: Connection, asked: Sequence[Filtered]) -> list[bool]:
    """Which of some registrations fit all of their filters; all questions go in one statement."""
    questions = Questions()
    entities = [Stored(one.id, (), None, own_properties(one.body)) for one, _, _ in asked]
    for entity, (_, filters, words) in zip(entities, asked, strict=True):
        for query in filters:
            questions.ask_query(query, words, entity)
    await questions.answer(connection)
    return [
        all(questions.fits(query, words, entity) for query in filters)
        for entity, (_, filters, words) in zip(entities, asked, strict=True)
    ]
