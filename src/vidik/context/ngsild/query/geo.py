"""Geographic queries (ETSI GS CIM 009, clause 4.10): their parameters, boxes for the index, exact relations. Pure.

Distances are in metres: between points along the great circle, from a point to a line or an area in an
equirectangular projection around the reference (error below 0.5 % up to some tens of kilometres). The other
relations are those of plane geometry on longitude and latitude, as GeoJSON means them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import orjson
import shapely
from shapely.geometry import shape

from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data, too_complex
from vidik.context.store.document import instances_of

EARTH_RADIUS_METRES: Final = 6_371_008.8
MAXIMUM_POSITIONS: Final = 20_000
Relation = Literal["near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"]
RELATIONS: Final = ("near", "within", "contains", "intersects", "equals", "disjoint", "overlaps")
Box = tuple[float, float, float, float]
"""(west, south, east, north) in degrees."""


@dataclass(frozen=True, slots=True)
class GeoQuery:
    """A relation to a reference geometry; distances in metres go with `near` only."""

    relation: Relation
    geometry: Mapping[str, Any]
    geo_property: str
    """Expanded name of the GeoProperty that is compared."""
    maximum: float | None = None
    minimum: float | None = None

    @property
    def point(self) -> tuple[float, float] | None:
        """(longitude, latitude) of a reference that is a point."""
        if self.geometry["type"] != "Point":
            return None
        longitude, latitude = self.geometry["coordinates"][:2]
        return float(longitude), float(latitude)


def parse_geo(georel: str, geometry: str, coordinates: Any, geo_property: str) -> GeoQuery:
    """A geo query from its parameters; `coordinates` is JSON text or already a list. Raises BadInput."""
    relation, *modifiers = [part.strip() for part in georel.split(";")]
    if relation not in RELATIONS:
        raise bad_data(f"georel is one of {', '.join(RELATIONS)}.", "georel")
    if geometry not in values.GEOMETRIES:
        raise bad_data(f"geometry is one of {', '.join(sorted(values.GEOMETRIES))}.", "geometry")
    maximum, minimum = _distances(relation, modifiers)
    if isinstance(coordinates, str):
        try:
            coordinates = orjson.loads(coordinates)
        except orjson.JSONDecodeError:
            raise bad_data("coordinates is a JSON array.", "coordinates") from None
    values.coordinates(geometry, coordinates, "coordinates")
    if _count(coordinates) > MAXIMUM_POSITIONS:
        raise too_complex(f"A reference geometry has at most {MAXIMUM_POSITIONS} positions.")
    return GeoQuery(
        relation,  # type: ignore[arg-type]  # checked against RELATIONS above
        {"type": geometry, "coordinates": coordinates},
        geo_property,
        maximum,
        minimum,
    )


def _distances(relation: str, modifiers: list[str]) -> tuple[float | None, float | None]:
    found: dict[str, float] = {}
    for modifier in modifiers:
        name, _, number = modifier.partition("==")
        try:
            distance = float(number)
        except ValueError:
            distance = math.nan
        if relation != "near" or name not in ("maxDistance", "minDistance") or not 0 < distance < 1e9:
            raise bad_data("georel near takes ;maxDistance==metres or ;minDistance==metres.", "georel")
        found[name] = distance
    if relation == "near" and len(found) != 1:
        raise bad_data("georel near has one of ;maxDistance==metres and ;minDistance==metres.", "georel")
    return found.get("maxDistance"), found.get("minDistance")


def _count(coordinates: Any) -> int:
    if isinstance(coordinates, list):
        if coordinates and not isinstance(coordinates[0], list):
            return 1
        return sum(_count(part) for part in coordinates)
    return 1


def boxes(query: GeoQuery) -> list[Box] | None:
    """Boxes outside of which nothing can match; None when there is no such limit.

    Two boxes where the search crosses the date line.
    """
    if query.relation == "disjoint" or (query.relation == "near" and query.maximum is None):
        return None
    point = query.point
    west, south, east, north = shape(query.geometry).bounds if point is None else (*point, *point)
    if query.relation != "near":
        return [(west, south, east, north)]
    # A little more than the distance, so that rounding never loses a point on the edge.
    reach = math.degrees((query.maximum or 0.0) * 1.01 / EARTH_RADIUS_METRES) + 1e-9
    south, north = south - reach, north + reach
    if south <= -90 or north >= 90:
        return [(-180.0, max(south, -90.0), 180.0, min(north, 90.0))]
    widest = math.cos(math.radians(max(abs(south), abs(north))))
    half = math.sin(min(math.radians(reach), math.pi / 2))
    width = math.degrees(math.asin(min(half / widest, 1.0))) if half < widest else 180.0
    west, east = west - width, east + width
    if east - west >= 360:
        return [(-180.0, south, 180.0, north)]
    if west < -180:
        return [(west + 360, south, 180.0, north), (-180.0, south, east, north)]
    if east > 180:
        return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]
    return [(west, south, east, north)]


def great_circle_metres(
    longitude: float, latitude: float, longitudes: npt.ArrayLike, latitudes: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Distances in metres from one position to many (haversine)."""
    to_longitude = np.radians(np.asarray(longitudes, np.float64))
    to_latitude = np.radians(np.asarray(latitudes, np.float64))
    from_longitude, from_latitude = math.radians(longitude), math.radians(latitude)
    half = (
        np.sin((to_latitude - from_latitude) / 2) ** 2
        + math.cos(from_latitude) * np.cos(to_latitude) * np.sin((to_longitude - from_longitude) / 2) ** 2
    )
    distances: npt.NDArray[np.float64] = 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distances


