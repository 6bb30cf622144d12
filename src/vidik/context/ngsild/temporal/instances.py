"""Which entities a query of the past means: q and place by their instances (ETSI GS CIM 009, clause 5.7.4). Pure.

A q is looked at as alternatives of terms that must all hold. An entity fits when, for one of them, each attribute that
it names has an instance in the range that fits all of its terms about that attribute. The whole range of what fits is
shown: clause 5.7.4 can be read as leaving the other instances out, the public test suite expects them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.jsonld.names import NGSI_LD
from vidik.context.ngsild.problems import too_complex
from vidik.context.ngsild.query import geo, q
from vidik.context.ngsild.query.expressions import And, Leaf
from vidik.context.ngsild.query.geo import GeoQuery
from vidik.context.ngsild.query.q_jsonpath import JsonPath, compile_term
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.ngsild.temporal.representation import numbered_instances
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import Instance, instances_of
from vidik.context.store.history import Series
from vidik.kernel.clock import iso

MAXIMUM_ALTERNATIVES: Final = 64
MAXIMUM_ASKED: Final = 500_000
Mask = npt.NDArray[np.bool_]
_OF_ENTITY: Final = ("createdAt", "modifiedAt")
_COMPARISONS: Final[Mapping[str, Callable[[npt.NDArray[np.float64], float], Mask]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """What a temporal query asks of instances."""

    alternatives: tuple[tuple[q.Term, ...], ...]
    """Empty where there is no q."""
    geo: GeoQuery | None
    context: ActiveContext

    @property
    def attributes(self) -> frozenset[str]:
        """The expanded names of attributes whose instances are looked at."""
        named = {self.attribute(term) for terms in self.alternatives for term in terms if not _is_of_entity(term)}
        return frozenset(named | ({self.geo.geo_property} if self.geo is not None else set()))

    def attribute(self, term: q.Term) -> str:
        """The expanded name of the attribute that a term is about."""
        return self.context.expand(term.path.attributes[0])


def instance_filter(query: q.Query | None, place: GeoQuery | None, context: ActiveContext) -> InstanceFilter | None:
    """The filter of a query; None where it has neither q nor place. Raises TooComplexQuery."""
    if query is None and place is None:
        return None
    return InstanceFilter(() if query is None else tuple(_alternatives(query)), place, context)


def _alternatives(query: q.Query) -> list[tuple[q.Term, ...]]:
    if isinstance(query, Leaf):
        return [(query.term,)]
    parts = [_alternatives(part) for part in query.parts]
    if not isinstance(query, And):
        found = [terms for part in parts for terms in part]
    else:
        found = [()]
        for part in parts:
            found = [(*before, *terms) for before in found for terms in part]
            if len(found) > MAXIMUM_ALTERNATIVES:
                break
    if len(found) > MAXIMUM_ALTERNATIVES:
        raise too_complex(f"q over the past has at most {MAXIMUM_ALTERNATIVES} alternatives.")
    return found


def _is_of_entity(term: q.Term) -> bool:
    return term.path.attributes[0] in _OF_ENTITY and len(term.path.attributes) == 1


def _is_of_nothing(term: q.Term) -> bool:
    """Whether a term asks that an attribute has no instance."""
    return isinstance(term, q.Exists) and term.absent and len(term.path.attributes) == 1 and not term.path.trail


@dataclass(slots=True)
class Trial:
    """Entities, what is known of their instances, and the questions that only PostgreSQL can answer."""

    asked: InstanceFilter
    query: TemporalQuery
    documents: list[str] = field(default_factory=list)
    questions: list[tuple[int, JsonPath]] = field(default_factory=list)
    """Of a document, by its number: whether a path has a match in it."""
    _masks: dict[tuple[int, int], Mask] = field(default_factory=dict)
    """By series and term (its place in `_terms`)."""
    _waiting: list[tuple[Mask, int]] = field(default_factory=list)
    _terms: list[q.Term] = field(default_factory=list)
    _series: dict[tuple[str, str], list[Series]] = field(default_factory=lambda: defaultdict(list))
    _valid: dict[int, Mask] = field(default_factory=dict)
    _placed: dict[int, Mask] = field(default_factory=dict)
    _pseudos: dict[str, int] = field(default_factory=dict)
    """Numbers for the times of entities themselves, which no series has."""

    def __post_init__(self) -> None:
        self._terms = list(dict.fromkeys(term for terms in self.asked.alternatives for term in terms))

    def enter(self, entity: Stored, series: Sequence[Series], rows: Mapping[int, SeriesRows]) -> None:
        """Look at an entity; what NumPy cannot say of it becomes questions. Raises TooComplexQuery for too many."""
        for place, term in enumerate(self._terms):
            if _is_of_entity(term):
                self._masks[self._pseudo(entity), place] = self._ask([_times_of(entity)], [0], 1, term)
        current: dict[str, dict[str, Instance]] = {}
        for one in series:
            if one.attribute not in current:
                present = instances_of(entity.document.get(one.attribute, []))
                current[one.attribute] = {_dataset(instance): instance for instance in present}
            self._series[entity.id, one.attribute].append(one)
            self._enter_series(one, rows[one.number], current[one.attribute].get(one.dataset))

    def _enter_series(self, series: Series, rows: SeriesRows, current: Instance | None) -> None:
        terms = [
            (place, term)
            for place, term in enumerate(self._terms)
            if not _is_of_entity(term) and self.asked.attribute(term) == series.attribute
        ]
        geo_query = self.asked.geo
        if geo_query is not None and geo_query.geo_property != series.attribute:
            geo_query = None
        plain = self.query.time_property == "observedAt" and not rows.json
        quick = {place: _quickly(term, rows.numbers) for place, term in terms} if plain else {}
        if plain and geo_query is None and all(mask is not None for mask in quick.values()):
            self._valid[series.number] = np.ones(len(rows), np.bool_)
            self._masks |= {(series.number, place): mask for place, mask in quick.items() if mask is not None}
            return
        numbered = list(numbered_instances(rows, self.query, current, series))
        places = [index for index, _ in numbered]
        self._valid[series.number] = _mask(len(rows), places)
        if geo_query is not None:
            self._placed[series.number] = _related(geo_query, rows, [one for _, one in numbered], places)
        documents = [{series.attribute: one} for _, one in numbered] if terms else []
        for place, term in terms:
            self._masks[series.number, place] = self._ask(documents, places, len(rows), term)

    def _ask(self, documents: Sequence[Mapping[str, Any]], places: Sequence[int], size: int, term: q.Term) -> Mask:
        """Questions whether a term holds of documents; the mask is filled by `answer`."""
        mask = np.zeros(size, np.bool_)
        path = compile_term(term, self.asked.context)
        if _is_of_nothing(term):
            return mask  # no instance fits it; `_holds` knows where there is none
        for document, place in zip(documents, places, strict=True):
            self.questions.append((len(self.documents), path))
            self._waiting.append((mask, place))
            self.documents.append(orjson.dumps(document).decode())
        if len(self.questions) > MAXIMUM_ASKED:
            raise too_complex(f"The query looks at more than {MAXIMUM_ASKED} instances; narrow it.")
        return mask

    def answer(self, answers: Sequence[bool]) -> None:
        """What PostgreSQL said to the questions, in their order."""
        for (mask, place), (_, path), answered in zip(self._waiting, self.questions, answers, strict=True):
            mask[place] = answered != path.negated

    def fits(self, entity: Stored) -> bool:
        """Whether an entity fits, after `answer`."""
        place = self.asked.geo
        if place is not None:
            series = self._series.get((entity.id, place.geo_property), [])
            if not any(self._placed[one.number].any() for one in series):
                return False
        return not self.asked.alternatives or any(self._holds(entity, terms) for terms in self.asked.alternatives)

    def _holds(self, entity: Stored, terms: Sequence[q.Term]) -> bool:
        """Whether one alternative holds."""
        masks: dict[int, Mask] = {}
        for term in terms:
            place = self._terms.index(term)
            if _is_of_entity(term):
                if not self._masks[self._pseudo(entity), place].any():
                    return False
                continue
            series = self._series.get((entity.id, self.asked.attribute(term)), [])
            if isinstance(term, q.Exists) and term.absent:
                has_any = any(self._valid[one.number].any() for one in series)
                if has_any and _is_of_nothing(term):
                    return False
                if not has_any:
                    continue
            for one in series:
                mask = self._masks[one.number, place]
                masks[one.number] = masks[one.number] & mask if one.number in masks else mask
            if not any(masks[one.number].any() for one in series):
                return False
        return True

    def _pseudo(self, entity: Stored) -> int:
        return self._pseudos.setdefault(entity.id, -1 - len(self._pseudos))


def _quickly(term: q.Term, numbers: npt.NDArray[np.float64]) -> Mask | None:
    """A term about an attribute whose instances are plain numbers; None where it takes PostgreSQL."""
    if len(term.path.attributes) > 1 or term.path.trail:
        return None
    if isinstance(term, q.Exists):
        return np.full(len(numbers), not term.absent)
    compare = _COMPARISONS.get(term.operator)
    if compare is None or isinstance(term.operand, q.OneOf):
        return None
    if isinstance(term.operand, q.Number):
        return compare(numbers, float(term.operand.number))
    if isinstance(term.operand, q.Range) and isinstance(term.operand.low, q.Number):
        low, high = (float(side.number) for side in (term.operand.low, term.operand.high) if isinstance(side, q.Number))
        inside: Mask = (numbers >= low) & (numbers <= high)
        return inside if term.operator == "==" else ~inside
    return None


def _related(asked: GeoQuery, rows: SeriesRows, instances: Sequence[Mapping[str, Any]], places: Sequence[int]) -> Mask:
    """Which instances stand in the relation that is asked for."""
    found = [
        (place, one["value"])
        for place, one in zip(places, instances, strict=True)
        if one.get("type") == "GeoProperty" and isinstance(one.get("value"), dict)
    ]
    related = geo.matches(asked, [value for _, value in found]) if found else ()
    return _mask(len(rows), [place for (place, _), fits in zip(found, related, strict=True) if fits])


def _mask(size: int, places: Sequence[int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[np.asarray(places, np.int64)] = True
    return mask


def _dataset(instance: Mapping[str, Any]) -> str:
    return str(instance.get("datasetId", ""))


def _times_of(entity: Stored) -> dict[str, Any]:
    moments = (("createdAt", entity.created_at), ("modifiedAt", entity.modified_at))
    return {NGSI_LD + name: {"type": "Property", "value": iso(one)} for name, one in moments if one is not None}
