"""Entities of a batch that are alike, looked at attribute by attribute instead of one by one. Pure.

Most batches are hundreds of entities with the same members. Which attributes those are, which times and units they
have, whether their values can stand as they are is then found out for all of them at once. What is found is what
`validation.parse_entity` finds; entities of which that is not sure, and all that are wrong, are left to it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.entities import merge
from vidik.context.ngsild.representation import members, validation
from vidik.context.ngsild.representation.validation import EntityInput, Instance, Rules
from vidik.context.ngsild.values import NULL
from vidik.context.store import crowds, sealed
from vidik.context.store.crowds import Crowd
from vidik.context.store.document import microseconds_of
from vidik.kernel.errors import VidikError

FEWEST: Final = 16
"""Fewer entities than these are looked at one by one."""
MOST_MEMBERS: Final = 1000
"""An entity with more is looked at by itself: it may have more series than one is born with."""
_PROPERTY: Final = frozenset(("type", "value", "observedAt", "unitCode"))
_PLAIN: Final = frozenset((str, int, bool, float))


@dataclass(slots=True)
class Column:
    """One attribute (expanded) of entities that are alike: an instance each, without datasetId and expiry."""

    attribute: str
    instances: list[Instance]
    kind: str | None
    """The type of all, where they have nothing but a value and perhaps observedAt and unitCode."""


@dataclass(slots=True)
class Alike:
    """Entities of the same types with the same attributes, without scope and expiry; no id is there twice."""

    types: list[str]
    ids: list[str]
    columns: list[Column]

    def entity(self, place: int) -> EntityInput:
        """One of the entities, as `validation.parse_entity` has it."""
        attributes = {column.attribute: [column.instances[place]] for column in self.columns}
        return EntityInput(self.ids[place], list(self.types), None, None, attributes)

    def only(self, places: list[int]) -> Alike:
        """The entities at some places."""
        columns = [Column(one.attribute, [one.instances[place] for place in places], one.kind) for one in self.columns]
        return Alike(self.types, [self.ids[place] for place in places], columns)

    def missing_in(self, present: Container[str]) -> Alike:
        """The entities that are not among those."""
        places = [place for place, entity_id in enumerate(self.ids) if entity_id not in present]
        return self if len(places) == len(self.ids) else self.only(places)

    def crowd(self, at: str) -> Crowd:
        """These entities as they are stored when they are created at a time."""
        columns = [
            crowds.alike(one.attribute, one.kind, one.instances, at)
            if one.kind
            else crowds.unlike(one.attribute, [merge.stamped(instance, at, None) for instance in one.instances])
            for one in self.columns
        ]
        return Crowd(self.types, self.ids, columns, microseconds_of(at))


def sort_out(content: Sequence[Any], context: ActiveContext, rules: Rules) -> tuple[list[Alike], list[Any]]:
    """The entities that are alike, group by group, and those that are to be looked at one by one."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    others: list[Any] = []
    for item in content:
        kind = item.get("type") if type(item) is dict else None
        if type(kind) is str:
            groups.setdefault((kind, *item), []).append(item)
        else:
            others.append(item)
    if len({item["id"] for item in content if type(item) is dict and type(item.get("id")) is str}) < len(content):
        return [], list(content)  # twice the same, or none: their order counts
    found: list[Alike] = []
    for items in groups.values():
        alike = _look_at(items, context, rules) if len(items) >= FEWEST else None
        if alike is None:
            others += items
        else:
            found.append(alike)
    return found, others


def _look_at(items: list[dict[str, Any]], context: ActiveContext, rules: Rules) -> Alike | None:
    """Entities that have the same members; None where they are to be looked at one by one."""
    ids = [item["id"] for item in items]
    if len(items[0]) > MOST_MEMBERS or not values.are_identifiers(ids):
        return None
    columns: list[Column] = []
    seen: set[str] = set()
    try:
        types = validation.parse_types(items[0]["type"], context)
        for name in items[0]:
            if name == "id" or name == "type":
                continue
            if name in validation.OF_THE_ENTITY:
                return None
            attribute = context.attributes.get(name) or context.expand_attribute(values.name(name, name))
            column = _column(attribute, name, [item[name] for item in items], context, rules)
            if column is None or attribute in seen:
                return None
            columns.append(column)
            seen.add(attribute)
    except VidikError:
        return None
    return None if sealed.is_sealed(types) else Alike(types, ids, columns)


def _column(attribute: str, name: str, written: list[Any], context: ActiveContext, rules: Rules) -> Column | None:
    """What is written of one attribute; None where one has several instances or expires. Raises BadInput."""
    fixed = attribute in members.FIXED
    if not fixed and _are_plain(written):
        return Column(attribute, written, "Property")
    if attribute in members.PLACES and all(map(_is_point, written)):
        return Column(attribute, written, "GeoProperty")
    instances: list[Instance] = []
    inside = context.inside(name)
    for value in written:
        found = validation.parse_attribute(value, inside, rules, name)
        if fixed:
            validation.check_fixed(attribute, found, rules, name)
        if len(found) > 1 or "datasetId" in found[0] or "expiresAt" in found[0]:
            return None
        instances.append(found[0])
    return Column(attribute, instances, None)


def _are_plain(written: list[Any]) -> bool:
    """Whether all are instances that are stored as they stand (as `validation.parse_entity` finds of one)."""
    if set(map(type, written)) != {dict}:
        return False
    for shape in set(map(tuple, written)):
        if not _PROPERTY.issuperset(shape) or "value" not in shape or "type" not in shape:
            return False
    found = [one["value"] for one in written]
    kinds = set(map(type, found))
    if not kinds <= _PLAIN or [one["type"] for one in written].count("Property") < len(written):
        return False
    if float in kinds and not all(map(isfinite, [one for one in found if type(one) is float])):
        return False
    if str in kinds and NULL in found:
        return False
    try:
        times = {one["observedAt"] for one in written if "observedAt" in one}
        units = {one["unitCode"] for one in written if "unitCode" in one}
    except TypeError:  # a list is neither
        return False
    return all(type(one) is str and values.stored_date_time(one) == one for one in times) and all(
        type(one) is str and one and one != NULL for one in units
    )


def _is_point(written: Any) -> bool:
    """Whether it is a place that is stored as it stands: a point, and nothing else is said of it."""
    if type(written) is not dict or len(written) != 2 or written.get("type") != "GeoProperty":
        return False
    return values.is_plain_point(written.get("value"))
