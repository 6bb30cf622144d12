"""Where an incident is, from the places of what it is about. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

Position = tuple[float, float]
"""Longitude and latitude, degrees."""


def position_of(geometry: Any) -> Position | None:
    """Return the position of a GeoJSON Point, or None for whatever else."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    longitude, latitude = coordinates[:2]
    if not all(isinstance(number, int | float) for number in (longitude, latitude)):
        return None
    return float(longitude), float(latitude)


def middle(positions: Sequence[Position]) -> dict[str, Any] | None:
    """Return the GeoJSON Point in the middle of positions, None of none."""
    if not positions:
        return None
    count = len(positions)
    mean = [round(sum(position[axis] for position in positions) / count, 6) for axis in (0, 1)]
    return {"type": "Point", "coordinates": mean}


def area_around(positions: Iterable[Position]) -> dict[str, Any] | None:
    """Return the smallest convex GeoJSON Polygon that has all positions, None when they lie on a line.

    Andrew's monotone chain: the lower hull, then the upper one, each turning left.
    """
    points = sorted(set(positions))
    lower, upper = _chain(points), _chain(points[::-1])
    hull = lower[:-1] + upper[:-1]
    if len(hull) < 3:
        return None
    return {"type": "Polygon", "coordinates": [[list(point) for point in (*hull, hull[0])]]}


def _chain(points: Sequence[Position]) -> list[Position]:
    chain: list[Position] = []
    for point in points:
        while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(one: Position, other: Position, third: Position) -> float:
    return (other[0] - one[0]) * (third[1] - one[1]) - (other[1] - one[1]) * (third[0] - one[0])
