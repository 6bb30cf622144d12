"""The one rule by which people reach what work is about: organisation, area, and who was given a role in it. Pure.

A permission holds in places: an organisation (or the whole city) and an area of it (or everywhere). It reaches what
belongs to that organisation and lies in that area. What belongs to no organisation, or lies in no area, is the whole
city's: a place that names one does not reach it. Who was given a role in an incident reaches it wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple


class Place(NamedTuple):
    """Where a role holds; None is the whole city, or everywhere in it."""

    organisation: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose a thing is: the organisations that it concerns, the areas that it lies in, the logins who lead it."""

    organisations: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Belonging:
        """Return the belonging of a row, or a view, with `organisations`, `areas` and perhaps `people`."""
        return cls(frozenset(row["organisations"]), frozenset(row["areas"]), frozenset(row.get("people", ())))

    @classmethod
    def to(cls, organisation: str | None, areas: Iterable[str] = ()) -> Belonging:
        """Return the belonging of what one organisation has, or (None) the city itself."""
        return cls(frozenset() if organisation is None else frozenset({organisation}), frozenset(areas))


CITYS: Final = Belonging()
"""What belongs to no organisation and lies in no area: rules, procedures, plans, the city's own word."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The places where a permission holds for somebody; none: it does not hold at all."""

    places: frozenset[Place] = frozenset()
    login: str = ""

    @property
    def is_everywhere(self) -> bool:
        """Whether it reaches whatever there is."""
        return Place() in self.places

    def includes(self, thing: Belonging) -> bool:
        """Whether it reaches a thing."""
        return bool(self.places) and (
            self.login in thing.people or any(_lies_in(place, thing) for place in self.places)
        )

    def condition(
        self, organisations: str = "organisations", areas: str = "areas", people: str | None = None
    ) -> tuple[str, list[Any]]:
        """Return the same rule as a condition of SQL with its parameters, on expressions of type text[].

        Where there is no column of people, nobody was given a role.
        """
        if self.is_everywhere:
            return "true", []
        of_all = sorted(one.organisation for one in self.places if one.organisation and one.area is None)
        in_all = sorted(one.area for one in self.places if one.area and one.organisation is None)
        both = sorted((one.organisation, one.area) for one in self.places if one.organisation and one.area)
        clauses: list[tuple[str, list[Any]]] = []
        if of_all:
            clauses.append((f"({organisations}) && %s::text[]", [of_all]))
        if in_all:
            clauses.append((f"({areas}) && %s::text[]", [in_all]))
        clauses += [
            (f"(%s = ANY({organisations}) AND %s = ANY({areas}))", [organisation, area]) for organisation, area in both
        ]
        if people is not None and self.places:
            clauses.append((f"%s = ANY({people})", [self.login]))
        if not clauses:
            return "false", []
        parameters = [parameter for _, found in clauses for parameter in found]
        return f"({' OR '.join(text for text, _ in clauses)})", parameters


EVERYWHERE: Final = Reach(frozenset({Place()}))


def named(condition: tuple[str, list[Any]]) -> tuple[str, dict[str, Any]]:
    """Return a condition with named parameters (`reach_0` and so on), for a statement that names its own."""
    text, parameters = condition
    first, *others = text.split("%s")
    parts = [f"%(reach_{n})s{part}" for n, part in enumerate(others)]
    return "".join((first, *parts)), {f"reach_{n}": value for n, value in enumerate(parameters)}


def _lies_in(place: Place, thing: Belonging) -> bool:
    return (place.organisation is None or place.organisation in thing.organisations) and (
        place.area is None or place.area in thing.areas
    )
