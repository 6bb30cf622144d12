"""Geographic relations: boxes for the index lose nothing, distances are right, relations are Shapely's."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import box, shape

from vidik.context.ngsild.query import geo
from vidik.context.ngsild.query.geo import GeoQuery
from vidik.context.store.document import LOCATION
from vidik.kernel.errors import VidikError

SQUARE = [[[21.8, 43.2], [22.0, 43.2], [22.0, 43.4], [21.8, 43.4], [21.8, 43.2]]]
longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
positions = st.tuples(longitudes, latitudes)
# A grid of few places, so that geometries touch, cover and equal one another.
corners = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(list)
boxes = st.tuples(corners, corners).filter(lambda pair: pair[0][0] < pair[1][0] and pair[0][1] < pair[1][1])
geometries = st.one_of(
    corners.map(lambda one: {"type": "Point", "coordinates": one}),
    st.lists(corners, min_size=1, max_size=4).map(lambda some: {"type": "MultiPoint", "coordinates": some}),
    st.lists(corners, min_size=2, max_size=5, unique_by=tuple).map(
        lambda some: {"type": "LineString", "coordinates": some}
    ),
    boxes.map(
        lambda pair: {"type": "Polygon", "coordinates": [list(map(list, box(*pair[0], *pair[1]).exterior.coords))]}
    ),
)


def query(relation: str, kind: str = "Polygon", coordinates: Any = SQUARE) -> GeoQuery:
    return geo.parse_geo(relation, kind, coordinates, LOCATION)


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


class TestParameters:
    @pytest.mark.parametrize(
        ("georel", "geometry", "coordinates", "field"),
        [
            ("beside", "Point", "[0,0]", "georel"),
            ("near", "Point", "[0,0]", "georel"),
            ("near;maxDistance==far", "Point", "[0,0]", "georel"),
            ("near;maxDistance==-1", "Point", "[0,0]", "georel"),
            ("near;maxDistance=100", "Point", "[0,0]", "georel"),
            ("within;maxDistance==100", "Point", "[0,0]", "georel"),
            ("within", "Circle", "[0,0]", "geometry"),
            ("within", "Point", "[0,", "coordinates"),
            ("within", "Point", "[[0,0]]", "coordinates"),
            ("within", "Point", '["a",0]', "coordinates"),
            ("within", "Point", "[181,0]", "coordinates"),
            ("within", "Polygon", "[[[0,0],[1,1],[0,0]]]", "coordinates"),
            ("within", "Polygon", "[[[0,0],[1,1],[1,0],[0,1]]]", "coordinates"),
            ("within", "Polygon", "[]", "coordinates"),
        ],
    )
    def test_what_is_wrong_is_named(self, georel: str, geometry: str, coordinates: str, field: str) -> None:
        with pytest.raises(VidikError) as caught:
            geo.parse_geo(georel, geometry, coordinates, LOCATION)
        assert caught.value.field == field
        assert caught.value.status == 400

    def test_a_geometry_bomb_is_refused(self) -> None:
        ring = [[math.cos(n), math.sin(n)] for n in range(30_000)]
        with pytest.raises(VidikError) as caught:
            query("within", "Polygon", [[*ring, ring[0]]])
        assert caught.value.status == 403


class TestDistances:
    @given(positions, positions)
    def test_they_are_within_half_a_percent_of_the_ellipsoid(
        self, one: tuple[float, float], other: tuple[float, float]
    ) -> None:
        found = float(geo.great_circle_metres(*one, [other[0]], [other[1]])[0])
        _, _, truth = Geod(ellps="WGS84").inv(*one, *other)
        assert found == pytest.approx(truth, rel=0.006, abs=0.01)

    @given(positions, st.floats(1, 2_000_000), st.floats(0, 360), st.floats(0, 0.999))
    def test_the_boxes_lose_nothing(
        self, centre: tuple[float, float], distance: float, bearing: float, share: float
    ) -> None:
        near = query(f"near;maxDistance=={distance}", "Point", list(centre))
        longitude, latitude = destination(centre, bearing, distance * share)
        limits = geo.boxes(near)
        assert limits is not None
        assert any(
            west - 1e-6 <= longitude <= east + 1e-6 and south - 1e-6 <= latitude <= north + 1e-6
            for west, south, east, north in limits
        )

    def test_near_counts_from_a_line_too(self) -> None:
        near = query("near;maxDistance==500", "LineString", [[21.9, 43.3], [21.9, 43.4]])
        assert geo.matches(near, [point(21.905, 43.35), point(21.91, 43.35)]).tolist() == [True, False]

    def test_a_minimum_distance(self) -> None:
        far = query("near;minDistance==1000", "Point", [21.9, 43.3])
        assert geo.boxes(far) is None
        assert geo.matches(far, [point(21.9, 43.3), point(21.9, 43.4)]).tolist() == [False, True]


class TestRelations:
    @pytest.mark.parametrize(
        ("relation", "kind", "coordinates", "target", "expected"),
        [
            ("within", "Polygon", SQUARE, point(21.9, 43.3), True),
            ("within", "Polygon", SQUARE, point(22.9, 43.3), False),
            ("contains", "Point", [21.9, 43.3], {"type": "Polygon", "coordinates": SQUARE}, True),
            ("contains", "Point", [23.0, 43.3], {"type": "Polygon", "coordinates": SQUARE}, False),
            (
                "intersects",
                "LineString",
                [[21.7, 43.3], [21.9, 43.3]],
                {"type": "Polygon", "coordinates": SQUARE},
                True,
            ),
            ("disjoint", "Polygon", SQUARE, point(23.0, 43.3), True),
            ("equals", "Point", [21.9, 43.3], point(21.9, 43.3), True),
            ("equals", "Point", [21.9, 43.3], point(21.9, 43.31), False),
            (
                "overlaps",
                "Polygon",
                SQUARE,
                {"type": "Polygon", "coordinates": [[[21.9, 43.3], [22.1, 43.3], [22.1, 43.5], [21.9, 43.3]]]},
                True,
            ),
            ("overlaps", "Polygon", SQUARE, {"type": "Polygon", "coordinates": SQUARE}, False),
        ],
    )
    def test_the_entity_stands_in_the_relation_to_the_reference(
        self, relation: str, kind: str, coordinates: Any, target: dict[str, Any], expected: bool
    ) -> None:
        assert bool(geo.matches(query(relation, kind, coordinates), [target])[0]) is expected

    @given(st.lists(st.tuples(st.floats(21.7, 22.1), st.floats(43.1, 43.5)), min_size=1, max_size=5))
    def test_relations_are_those_of_shapely(self, places: list[tuple[float, float]]) -> None:
        targets = [point(*place) for place in places]
        reference = shape({"type": "Polygon", "coordinates": SQUARE})
        expected = {
            "within": [shape(one).within(reference) for one in targets],
            "intersects": [shape(one).intersects(reference) for one in targets],
            "disjoint": [shape(one).disjoint(reference) for one in targets],
        }
        for relation, answers in expected.items():
            assert geo.matches(query(relation), targets).tolist() == answers

    @given(
        geometries, geometries, st.sampled_from(["within", "contains", "intersects", "disjoint", "equals", "overlaps"])
    )
    def test_any_two_geometries_are_related_as_shapely_says(
        self, reference: dict[str, Any], target: dict[str, Any], relation: str
    ) -> None:
        answer = geo.matches(query(relation, reference["type"], reference["coordinates"]), [target])

        assert answer.tolist() == [getattr(shape(target), relation)(shape(reference))]

    @given(geometries, geometries)
    def test_the_boxes_lose_no_geometry(self, reference: dict[str, Any], target: dict[str, Any]) -> None:
        asked = query("intersects", reference["type"], reference["coordinates"])
        limits = geo.boxes(asked)
        west, south, east, north = shape(target).bounds

        # Boxes are compared as numbers, as the database does: that of a point is no polygon to Shapely.
        assert limits is not None
        touched = any(w <= east and west <= e and s <= north and south <= n for w, s, e, n in limits)
        assert touched or not geo.matches(asked, [target])[0]

    def test_a_bow_tie_is_untied(self) -> None:
        tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
        assert (
            np.count_nonzero(geo.matches(query("intersects", "Polygon", tie["coordinates"]), [tie, point(0.9, 0.5)]))
            == 2
        )


def destination(centre: tuple[float, float], bearing: float, distance: float) -> tuple[float, float]:
    """The place at a distance in metres from another, on the sphere."""
    angle = distance / geo.EARTH_RADIUS_METRES
    latitude = math.radians(centre[1])
    turn = math.radians(bearing)
    sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(turn)
    reached = math.asin(max(-1.0, min(1.0, sine)))
    east = math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * math.sin(reached)
    )
    return (centre[0] + math.degrees(east) + 180) % 360 - 180, math.degrees(reached)
