"""What the store must know about an entity's document: its instances, their times, its place. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from vidik.kernel.clock import to_microseconds

LOCATION = "https://uri.etsi.org/ngsi-ld/location"
SCOPE: Final = "https://uri.etsi.org/ngsi-ld/scope"
"""The series of an entity's scopes; in a document they are no attribute."""
UNOBSERVED: Final = "@unobserved"
"""Marks a history row whose time is when it was written, because nobody said when it was observed."""
WITH_ENTITY: Final = "@withEntity"
"""Marks the end of an attribute that was deleted with its entity: it is no row of history."""
FORMER_SCOPE: Final = "@former"
"""In a history row of scopes: those that were valid before it."""

Instance = dict[str, Any]
Document = dict[str, Any]

_TIMES = frozenset(("createdAt", "modifiedAt", "observedAt", "datasetId", "instanceId"))
NUMBERS: Final = frozenset((int, float))
ONLY_A_NUMBER: Final = _TIMES | {"type", "value", "unitCode", "providedBy"}
"""A Property with these members and a number as value is kept in history as the number."""
_UNOBSERVED_END: Final = f',"{UNOBSERVED}":true}}'.encode()


def instances_of(attribute: Instance | list[Instance]) -> list[Instance]:
    """The instances of one attribute: one, or one a dataset."""
    return attribute if isinstance(attribute, list) else [attribute]


def scope_instance(scope: list[str] | None, former: list[str] | None, at: str) -> Instance:
    """What history keeps of scopes that were set (or with none: removed) at a time, in the place of others."""
    kept: Instance = {"type": "Property", "value": scope or [], **({FORMER_SCOPE: former} if former else {})}
    return {**kept, "observedAt": at} if scope else {**kept, "deletedAt": at}


def tombstone(instance: Instance, at: str) -> Instance:
    """What history keeps of an instance that was deleted at a time."""
    kept: Instance = {"type": instance["type"], "deletedAt": at}
    if "datasetId" in instance:
        kept["datasetId"] = instance["datasetId"]
    return kept


@lru_cache(maxsize=8192)
def microseconds_of(text: str) -> int:
    """Microseconds since 1970 of a stored date-time; a batch has the same few again and again."""
    return to_microseconds(datetime.fromisoformat(text))


def newest_observation(document: Mapping[str, Any]) -> int | None:
    """The newest observedAt among a document's attributes, in microseconds since 1970."""
    newest: int | None = None
    for attribute in document.values():
        for instance in attribute if isinstance(attribute, list) else (attribute,):
            text = instance.get("observedAt")
            if text:
                moment = microseconds_of(text)
                if newest is None or moment > newest:
                    newest = moment
    return newest


def history_value(instance: Instance) -> tuple[float | None, str | None]:
    """How history keeps an instance: (number, JSON).

    A Property whose value is a number and that has nothing but times and a unit is only the number; of every other
    instance the members but the times are kept as JSON, and the number too where there is one.
    """
    value: Any = instance.get("value")
    if type(value) not in NUMBERS:
        return None, history_json(instance).decode()
    if instance["type"] == "Property" and instance.keys() <= ONLY_A_NUMBER:
        return float(value), None
    return float(value), history_json(instance).decode()


def unobserved_value(instance: Instance) -> tuple[float | None, str]:
    """How history keeps an instance of which nobody said when it was observed: as above, always with JSON."""
    value: Any = instance.get("value")
    return float(value) if type(value) in NUMBERS else None, marked(history_json(instance)).decode()


def history_json(instance: Instance) -> bytes:
    """An instance without its times, as JSON."""
    return orjson.dumps({name: instance[name] for name in instance if name not in _TIMES})


def marked(json: bytes) -> bytes:
    """What history keeps of an instance, with the mark that nobody said when it was observed."""
    return json[:-1] + _UNOBSERVED_END


def bounding_box(document: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees of an entity's location; None when it has no (default) location."""
    attribute = document.get(LOCATION)
    if attribute is None:
        return None
    for instance in instances_of(attribute):
        if "datasetId" not in instance:
            return box_of_geometry(instance.get("value"))
    return None


def box_of_geometry(geometry: Any) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees of a GeoJSON geometry; None when it has no coordinates."""
    if not isinstance(geometry, dict):
        return None
    if geometry.get("type") == "GeometryCollection":
        boxes = [box for part in geometry.get("geometries", ()) if (box := box_of_geometry(part))]
    else:
        coordinates = geometry.get("coordinates")
        if geometry.get("type") == "Point" and coordinates:
            x, y = float(coordinates[0]), float(coordinates[1])
            return x, y, x, y
        boxes = [(x, y, x, y) for x, y in _positions(coordinates)]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def box_literal(box: tuple[float, float, float, float] | None) -> str | None:
    """PostgreSQL's text form of a box (west, south, east, north)."""
    return None if box is None else f"({box[2]},{box[3]}),({box[0]},{box[1]})"


def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list):
        return
    if len(coordinates) >= 2 and all(isinstance(number, int | float) for number in coordinates[:2]):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _positions(part)
