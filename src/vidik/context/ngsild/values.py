"""The small values of NGSI-LD and their checks: URIs, names, date-times, scopes, geometries. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from vidik.context.ngsild.problems import bad_data
from vidik.kernel.clock import iso

NULL: Final = "urn:ngsi-ld:null"
MAXIMUM_DEPTH: Final = 64
GEOMETRIES: Final = frozenset(("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"))

# What nobody sees, or what turns text around, is in no IRI (RFC 3987, clauses 2.2 and 4.1): two ids that look alike
# would be two things.
_UNSEEN: Final = (
    r"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
)
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{{}}|\\^`\x00-\x20{_UNSEEN}]+")
_NAME = re.compile(r"[^\s<>\"'=;()\[\]{}|,\\^`\x00-\x20]+")
_SCOPE = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:[Zz]|[+\-]\d\d:?\d\d)")
# Clause 4.6.3 has "Z" alone; Python and others write UTC so, and it is nothing else.
_UTC: Final = ("Z", "z", "+00:00", "+0000")
_STORED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_NO_MOMENT = "is not a date and time such as 2026-01-31T12:00:00Z."
_LONG_FRACTION = re.compile(r"(?<=\.\d{6})\d+")


def uri(value: Any, field: str) -> str:
    """A URI (RFC 3986) as it stands; raises BadInput for anything else."""
    if not isinstance(value, str) or not _URI.fullmatch(value):
        raise bad_data(f"{_shown(value)} is not a URI.", field)
    return value


def identifier(value: Any, field: str) -> str:
    """A URI that names something: NGSI-LD Null is none (clauses 5.5.4 and 5.5.8). Raises BadInput."""
    if value == NULL:
        raise bad_data(f'"{NULL}" names nothing.', field)
    return uri(value, field)


def are_identifiers(found: list[Any]) -> bool:
    """Whether all are URIs that name something."""
    return set(map(type, found)) <= {str} and NULL not in found and all(map(_URI.fullmatch, found))


def name(value: Any, field: str) -> str:
    """A name of a type or attribute, short or an address; raises BadInput for anything else.

    Short names begin with a letter (clause 4.6.2); within them more is taken than the clause has, dashes above all.
    """
    if not isinstance(value, str) or not _is_name(value):
        raise bad_data(f"{_shown(value)} is not a name.", field)
    return value


@lru_cache(maxsize=8192)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and (text[0].isalpha() or (":" in text and text[0] != "@"))


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime | None:
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(_LONG_FRACTION.sub("", text.replace(",", ".")))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(value: Any, field: str) -> datetime:
    """An aware datetime from ISO 8601 in UTC (clause 4.6.3); raises BadInput for anything else."""
    found = _moment(value) if isinstance(value, str) and value.endswith(_UTC) else None
    if found is None:
        raise bad_data(f"{_shown(value)} {_NO_MOMENT}", field)
    return found


def zoned_moment(value: Any, field: str) -> datetime:
    """An aware UTC datetime from ISO 8601 with any time zone; raises BadInput for anything else."""
    found = _moment(value) if isinstance(value, str) else None
    if found is None:
        raise bad_data(f"{_shown(value)} {_NO_MOMENT}", field)
    return found


def date_time(value: Any, field: str) -> str:
    """A date-time as it is stored: with a `Z`, else as it was written; raises BadInput for what is not in UTC."""
    found = stored_date_time(value) if isinstance(value, str) else None
    if found is None:
        raise bad_data(f"{_shown(value)} {_NO_MOMENT}", field)
    return found


@lru_cache(maxsize=4096)
def stored_date_time(text: str) -> str | None:
    """A date-time as above; None for a text that is none."""
    found = _moment(text) if text.endswith(_UTC) else None
    return None if found is None else text if _STORED.fullmatch(text) else iso(found)


def scope(value: Any, field: str = "scope") -> list[str]:
    """The scopes of an entity, each with its leading slash; raises BadInput for anything else."""
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not isinstance(one, str) or not _SCOPE.fullmatch(one):
            raise bad_data(f"{_shown(one)} is not a scope such as /Nis/Medijana.", field)
    return list(dict.fromkeys(one if one.startswith("/") else f"/{one}" for one in values))


def plain(value: Any, field: str, depth: int = 0, *, null: bool = True) -> Any:
    """Any JSON value as it stands.

    Raises BadInput where it is nested too deeply, holds a number too large or, without `null`, has NGSI-LD Null as a
    member of an object (clause 5.5.4).
    """
    if isinstance(value, dict | list):
        if depth > MAXIMUM_DEPTH:
            raise bad_data(f"A value is nested more than {MAXIMUM_DEPTH} deep.", field)
        if not null and isinstance(value, dict) and NULL in value.values():
            raise bad_data(f'"{NULL}" inside a value is for merging alone.', field)
        for part in value.values() if isinstance(value, dict) else value:
            plain(part, field, depth + 1, null=null)
    elif isinstance(value, float) and not math.isfinite(value):
        raise bad_data("A number is too large.", field)
    return value


def is_geometry(value: Any) -> bool:
    """Whether a JSON object looks like a GeoJSON geometry."""
    if not isinstance(value, dict) or "coordinates" not in value:
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in GEOMETRIES


def is_plain_point(value: Any) -> bool:
    """Whether it is a GeoJSON point of longitude and latitude and nothing else; False says nothing."""
    if type(value) is not dict or len(value) != 2 or value.get("type") != "Point":
        return False
    position = value.get("coordinates")
    return type(position) is list and len(position) == 2 and _is_in_degrees(*position)


_LEVELS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def geometry(value: Any, field: str) -> dict[str, Any]:
    """A GeoJSON geometry (RFC 7946), also out of a text that holds one (clause 4.7.2); raises BadInput for others."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise bad_data(f"{_shown(value)} is no geometry.", field) from None
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in GEOMETRIES:
        raise bad_data(f"A geometry has a type among {', '.join(sorted(GEOMETRIES))}.", field)
    coordinates(kind, value.get("coordinates"), field)
    checked: dict[str, Any] = value
    return checked


