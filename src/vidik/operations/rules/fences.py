"""Distances in metres between places of a city, and from the line around an area."""

from functools import lru_cache
from math import cos, hypot, radians
from typing import NamedTuple

from shapely import Point, Polygon

_METRES_A_DEGREE = 111_195.0  # on a sphere of 6,371 km


class Place(NamedTuple):
    """Where something is, degrees."""

    longitude: float
    latitude: float


class Fence(NamedTuple):
    """An area: a circle (one point and a radius in metres) or a polygon (three points or more, no radius)."""

    points: tuple[tuple[float, float], ...]
    radius_m: float | None


def place_of(value: object) -> Place | None:
    """Return the place that a GeoJSON Point says, or None for anything else."""
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list | tuple) or len(coordinates) < 2:
        return None
    longitude, latitude = coordinates[0], coordinates[1]
    if isinstance(longitude, int | float) and isinstance(latitude, int | float):
        return Place(float(longitude), float(latitude))
    return None


def metres_between(one: Place, other: Place) -> float:
    """Return the distance of two places, in metres; within a city it is true to a few parts in a thousand."""
    shrink = cos(radians((one.latitude + other.latitude) / 2))
    return hypot((one.longitude - other.longitude) * shrink, one.latitude - other.latitude) * _METRES_A_DEGREE


def signed_distance(fence: Fence, longitude: float, latitude: float) -> float:
    """Return how many metres a place lies outside an area, negative inside; raises ValueError for crossing lines."""
    centre = Place(*fence.points[0])
    if fence.radius_m is not None:
        return metres_between(centre, Place(longitude, latitude)) - fence.radius_m
    polygon = _polygon(fence.points)
    here = Point(_flat(centre, longitude, latitude))
    distance = float(polygon.exterior.distance(here))
    return -distance if polygon.contains(here) else distance


@lru_cache(maxsize=1024)
def _polygon(points: tuple[tuple[float, float], ...]) -> Polygon:
    centre = Place(*points[0])
    polygon = Polygon([_flat(centre, *point) for point in points])
    if not polygon.is_valid:
        raise ValueError("the lines of the polygon cross")
    return polygon


def _flat(centre: Place, longitude: float, latitude: float) -> tuple[float, float]:
    """Return metres east and north of a point of the fence."""
    shrink = cos(radians(centre.latitude))
    east = (longitude - centre.longitude) * shrink * _METRES_A_DEGREE
    return east, (latitude - centre.latitude) * _METRES_A_DEGREE
