"""Ways along the city's streets for crews that drive about, over the base map's lines."""

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from vidik.demo.streets import metres_between

Place = tuple[float, float]
_SLOW = frozenset({"path", "service"})


class Streets:
    """The streets as points that are joined; a few thousand, so that plain Python finds a way in milliseconds."""

    def __init__(self, basemap: dict[str, Any]) -> None:
        self._joined: dict[Place, dict[Place, float]] = {}
        for feature in basemap["layers"]["streets"]["features"]:
            if feature["properties"].get("class") in _SLOW:
                continue
            geometry = feature["geometry"]
            lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
            for line in lines:
                for first, second in itertools.pairwise((place[0], place[1]) for place in line):
                    metres = metres_between(first, second)
                    self._joined.setdefault(first, {})[second] = metres
                    self._joined.setdefault(second, {})[first] = metres
        self.places: Sequence[Place] = sorted(self._joined)

    def nearest(self, place: Place) -> Place:
        """The point of a street that is nearest to a place."""
        return min(self.places, key=lambda other: metres_between(place, other))

    def way(self, start: Place, end: Place) -> list[Place]:
        """The points of the shortest way, both ends included; straight where the streets do not meet."""
        first, last = self.nearest(start), self.nearest(end)
        best: dict[Place, float] = {first: 0.0}
        before: dict[Place, Place] = {}
        waiting = [(0.0, first)]
        while waiting:
            metres, here = heapq.heappop(waiting)
            if here == last:
                return [start, *_back(before, last), end]
            if metres > best[here]:
                continue
            for there, length in self._joined[here].items():
                if metres + length < best.get(there, math.inf):
                    best[there] = metres + length
                    before[there] = here
                    heapq.heappush(waiting, (metres + length, there))
        return [start, end]


def _back(before: dict[Place, Place], last: Place) -> list[Place]:
    way = [last]
    while way[-1] in before:
        way.append(before[way[-1]])
    return way[::-1]


def along(way: Sequence[Place], step_metres: float) -> Iterator[Place]:
    """Yield a place every so many metres along a way, and its end."""
    left = step_metres
    for first, second in itertools.pairwise(way):
        length = metres_between(first, second)
        done = 0.0
        while length - done >= left:
            done += left
            share = done / length
            yield first[0] + (second[0] - first[0]) * share, first[1] + (second[1] - first[1]) * share
            left = step_metres
        left -= length - done
    yield way[-1]