def coordinates(kind: str, value: Any, field: str) -> None:
    """Check a geometry's coordinates: nesting, ranges, closed rings; raises BadInput."""
    _positions(value, _LEVELS[kind], kind, field)
    if kind == "LineString":
        _at_least(value, 2, "A LineString has at least two positions.", field)
    elif kind == "MultiLineString":
        for line in value:
            _at_least(line, 2, "A LineString has at least two positions.", field)
    elif kind == "Polygon":
        _rings(value, field)
    elif kind == "MultiPolygon":
        for polygon in value:
            _rings(polygon, field)


def _positions(value: Any, level: int, kind: str, field: str) -> None:
    if not isinstance(value, list):
        raise bad_data(f"The coordinates are not those of a {kind}.", field)
    if not level and len(value) == 2 and _is_in_degrees(*value):
        return  # as nearly every place is
    if level:
        if not value:
            raise bad_data(f"The coordinates of a {kind} are empty.", field)
        for part in value:
            _positions(part, level - 1, kind, field)
        return
    if not 2 <= len(value) <= 3 or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value
    ):
        raise bad_data("A position is [longitude, latitude], two or three numbers.", field)
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise bad_data("A position has a longitude of -180 to 180 and a latitude of -90 to 90 degrees.", field)


def _is_in_degrees(longitude: Any, latitude: Any) -> bool:
    return type(longitude) is float and type(latitude) is float and -180 <= longitude <= 180 and -90 <= latitude <= 90


def _rings(polygon: list[Any], field: str) -> None:
    for ring in polygon:
        _at_least(ring, 4, "A polygon's ring has at least four positions.", field)
        if ring[0] != ring[-1]:
            raise bad_data("A polygon's ring ends where it begins.", field)


def _at_least(positions: list[Any], count: int, sentence: str, field: str) -> None:
    if len(positions) < count:
        raise bad_data(sentence, field)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
