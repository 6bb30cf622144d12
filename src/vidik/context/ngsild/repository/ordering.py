"""The order of a query's answer as SQL (ETSI GS CIM 009, clauses 4.23 and 5.2.43)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query.geo import EARTH_RADIUS_METRES
from vidik.context.ngsild.repository.conditions import Condition
from vidik.context.store.document import LOCATION

MAXIMUM_MEMBERS: Final = 8
_MAXIMUM_POSITIONS: Final = 16
_ROOT: Final = "und"
_COLUMNS: Final = {
    "id": "id",
    "type": "(SELECT types[1] FROM kind WHERE kind.kind = {table}.kind)",
    "scope": "scope",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
    "expiresAt": "expires_at",
}
_TIMES: Final = frozenset(("createdAt", "modifiedAt", "observedAt", "unitCode"))
_VALUES: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_COMPOUND: Final = ("value", "json", "languageMap")
_DIRECTIONS: Final = {"": "ASC", "asc": "ASC", "desc": "DESC", "dist-asc": "ASC", "dist-desc": "DESC"}
_MEMBER = re.compile(r"([^\[\];]+)(?:\[([^\[\];]+)\])?(?:;([a-z-]*))?")
# RFC 6067: a language, perhaps a script and a region, and those of Unicode's keys that are understood here. Cases and
# accents always break ties, whatever ks says of the strength.
_COLLATION = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-u(?:-co-(?:phonebk|standard))?(?:-ks-(?:level[1-4]|identic))?)?"
)
# Clause 4.23.2; what has no value comes last in either direction.
_KINDS: Final = "array_position('{{number,string,object,array,boolean,\"null\"}}'::text[], jsonb_typeof({0}))"
# The root order, where the database has no collations of ICU: base letters, then accents, then cases.
_LETTERS: Final = r"lower(regexp_replace(normalize({2}, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE {1})"
_TEXT: Final = "{0} #>> '{{}}'"
_PHONEBOOK: Final = "replace(replace(replace(lower(({0} #>> '{{}}') COLLATE {1}), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue')"
_ACCENTS: Final = "lower(({0} #>> '{{}}') COLLATE {1})"
_UNICODE: Final = '"pg_c_utf8"'
# Of a box, the corner in the north-east is the first. A place larger than a point counts by its nearest edge.
_WEST, _SOUTH, _EAST, _NORTH = "(place[1])[0]", "(place[1])[1]", "(place[0])[0]", "(place[0])[1]"


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a query says of the order of its answer: names and directions, a collation, and from where distances go."""

    text: str
    collation: str | None = None
    coordinates: str | None = None
    geometry: str | None = None


def parse_order(asked: Ordering, context: ActiveContext, table: str) -> Condition:
    """The ORDER BY of `name;desc,address[city],location;dist-asc`; entities that lack a member come last.

    Raises BadInput (BadRequestData).
    """
    if asked.collation is not None and not _COLLATION.fullmatch(asked.collation):
        raise bad_data("A collation is a tag such as und, sr or de-u-co-phonebk.", "collation")
    points = _reference(asked)
    keys: list[Condition] = []
    members = asked.text.split(",")
    if len(members) > MAXIMUM_MEMBERS:
        raise bad_data(f"orderBy has at most {MAXIMUM_MEMBERS} members.", "orderBy")
    for member in members:
        match = _MEMBER.fullmatch(member.strip())
        if match is None or (match.group(3) or "") not in _DIRECTIONS:
            raise bad_data(
                "orderBy is a name, perhaps with [a member], and asc, desc, dist-asc or dist-desc.", "orderBy"
            )
        path, trail, direction = match.groups()
        way = _DIRECTIONS[direction or ""]
        if (direction or "").startswith("dist"):
            keys.append(_distance(context.expand(values.name(path, "orderBy")), points, way))
        else:
            keys.extend(_keys(path, trail, context, table, way, collation=asked.collation or _ROOT))
    text = ", ".join([*(one.sql for one in keys), "id"])
    return Condition(text, tuple(value for one in keys for value in one.parameters))


