"""From the JSON of a registration to what is stored, with every check of clauses 5.2.9 and 5.9.2. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.jsonld.names import NGSI_LD
from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import JSON, LD_JSON
from vidik.context.ngsild.problems import bad_data, too_large
from vidik.context.registrations.sources.model import INTERVALS, MODES, PLACES, Json
from vidik.context.registrations.sources.operations import GROUPS, OPERATIONS
from vidik.context.registrations.sources.patterns import id_pattern

PROVIDED: Final = frozenset(
    (
        "status",
        "timesSent",
        "timesFailed",
        "lastSuccess",
        "lastFailure",
        "createdAt",
        "modifiedAt",
        "deletedAt",
        "@context",
    )
)
"""Members that only Vidik provides; what a client says of them is left out."""
_MEMBERS: Final = frozenset(
    (
        "id",
        "type",
        "registrationName",
        "description",
        "information",
        "tenant",
        *INTERVALS,
        *PLACES,
        "expiresAt",
        "endpoint",
        "contextSourceInfo",
        "scope",
        "mode",
        "operations",
        "refreshRate",
        "management",
        "localOnly",
        "contextSourceAlias",
        "datasetId",
    )
)
_MAXIMUM_INFORMATION: Final = 1000
_LONGEST_MILLISECONDS: Final = 366 * 24 * 3600 * 1000
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_TENANT = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_ALIAS = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:]{1,200}")
_DESCRIPTION: Final = "http://purl.org/dc/terms/description"
_MEDIA_TYPES: Final = (JSON, LD_JSON)
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}")
_READING: Final = frozenset(("retrieveOps", "retrieveEntity", "queryEntity"))
"""What an auxiliary source may be asked for (clause 5.9.2.4)."""
_ASKABLE: Final = (
    *("endpoint", "registrationName", "mode", "tenant", "contextSourceAlias", "refreshRate", "operations", "datasetId"),
    *("scope", "expiresAt"),
)
"""Members that a context source filter may ask about beside the properties that the owner gave it."""
_MAXIMUM_BYTES: Final = 1 << 20
"""Of one registration: every process keeps all of them in memory."""
_UNWANTED_BY_HEADERS: Final = frozenset(' ":,;()<>@[]{}/\\=?')


def stored_registration(body: Any, context: ActiveContext) -> Json:
    """A registration as it is stored: checked, with every name of a type or attribute expanded.

    Raises BadInput (BadRequestData) naming the member at fault. An expiresAt in the past is accepted here.
    """
    if not isinstance(body, dict):
        raise bad_data("A registration is a JSON object.")
    if len(orjson.dumps(body)) > _MAXIMUM_BYTES:
        raise too_large(_MAXIMUM_BYTES)
    if body.get("type", body.get("@type")) != "ContextSourceRegistration":
        raise bad_data('A registration has the type "ContextSourceRegistration".', "type")
    stored: Json = {
        "id": values.uri(body.get("id", body.get("@id")), "id"),
        "type": "ContextSourceRegistration",
        "information": _information(body.get("information"), context),
        "endpoint": _endpoint(body.get("endpoint")),
    }
    for name, value in body.items():
        if name in ("@id", "@type") or name in stored or name in PROVIDED:
            continue
        check = _CHECKS.get(name)
        if check is not None:
            stored[name] = check(value, name)
        else:
            stored[context.expand(values.name(name, name))] = values.plain(_not_null(value, name), name)
    _check_mode(stored)
    return stored


def shown_registration(stored: Mapping[str, Any], context: ActiveContext) -> Json:
    """A stored registration in the words of a reader's @context."""
    shown: Json = {}
    for name, value in stored.items():
        if name == "information":
            shown[name] = [_shown_information(one, context) for one in value]
        else:
            shown[name if name in _MEMBERS else context.compact(name)] = value
    return shown


def own_properties(stored: Mapping[str, Any]) -> Json:
    """The properties of a context source, its owner's and those of every registration, as attributes for a query."""
    asked = {name: value for name, value in stored.items() if name not in _MEMBERS}
    asked |= {NGSI_LD + name: stored[name] for name in _ASKABLE if name in stored}
    asked |= {_DESCRIPTION: stored["description"]} if "description" in stored else {}
    return {
        name: value if _is_property(value) else {"type": "Property", "value": value} for name, value in asked.items()
    }


