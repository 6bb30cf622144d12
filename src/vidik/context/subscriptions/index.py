"""Which subscriptions a change may concern: found by id or type and by attribute, never by looking at all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from vidik.context.ngsild.query.expressions import And, Leaf
from vidik.context.ngsild.query.selections import TypeSelection
from vidik.context.subscriptions.model import Selector, Subscription

_Anchor = tuple[Literal["id", "type", "any"], str]
_Place = tuple[_Anchor, str | None]
_ANYTHING: Final[_Anchor] = ("any", "")


class Index:
    """Subscriptions by what a change must have for them to look at it."""

    def __init__(self) -> None:
        self._places: dict[_Place, dict[int, Subscription]] = {}

    def add(self, subscription: Subscription) -> None:
        """Take in a subscription; one with the same key must have been removed."""
        for place in _places(subscription):
            self._places.setdefault(place, {})[subscription.key] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Let go of a subscription."""
        for place in _places(subscription):
            found = self._places.get(place)
            if found is not None and found.pop(subscription.key, None) is not None and not found:
                del self._places[place]

    def candidates(self, entity_id: str, types: Iterable[str], attributes: Iterable[str]) -> list[Subscription]:
        """Subscriptions that a change of these attributes may concern, in the order of their keys."""
        places = self._places
        anchors: list[_Anchor] = [("id", entity_id), _ANYTHING, *(("type", one) for one in types)]
        names: list[str | None] = [None, *attributes]
        found: dict[int, Subscription] = {}
        for anchor in anchors:
            for name in names:
                here = places.get((anchor, name))
                if here is not None:
                    found.update(here)
        return [found[key] for key in sorted(found)] if len(found) > 1 else list(found.values())


def _places(subscription: Subscription) -> Iterator[_Place]:
    names: Iterable[str | None] = (None,) if subscription.watched is None else subscription.watched
    for selector in subscription.selectors or (Selector(),):
        for anchor in _anchors(selector):
            for name in names:
                yield anchor, name


def _anchors(selector: Selector) -> list[_Anchor]:
    if selector.id is not None:
        return [("id", selector.id)]
    if selector.types is None:
        return [_ANYTHING]
    return [("type", one) for one in sorted(_needed(selector.types))]


def _needed(selection: TypeSelection) -> set[str]:
    """Types of which an entity that is selected has at least one."""
    if isinstance(selection, Leaf):
        return {selection.term}
    if isinstance(selection, And):
        return _needed(selection.parts[0])
    return {one for part in selection.parts for one in _needed(part)}
