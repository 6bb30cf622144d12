"""One entity out of the parts that several sources have of it (ETSI GS CIM 009, clauses 4.3.6 and 4.5.5). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.entities.merge import instances_of
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.representation.validation import RECEIVED, Instance
from vidik.context.registrations.sources.model import Json, Mode

_TIMES: Final = ("createdAt", "modifiedAt")


@dataclass(frozen=True, slots=True)
class Part:
    """What one source has of an entity."""

    entity: Stored
    mode: Mode


def read_entity(body: Any, context: ActiveContext) -> Stored:
    """An entity as a source sent it, normalized and with its times; raises BadInput for what is none."""
    found = validation.parse_entity(body, context, RECEIVED)
    document: Json = {}
    for name, value in body.items():
        instances = found.attributes.get(context.expand(name)) if name not in ("id", "type", "@id", "@type") else None
        if instances is None:
            continue
        given = value if isinstance(value, list) and len(value) == len(instances) else [value] * len(instances)
        timed = [_with_times(instance, one) for instance, one in zip(instances, given, strict=True)]
        document[context.expand(name)] = timed[0] if len(timed) == 1 else timed
    return Stored(
        id=str(found.id),
        types=list(found.types or ()),
        scope=found.scope,
        document=document,
        expires_at=found.expires_at,
        created_at=_moment(body.get("createdAt")),
        modified_at=_moment(body.get("modifiedAt")),
    )


def _with_times(instance: Instance, given: Any) -> Instance:
    if not isinstance(given, dict):
        return instance
    return instance | {name: given[name] for name in _TIMES if _moment(given.get(name)) is not None}


def _moment(text: Any) -> datetime | None:
    return values.moment(text, "modifiedAt") if isinstance(text, str) else None


def merged(local: Stored | None, parts: Sequence[Part]) -> Stored | None:
    """The entity, out of what is here and what others have; None where nobody has anything.

    Of what several have, the newest instance counts; what is here wins where none is newer. Auxiliary sources only
    add what nobody else has.
    """
    whole = local
    for one in sorted(parts, key=lambda part: part.mode == "auxiliary"):
        whole = one.entity if whole is None else _joined(whole, one.entity, fills=one.mode == "auxiliary")
    return whole


def without_held(entity: Stored, held: Sequence[frozenset[str] | None]) -> Stored | None:
    """What is here of an entity whose attributes others hold alone (clause 4.3.6.3); None where they hold all of it."""
    if None in held:
        return None
    names = frozenset[str]().union(*(one for one in held if one is not None))
    if names.isdisjoint(entity.document):
        return entity
    return _copy(entity, {name: value for name, value in entity.document.items() if name not in names})


def _copy(entity: Stored, document: Json) -> Stored:
    return Stored(
        entity.id,
        entity.types,
        entity.scope,
        document,
        entity.expires_at,
        entity.created_at,
        entity.modified_at,
    )


def _joined(one: Stored, other: Stored, *, fills: bool) -> Stored:
    document: Json = dict(one.document)
    for name in other.document:
        found = {instance.get("datasetId"): instance for instance in instances_of(document, name)}
        if found and fills:
            continue
        for instance in instances_of(other.document, name):
            present = found.get(instance.get("datasetId"))
            if present is None or (_age(instance) or "") > (_age(present) or ""):
                found[instance.get("datasetId")] = instance
        instances = list(found.values())
        document[name] = instances[0] if len(instances) == 1 else instances
    joined = _copy(one, document)
    joined.types = list(dict.fromkeys([*one.types, *other.types]))
    joined.scope = list(dict.fromkeys([*(one.scope or ()), *(other.scope or ())])) or None
    joined.expires_at = one.expires_at or other.expires_at
    joined.created_at = _first(min, one.created_at, other.created_at)
    joined.modified_at = _first(max, one.modified_at, other.modified_at)
    return joined


def _age(instance: Instance) -> str | None:
    """When an instance was observed, else written; times in UTC compare as text once they are of one length."""
    text = instance.get("observedAt") or instance.get("modifiedAt")
    return None if text is None else values.moment(text, "observedAt").isoformat(timespec="microseconds")


def _first(choose: Any, one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    chosen: datetime = choose(one, other)
    return chosen
