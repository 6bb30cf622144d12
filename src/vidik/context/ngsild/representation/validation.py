"""From the JSON of a request to the instances that the store keeps (ETSI GS CIM 009, clause 4.5). Pure.

Normalized, concise and simplified (keyValues) input are told apart attribute by attribute. Names, types and
vocabulary values come out expanded, date-times in UTC; values stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.representation import members
from vidik.context.ngsild.values import NULL

Instance = dict[str, Any]
Attributes = dict[str, list[Instance]]

MEMBER_OF: Final = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "JsonProperty": "json",
    "VocabProperty": "vocab",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
TYPE_OF_MEMBER: Final = {
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "json": "JsonProperty",
    "vocab": "VocabProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
    "value": "Property",
}
_SYSTEM: Final = frozenset(
    (
        "createdAt",
        "modifiedAt",
        "deletedAt",
        "instanceId",
        "previousValue",
        "previousObject",
        "previousLanguageMap",
        "previousJson",
        "previousVocab",
        "previousValueList",
        "previousObjectList",
        "entity",
        "entityList",
    )
)
ENTITY_SYSTEM: Final = frozenset(("createdAt", "modifiedAt", "deletedAt", "@context"))
_HEAD: Final = ENTITY_SYSTEM | {"id", "type", "@id", "@type"}
OF_THE_ENTITY: Final = _HEAD | {"scope", "expiresAt"}
"""Members of an entity that are no attributes."""
_NOT_MEMBERS: Final = _SYSTEM | {"type", "@type"}
_PLAIN: Final = frozenset((str, int, bool))
_MAXIMUM_SUB_DEPTH: Final = 8
_MAXIMUM_INSTANCES: Final = 1000


@dataclass(slots=True)
class EntityInput:
    """What a request says of an entity; what it does not say is None (or empty)."""

    id: str | None
    types: list[str] | None
    scope: list[str] | None
    expires_at: datetime | None
    attributes: Attributes = field(default_factory=dict)
    nulls: set[str] = field(default_factory=set)
    """Members of the entity itself (scope, expiresAt) that are to be removed."""
    past_of_scope: list[Instance] = field(default_factory=list)
    """The scopes it had, and from when, as a temporal representation tells them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one operation lets pass."""

    null: bool = False
    """NGSI-LD Null means delete; without it, it is an error."""
    partial: bool = False
    """An attribute may leave out its type and its value."""
    merges: bool = False
    """NGSI-LD Null inside a value deletes a member of it."""
    kind: bool = False
    """What another broker says is taken as it is where its meaning is clear."""


CREATE: Final = Rules()
EVOLUTION: Final = Rules(null=True)
"""An instance of the past may say that its attribute was deleted then (clauses 4.5.7 and 5.5.4)."""
UPDATE: Final = Rules(null=True)
PATCH: Final = Rules(null=True, partial=True)
MERGE: Final = Rules(null=True, partial=True, merges=True)
RECEIVED: Final = Rules(merges=True, kind=True)


def parse_entity(body: Any, context: ActiveContext, rules: Rules = CREATE, *, whole: bool = True) -> EntityInput:
    """An entity, or (not `whole`) a fragment of one, in which id and type may be absent.

    Raises BadInput (BadRequestData) naming the member at fault.
    """
    if not isinstance(body, dict):
        raise bad_data("An entity is a JSON object.")
    entity_id = _alias(body, "id")
    types = _alias(body, "type")
    if whole and entity_id is None:
        raise bad_data("An entity has an id.", "id")
    if whole and types is None:
        raise bad_data("An entity has a type.", "type")
    entity = EntityInput(
        id=None if entity_id is None else values.identifier(entity_id, "id"),
        types=None if types is None else parse_types(types, context),
        scope=None,
        expires_at=None,
    )
    attributes, known = entity.attributes, context.attributes
    for key, value in body.items():
        iri = known.get(key)
        if iri is None:
            if key in _HEAD:
                continue
            if key == "scope":
                _scope(entity, value, rules)
                continue
            if key == "expiresAt":
                _expires_at(entity, value, rules)
                continue
            iri = context.expand_attribute(values.name(key, key))
        if iri in attributes:
            raise bad_data(f"The attribute {iri} is there twice.", key)
        if iri in members.FIXED:
            instances = attributes[iri] = parse_attribute(value, context.inside(key), rules, key)
            check_fixed(iri, instances, rules, key)
        elif type(value) is dict and _is_plain(value):
            attributes[iri] = [value]
        else:
            attributes[iri] = parse_attribute(value, context.inside(key), rules, key)
    return entity


def _is_plain(value: dict[str, Any]) -> bool:
    """Whether a member is an instance as cities send most: a Property that is stored as it stands.

    What is said of it here is what `parse_instance` would find out in a dozen calls.
    """
    if value.get("type") != "Property":
        return False
    plain: Any = value.get("value")
    kind = type(plain)
    if plain == NULL or not (kind in _PLAIN or (kind is float and isfinite(plain))):
        return False
    if len(value) == 2:
        return True
    for key, member in value.items():
        if key == "observedAt":
            if type(member) is not str or values.stored_date_time(member) != member:
                return False
        elif key == "unitCode":
            if type(member) is not str or not member or member == NULL:
                return False
        elif key != "value" and key != "type":
            return False
    return True


def check_fixed(attribute: str, instances: list[Instance], rules: Rules, where: str) -> None:
    """Check an attribute of which the standard says what it is; raises BadInput."""
    if not rules.kind and attribute in members.FIXED:
        for instance in instances:
            members.check_fixed(attribute, instance, where)


def parse_types(value: Any, context: ActiveContext) -> list[str]:
    """Expanded entity types from one name or a list."""
    names = value if isinstance(value, list) else [value]
    if len(names) == 1:
        expanded = [context.expand(values.name(names[0], "type"))]
    elif names:
        expanded = list(dict.fromkeys([context.expand(values.name(one, "type")) for one in names]))
    else:
        raise bad_data("An entity has at least one type.", "type")
    for one in expanded:
        if one.startswith("@"):
            raise bad_data("A type is not a keyword of JSON-LD.", "type")
        if one == NULL:
            raise bad_data(f'"{NULL}" is no type: an entity keeps the types that it has.', "type")
    return expanded


def parse_attribute(value: Any, context: ActiveContext, rules: Rules, where: str, depth: int = 0) -> list[Instance]:
    """The instances of one attribute, at most one of each datasetId."""
    if type(value) is not list or not _is_instances(value):
        return [parse_instance(value, context, rules, where, depth)]
    if len(value) > _MAXIMUM_INSTANCES:
        raise bad_data(f"An attribute has at most {_MAXIMUM_INSTANCES} instances in one request.", where)
    instances = [parse_instance(one, context, rules, where, depth) for one in value]
    seen: set[str] = set()
    for instance in instances:
        dataset = instance.get("datasetId", "")
        if dataset in seen:
            raise bad_data(
                f"Two instances have the datasetId {dataset}." if dataset else "Two instances have no datasetId.",
                f"{where}.datasetId",
            )
        seen.add(dataset)
    return instances


def _is_instances(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and _is_reified(one) for one in value)


def _is_reified(value: dict[str, Any]) -> bool:
    kind = value.get("type", value.get("@type"))
    return (isinstance(kind, str) and kind in MEMBER_OF) or any(member in value for member in TYPE_OF_MEMBER)


def parse_instance(value: Any, context: ActiveContext, rules: Rules, where: str, depth: int = 0) -> Instance:
    """One instance of an attribute. Under `partial` rules it may lack `type` and its value's member."""
    if depth > _MAXIMUM_SUB_DEPTH:
        raise bad_data(f"Attributes are nested more than {_MAXIMUM_SUB_DEPTH} deep.", where)
    if type(value) is dict:
        kind = value.get("type")
        if type(kind) is str and kind in MEMBER_OF:  # as most write it; no geometry has such a type
            return _members(value, kind, context, rules, where, depth)
    if value is None:
        raise bad_data(f'JSON null says nothing here; to delete, use "{NULL}".', where)
    if not isinstance(value, dict):
        if value == NULL:
            _allow_null(rules, where)
        return {"type": "Property", "value": values.plain(value, where, null=rules.merges)}
    if values.is_geometry(value):
        return {"type": "GeoProperty", "value": values.geometry(value, where)}
    if not _is_reified(value):
        if rules.partial and _is_members(value):
            return _members(value, None, context, rules, where, depth)
        return {"type": "Property", "value": values.plain(value, where, null=rules.merges)}
    return _members(value, _type_of(value, where), context, rules, where, depth)