def _is_property(value: Any) -> bool:
    """Whether an owner wrote a property of a source as entities have theirs."""
    return isinstance(value, dict) and value.get("type") == "Property" and "value" in value


def _shown_information(stored: Mapping[str, Any], context: ActiveContext) -> Json:
    shown = dict(stored)
    if "entities" in stored:
        shown["entities"] = [{**one, "type": _compacted(one["type"], context)} for one in stored["entities"]]
    for name in ("propertyNames", "relationshipNames"):
        if name in stored:
            shown[name] = [context.compact(one) for one in stored[name]]
    return shown


def _compacted(kinds: Any, context: ActiveContext) -> Any:
    return [context.compact(one) for one in kinds] if isinstance(kinds, list) else context.compact(kinds)


def _information(given: Any, context: ActiveContext) -> list[Json]:
    if not isinstance(given, list) or not 0 < len(given) <= _MAXIMUM_INFORMATION:
        raise bad_data(f"A registration has information: a list of 1 to {_MAXIMUM_INFORMATION}.", "information")
    return [_one_information(one, context) for one in given]


def _one_information(given: Any, context: ActiveContext) -> Json:
    if not isinstance(given, dict):
        raise bad_data("Each part of the information is an object.", "information")
    found: Json = {}
    if "entities" in given:
        entities = given["entities"]
        if not isinstance(entities, list) or not 0 < len(entities) <= _MAXIMUM_INFORMATION:
            raise bad_data("entities is a list of objects with a type.", "information.entities")
        found["entities"] = [_entity(one, context) for one in entities]
    for name in ("propertyNames", "relationshipNames"):
        if name in given:
            words = _texts(given[name], f"information.{name}")
            found[name] = [context.expand(values.name(one, f"information.{name}")) for one in words]
    if not found:
        raise bad_data("Information names entities, propertyNames or relationshipNames.", "information")
    return found


def _entity(given: Any, context: ActiveContext) -> Json:
    if not isinstance(given, dict):
        raise bad_data("An entity of the information is an object with a type.", "information.entities")
    kinds = given.get("type", given.get("@type"))
    names = kinds if isinstance(kinds, list) and kinds else [kinds]
    expanded = [context.expand(values.name(one, "information.entities.type")) for one in names]
    found: Json = {"type": expanded if isinstance(kinds, list) else expanded[0]}
    entity_id = given.get("id", given.get("@id"))
    if entity_id is not None:
        found["id"] = values.uri(entity_id, "information.entities.id")
    if "idPattern" in given:
        pattern = _text(given["idPattern"], "information.entities.idPattern")
        id_pattern(pattern, "information.entities.idPattern")
        found["idPattern"] = pattern
    return found


def _check_mode(stored: Json) -> None:
    """What clauses 4.3.6 and 5.9.2.4 ask of each mode: exclusive ones are of attributes of single entities."""
    mode = stored.get("mode", "inclusive")
    if mode == "exclusive":
        for one in stored["information"]:
            if not all("id" in entity for entity in one.get("entities", ({},))):
                raise bad_data("An exclusive registration names its entities by id.", "information.entities")
            if "propertyNames" not in one and "relationshipNames" not in one:
                raise bad_data("An exclusive registration names its attributes.", "information.propertyNames")
    if mode == "auxiliary" and not _READING.issuperset(stored.get("operations", ())):
        raise bad_data(f"An auxiliary source is asked for {', '.join(sorted(_READING))} only.", "operations")


def _endpoint(given: Any) -> str:
    text = _text(given, "endpoint")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text or parts.query or parts.fragment:
        raise bad_data("endpoint is an http or https address without a query.", "endpoint")
    return text


def _not_null(given: Any, field: str) -> Any:
    if given is None:
        raise bad_data(f"{field} cannot be null.", field)
    return given


