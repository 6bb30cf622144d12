"""From query parameters (or the Query of a POST) to a search and a view (clauses 5.7.2, 6.3 and 6.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import GEO_JSON, Parameters
from vidik.context.ngsild.problems import bad_data, invalid_request
from vidik.context.ngsild.query import geo, q, selections
from vidik.context.ngsild.query.projection import CORE_MEMBERS, Projection, parse_projection
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.repository.ordering import Ordering, parse_order
from vidik.context.ngsild.representation.linked import MAXIMUM_LEVEL
from vidik.context.ngsild.representation.rendering import Format, View
from vidik.context.store.document import LOCATION

MAXIMUM_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 20
_FORMATS: Final[Mapping[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_OPTIONS: Final = frozenset((*_FORMATS, "sysAttrs", "count", "temporalValues", "aggregatedValues"))


_SELECTING: Final = ("id", "type", "idPattern", "attrs", "pick", "omit", "q", "csf", "scopeQ", "datasetId", "local")
_EXPANDING: Final = ("expandValues", "jsonKeys")
_PLACING: Final = ("georel", "geometry", "coordinates", "geoproperty", "geometryProperty")
_TIMING: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration")
_SHOWING: Final = ("options", "format", "sysAttrs", "lang", "join", "joinLevel", "containedBy")
_ORDERING: Final = ("orderBy", "collation", "orderFrom", "orderGeometry")
_PAGING: Final = ("limit", "offset", "count", "entityMap", "entityMapLifetime", "splitEntities")
_WRITING: Final = ("deleteAll", "observedAt", "drop", "keep", "noOverwrite")
_HOSTING: Final = ("details", "kind", "reload")
_KNOWN: Final = frozenset(
    (*_SELECTING, *_EXPANDING, *_PLACING, *_TIMING, *_SHOWING, *_ORDERING, *_PAGING, *_WRITING, *_HOSTING)
)


def check_names(parameters: Parameters) -> None:
    """Raise BadInput (InvalidRequest) for a parameter that no operation has."""
    unknown = parameters.present() - _KNOWN
    if unknown:
        raise invalid_request(f"There is no parameter {min(unknown)}.", min(unknown))


def options(parameters: Parameters) -> frozenset[str]:
    """The words of `options`; raises BadInput for one that nobody knows."""
    words = frozenset(parameters.names("options") or ())
    if not words <= _OPTIONS:
        raise invalid_request(f"options has words among {', '.join(sorted(_OPTIONS))}.", "options")
    return words


def page(parameters: Parameters) -> tuple[bool, int, int]:
    """Whether a count is wanted, how many are shown and from which on (6.3.10, 6.3.13)."""
    counts = parameters.flag("count") or "count" in options(parameters)
    limit = parameters.number("limit", DEFAULT_LIMIT, 0, MAXIMUM_LIMIT)
    offset = parameters.number("offset", 0, 0, 10_000_000)
    if limit == 0 and not counts:
        raise bad_data("limit 0 goes with count only.", "limit")
    return counts, limit, offset


def view(parameters: Parameters, context: ActiveContext) -> View:
    """What of each entity to show."""
    if not parameters.present():
        return View(context)
    words = options(parameters)
    text = parameters.get("format")
    if text is not None and text not in _FORMATS:
        raise invalid_request(f"format is one of {', '.join(_FORMATS)}.", "format")
    chosen = [_FORMATS[word] for word in sorted(words) if word in _FORMATS]
    attributes = expanded(parameters.names("attrs"), context, "attrs")
    pick, omit = projections(parameters, context)
    return View(
        context=context,
        format=_FORMATS[text] if text is not None else chosen[0] if chosen else "normalized",
        system="sysAttrs" in words or parameters.flag("sysAttrs"),
        attributes=None if attributes is None else frozenset(attributes),
        datasets=_set(parameters.names("datasetId")),
        language=parameters.get("lang"),
        pick=pick,
        omit=omit,
    )


def check_kind(parameters: Parameters, kind: str) -> None:
    """Raise BadInput for a parameter that goes with GeoJSON only, where the answer is something else."""
    if parameters.has("geometryProperty") and kind != GEO_JSON:
        raise bad_data(f"geometryProperty goes with Accept: {GEO_JSON}.", "geometryProperty")


def projections(parameters: Parameters, context: ActiveContext) -> tuple[Projection | None, Projection | None]:
    """The parameters pick and omit.

    Raises BadInput where they contradict one another or attrs, or lead further than links are followed (5.7.2.4).
    """
    picked, omitted = parameters.get("pick"), parameters.get("omit")
    pick = None if picked is None else parse_projection(picked, context, "pick")
    omit = None if omitted is None else parse_projection(omitted, context, "omit")
    if (pick or omit) and parameters.get("attrs") is not None:
        raise bad_data("attrs does not go with pick or omit.", "attrs")
    if pick and omit:
        both = [word for word, part in omit.members.items() if part is None and word in pick.members]
        if both:
            raise bad_data(f"{both[0]} is both picked and omitted.", "omit")
    for field, one in (("pick", pick), ("omit", omit)):
        if one is not None and one.depth() > followed(parameters):
            raise bad_data(f"{field} leads further than join and joinLevel say that links are followed.", field)
    return pick, omit


def check_links(query: q.Query | None, parameters: Parameters) -> None:
    """Raise BadInput for a q that follows more links than linked entities are retrieved through (5.7.2.4)."""
    if query is not None and q.linked_depth(query) > followed(parameters):
        raise bad_data("q follows more links than join and joinLevel say.", "q")


def followed(parameters: Parameters) -> int:
    """Through how many relationships linked entities are shown; 0 where none are."""
    level = parameters.number("joinLevel", 1, 1, MAXIMUM_LEVEL)
    return level if parameters.get("join") in ("inline", "flat") else 0


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def expanded(names: list[str] | None, context: ActiveContext, field: str) -> list[str] | None:
    """Expanded attribute names; raises BadInput where one is no name."""
    if names is not None and not CORE_MEMBERS.isdisjoint(names):
        raise bad_data(f"{field} names attributes; {', '.join(sorted(CORE_MEMBERS))} are none.", field)
    return None if names is None else [context.expand(values.name(name, field)) for name in names]


def search(
    parameters: Parameters, context: ActiveContext, table: str = "entity"
) -> tuple[Search, selections.TypeSelection | None]:
    """What to look for; the type selection apart, because only the tenant knows its kinds.

    Raises BadInput where a parameter breaks its grammar or nothing limits the query.
    """
    text = parameters.get("type")
    if text == "*" and parameters.get("local") == "false":
        raise bad_data("type=* is about what is here: it does not go with local=false.", "local")
    types = None if text is None or text == "*" else selections.parse_types(text, context)
    ids = parameters.names("id")
    query = parameters.get("q")
    scopes = parameters.get("scopeQ")
    if (sources := parameters.get("csf")) is not None:
        q.parse_q(sources, "csf")  # also where nobody else is asked, so that a mistake shows at once
    found = Search(
        ids=None if ids is None else [values.uri(one, "id") for one in ids],
        id_pattern=parameters.get("idPattern"),
        attributes=expanded(parameters.names("attrs"), context, "attrs"),
        q=None if query is None else q.with_words(q.parse_q(query), parameters.names("expandValues") or ()),
        scopes=None if scopes is None else selections.parse_scopes(scopes),
        geo=_geo(parameters, context),
        context=context,
        table=table,
    )
    order, collation, origin, geometry = (parameters.get(name) for name in _ORDERING)
    if order is not None:
        found.order = parse_order(Ordering(order, collation, origin, geometry), context, table)
    asked = found.q if found.q is not None and q.asks_of_attributes(found.q) else None
    limits = (text, found.attributes, asked, found.scopes, found.geo)
    if all(limit is None for limit in limits) and not parameters.flag("local"):
        raise bad_data("A query has at least one of type, attrs, q, georel or scopeQ, or is local=true.", "type")
    return found, types


def _geo(parameters: Parameters, context: ActiveContext) -> geo.GeoQuery | None:
    georel, geometry, coordinates = (parameters.get(name) for name in ("georel", "geometry", "coordinates"))
    if georel is None and geometry is None and coordinates is None:
        return None
    if georel is None or geometry is None or coordinates is None:
        raise bad_data("georel, geometry and coordinates go together.", "georel")
    name = parameters.get("geoproperty")
    return geo.parse_geo(georel, geometry, coordinates, LOCATION if name is None else context.expand(name))


def of_query(body: Mapping[str, Any]) -> Parameters:
    """The parameters that a Query (clause 5.2.23) of POST entityOperations/query stands for.

    Raises BadInput where the query is not one.
    """
    if "temporalQ" in body:
        raise bad_data("temporalQ goes with queries of the past.", "temporalQ")
    return _of_query(body)


def of_temporal_query(body: Mapping[str, Any]) -> Parameters:
    """The parameters that a Query of POST temporal/entityOperations/query stands for (clauses 5.2.21 and 5.2.44).

    Raises BadInput where the query is not one.
    """
    asked: dict[str, str] = {}
    temporal_query = body.get("temporalQ")
    if temporal_query is not None:
        if not isinstance(temporal_query, dict):
            raise bad_data("temporalQ is an object.", "temporalQ")
        for name in ("timerel", "timeAt", "endTimeAt", "timeproperty"):
            if name in temporal_query:
                asked[name] = _text(temporal_query[name], f"temporalQ.{name}")
        if "lastN" in temporal_query:
            last = temporal_query["lastN"]
            if not isinstance(last, int) or isinstance(last, bool) or last < 1:
                raise bad_data("lastN is a whole number from 1.", "temporalQ.lastN")
            asked["lastN"] = str(last)
        _aggregation(temporal_query, "temporalQ", asked)
    if "aggrParams" in body:
        if not isinstance(body["aggrParams"], dict):
            raise bad_data("aggrParams is an object.", "aggrParams")
        _aggregation(body["aggrParams"], "aggrParams", asked)
    return Parameters.of(asked).joined(_of_query(body))


def _aggregation(given: Mapping[str, Any], field: str, asked: dict[str, str]) -> None:
    if "aggrMethods" in given:
        methods = given["aggrMethods"]
        asked["aggrMethods"] = ",".join(_texts(methods if isinstance(methods, list) else [methods], field))
        asked["options"] = "aggregatedValues"
    if "aggrPeriodDuration" in given:
        asked["aggrPeriodDuration"] = _text(given["aggrPeriodDuration"], f"{field}.aggrPeriodDuration")


def _of_query(body: Mapping[str, Any]) -> Parameters:
    if body.get("type") != "Query":
        raise bad_data('A query has the type "Query".', "type")
    found: dict[str, str] = {}
    _entity_selectors(body.get("entities"), found)
    for name in ("q", "scopeQ", "lang", "join", "entityMapLifetime", "expandValues", "jsonKeys"):
        if name in body:
            found[name] = _text(body[name], name)
    if body.get("entityMap") is not None:
        if not isinstance(body["entityMap"], bool):
            raise bad_data("entityMap is true or false.", "entityMap")
        found["entityMap"] = str(body["entityMap"]).lower()
    if "joinLevel" in body:
        found["joinLevel"] = str(body["joinLevel"])
    for name in ("attrs", "pick", "omit", "datasetId", "containedBy"):
        if name in body:
            found[name] = ",".join(_texts(_list(body[name]), name))
    if body.get("ordering") is not None:
        _ordering(body["ordering"], found)
    geo_query = body.get("geoQ")
    if geo_query is not None:
        if not isinstance(geo_query, dict):
            raise bad_data("geoQ is an object.", "geoQ")
        for name in ("georel", "geometry", "geoproperty"):
            if name in geo_query:
                found[name] = _text(geo_query[name], f"geoQ.{name}")
        if "coordinates" in geo_query:
            position = geo_query["coordinates"]
            found["coordinates"] = position if isinstance(position, str) else orjson.dumps(position).decode()
    return Parameters.of(found)


def _ordering(given: Any, found: dict[str, str]) -> None:
    """OrderingParams (clause 5.2.43)."""
    if not isinstance(given, dict):
        raise bad_data("ordering is an object.", "ordering")
    if "orderBy" in given:
        found["orderBy"] = ",".join(_texts(_list(given["orderBy"]), "ordering.orderBy"))
    if "collation" in given:
        found["collation"] = _text(given["collation"], "ordering.collation")
    if "geometry" in given:
        found["orderGeometry"] = _text(given["geometry"], "ordering.geometry")
    if "coordinates" in given:
        if not isinstance(given["coordinates"], list):
            raise bad_data("The coordinates of an order are a JSON array.", "ordering.coordinates")
        found["orderFrom"] = orjson.dumps(given["coordinates"]).decode()


def _entity_selectors(entities: Any, found: dict[str, str]) -> None:
    if entities is None:
        return
    if not isinstance(entities, list) or not entities or not all(isinstance(one, dict) for one in entities):
        raise bad_data("entities is a list of objects with a type.", "entities")
    types = [_text(one["type"], "entities.type") for one in entities if "type" in one]
    if types:
        found["type"] = "|".join(f"({one})" for one in dict.fromkeys(types))
    if len(entities) > 1 and any("idPattern" in one for one in entities):
        raise bad_data("Several entity selectors cannot have patterns.", "entities")
    if len(entities) > 1 and any("id" in one for one in entities) != all("id" in one for one in entities):
        raise bad_data("Either all or none of several entity selectors have an id.", "entities")
    ids = [part for one in entities if "id" in one for part in _list(one["id"])]
    if ids:
        found["id"] = ",".join(_text(one, "entities.id") for one in ids)
    if "idPattern" in entities[0] and not ids:  # an id stands over a pattern (clause 5.2.33)
        found["idPattern"] = _text(entities[0]["idPattern"], "entities.idPattern")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(values: list[Any], field: str) -> list[str]:
    if not values:
        raise bad_data("This list is not empty.", field)
    return [_text(one, field) for one in values]


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise bad_data("This must be text.", field)
    return value
