"""What a committed change means for a subscription (ETSI GS CIM 009, clauses 5.2.12 and 5.8.6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vidik.context.ngsild.query import geo
from vidik.context.ngsild.query.selections import matches_scopes, matches_types
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.store.changes import Change
from vidik.context.store.document import Instance, instances_of
from vidik.context.subscriptions.model import Subscription, Trigger
from vidik.kernel.clock import from_microseconds, iso, to_microseconds

_ENTITY_TRIGGER: Final[Mapping[str, Trigger]] = {
    "created": "entityCreated",
    "updated": "entityUpdated",
    "deleted": "entityDeleted",
}
_NO_TRIGGERS: Final[frozenset[Trigger]] = frozenset()


@dataclass(slots=True)
class Happening:
    """One change, and the entity as that change left it (or later, never earlier); of a deleted entity, before."""

    change: Change
    recorded_at: datetime
    entity: Stored
    attributes: dict[str, frozenset[Trigger]] = field(default_factory=dict)
    """What happened to each attribute that the change touched."""
    before: dict[str, list[Instance]] = field(default_factory=dict)
    """The instances that changed, as they were; of readings only where somebody wants to know (see `former`)."""


def happening(change: Change, recorded_at: datetime, current: Stored | None) -> Happening:
    """A change beside what the database now has of its entity."""
    before = {} if change.detail is None else change.detail.before
    found = Happening(change, recorded_at, _state(change, recorded_at, current), before=before)
    found.attributes = _attributes(change, found.entity.document, recorded_at)
    return found


def _state(change: Change, recorded_at: datetime, current: Stored | None) -> Stored:
    detail = change.detail
    if change.operation == "deleted" or current is None:
        before = detail.before if detail is not None and change.operation == "deleted" else {}
        current = Stored(change.entity_id, change.types, None if detail is None else detail.scope, _stored(before))
        if change.operation == "deleted":
            if detail is not None:
                current.created_at, current.modified_at = detail.created_at, detail.modified_at
            return current
    document = dict(current.document)
    if detail is not None:
        for attribute, written in detail.after.items():
            _overlay(document, attribute, written)
    else:
        _overlay_readings(document, change, recorded_at)
    return Stored(
        current.id,
        change.types,
        current.scope if detail is None else detail.scope,
        document,
        current.expires_at,
        current.created_at or recorded_at,
        max(recorded_at, current.modified_at or recorded_at),
    )


def _stored(attributes: Mapping[str, list[Instance]]) -> dict[str, Any]:
    return {name: one[0] if len(one) == 1 and "datasetId" not in one[0] else one for name, one in attributes.items()}


def _overlay(document: dict[str, Any], attribute: str, written: list[Instance]) -> None:
    """Put the instances that a change wrote over those of a state that may be later."""
    present = {one.get("datasetId"): one for one in instances_of(document.get(attribute, []))}
    for instance in written:
        if "deletedAt" in instance:
            present.pop(instance.get("datasetId"), None)
        else:
            # Marks of the writer (`@…`) are no members of an instance.
            present[instance.get("datasetId")] = {
                name: value for name, value in instance.items() if not name.startswith("@")
            }
    if present:
        document[attribute] = _stored({attribute: list(present.values())})[attribute]
    else:
        document.pop(attribute, None)


def _overlay_readings(document: dict[str, Any], change: Change, recorded_at: datetime) -> None:
    """Put a device's readings over a state in which later ones may stand already."""
    for attribute, (value, observed_at) in change.attributes.items():
        present = instances_of(document.get(attribute, []))
        default: Instance = next((one for one in present if "datasetId" not in one), {"type": "Property"})
        at = {} if observed_at is None else {"observedAt": iso(from_microseconds(observed_at))}
        if default.get("value") == value and default.get("observedAt") == at.get("observedAt"):
            continue
        member = "object" if default["type"] == "Relationship" else "value"
        written = {**default, member: value, **at, "modifiedAt": iso(recorded_at)}
        _overlay(document, attribute, [written])


def _attributes(change: Change, document: Mapping[str, Any], recorded_at: datetime) -> dict[str, frozenset[Trigger]]:
    if change.operation == "created":
        return dict.fromkeys(change.attributes, frozenset(("attributeCreated",)))
    detail = change.detail
    if change.operation == "deleted":
        return dict.fromkeys(() if detail is None else detail.before, frozenset(("attributeDeleted",)))
    if detail is not None:
        return {
            attribute: frozenset(_instance_trigger(one, detail.before.get(attribute, ())) for one in written)
            for attribute, written in detail.after.items()
        }
    return {
        attribute: frozenset(
            ("attributeCreated",) if _is_new(document.get(attribute), recorded_at) else ("attributeUpdated",)
        )
        for attribute in change.attributes
    }


def _instance_trigger(instance: Instance, before: Any) -> Trigger:
    if "deletedAt" in instance:
        return "attributeDeleted"
    dataset = instance.get("datasetId")
    return "attributeUpdated" if any(one.get("datasetId") == dataset for one in before) else "attributeCreated"


def _is_new(attribute: Any, recorded_at: datetime) -> bool:
    """Whether a reading made its attribute: the attribute is then as old as the commit."""
    for instance in instances_of(attribute) if attribute else ():
        if "datasetId" not in instance and "createdAt" in instance:
            created = to_microseconds(datetime.fromisoformat(instance["createdAt"]))
            return created >= to_microseconds(recorded_at)
    return False


def concerns(subscription: Subscription, found: Happening) -> bool:
    """Whether a change triggers a subscription, but for its patterns, q and geoQ."""
    return (
        _is_triggered(subscription, found)
        and (not subscription.selectors or any(True for _ in selectors_of(subscription, found)))
        and (subscription.scopes is None or matches_scopes(subscription.scopes, found.entity.scope or ()))
    )


def selectors_of(subscription: Subscription, found: Happening) -> list[str | None]:
    """The patterns of the selectors whose id and types fit, of which one must match the id; None matches any."""
    entity_id, types = found.entity.id, found.entity.types
    return [
        one.id_pattern
        for one in subscription.selectors
        if (one.id is None or one.id == entity_id) and (one.types is None or matches_types(one.types, types))
    ]


def _is_triggered(subscription: Subscription, found: Happening) -> bool:
    watched, triggers, attributes = subscription.watched, subscription.triggers, found.attributes
    if _ENTITY_TRIGGER[found.change.operation] in triggers and (watched is None or not watched.isdisjoint(attributes)):
        return True
    if watched is None:
        return any(not triggers.isdisjoint(one) for one in attributes.values())
    return any(not triggers.isdisjoint(attributes.get(name, _NO_TRIGGERS)) for name in watched)


def is_in_place(subscription: Subscription, found: Happening) -> bool:
    """Whether the entity stands in the relation that the subscription's geoQ asks for."""
    return subscription.geo is None or geo.is_in_place(found.entity.document, subscription.geo)