def _keys(
    path: str, trail: str | None, context: ActiveContext, table: str, way: str, *, collation: str
) -> list[Condition]:
    if path in _COLUMNS and trail is None:
        return [Condition(f"{_COLUMNS[path].format(table=table)} {way} NULLS LAST")]
    found = _value(path, trail, context)
    parts = [_KINDS]
    if path.rpartition(".")[2] not in _TIMES:
        base = _PHONEBOOK if "-co-phonebk" in collation else _TEXT
        text = "CASE jsonb_typeof({0}) WHEN 'string' THEN {part} END"
        ranks = (_LETTERS.replace("{2}", base), _ACCENTS)
        parts += [text.replace("{part}", rank).replace("{1}", _UNICODE) for rank in ranks]
    parts.append("{0}")
    return [
        Condition(f"{part.format(found.sql)} {way} NULLS LAST", found.parameters * part.count("{0}")) for part in parts
    ]


def _value(path: str, trail: str | None, context: ActiveContext) -> Condition:
    """The value that orders: of several instances the first one's."""
    steps = [values.name(step, "orderBy") for step in path.split(".")]
    last = steps.pop() if len(steps) > 1 and steps[-1] in _TIMES else None
    address = [context.expand(step) for step in steps]
    if last is not None:
        return Condition("(document #> %s::text[])", ([*address, last],))
    inside = [] if trail is None else trail.split(".")
    names = _VALUES if trail is None else _COMPOUND
    found = ", ".join("document #> %s::text[], document #> %s::text[]" for _ in names)
    paths = [[*address, member, *inside] for member in names]
    first = [[address[0], "0", *address[1:], member, *inside] for member in names]
    return Condition(f"coalesce({found})", tuple(one for pair in zip(paths, first, strict=True) for one in pair))


def _reference(asked: Ordering) -> list[tuple[float, float]]:
    """The positions from which distances count; none where no distance orders. Raises BadInput."""
    distant = ";dist-" in asked.text
    if asked.coordinates is None:
        if distant:
            raise bad_data("Order by distance says from where: orderFrom.", "orderFrom")
        return []
    kind = asked.geometry or "Point"
    try:
        coordinates = orjson.loads(asked.coordinates)
    except orjson.JSONDecodeError:
        raise bad_data("orderFrom has coordinates such as [21.9,43.3].", "orderFrom") from None
    values.geometry({"type": kind, "coordinates": coordinates}, "orderFrom")
    return list(_positions(coordinates))


def _positions(coordinates: Any) -> list[tuple[float, float]]:
    if not isinstance(coordinates[0], list):
        return [(float(coordinates[0]), float(coordinates[1]))]
    return [one for part in coordinates for one in _positions(part)]


def _distance(attribute: str, points: list[tuple[float, float]], way: str) -> Condition:
    """Metres (haversine) to the nearest of some positions; an attribute that is no place comes last."""
    if len(points) > _MAXIMUM_POSITIONS:
        raise bad_data(f"orderFrom has at most {_MAXIMUM_POSITIONS} positions.", "orderFrom")
    if attribute == LOCATION:
        longitude, latitude = (
            f"least(greatest(%s::float8, {_WEST}), {_EAST})",
            f"least(greatest(%s::float8, {_SOUTH}), {_NORTH})",
        )
        own: tuple[Any, ...] = ()
    else:
        # Another place is a point, or is not known to the database as one.
        coordinate = "CASE WHEN document #>> %s::text[] = 'Point' THEN (document #>> %s::text[])::float8 END"
        longitude = latitude = coordinate
        own = ([attribute, "value", "type"],)
    parts: list[str] = []
    parameters: list[Any] = []
    for east, north in points:
        # Twice the latitude: in the difference, and for the length of a degree of longitude there.
        where_north = (north,) if not own else (*own, [attribute, "value", "coordinates", "1"])
        where_east = (east,) if not own else (*own, [attribute, "value", "coordinates", "0"])
        parts.append(
            f"{2 * EARTH_RADIUS_METRES} * asin(sqrt(least(1.0, sin(radians(({latitude} - %s::float8) / 2)) ^ 2"
            f" + cos(radians(%s::float8)) * cos(radians({latitude}))"
            f" * sin(radians(({longitude} - %s::float8) / 2)) ^ 2)))"
        )
        parameters += [*where_north, north, north, *where_north, *where_east, east]
    nearest = f"least({', '.join(parts)})"
    if not own:
        nearest = f"CASE WHEN place IS NOT NULL THEN {nearest} END"  # least and greatest pass over what is not there
    return Condition(f"{nearest} {way} NULLS LAST", tuple(parameters))