def _is_members(value: dict[str, Any]) -> bool:
    """Whether an object under partial rules holds members of an instance and is not itself a value."""
    if any(member in value for member in ("observedAt", "expiresAt", "unitCode", "datasetId")):
        return True
    return bool(value) and all(isinstance(part, dict) and _is_reified(part) for part in value.values())


def _type_of(value: dict[str, Any], where: str) -> str | None:
    kind = value.get("type", value.get("@type"))
    if kind is not None:
        if not isinstance(kind, str) or kind not in MEMBER_OF:
            raise bad_data(f"{kind!r} is not a type of attribute.", f"{where}.type")
        return str(kind)
    present = [member for member in TYPE_OF_MEMBER if member in value]
    if len(present) != 1:
        raise bad_data(f"An attribute has one of {', '.join(TYPE_OF_MEMBER)}.", where)
    if present[0] == "value" and values.is_geometry(value["value"]):
        return "GeoProperty"
    return TYPE_OF_MEMBER[present[0]]


def _members(
    value: dict[str, Any], kind: str | None, context: ActiveContext, rules: Rules, where: str, depth: int
) -> Instance:
    instance: Instance = {} if kind is None else {"type": kind}
    own = MEMBER_OF.get(kind or "")
    if own is not None and own not in value and not rules.partial:
        raise bad_data(f"A {kind} has a member {own}.", f"{where}.{own}")
    for key, member in value.items():
        if key in _NOT_MEMBERS:
            continue
        if key == own and kind == "Property" and type(member) in _PLAIN and member != NULL:
            instance[key] = member  # most of what cities send: nothing to check, nothing to expand
            continue
        if type(member) is str and member != NULL:
            if key == "observedAt" and (moment := values.stored_date_time(member)) is not None:
                instance[key] = moment
                continue
            if key == "unitCode" and member and kind == "Property":
                instance[key] = member
                continue
        inside = f"{where}.{key}"
        if key in TYPE_OF_MEMBER:
            if key != own:
                raise bad_data(f"A {kind} has no member {key}.", inside)
            instance[key] = _value(kind, member, context, rules, inside)
        elif key == "observedAt" or key == "expiresAt":
            instance[key] = NULL if _is_null(member, rules, inside) else values.date_time(member, inside)
        elif key == "unitCode":
            if not rules.kind:
                members.check_unit(kind, inside)
            instance[key] = NULL if _is_null(member, rules, inside) else _string(member, inside)
        elif key == "datasetId":
            if member != "@none":
                instance[key] = values.identifier(member, inside)
        elif key == "valueType":
            instance[key] = NULL if _is_null(member, rules, inside) else _vocabulary(member, context, inside)
            members.check_value_type(kind, instance[key], inside)
        elif key in members.SEALED:
            members.check_sealed(where, inside)
            instance[key] = _string(member, inside)
            if key == "entityTypeSealed":
                instance[key] = context.expand(instance[key])
        elif key == "objectType":
            instance[key] = NULL if _is_null(member, rules, inside) else _vocabulary(member, context, inside)
        else:
            parsed = parse_attribute(member, context.inside(key), rules, inside, depth + 1)
            iri = context.expand(values.name(key, inside))
            if iri in members.FIXED:
                check_fixed(iri, parsed, rules, inside)
            instance[iri] = parsed[0] if len(parsed) == 1 else parsed
    return instance