def matches(query: GeoQuery, geometries: list[Mapping[str, Any]]) -> npt.NDArray[np.bool_]:
    """Which of the (GeoJSON) geometries stand in the relation to the reference."""
    return matches_shapes(query, np.array([shape(geometry) for geometry in geometries], dtype=object))


def is_in_place(document: Mapping[str, Any], query: GeoQuery) -> bool:
    """Whether an entity's place (the instance without a datasetId) stands in the relation that is asked for."""
    for instance in instances_of(document.get(query.geo_property, [])):
        if "datasetId" not in instance and instance.get("type") == "GeoProperty":
            return bool(matches(query, [instance["value"]])[0])
    return False


def matches_shapes(query: GeoQuery, shapes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of the (Shapely) geometries stand in the relation to the reference."""
    if not len(shapes):
        return np.zeros(0, np.bool_)
    # A bow-tie is a legal GeoJSON polygon, but its relations are undefined until it is untied.
    crooked = ~shapely.is_valid(shapes)
    if crooked.any():
        shapes = shapes.copy()
        shapes[crooked] = shapely.make_valid(shapes[crooked])
    if query.relation == "near":
        return _near(query, shapes)
    reference = shape(query.geometry)
    if not reference.is_valid:
        reference = shapely.make_valid(reference)
    shapely.prepare(reference)
    related: npt.NDArray[np.bool_]
    if query.relation == "within":
        related = shapely.contains(reference, shapes)
    elif query.relation == "contains":
        related = shapely.within(reference, shapes)
    elif query.relation == "intersects":
        related = shapely.intersects(reference, shapes)
    elif query.relation == "disjoint":
        related = shapely.disjoint(reference, shapes)
    elif query.relation == "overlaps":
        related = shapely.overlaps(reference, shapes)
    else:
        related = shapely.equals(reference, shapes)
    return np.asarray(related, np.bool_)


def _near(query: GeoQuery, shapes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    distances = _metres(query, shapes)
    near = np.ones(len(shapes), np.bool_)
    if query.maximum is not None:
        near &= distances <= query.maximum
    if query.minimum is not None:
        near &= distances >= query.minimum
    return near


def _metres(query: GeoQuery, shapes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    reference = shape(query.geometry)
    centre = reference.centroid
    scale = math.cos(math.radians(centre.y))

    def project(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        eastward = (positions[:, 0] - centre.x + 180) % 360 - 180
        metres = np.radians(np.column_stack((eastward * scale, positions[:, 1] - centre.y)))
        scaled: npt.NDArray[np.float64] = metres * EARTH_RADIUS_METRES
        return scaled

    distances = np.asarray(
        shapely.distance(shapely.transform(reference, project), shapely.transform(shapes, project)), np.float64
    )
    if query.point is not None:
        points = shapely.get_type_id(shapes) == 0
        distances[points] = great_circle_metres(
            query.point[0], query.point[1], shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
        )
    return distances
