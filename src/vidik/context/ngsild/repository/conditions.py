"""Queries as SQL conditions on the table `entity`; every value is a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query import q, selections
from vidik.context.ngsild.query.expressions import And, Expression, Leaf
from vidik.context.ngsild.query.geo import EARTH_RADIUS_METRES, Box, GeoQuery, boxes
from vidik.context.ngsild.query.q_jsonpath import compile_objects, compile_term
from vidik.context.store.document import LOCATION, SCOPE, box_literal


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL and its parameters, in order."""

    sql: str
    parameters: tuple[Any, ...] = ()


ALWAYS: Final = Condition("true")
NEVER: Final = Condition("false")
BY_ID: Final = Condition("id")
PRESENT: Final = Condition("(expires_at IS NULL OR expires_at > now())")
REMEMBERED: Final = "entity_remembered"
"""The view of the entities of now and of those that have only a past."""


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Every one of the conditions."""
    kept = [one for one in conditions if one is not ALWAYS]
    return _joined(" AND ", kept) if kept else ALWAYS


def any_of(conditions: Sequence[Condition]) -> Condition:
    """At least one of the conditions."""
    return _joined(" OR ", conditions) if conditions else NEVER


def _joined(word: str, conditions: Sequence[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    text = word.join(one.sql for one in conditions)
    return Condition(f"({text})", tuple(value for one in conditions for value in one.parameters))


@dataclass(slots=True)
class Search:
    """What a query asks for; None is no limit."""

    kinds: list[int] | None = None
    ids: list[str] | None = None
    id_pattern: str | None = None
    attributes: list[str] | None = None
    """Expanded names, of which an entity has at least one."""
    q: q.Query | None = None
    scopes: Expression[str] | None = None
    scopes_once: Expression[str] | None = None
    """Scopes that an entity has now or may have had: looked at more closely outside."""
    geo: GeoQuery | None = None
    keys: list[int] | None = None
    """What is left after the exact geometry was looked at outside the database."""
    context: ActiveContext | None = field(default=None, repr=False)
    order: Condition = BY_ID
    table: str = "entity"
    """`entity`, or `REMEMBERED` for those with only a past as well."""
    past: Condition = ALWAYS
    """What history must know of an entity (repository/past.py)."""
    beyond: Condition = ALWAYS
    """From where on, in the order that is asked for."""
    is_any_due: bool = False
    """Whether there are attributes that have expired and that nobody has deleted yet (`repository/entities.py`)."""

    def conditions(self) -> Condition:
        """All but the geographic relation."""
        parts = [
            ALWAYS if self.table == REMEMBERED else PRESENT,  # what has expired has its past
            self.kind_condition(),
            _equal_or_any("id", "text", self.ids),
            _equal_or_any("key", "bigint", self.keys),
            self.beyond,
        ]
        if self.id_pattern is not None:
            parts.append(Condition("id ~ %s", (self.id_pattern,)))
        parts.append(self._document_condition())
        if self.scopes is not None:
            parts.append(scope_condition(self.scopes))
        if self.scopes_once is not None:
            parts.append(any_of([scope_condition(self.scopes_once), _ever_had([SCOPE])]))
        parts.append(self.past)
        return all_of(parts)

    def _document_condition(self) -> Condition:
        """What is asked of attributes: of those that have not expired."""
        parts = [] if self.attributes is None else [self._attribute_condition(self.attributes)]
        if self.q is not None and self.context is not None:
            parts.append(q_condition(self.q, self.context, is_any_due=self.is_any_due))
        if not self.is_any_due:
            return all_of(parts)
        if self.geo is not None:
            parts.append(Condition("document ? %s", (self.geo.geo_property,)))
        return of_what_is_valid(all_of(parts)) if parts else ALWAYS

    def _attribute_condition(self, names: list[str]) -> Condition:
        """At least one of the attributes: of now, or, in the past, that there ever was."""
        if self.table != REMEMBERED:
            return Condition("document ?| %s::text[]", (names,))
        return any_of([Condition("document ?| %s::text[]", (names,)), _ever_had(names)])

    def kind_condition(self) -> Condition:
        """The types alone."""
        return _equal_or_any("kind", "bigint", self.kinds)


def _ever_had(names: list[str]) -> Condition:
    """Whether history knows one of some attributes of an entity."""
    # Not EXISTS, of which the planner makes a hash of all series that there are.
    sql = "(SELECT true FROM series WHERE series.entity = key AND attribute = ANY(%s::text[]) LIMIT 1)"
    return Condition(f"coalesce({sql}, false)", (names,))


def _equal_or_any(column: str, kind: str, wanted: Sequence[Any] | None) -> Condition:
    if wanted is None:
        return ALWAYS
    if not wanted:
        return NEVER
    # With one value the index on (kind, id) also gives the order.
    if len(wanted) == 1:
        return Condition(f"{column} = %s", (wanted[0],))
    return Condition(f"{column} = ANY(%s::{kind}[])", (list(wanted),))


_IS_DUE: Final = "id IN (SELECT entity_id FROM attribute_expiry WHERE expires_at <= now())"
_VALID: Final = (
    "(SELECT coalesce(jsonb_object_agg(name, CASE jsonb_typeof(stored) WHEN 'array' THEN valid ELSE valid -> 0 END),"
    " '{}') FROM jsonb_each(document) AS member (name, stored)"
    " CROSS JOIN LATERAL (SELECT jsonb_agg(one) AS valid FROM jsonb_array_elements("
    "CASE jsonb_typeof(stored) WHEN 'array' THEN stored ELSE jsonb_build_array(stored) END) AS one"
    " WHERE (one ->> 'expiresAt')::timestamptz <= now() IS NOT TRUE) AS left_over WHERE valid IS NOT NULL)"
)


def of_what_is_valid(condition: Condition) -> Condition:
    """A condition on `document` for what of it has not expired: documents of which something is due are taken apart."""
    return Condition(
        f"CASE WHEN {_IS_DUE} THEN EXISTS (SELECT FROM (SELECT {_VALID} AS document) AS left_over"
        f" WHERE {condition.sql}) ELSE {condition.sql} END",
        (*condition.parameters, *condition.parameters),
    )


def q_condition(query: q.Query, context: ActiveContext, *, is_any_due: bool = False) -> Condition:
    """A q over the document; createdAt and modifiedAt of the entity are columns.

    `is_any_due` says that what it links to may have attributes that have expired.
    """
    if isinstance(query, Leaf):
        return _term(query.term, context, is_any_due=is_any_due)
    parts = [q_condition(part, context, is_any_due=is_any_due) for part in query.parts]
    return all_of(parts) if isinstance(query, And) else any_of(parts)


_COLUMNS: Final = {"createdAt": "created_at", "modifiedAt": "modified_at"}
_SIGNS: Final = {"==": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


def _term(term: q.Term, context: ActiveContext, *, is_any_due: bool) -> Condition:
    if term.path.linked is not None:
        return linked_condition(term, term.path.linked, context, is_any_due=is_any_due)
    if len(term.path.attributes) == 1 and term.path.attributes[0] in _COLUMNS and not term.path.trail:
        return _column(term, _COLUMNS[term.path.attributes[0]])
    path = compile_term(term, context)
    compared = "jsonb_path_exists_tz(document, %s::jsonpath, '{}', true)"
    found = compared if path.times else "document @? %s::jsonpath"
    return Condition(f"(NOT {found})" if path.negated else found, (path.text,))


def linked_condition(term: q.Term, linked: q.Linked, context: ActiveContext, *, is_any_due: bool) -> Condition:
    """Whether a relationship of `document` leads to an entity of which a term holds (clause 4.9, example 13)."""
    absent = isinstance(term, q.Exists) and term.absent
    inner = replace(term, path=linked.path)
    if isinstance(inner, q.Exists):
        inner = replace(inner, absent=False)
    first, second = compile_objects(term.path, context)
    held_there = _term(inner, context, is_any_due=is_any_due)
    conditions = [PRESENT, of_what_is_valid(held_there) if is_any_due else held_there]
    if linked.types:
        types = [context.expand(one) for one in linked.types]
        conditions.append(
            Condition("kind IN (SELECT one.kind FROM kind AS one WHERE one.types && %s::text[])", (types,))
        )
    held = all_of(conditions)
    return Condition(
        f"({'NOT ' if absent else ''}EXISTS (SELECT FROM ("
        " SELECT jsonb_path_query(document, %s::jsonpath, '{}', true) #>> '{}' AS target"
        " UNION ALL SELECT jsonb_path_query(document, %s::jsonpath, '{}', true) #>> '{}'"
        f") AS link JOIN entity ON entity.id = link.target WHERE {held.sql}))",
        (first, second, *held.parameters),
    )


def _column(term: q.Term, column: str) -> Condition:
    if isinstance(term, q.Exists):
        return NEVER if term.absent else ALWAYS
    if isinstance(term.operand, q.Range) and isinstance(term.operand.low, q.Moment):
        low, high = _moment(term.operand.low), _moment(term.operand.high)
        negation = "NOT " if term.operator == "!=" else ""
        return Condition(f"({negation}{column} BETWEEN %s AND %s)", (low, high))
    if term.operator not in _SIGNS:
        raise bad_data(f"{term.path.attributes[0]} is compared with a date and time.", "q")
    return Condition(f"{column} {_SIGNS[term.operator]} %s", (_moment(term.operand),))


def _moment(operand: object) -> Any:
    text = operand.text if isinstance(operand, q.Moment | q.Text) else ""
    return values.zoned_moment(text, "q")


def scope_condition(query: Expression[str]) -> Condition:
    """A scopeQ over the column `scope`."""
    if isinstance(query, Leaf):
        if selections.is_plain_scope(query.term):
            return Condition("scope @> %s::text[]", ([query.term],))
        expression = selections.scope_expression(query.term)
        return Condition("EXISTS (SELECT FROM unnest(scope) AS one WHERE one ~ %s)", (expression,))
    parts = [scope_condition(part) for part in query.parts]
    return all_of(parts) if isinstance(query, And) else any_of(parts)


def box_condition(query: GeoQuery) -> Condition:
    """What the index can say about a geographic relation: a superset of its matches."""
    if query.geo_property != LOCATION:
        return Condition("document ? %s", (query.geo_property,))
    limits = boxes(query)
    if limits is None:
        return Condition("place IS NOT NULL")
    return any_of([_overlaps(limit) for limit in limits])


def _overlaps(limit: Box) -> Condition:
    return Condition("place && %s::box", (box_literal(limit),))


def near_condition(query: GeoQuery) -> Condition:
    """The exact distance between points; places that are larger than a point pass, to be looked at outside."""
    point = query.point
    if point is None or query.geo_property != LOCATION:
        return ALWAYS
    longitude, latitude = point
    distance = (
        f"{2 * EARTH_RADIUS_METRES} * asin(sqrt(least(1.0,"
        " sin(radians(((place[0])[1] - %s::float8) / 2)) ^ 2"
        " + cos(radians(%s::float8)) * cos(radians((place[0])[1]))"
        " * sin(radians(((place[0])[0] - %s::float8) / 2)) ^ 2)))"
    )
    parameters = (latitude, latitude, longitude)
    parts = []
    if query.maximum is not None:
        parts.append(Condition(f"{distance} <= %s::float8", (*parameters, query.maximum)))
    if query.minimum is not None:
        parts.append(Condition(f"{distance} >= %s::float8", (*parameters, query.minimum)))
    return any_of([Condition("NOT (place[0] ~= place[1])"), all_of(parts)])
