"""From stored instances to what a client asked for (ETSI GS CIM 009, clauses 4.5 and 6.3). Pure, and the hot path.

Names are looked up in the active context's memory, so that a known name costs one dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.query.projection import Projection
from vidik.context.ngsild.representation.languages import pick_language
from vidik.context.ngsild.representation.validation import MEMBER_OF
from vidik.context.store.expiry import EXPIRES_AT, has_passed, still_valid
from vidik.kernel.clock import iso

Format = Literal["normalized", "concise", "simplified"]
Json = dict[str, Any]

_PLAIN: Final = frozenset(
    ("type", "value", "object", "languageMap", "json", "valueList", "observedAt", "unitCode", "datasetId")
)
_SYSTEM: Final = frozenset(("createdAt", "modifiedAt", "deletedAt"))
_WORDS: Final = frozenset(("vocab", "objectType", "valueType", "entityTypeSealed"))
_LOCATION: Final = "https://uri.etsi.org/ngsi-ld/location"


@dataclass(slots=True)
class Stored:
    """One entity as it comes from a row."""

    id: str
    types: Sequence[str]
    scope: list[str] | None
    document: Mapping[str, Any]
    expires_at: datetime | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    xmin: str | None = None
    """The transaction that wrote the row, where it came from a look-up by id."""
    deleted_at: datetime | None = None
    """Of one that has only a past, because it was deleted."""


@dataclass(frozen=True, slots=True)
class View:
    """What of an entity a client wants to see, and how."""

    context: ActiveContext
    format: Format = "normalized"
    system: bool = False
    attributes: frozenset[str] | None = None
    """Expanded names; None is all of them."""
    datasets: frozenset[str] | None = None
    """datasetIds, "@none" for the default instance; None is all of them."""
    language: str | None = None
    pick: Projection | None = None
    omit: Projection | None = None


def render(entity: Stored, view: View) -> Json:
    """An entity in the asked format, without @context."""
    body = head_view(entity, view)
    if not _is_plain(view):
        _add_shown(body, still_valid(entity.document), view)
        return projected(body, view)
    try:
        _add_plain(body, entity.document, view)
    except _ExpiredError:  # so that those without an end, nearly all, need no look for one
        body = head_view(entity, view)
        _add_plain(body, still_valid(entity.document), view)
    return projected(body, view)


class _ExpiredError(Exception):
    """An instance is not valid any more."""


def projected(body: Json, view: View) -> Json:
    """Of a shown entity what is picked, without what is omitted."""
    if view.pick is not None:
        body = view.pick.picked(body)
    return body if view.omit is None else view.omit.omitted(body)


def _is_plain(view: View) -> bool:
    return view.format == "normalized" and not view.system and view.language is None and view.datasets is None


def _add_plain(body: Json, document: Mapping[str, Any], view: View) -> None:
    """Attributes in the normalized format: most instances only lose the system's times on the way."""
    context, wanted = view.context, view.attributes
    words = context.words
    for iri, stored in document.items():
        if wanted is not None and iri not in wanted:
            continue
        word = words.get(iri) or context.compact(iri)
        inside = context.inside(word)
        if isinstance(stored, list) and len(stored) > 1:
            body[word] = [_plain_instance(one, inside) for one in stored]
        else:
            body[word] = _plain_instance(stored[0] if isinstance(stored, list) else stored, inside)


def _plain_instance(instance: Json, context: ActiveContext) -> Json:
    shown = instance.copy()
    shown.pop("createdAt", None)
    shown.pop("modifiedAt", None)
    if shown.keys() <= _PLAIN:
        return shown
    for name in [name for name in shown if name not in _PLAIN]:
        value = shown.pop(name)
        if name not in _SYSTEM:
            _add_member(shown, name, value, context)
    return shown


def _add_member(shown: Json, name: str, value: Any, context: ActiveContext) -> None:
    """A member whose name or value must be compacted: a vocabulary value, a list of objects, a sub-attribute."""
    if name == EXPIRES_AT:
        if has_passed(value):
            raise _ExpiredError
    elif name in _WORDS:
        shown[name] = _compact_words(value, context)
    elif name == "objectList":
        shown[name] = [{"object": one} for one in value]
    elif isinstance(value, dict):
        word = context.compact(name)
        shown[word] = _plain_instance(value, context.inside(word))
    elif isinstance(value, list):
        word = context.compact(name)
        shown[word] = [_plain_instance(one, context.inside(word)) for one in value]
    else:
        shown[name] = value


def _add_shown(body: Json, document: Mapping[str, Any], view: View) -> None:
    show = _renderer(view)
    for iri, stored in document.items():
        if view.attributes is not None and iri not in view.attributes:
            continue
        word = view.context.compact(iri)
        shown = show(stored, view.context.inside(word))
        if shown is not _NOTHING:
            body[word] = shown


def head_view(entity: Stored, view: View) -> Json:
    """What an entity says of itself, without its attributes."""
    compact, types = view.context.compact, entity.types
    body: Json = {
        "id": entity.id,
        "type": compact(types[0]) if len(types) == 1 else [compact(one) for one in types],
    }
    if entity.scope:
        body["scope"] = entity.scope[0] if len(entity.scope) == 1 else entity.scope
    if view.system:
        _add_times(body, entity)
    return body


