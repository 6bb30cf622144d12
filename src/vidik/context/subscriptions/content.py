"""What a notification says of an entity: format, deleted attributes, changes (clauses 4.5.5, 4.5.20, 5.3.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.representation.rendering import (
    Json,
    Stored,
    View,
    feature,
    instance_view,
    render,
    simple_value,
)
from vidik.context.ngsild.representation.validation import MEMBER_OF
from vidik.context.ngsild.values import NULL
from vidik.context.store.document import Instance, instances_of
from vidik.context.subscriptions.matching import Happening
from vidik.context.subscriptions.model import Subscription
from vidik.kernel.clock import iso

_PREVIOUS: Final = {
    "value": "previousValue",
    "object": "previousObject",
    "languageMap": "previousLanguageMap",
    "json": "previousJson",
    "vocab": "previousVocab",
    "valueList": "previousValueList",
    "objectList": "previousObjectList",
}


def describe(found: Happening, subscription: Subscription) -> Json:
    """An entity as a subscription wants it told, without @context."""
    view = subscription.view
    if found.change.operation == "deleted":
        body = render(replace(found.entity, document={}), view)
        _put(body, view, "deletedAt", iso(found.recorded_at))
    else:
        body = render(found.entity, view)
    for attribute in _deleted_attributes(found, subscription):
        _add_deleted(body, found, view, attribute, shows_changes=subscription.show_changes)
    if subscription.show_changes:
        for attribute, before in found.before.items():
            _add_previous(body, view, attribute, _of_changed(found, attribute, before))
    return body


def as_feature(body: Json, entity: Stored, subscription: Subscription) -> Json:
    """What is told of an entity as a GeoJSON Feature (clause 5.2.29), without @context."""
    properties = {name: value for name, value in body.items() if name != "id"}
    return {**feature(entity, subscription.view), "properties": properties}


def _put(body: Json, view: View, name: str, value: Any) -> None:
    if (view.pick is None or name in view.pick) and (view.omit is None or name not in view.omit):
        body[name] = value


def _deleted_attributes(found: Happening, subscription: Subscription) -> Iterable[str]:
    triggers, wanted = subscription.triggers, subscription.view.attributes
    names = [name for name, what in found.attributes.items() if "attributeDeleted" in what]
    if found.change.operation == "deleted" and "attributeDeleted" in triggers:
        names = [name for name in names if subscription.watched is None or name in subscription.watched]
    elif found.change.operation == "deleted":
        names = names if subscription.show_changes else []
    elif triggers.isdisjoint(("attributeDeleted", "entityUpdated")):
        names = []
    return [name for name in names if wanted is None or name in wanted]


def _add_deleted(body: Json, found: Happening, view: View, attribute: str, *, shows_changes: bool) -> None:
    word = view.context.compact(attribute)
    detail = found.change.detail
    if detail is None:
        return
    before = {one.get("datasetId"): one for one in detail.before.get(attribute, ())}
    whole = found.change.operation == "deleted"
    gone = list(before.values()) if whole else [one for one in detail.after[attribute] if "deletedAt" in one]
    left = [] if whole else instances_of(found.entity.document.get(attribute, []))
    if not left and len(gone) > 1 and not shows_changes:
        gone = [{name: value for name, value in gone[0].items() if name != "datasetId"}]
    if view.datasets is not None:
        gone = [one for one in gone if one.get("datasetId", "@none") in view.datasets]
    if not gone:
        return
    if view.format == "simplified":
        _put(body, view, word, _simplified(left, gone, view))
        return
    shown = [instance_view(one, view.context.inside(word), view) for one in left]
    shown += [_null(one, before.get(one.get("datasetId")), found, view) for one in gone]
    _put(body, view, word, shown[0] if len(shown) == 1 else shown)


def _simplified(left: list[Instance], gone: list[Instance], view: View) -> Any:
    if not left and len(gone) == 1:
        return NULL
    values = {one.get("datasetId", "@none"): simple_value(one, view.context, view.language) for one in left}
    return {"dataset": {**values, **{one.get("datasetId", "@none"): NULL for one in gone}}}


def _null(instance: Instance, before: Instance | None, found: Happening, view: View) -> Json:
    """A deleted instance: its value is NGSI-LD Null (clause 4.5.0), said by a language map in its own way (4.6.5)."""
    kind = instance["type"]
    shown: Json = {} if view.format == "concise" else {"type": kind}
    shown[MEMBER_OF[kind]] = {"@none": NULL} if kind == "LanguageProperty" else NULL
    if "datasetId" in instance:
        shown["datasetId"] = instance["datasetId"]
    if view.system:
        for name in ("createdAt", "modifiedAt"):
            if before is not None and name in before:
                shown[name] = before[name]
        shown["deletedAt"] = iso(found.recorded_at)
    return shown


def _of_changed(found: Happening, attribute: str, before: list[Instance]) -> list[Instance]:
    """Of the former instances of an attribute those that the change touched: the others are as they were."""
    detail = found.change.detail
    if detail is None or found.change.operation == "deleted":
        return before
    touched = {one.get("datasetId") for one in detail.after.get(attribute, ())}
    return [one for one in before if one.get("datasetId") in touched]


def _add_previous(body: Json, view: View, attribute: str, before: list[Instance]) -> None:
    word = view.context.compact(attribute)
    if word not in body:
        return
    former = {one.get("datasetId"): one for one in before}
    shown = body[word]
    # A concise value that is an array is no list of instances.
    several = isinstance(shown, list) and all(isinstance(one, dict) and "datasetId" in one for one in shown[1:])
    instances = [_reified(one) for one in (shown if several and len(shown) > 1 else [shown])]
    for one in instances:
        old = former.get(one.get("datasetId"))
        if old is not None:
            _set_previous(one, old, view.context)
    body[word] = instances if several and len(shown) > 1 else instances[0]


def _reified(shown: Any) -> Json:
    if isinstance(shown, dict) and any(member in shown for member in _PREVIOUS):
        return shown
    return {"value": shown}


def _set_previous(shown: Json, old: Instance, context: ActiveContext) -> None:
    member = MEMBER_OF[old["type"]]
    value = old.get(member)
    if member == "vocab":
        value = [context.compact(one) for one in value] if isinstance(value, list) else context.compact(str(value))
    elif member == "objectList":
        value = [{"object": one} for one in value or ()]
    shown[_PREVIOUS[member]] = value
