"""Areas of the city: named shapes in which roles hold. What a shape may be; no I/O.

They are data of identity and no entities: whoever may write entities could otherwise draw their own reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from vidik.kernel.forms import Form

AreaCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]
Ring = Annotated[list[Position], Field(min_length=4, max_length=5_000)]
_MOST_POSITIONS = 20_000


def _has_area(ring: list[Position]) -> list[Position]:
    if ring[0] != ring[-1]:
        raise ValueError("a ring ends where it begins")
    doubled = sum(one[0] * other[1] - other[0] * one[1] for one, other in pairwise(ring))
    if doubled == 0:
        raise ValueError("a ring encloses something")
    return ring


Rings = Annotated[list[Annotated[Ring, AfterValidator(_has_area)]], Field(min_length=1, max_length=50)]


class PolygonShape(Form):
    """A GeoJSON Polygon (RFC 7946, clause 3.1.6): the outer ring, then holes."""

    type: Literal["Polygon"]
    coordinates: Rings


class MultiPolygonShape(Form):
    """A GeoJSON MultiPolygon (RFC 7946, clause 3.1.7)."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1, max_length=50)]


def _is_bounded(shape: PolygonShape | MultiPolygonShape) -> PolygonShape | MultiPolygonShape:
    if sum(len(ring) for ring in rings_of(shape)) > _MOST_POSITIONS:
        raise ValueError(f"a shape has {_MOST_POSITIONS} positions at most")
    return shape


Shape = Annotated[
    Annotated[PolygonShape | MultiPolygonShape, Field(discriminator="type")],
    AfterValidator(_is_bounded),
]


def rings_of(shape: PolygonShape | MultiPolygonShape) -> Iterator[Sequence[Any]]:
    """Yield every ring of a shape."""
    for rings in [shape.coordinates] if isinstance(shape, PolygonShape) else shape.coordinates:
        yield from rings