def _add_times(body: Json, entity: Stored) -> None:
    if entity.expires_at is not None:
        body["expiresAt"] = iso(entity.expires_at)
    if entity.created_at is not None:
        body["createdAt"] = iso(entity.created_at)
    if entity.modified_at is not None:
        body["modifiedAt"] = iso(entity.modified_at)
    if entity.deleted_at is not None:
        body["deletedAt"] = iso(entity.deleted_at)


_NOTHING: Final = object()


def _renderer(view: View) -> Callable[[Any, ActiveContext], Any]:
    def instances(stored: Any) -> list[Json]:
        every: list[Json] = stored if isinstance(stored, list) else [stored]
        if view.datasets is None:
            return every
        return [one for one in every if one.get("datasetId", "@none") in view.datasets]

    def reified(stored: Any, context: ActiveContext) -> Any:
        if view.datasets is None and not isinstance(stored, list):
            return instance_view(stored, context, view)
        shown = [instance_view(one, context, view) for one in instances(stored)]
        if not shown:
            return _NOTHING
        return shown[0] if len(shown) == 1 else shown

    def simplified(stored: Any, context: ActiveContext) -> Any:
        chosen = instances(stored)
        if not chosen:
            return _NOTHING
        if len(chosen) == 1:
            return simple_value(chosen[0], context, view.language)
        return {"dataset": {one.get("datasetId", "@none"): simple_value(one, context, view.language) for one in chosen}}

    return simplified if view.format == "simplified" else reified


def instance_view(instance: Json, context: ActiveContext, view: View) -> Any:
    """One instance of an attribute in the normalized or concise format."""
    if view.language is not None and instance.get("type") == "LanguageProperty":
        instance = _in_language(instance, view.language)
    shown: Json = {}
    for name, value in instance.items():
        if name in _PLAIN:
            shown[name] = value
        elif name in _SYSTEM or name == EXPIRES_AT:
            if view.system:
                shown[name] = value
        elif name in _WORDS:
            shown[name] = _compact_words(value, context)
        elif name == "objectList":
            shown[name] = [{"object": one} for one in value]
        elif isinstance(value, dict):
            word = context.compact(name)
            shown[word] = instance_view(value, context.inside(word), view)
        elif isinstance(value, list):
            word = context.compact(name)
            shown[word] = [instance_view(one, context.inside(word), view) for one in value]
        else:
            shown[name] = value
    return _concise(shown) if view.format == "concise" else shown


def _concise(shown: Json) -> Any:
    kind = shown.pop("type", None)
    if kind in ("Property", "GeoProperty") and shown.keys() == {"value"}:
        return _unambiguous(shown)
    return shown


def _unambiguous(shown: Json) -> Any:
    """A bare value, unless it is an object that would be read as an attribute's members."""
    value = shown["value"]
    if isinstance(value, dict) and any(member in value for member in MEMBER_OF.values()):
        return shown
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return shown
    return value


def simple_value(instance: Json, context: ActiveContext, language: str | None = None) -> Any:
    """An instance in the simplified format."""
    kind = instance.get("type")
    if kind in ("Property", "GeoProperty"):
        return instance.get("value")
    if kind == "Relationship":
        return instance.get("object")
    if kind == "LanguageProperty":
        if language is not None and instance.get("languageMap"):
            return _in_language(instance, language)["value"]
        return {"languageMap": instance.get("languageMap")}
    if kind == "VocabProperty":
        return {"vocab": _compact_words(instance.get("vocab"), context)}
    if kind in ("ListProperty", "ListRelationship"):
        return instance.get(MEMBER_OF[kind])
    member = MEMBER_OF.get(str(kind), "value")
    return {member: instance.get(member)}


def _in_language(instance: Json, wanted: str) -> Json:
    texts = instance.get("languageMap") or {}
    chosen = pick_language(texts, wanted)
    if chosen is None:  # its last text was merged away; null is no value (clause 5.2.1)
        return instance
    shown = {name: value for name, value in instance.items() if name != "languageMap"}
    shown["type"] = "Property"
    shown["value"] = texts[chosen]
    shown["lang"] = chosen
    return shown


def _compact_words(value: Any, context: ActiveContext) -> Any:
    if isinstance(value, list):
        return [_compact_words(one, context) for one in value]
    return context.compact(value) if isinstance(value, str) else value


def feature(entity: Stored, view: View, geometry_property: str = _LOCATION) -> Json:
    """An entity as a GeoJSON Feature, without @context (clause 5.2.29)."""
    properties = render(entity, view)
    properties.pop("id", None)
    return {
        "id": entity.id,
        "type": "Feature",
        "geometry": _geometry(entity, geometry_property, view.datasets),
        "properties": properties,
    }


def _geometry(entity: Stored, name: str, datasets: frozenset[str] | None) -> Any:
    stored = entity.document.get(name)
    if stored is None:
        return None
    every = stored if isinstance(stored, list) else [stored]
    for one in every:
        dataset = one.get("datasetId", "@none")
        if one.get("type") == "GeoProperty" and (dataset == "@none" if datasets is None else dataset in datasets):
            return one.get("value")
    return None
