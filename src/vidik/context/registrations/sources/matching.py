"""Which registrations a question concerns (ETSI GS CIM 009, clauses 5.10.2 and 5.12). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query import geo
from vidik.context.ngsild.query.expressions import Leaf
from vidik.context.ngsild.query.selections import TypeSelection
from vidik.context.registrations.sources.model import PLACES, EntityInfo, Information, Json, Registration
from vidik.context.registrations.sources.patterns import IdPattern, id_pattern

TIMERELS: Final = ("before", "after", "between")


@dataclass(frozen=True, slots=True)
class Asked:
    """Entities and attributes that somebody asks about (expanded names); None is no limit."""

    types: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    pattern: IdPattern | None = None
    attributes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """The time that a question is about."""

    timerel: Literal["before", "after", "between"]
    time_at: datetime
    end_time_at: datetime | None
    interval: Literal["observationInterval", "managementInterval"]

    def meets(self, registration: Registration) -> bool:
        """Whether the source has something of that time; it says so by an interval."""
        found = registration.body.get(self.interval)
        if found is None:
            return False
        start = values.moment(found["startAt"], "startAt")
        end = values.moment(found["endAt"], "endAt") if "endAt" in found else None
        if self.timerel == "before":
            return start < self.time_at
        if self.timerel == "after":
            return end is None or end > self.time_at
        return (self.end_time_at is None or start < self.end_time_at) and (end is None or end > self.time_at)


def leaf_types(selection: TypeSelection | None) -> frozenset[str] | None:
    """Every type that a selection names."""
    return None if selection is None else frozenset(_leaves(selection))


def _leaves(selection: TypeSelection) -> Iterator[str]:
    if isinstance(selection, Leaf):
        yield selection.term
        return
    for part in selection.parts:
        yield from _leaves(part)


def pattern_of(text: str | None) -> IdPattern | None:
    """An idPattern of a query; raises BadInput where it cannot be used."""
    return None if text is None else id_pattern(text, "idPattern")


def parse_times(asked: Parameters) -> Times | None:
    """The parameters timerel, timeAt, endTimeAt and timeproperty; None where no time is asked about.

    Raises BadInput.
    """
    timerel, time_at, end_at = asked.get("timerel"), asked.get("timeAt"), asked.get("endTimeAt")
    if timerel is None:
        if time_at is not None or end_at is not None:
            raise bad_data("timeAt goes with timerel.", "timerel")
        return None
    if timerel not in TIMERELS:
        raise bad_data(f"timerel is one of {', '.join(TIMERELS)}.", "timerel")
    if time_at is None or (timerel == "between" and end_at is None):
        raise bad_data("timerel goes with timeAt, and between with endTimeAt too.", "timeAt")
    observed = (asked.get("timeproperty") or "observedAt") not in ("createdAt", "modifiedAt", "deletedAt")
    return Times(
        timerel,  # type: ignore[arg-type]  # one of TIMERELS, looked at above
        values.moment(time_at, "timeAt"),
        None if end_at is None else values.moment(end_at, "endTimeAt"),
        "observationInterval" if observed else "managementInterval",
    )


def is_in_place(registration: Registration, query: geo.GeoQuery, word: str, *, unplaced: bool) -> bool:
    """Whether a registration's place stands in the asked relation; `unplaced` is the answer of one without a place.

    `word` is the query's geoproperty in the words of the core context.
    """
    geometry: Json | None = registration.body.get(word) if word in PLACES else None
    if geometry is None:
        return unplaced
    return bool(geo.matches(query, [geometry])[0])


def matching(registration: Registration, asked: Asked) -> list[Information]:
    """The parts of a registration's information that a question concerns."""
    return [one for one in registration.information if concerns(one, asked)]


def concerns(information: Information, asked: Asked) -> bool:
    """Whether entities and attributes of one part of the information may be asked about."""
    held = information.attributes
    if asked.attributes is not None and held is not None and asked.attributes.isdisjoint(held):
        return False
    return not information.entities or any(meets(one, asked) for one in information.entities)


def meets(entity: EntityInfo, asked: Asked) -> bool:
    """Whether entities may be both those of a registration and those that are asked about."""
    if asked.types is not None and asked.types.isdisjoint(entity.types):
        return False
    if asked.ids is not None and not any(entity.has_id(one) for one in asked.ids):
        return False
    # Two patterns may always have an id in common.
    return asked.pattern is None or entity.id is None or asked.pattern.search(entity.id) is not None


def covers(information: Information, entity_id: str, types: Collection[str] | None) -> bool:
    """Whether an entity is one of those that a part of the information is about; None is of types not known."""
    if not information.entities:
        return True
    return any(
        one.has_id(entity_id) and (types is None or not one.types.isdisjoint(types)) for one in information.entities
    )


def conflict(new: Registration, others: Sequence[Registration]) -> Registration | None:
    """A registration that a new one contradicts: what is held exclusively has one holder (clause 4.3.6.3)."""
    if not new.holds_alone:
        return None
    for one in others:
        if one.id == new.id or not one.holds_alone or "exclusive" not in (one.mode, new.mode):
            continue
        if any(_overlap(mine, theirs) for mine in new.information for theirs in one.information):
            return one
    return None


def _overlap(one: Information, other: Information) -> bool:
    if one.attributes is not None and other.attributes is not None and one.attributes.isdisjoint(other.attributes):
        return False
    if not one.entities or not other.entities:
        return True
    return any(_same(mine, theirs) for mine in one.entities for theirs in other.entities)


def _same(one: EntityInfo, other: EntityInfo) -> bool:
    if one.types.isdisjoint(other.types):
        return False
    if one.id is not None:
        return other.has_id(one.id)
    if other.id is not None:
        return one.has_id(other.id)
    if one.pattern is None or other.pattern is None:
        return True
    return one.pattern.pattern == other.pattern.pattern