def _text(given: Any, field: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise bad_data(f"{field} is text that is not empty.", field)
    return given


def _texts(given: Any, field: str) -> Sequence[str]:
    if not isinstance(given, list) or not given:
        raise bad_data(f"{field} is a list of text that is not empty.", field)
    return [_text(one, field) for one in given]


def _tenant(given: Any, field: str) -> str:
    if not isinstance(given, str) or not _TENANT.fullmatch(given):
        raise bad_data("tenant is a name of letters, digits, - and _.", field)
    return given


def _alias(given: Any, field: str) -> str:
    if not isinstance(given, str) or not _ALIAS.fullmatch(given):
        raise bad_data("contextSourceAlias is a token of RFC 9110, without spaces.", field)
    return given


def _interval(given: Any, field: str) -> Json:
    if not isinstance(given, dict) or "startAt" not in given:
        raise bad_data(f"{field} is an object with startAt and, where it is closed, endAt.", field)
    found = {"startAt": values.date_time(given["startAt"], f"{field}.startAt")}
    if "endAt" in given:
        found["endAt"] = values.date_time(given["endAt"], f"{field}.endAt")
        if values.moment(found["endAt"], field) < values.moment(found["startAt"], field):
            raise bad_data(f"{field} ends before it starts.", field)
    return found


def _place(given: Any, field: str) -> Json:
    if isinstance(given, dict) and given.get("type") == "GeoProperty":
        given = given.get("value")
    return values.geometry(given, field)


def _source_info(given: Any, field: str) -> list[Json]:
    if not isinstance(given, list):
        raise bad_data(f"{field} is a list of objects with key and value.", field)
    pairs: list[Json] = []
    for one in given:
        key, value = (one.get("key"), one.get("value")) if isinstance(one, dict) else (None, None)
        if not isinstance(key, str) or not key or not isinstance(value, str):
            raise bad_data(f"{field} is a list of objects with key and value, both text.", field)
        if key == "jsonldContext":
            values.uri(value, f"{field}.jsonldContext")
        elif key in ("accept", "contentType") and value not in _MEDIA_TYPES:
            raise bad_data(f"{key} of {field} is one of {', '.join(_MEDIA_TYPES)}.", field)
        elif key == "ngsildConformance" and not _VERSION.fullmatch(value):
            raise bad_data(f"{key} of {field} is a version such as 1.5.", field)
        elif not _is_header(key, value):
            raise bad_data(f"The key {key!r} of {field} and its value are a header that may be set.", field)
        pairs.append({"key": key, "value": value})
    return pairs


def _is_header(key: str, value: str) -> bool:
    named = key.isascii() and key.isprintable() and not set(key) & _UNWANTED_BY_HEADERS
    return named and value.isascii() and value.isprintable()


def _mode(given: Any, field: str) -> str:
    if given not in MODES:
        raise bad_data(f"mode is one of {', '.join(MODES)}.", field)
    return str(given)


def _operations(given: Any, field: str) -> Sequence[str]:
    names = _texts(given, field)
    for one in names:
        if one not in OPERATIONS and one not in GROUPS:
            raise bad_data(f"{one!r} is neither an operation nor a group of operations.", field)
    return names


def _duration(given: Any, field: str) -> str:
    if not isinstance(given, str) or not _DURATION.fullmatch(given):
        raise bad_data(f"{field} is a duration of ISO 8601 such as PT5M.", field)
    return given


def _flag(given: Any, field: str) -> bool:
    if not isinstance(given, bool):
        raise bad_data(f"{field} is true or false.", field)
    return given


def _management(given: Any, field: str) -> Json:
    if not isinstance(given, dict):
        raise bad_data(f"{field} is an object.", field)
    found: Json = {}
    for name, value in given.items():
        if name == "localOnly":
            _flag(value, f"{field}.{name}")
        elif name == "cacheDuration":
            _duration(value, f"{field}.{name}")
        elif name in ("timeout", "cooldown"):
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not 0 < value <= _LONGEST_MILLISECONDS:
                raise bad_data(f"{name} is a number of milliseconds greater than 0.", f"{field}.{name}")
        else:
            raise bad_data(f"{field} has localOnly, cacheDuration, timeout and cooldown.", f"{field}.{name}")
        found[name] = value
    return found


def _scope(given: Any, field: str) -> Any:
    values.scope(given, field)
    return given


def _datasets(given: Any, field: str) -> Any:
    for one in given if isinstance(given, list) else [given]:
        if one != "@none":
            values.uri(one, field)
    return given


_CHECKS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "registrationName": _text,
    "description": _text,
    "tenant": _tenant,
    "observationInterval": _interval,
    "managementInterval": _interval,
    "location": _place,
    "observationSpace": _place,
    "operationSpace": _place,
    "expiresAt": values.date_time,
    "contextSourceInfo": _source_info,
    "scope": _scope,
    "mode": _mode,
    "operations": _operations,
    "refreshRate": _duration,
    "management": _management,
    "localOnly": _flag,
    "contextSourceAlias": _alias,
    "datasetId": _datasets,
}