def _value(kind: str | None, member: Any, context: ActiveContext, rules: Rules, where: str) -> Any:
    if member is None:
        raise bad_data(f'JSON null says nothing here; to delete, use "{NULL}".', where)
    if member == NULL or (kind == "LanguageProperty" and member == {"@none": NULL}):
        _allow_null(rules, where)
        return NULL
    if kind == "GeoProperty":
        return values.geometry(member, where)
    if kind == "Relationship":
        return _objects(member, context, where)
    if kind == "LanguageProperty":
        return _language_map(member, rules, where)
    if kind == "VocabProperty":
        return _vocabulary(member, context, where)
    if kind == "ListProperty" and not isinstance(member, list):
        raise bad_data("A valueList is a list.", where)
    if kind == "ListRelationship":
        return _object_list(member, context, where)
    if kind == "JsonProperty":
        return members.raw_json(member, where)
    return values.plain(member, where, null=rules.merges)


def _objects(member: Any, context: ActiveContext, where: str) -> str | list[str]:
    if isinstance(member, list):
        if not member:
            raise bad_data("A relationship has at least one object.", where)
        return [context.expand_address(values.uri(one, where)) for one in member]
    return context.expand_address(values.uri(member, where))


def _object_list(member: Any, context: ActiveContext, where: str) -> list[str]:
    if not isinstance(member, list):
        raise bad_data("An objectList is a list.", where)
    return [
        context.expand_address(values.uri(one.get("object") if isinstance(one, dict) else one, where)) for one in member
    ]


