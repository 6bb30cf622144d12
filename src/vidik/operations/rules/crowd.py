"""Neighbours: who stands around whom, and the median of what they say."""

from dataclasses import dataclass, field
from statistics import median

from vidik.operations.rules.fences import Place, metres_between


@dataclass(slots=True)
class _Member:
    place: Place
    value: float
    at: int
    around: list["_Member"] | None = None


@dataclass(slots=True)
class Crowd:
    """The entities that one rule compares, with their newest values; `radius_m` is how near a neighbour stands."""

    radius_m: float
    _members: dict[str, _Member] = field(default_factory=dict)

    def note(self, entity_id: str, place: Place, value: float, at: int) -> None:
        """Take in what an entity says (µs); an older value than the known one says nothing."""
        member = self._members.get(entity_id)
        if member is not None and member.place == place:
            if at >= member.at:
                member.value, member.at = value, at
            return
        self._members[entity_id] = _Member(place, value, at)
        for one in self._members.values():
            one.around = None

    def forget(self, entity_id: str) -> None:
        """Take out an entity that is gone."""
        if self._members.pop(entity_id, None) is not None:
            for one in self._members.values():
                one.around = None

    def median_around(self, entity_id: str, at: int, oldest: int, at_least: int) -> float | None:
        """Return the median of the neighbours' values observed since `oldest` (µs); None when they are too few.

        The entity's own value is not among them, nor is what was observed after `at` (µs).
        """
        member = self._members.get(entity_id)
        if member is None:
            return None
        if member.around is None:
            member.around = [
                one
                for one in self._members.values()
                if one is not member and metres_between(one.place, member.place) <= self.radius_m
            ]
        values = [one.value for one in member.around if oldest <= one.at <= at]
        return median(values) if len(values) >= at_least else None
