"""Entities that a notified entity's relationships lead to (clause 4.5.23), beside it or inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vidik.context.ngsild.rendering import Json, Stored, View, render
from vidik.context.store.document import instances_of
from vidik.context.subscriptions.model import Subscription

Load = Callable[[Sequence[str]], Awaitable[Mapping[str, Stored]]]
_MAXIMUM_LINKED = 1000


async def with_linked(body: Json, entity: Stored, subscription: Subscription, load: Load) -> list[Json]:
    """A notified entity with those it is linked to: inside its relationships, or as further entities after it."""
    view = subscription.view
    linked = await _linked(entity, view.attributes, subscription.join_level, load)
    inner = replace(view, attributes=None, pick=None, omit=None)
    if subscription.join == "flat":
        return [body, *(render(one, inner) for one in linked.values() if one.id != entity.id)]
    _embed(body, entity, inner, linked, subscription.join_level, frozenset((entity.id,)))
    return [body]


async def _linked(entity: Stored, attributes: frozenset[str] | None, levels: int, load: Load) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    asked = {entity.id}
    wanted = _objects(entity, attributes)
    for _ in range(levels):
        missing = [one for one in dict.fromkeys(wanted) if one not in asked][: _MAXIMUM_LINKED - len(found)]
        if not missing:
            break
        asked.update(missing)
        here = await load(missing)
        found.update({one: here[one] for one in missing if one in here})
        wanted = [one for linked in here.values() for one in _objects(linked, None)]
    return found


def _objects(entity: Stored, attributes: frozenset[str] | None) -> list[str]:
    return [
        one
        for name, stored in entity.document.items()
        if attributes is None or name in attributes
        for instance in instances_of(stored)
        for one in _targets(instance)
    ]


def _targets(instance: Mapping[str, Any]) -> Iterable[str]:
    if instance.get("type") not in ("Relationship", "ListRelationship"):
        return ()
    given = instance.get("object", instance.get("objectList", ()))
    return (given,) if isinstance(given, str) else [one for one in given if isinstance(one, str)]


def _embed(
    body: Json, entity: Stored, view: View, linked: Mapping[str, Stored], levels: int, above: frozenset[str]
) -> None:
    for name, stored in entity.document.items():
        word = view.context.compact(name)
        instances = instances_of(stored)
        if word not in body or not any(True for one in instances for _ in _targets(one)):
            continue
        shown = body[word]
        if len(instances) == 1:
            body[word] = _with_entities(shown, instances[0], view, linked, levels, above)
        elif view.format != "simplified" and isinstance(shown, list):
            by_dataset = {one.get("datasetId"): one for one in instances}
            body[word] = [
                _with_entities(one, by_dataset.get(one.get("datasetId"), {}), view, linked, levels, above)
                for one in shown
            ]


def _with_entities(
    shown: Any,
    instance: Mapping[str, Any],
    view: View,
    linked: Mapping[str, Stored],
    levels: int,
    above: frozenset[str],
) -> Any:
    inside = [_inner(linked[one], view, linked, levels, above) for one in _targets(instance) if one in linked]
    if not inside:
        return shown
    single = isinstance(instance.get("object"), str)
    if view.format == "simplified":
        return inside[0] if single else inside
    return {**shown, **({"entity": inside[0]} if single else {"entityList": inside})}


def _inner(entity: Stored, view: View, linked: Mapping[str, Stored], levels: int, above: frozenset[str]) -> Json:
    body = render(entity, view)
    if levels > 1 and entity.id not in above:
        _embed(body, entity, view, linked, levels - 1, above | {entity.id})
    return body