def _language_map(member: Any, rules: Rules, where: str) -> dict[str, Any]:
    if not isinstance(member, dict) or not member:
        raise bad_data('A languageMap is an object such as {"sr": "Ниш", "en": "Nis"}.', where)
    for language, text in member.items():
        texts = text if isinstance(text, list) else [text]
        if not language or not texts or not all(isinstance(one, str) for one in texts):
            raise bad_data("A languageMap maps languages to text.", f"{where}.{language}")
        if NULL in texts:
            _allow_null(rules, where)
    return member


def _vocabulary(member: Any, context: ActiveContext, where: str) -> Any:
    if isinstance(member, list):
        if not member:
            raise bad_data("A vocabulary value is not empty.", where)
        return [_vocabulary(one, context, where) for one in member]
    return context.expand(_string(member, where)) if member else _string(member, where)


def _string(member: Any, where: str) -> str:
    if not isinstance(member, str) or not member:
        raise bad_data("This must be text.", where)
    return member


def _is_null(member: Any, rules: Rules, where: str) -> bool:
    if member != NULL:
        return False
    _allow_null(rules, where)
    return True


def _allow_null(rules: Rules, where: str) -> None:
    if not rules.null:
        raise bad_data(f'"{NULL}" deletes, and there is nothing to delete here.', where)


def _scope(entity: EntityInput, value: Any, rules: Rules) -> None:
    if value == NULL and rules.null:
        entity.nulls.add("scope")
        return
    if isinstance(value, dict) and "value" in value:  # as temporal representations write it
        value = value["value"]
    entity.scope = values.scope(value)


def _expires_at(entity: EntityInput, value: Any, rules: Rules) -> None:
    if value == NULL and rules.null:
        entity.nulls.add("expiresAt")
        return
    entity.expires_at = values.moment(value, "expiresAt")


def _alias(body: dict[str, Any], name: str) -> Any:
    value = body.get(name)
    return body.get(f"@{name}") if value is None else value
