"""How many minutes a crew drives, on the streets of the city's base map.

The streets are a graph: where two lines share a point, one can turn. SciPy's compiled Dijkstra walks it once from the
place of the task, which gives the way to every crew. A crew or a place is set on the nearest street, between its
points. The base map knows neither one-way streets nor traffic: the figure compares crews, it is not an arrival time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from vidik.kernel.basemap import basemap_file
from vidik.kernel.errors import NotFound
from vidik.kernel.settings import Settings
from vidik.operations.tasks.suggesting import Travel

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from shapely import STRtree

Point = tuple[float, float]
"""Longitude and latitude, degrees (WGS 84)."""

_METRES_PER_DEGREE = 111_320.0
_KMH: Mapping[str, float] = {"motorway": 80.0, "main": 38.0, "street": 26.0, "service": 14.0}
_BESIDE_KMH = 12.0
_FARTHEST_FROM_STREET_METRES = 1_500.0
STRAIGHT_FACTOR = 1.3
_STRAIGHT_KMH = 28.0


class Trip(NamedTuple):
    """Minutes from a crew to a place, and how they were found."""

    minutes: float
    travel: Travel


def metres_between(first: Point, second: Point) -> float:
    """The distance of two places of one city, along the straight line."""
    east = (second[0] - first[0]) * _METRES_PER_DEGREE * math.cos(math.radians(first[1]))
    return math.hypot(east, (second[1] - first[1]) * _METRES_PER_DEGREE)


def straight_trip(first: Point, second: Point) -> Trip:
    """Minutes along the straight line, lengthened by 1.3 as streets are."""
    metres = metres_between(first, second) * STRAIGHT_FACTOR
    return Trip(metres / (_STRAIGHT_KMH / 0.06), "straight-line")


class _Stand(NamedTuple):
    """A place on a street: its edge, the share of it behind the place, and the minutes to get there."""

    edge: int
    share: float
    minutes: float


class StreetNetwork:
    """The streets of one base map as a graph; its weights are minutes."""

    def __init__(self, basemap: Mapping[str, Any]) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix
        from shapely import STRtree, linestrings

        numbers: dict[Point, int] = {}
        edges: dict[tuple[int, int], float] = {}
        for kmh, line in _lines(basemap):
            nodes = [numbers.setdefault(place, len(numbers)) for place in line]
            for (first, a), (second, b) in itertools.pairwise(zip(line, nodes, strict=True)):
                if a == b:
                    continue
                minutes = metres_between(first, second) / (kmh / 0.06)
                key = (min(a, b), max(a, b))
                edges[key] = min(minutes, edges.get(key, math.inf))
        self._ends: list[tuple[int, int]] = list(edges)
        self._minutes: list[float] = list(edges.values())
        places = np.array(list(numbers), dtype=float).reshape(-1, 2)
        self._middle = float(places[:, 1].mean()) if len(places) else 0.0
        ends = np.array(self._ends, dtype=int).reshape(-1, 2)
        self._flat = self._flatten(places)
        self._tree: STRtree = STRtree(linestrings(self._flat[ends]) if len(ends) else [])
        size = len(numbers)
        # A weight of zero would be no edge at all.
        weights = np.maximum(np.array(self._minutes, dtype=float), 1e-6)
        self._graph: csr_matrix = csr_matrix((weights, (ends[:, 0], ends[:, 1])), shape=(size, size))

    def _flatten(self, places: Any) -> Any:
        """Metres on a plane, for what is near: degrees of longitude are shorter than those of latitude."""
        import numpy as np

        across = _METRES_PER_DEGREE * math.cos(math.radians(self._middle))
        return np.asarray(places, dtype=float) * np.array([across, _METRES_PER_DEGREE])

    def _stand(self, place: Point) -> _Stand | None:
        from shapely import Point as Spot
        from shapely import line_locate_point

        if not self._ends:
            return None
        spot = Spot(*self._flatten([place])[0])
        found, distance = self._tree.query_nearest(spot, return_distance=True, all_matches=False)
        if len(found) == 0 or distance[0] > _FARTHEST_FROM_STREET_METRES:
            return None
        edge = int(found[0])
        share = float(line_locate_point(self._tree.geometries[edge], spot, normalized=True))
        return _Stand(edge, share, float(distance[0]) / (_BESIDE_KMH / 0.06))

    def trips(self, place: Point, crews: Sequence[Point]) -> list[Trip]:
        """Return the trip of each crew to a place: on the streets, or straight where they do not reach."""
        target = self._stand(place)
        if target is None:
            return [straight_trip(crew, place) for crew in crews]
        ways = self._ways_from(target)
        return [self._trip(crew, place, target, ways) for crew in crews]

    def _ways_from(self, target: _Stand) -> Any:
        """Minutes from a place on a street to every node."""
        import numpy as np
        from scipy.sparse.csgraph import dijkstra

        first, second = self._ends[target.edge]
        ways = dijkstra(self._graph, directed=False, indices=[first, second])
        whole = self._minutes[target.edge]
        return np.minimum(ways[0] + whole * target.share, ways[1] + whole * (1 - target.share))

    def _trip(self, crew: Point, place: Point, target: _Stand, ways: Any) -> Trip:
        stand = self._stand(crew)
        if stand is None:
            return straight_trip(crew, place)
        whole = self._minutes[stand.edge]
        first, second = self._ends[stand.edge]
        driven = min(float(ways[first]) + whole * stand.share, float(ways[second]) + whole * (1 - stand.share))
        if stand.edge == target.edge:
            driven = min(driven, whole * abs(stand.share - target.share))
        if not math.isfinite(driven):
            return straight_trip(crew, place)
        # Whoever stands beside the place need not go round by the street.
        beside = metres_between(crew, place) / (_BESIDE_KMH / 0.06)
        return Trip(min(beside, driven + stand.minutes + target.minutes), "streets")


def _lines(basemap: Mapping[str, Any]) -> Any:
    """Yield the speed and the points of every line that cars may take."""
    for feature in basemap.get("layers", {}).get("streets", {}).get("features", []):
        kmh = _KMH.get(feature["properties"].get("class", "street"))
        if kmh is None:
            continue
        geometry = feature["geometry"]
        lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
        for line in lines:
            yield kmh, [(float(place[0]), float(place[1])) for place in line]


@lru_cache(maxsize=2)
def _network(file: Path, changed: int) -> StreetNetwork:
    del changed  # another file of the same name is another network
    return StreetNetwork(orjson.loads(file.read_bytes()))


def network_of(settings: Settings) -> StreetNetwork | None:
    """The street network of the city's base map, read again when the file changes; None when there is no map."""
    try:
        file = basemap_file(settings)
        return _network(file, file.stat().st_mtime_ns)
    except (NotFound, OSError):
        return None
