"""What only PostgreSQL answers about a change: q and patterns, by the very expressions that queries use.

All questions of many changes go in one statement, so that a subscription means what the same query would find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import psycopg
from cachetools import LRUCache

from vidik.context.jsonld.active import ActiveContext
from vidik.context.jsonld.names import NGSI_LD
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query import q
from vidik.context.ngsild.query.expressions import And, Leaf
from vidik.context.ngsild.query.q_jsonpath import JsonPath, compile_term
from vidik.context.ngsild.repository.conditions import q_condition
from vidik.context.ngsild.repository.pages import fetch
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.store import arrays
from vidik.context.subscriptions.model import Subscription
from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.logs import get_logger

_log = get_logger("vidik.subscriptions")
_PATTERNS_REMEMBERED: Final = 50_000
_patterns: LRUCache[tuple[str, str], bool] = LRUCache(_PATTERNS_REMEMBERED)


@dataclass(slots=True)
class Questions:
    """Questions about entities that are asked at once."""

    _documents: list[str] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _kept: list[Stored] = field(default_factory=list)
    _paths: dict[tuple[int, str], bool] = field(default_factory=dict)
    _linked: dict[tuple[int, q.Term], tuple[ActiveContext, bool]] = field(default_factory=dict)
    """Terms that follow relationships, and what of an entity holds."""
    _matches: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    """None is still to be asked."""

    def ask_query(self, query: q.Query, context: ActiveContext, entity: Stored) -> None:
        """Ask whether an entity fits a q."""
        number = self._number(entity)
        for term in _terms(query):
            if term.path.linked is None:
                self._paths[number, _compiled(term, context).text] = False
            else:
                self._linked[number, term] = context, False

    def fits(self, query: q.Query, context: ActiveContext, entity: Stored) -> bool:
        """The answer about a q, after `answer`."""
        if isinstance(query, Leaf):
            if query.term.path.linked is not None:
                return self._linked[self._number(entity), query.term][1]
            path = _compiled(query.term, context)
            return self._paths[self._number(entity), path.text] != path.negated
        parts = (self.fits(part, context, entity) for part in query.parts)
        return all(parts) if isinstance(query, And) else any(parts)

    def ask_pattern(self, entity_id: str, pattern: str) -> None:
        """Ask whether an id matches a pattern."""
        if (entity_id, pattern) not in self._matches:
            self._matches[entity_id, pattern] = _patterns.get((entity_id, pattern))

    def matches(self, entity_id: str, pattern: str) -> bool:
        """The answer about a pattern, after `answer`."""
        return bool(self._matches[entity_id, pattern])

    async def answer(self, connection: Connection) -> None:
        """Ask PostgreSQL. A question that it cannot answer (a pattern that is too hard) is answered with no."""
        paths = list(self._paths)
        matches = [match for match, known in self._matches.items() if known is None]
        for number, term in self._linked:
            try:
                await self._follow(connection, number, term)
            except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
                _log.warning("a subscription asks what cannot be answered", reason=str(error).strip().splitlines()[0])
        if not paths and not matches:
            return
        try:
            async with connection.transaction():
                await self._ask(connection, paths, matches)
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
            for path in paths:
                await self._ask_alone(connection, [path], [])
            for match in matches:
                await self._ask_alone(connection, [], [match])

    async def _ask_alone(
        self, connection: Connection, paths: list[tuple[int, str]], matches: list[tuple[str, str]]
    ) -> None:
        try:
            async with connection.transaction():
                await self._ask(connection, paths, matches)
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            _log.warning("a subscription asks what cannot be answered", reason=str(error).strip().splitlines()[0])

    async def _ask(
        self, connection: Connection, paths: Sequence[tuple[int, str]], matches: Sequence[tuple[str, str]]
    ) -> None:
        if paths:
            cursor = await connection.execute(
                "SELECT jsonb_path_exists_tz(entity.document, asked.path::jsonpath, '{}', true) AS fits"
                " FROM unnest(%s, %s) WITH ORDINALITY AS asked (entity, path, number)"
                " JOIN unnest(%s) WITH ORDINALITY AS entity (document, number) ON entity.number = asked.entity + 1"
                " ORDER BY asked.number",
                [
                    arrays.bigints([number for number, _ in paths]),
                    arrays.texts([path for _, path in paths]),
                    arrays.documents(self._documents),
                ],
            )
            for asked, row in zip(paths, await cursor.fetchall(), strict=True):
                self._paths[asked] = bool(row["fits"])
        if matches:
            cursor = await connection.execute(
                "SELECT asked.id ~ asked.pattern AS fits"
                " FROM unnest(%s, %s) WITH ORDINALITY AS asked (id, pattern, number) ORDER BY asked.number",
                [arrays.texts([one for one, _ in matches]), arrays.texts([pattern for _, pattern in matches])],
            )
            for match, row in zip(matches, await cursor.fetchall(), strict=True):
                self._matches[match] = _patterns[match] = bool(row["fits"])

    async def _follow(self, connection: Connection, number: int, term: q.Term) -> None:
        """Ask whether a relationship leads to an entity of which a term holds."""
        context, _ = self._linked[number, term]
        asked = q_condition(Leaf(term), context)
        async with connection.transaction():
            rows = await fetch(
                connection,
                f"SELECT {asked.sql} FROM (SELECT (%s::jsonb[])[1] AS document) AS one",
                [*asked.parameters, arrays.documents([self._documents[number]])],
            )
        self._linked[number, term] = context, bool(rows[0][0])

    def _number(self, entity: Stored) -> int:
        number = self._numbers.get(id(entity))
        if number is None:
            number = self._numbers[id(entity)] = len(self._documents)
            self._documents.append(orjson.dumps(_with_times(entity)).decode())
            self._kept.append(entity)  # an id() is only unique among what is alive
        return number


def _with_times(entity: Stored) -> dict[str, Any]:
    """The document, and as attributes what q may ask of the entity itself."""
    document: dict[str, Any] = dict(entity.document)
    for name, moment in (("createdAt", entity.created_at), ("modifiedAt", entity.modified_at)):
        if moment is not None:
            document[NGSI_LD + name] = {"type": "Property", "value": iso(moment)}
    return document


def _terms(query: q.Query) -> list[q.Term]:
    return [query.term] if isinstance(query, Leaf) else [term for part in query.parts for term in _terms(part)]


_compiled_terms: LRUCache[tuple[int, q.Term], tuple[ActiveContext, JsonPath]] = LRUCache(4096)


def _compiled(term: q.Term, context: ActiveContext) -> JsonPath:
    known = _compiled_terms.get((id(context), term))
    if known is None or known[0] is not context:
        known = _compiled_terms[id(context), term] = (context, compile_term(term, context))
    return known[1]


async def check(connection: Connection, subscription: Subscription) -> None:
    """Raise BadInput where PostgreSQL does not take a pattern or a q of a subscription."""
    nothing = Stored("urn:ngsi-ld:Nothing:1", (), None, _EMPTY)
    questions = Questions()
    try:
        async with connection.transaction():
            if subscription.query is not None and subscription.query_context is not None:
                questions.ask_query(subscription.query, subscription.query_context, nothing)
            patterns = [(nothing.id, one.id_pattern) for one in subscription.selectors if one.id_pattern is not None]
            for number, term in questions._linked:
                await questions._follow(connection, number, term)
            await questions._ask(connection, list(questions._paths), patterns)
    except psycopg.DataError as error:
        raise bad_data("A pattern of the subscription is not a regular expression.", "q") from error


_EMPTY: Final[Mapping[str, Any]] = {}
