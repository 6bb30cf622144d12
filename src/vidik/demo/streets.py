"""Places along the city's real streets, from the base map that the console serves."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_METRES_PER_DEGREE = 111_320.0
_SHORTEST_METRES = 30.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A place beside a street: degrees, and the street's direction there in radians from east."""

    longitude: float
    latitude: float
    bearing: float
    street: str
    main: bool

    def beside(self, metres: float, along: float = 0.0) -> tuple[float, float]:
        """The place `metres` to the left of the street and `along` metres further on, as (longitude, latitude)."""
        east = -math.sin(self.bearing) * metres + math.cos(self.bearing) * along
        north = math.cos(self.bearing) * metres + math.sin(self.bearing) * along
        return move(self.longitude, self.latitude, east, north)


def move(longitude: float, latitude: float, east: float, north: float) -> tuple[float, float]:
    """The place so many metres to the east and to the north, rounded to a tenth of a metre."""
    return (
        round(longitude + east / (_METRES_PER_DEGREE * math.cos(math.radians(latitude))), 6),
        round(latitude + north / _METRES_PER_DEGREE, 6),
    )


def metres_between(first: tuple[float, float], second: tuple[float, float]) -> float:
    """The distance between two near places (longitude, latitude)."""
    east = (second[0] - first[0]) * _METRES_PER_DEGREE * math.cos(math.radians(first[1]))
    north = (second[1] - first[1]) * _METRES_PER_DEGREE
    return math.hypot(east, north)


def spots_along(basemap: dict[str, Any], spacing: float) -> list[Spot]:
    """Places every `spacing` metres along every named street, in the order of the file."""
    found: list[Spot] = []
    for feature in basemap["layers"]["streets"]["features"]:
        name = feature["properties"].get("name", "")
        if not name or feature["properties"].get("class") in ("path", "service"):
            continue
        main = feature["properties"].get("class") in ("main", "motorway")
        for line in _lines(feature["geometry"]):
            found.extend(_along(line, spacing, name, main))
    return found


def _lines(geometry: dict[str, Any]) -> list[list[list[float]]]:
    coordinates: list[Any] = geometry["coordinates"]
    return coordinates if geometry["type"] == "MultiLineString" else [coordinates]


def _along(line: list[list[float]], spacing: float, name: str, main: bool) -> Iterator[Spot]:
    places = [(place[0], place[1]) for place in line]
    if sum(metres_between(a, b) for a, b in itertools.pairwise(places)) < _SHORTEST_METRES:
        return
    ahead = spacing / 2
    for first, second in itertools.pairwise(places):
        length = metres_between(first, second)
        if length == 0:
            continue
        north = (second[1] - first[1]) * _METRES_PER_DEGREE
        east = (second[0] - first[0]) * _METRES_PER_DEGREE * math.cos(math.radians(first[1]))
        bearing = math.atan2(north, east)
        while ahead <= length:
            share = ahead / length
            yield Spot(
                first[0] + (second[0] - first[0]) * share,
                first[1] + (second[1] - first[1]) * share,
                bearing,
                name,
                main,
            )
            ahead += spacing
        ahead -= length
