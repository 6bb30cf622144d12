"""Answers as earlier versions of the standard have them (ETSI GS CIM 009, clauses 4.3.6.8 and 6.3.6). Pure.

A client that prefers `ngsi-ld=1.5` gets entities without what came after version 1.5, and is told so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from vidik.context.ngsild.http.exchange import JSON, LD_JSON

Version = tuple[int, int]
Json = dict[str, Any]

NEWEST: Final[Version] = (1, 9)
_PREFERENCE = re.compile(r"\s*ngsi-ld\s*=\s*\"?(\d{1,3})\.(\d{1,3})\"?\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_SINCE: Final[dict[str, Version]] = {"expiresAt": (1, 9), "scope": (1, 4)}
"""Members of an entity, and the version that brought them."""
_INSTANCE_SINCE: Final[dict[str, Version]] = {
    "expiresAt": (1, 9),
    "valueType": (1, 9),
    "objectType": (1, 8),
    "datasetId": (1, 3),
    "observedAt": (1, 3),
    "unitCode": (1, 3),
}
_TYPES_SINCE: Final[dict[str, tuple[Version, str, str]]] = {
    "LanguageProperty": ((1, 4), "Property", "languageMap"),
    "JsonProperty": ((1, 8), "Property", "json"),
    "VocabProperty": ((1, 8), "Property", "vocab"),
    "ListProperty": ((1, 8), "Property", "valueList"),
    "ListRelationship": ((1, 8), "Relationship", "objectList"),
}
"""Types of attributes: the version that brought them, what they are before it, and where their value is."""
_SEVERAL_SINCE: Final[Version] = (1, 3)
_HEAD: Final = frozenset(("id", "type", "@context"))


def preferred(header: str) -> Version | None:
    """The version that a Prefer header asks for (RFC 7240)."""
    found = next((match for part in header.split(",") if (match := _PREFERENCE.fullmatch(part))), None)
    return None if found is None else (int(found.group(1)), int(found.group(2)))


def as_preferred(header: str, segments: Sequence[str], response: Response) -> Response:
    """An answer in the version that a client prefers; as it is where none is preferred."""
    version = preferred(header)
    kind = response.headers.get("content-type", "").partition(";")[0]
    if version is None or response.status_code != 200 or kind not in (JSON, LD_JSON):
        return response
    version = min(version, NEWEST)
    if segments[0] in ("entities", "entityOperations") and version < NEWEST:
        body = orjson.loads(response.body)
        earlier = [_entity(one, version) for one in body] if isinstance(body, list) else _entity(body, version)
        if earlier != body:
            headers = {
                name: value for name, value in response.headers.items() if name not in ("content-length", "etag")
            }
            response = Response(orjson.dumps(earlier), status_code=203, headers=headers)
    response.headers["Preference-Applied"] = f"ngsi-ld={version[0]}.{version[1]}"
    return response


def _entity(body: Json, version: Version) -> Json:
    shown: Json = {}
    for name, value in body.items():
        if name in _HEAD:
            shown[name] = value[0] if name == "type" and isinstance(value, list) and version < _SEVERAL_SINCE else value
        elif version >= _SINCE.get(name, (1, 0)):
            shown[name] = _instances(value, version)
    return shown


def _instances(value: Any, version: Version) -> Any:
    if isinstance(value, dict):
        return _instance(value, version)
    if not isinstance(value, list) or not all(isinstance(one, dict) and "type" in one for one in value):
        return value
    if version >= _SEVERAL_SINCE:
        return [_instance(one, version) for one in value]
    default = next((one for one in value if "datasetId" not in one), value[0] if value else None)
    return [] if default is None else _instance(default, version)


def _instance(instance: Json, version: Version) -> Json:
    kind = instance.get("type")
    since, earlier, member = _TYPES_SINCE.get(str(kind), ((1, 0), "", ""))
    shown: Json = {}
    for name, value in instance.items():
        if version < _INSTANCE_SINCE.get(name, (1, 0)):
            continue
        if version < since and name == "type":
            shown[name] = earlier
        elif version < since and name == member:
            shown["object" if earlier == "Relationship" else "value"] = _EARLIER_VALUES.get(member, _same)(value)
        elif isinstance(value, dict | list) and name not in _VALUES:
            shown[name] = _instances(value, version)
        else:
            shown[name] = value
    return shown


def _same(value: Any) -> Any:
    return value


def _objects(value: Any) -> Any:
    return [one.get("object") if isinstance(one, dict) else one for one in value] if isinstance(value, list) else value


_EARLIER_VALUES: Final[dict[str, Callable[[Any], Any]]] = {"objectList": _objects}
_VALUES: Final = frozenset(("value", "object", "languageMap", "json", "vocab", "valueList", "objectList"))
