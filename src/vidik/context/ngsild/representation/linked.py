"""Entities together with those that their relationships lead to (ETSI GS CIM 009, clauses 4.5.23 and 5.7.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from vidik.context.ngsild import values
from vidik.context.ngsild.entities.merge import instances_of
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.representation.rendering import Stored, View, render

MAXIMUM_LEVEL: Final = 10
MAXIMUM_LINKED: Final = 5000

Load = Callable[[Sequence[str]], Awaitable[Mapping[str, Stored]]]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities are shown, through how many relationships, and which are known already."""

    kind: Literal["inline", "flat"]
    level: int
    contained_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Node:
    """An entity, how it is shown, and what is shown of it."""

    entity: Stored
    view: View
    body: Json


@dataclass(frozen=True, slots=True)
class _Link:
    """One relationship of a shown entity: where the linked entities go, and how they are shown."""

    holder: Json
    member: str
    ids: list[str]
    several: bool
    view: View


def parse_join(asked: Parameters) -> Join | None:
    """The parameters join, joinLevel and containedBy; None where nothing is to be joined. Raises BadInput."""
    kind = asked.get("join")
    level = asked.number("joinLevel", 1, 1, MAXIMUM_LEVEL)
    contained = asked.names("containedBy") or []
    if kind is None or kind == "@none":
        return None
    if kind not in ("inline", "flat"):
        raise bad_data("join is inline, flat or @none.", "join")
    return Join(kind, level, frozenset(values.uri(one, "containedBy") for one in contained))  # type: ignore[arg-type]  # one of two


async def joined(
    load: Load, entities: Sequence[Stored], view: View, join: Join, beyond: Load | None = None
) -> list[Json]:
    """The entities in the asked format with those that they link to: inside them, or after them in the list."""
    nodes = [Node(one, view, body) for one in entities if (body := render(one, view))]
    return await with_linked(load, nodes, join, beyond)


async def with_linked(load: Load, nodes: Sequence[Node], join: Join, beyond: Load | None = None) -> list[Json]:
    """What is shown of some entities with those that they link to: put inside it, or after it in the list.

    `load` finds what is here, `beyond` what is not: that is looked for where a relationship says of what type it is
    (clause 4.5.23.1). Links are followed until they would show more than 5,000 entities.
    """
    first = {node.entity.id for node in nodes}
    shown = {node.entity.id: node.body for node in nodes}
    known = set(join.contained_by)
    followed = 0
    for _ in range(join.level):
        links = [link for node in nodes for link in _links(node)]
        wanted = sorted({one for link in links for one in link.ids} - known)
        # The same entity may be shown in many places, and those that link to one another at every level again.
        followed += sum(len(link.ids) for link in links)
        if not wanted or followed > MAXIMUM_LINKED:
            break
        found = await load(wanted)
        if beyond is not None:
            absent = _annotated(nodes).intersection(wanted) - found.keys()
            found = {**found, **(await beyond(sorted(absent)) if absent else {})}
        nodes = []
        for link in links:
            linked = [Node(found[one], link.view, render(found[one], link.view)) for one in link.ids if one in found]
            if join.kind == "inline":
                _place(link, [node.body for node in linked])
                nodes.extend(linked)
                continue
            for node in linked:
                if node.entity.id not in shown and node.body:
                    shown[node.entity.id] = node.body
                    nodes.append(node)
        if join.kind == "inline":
            known |= first
    return list(shown.values())


def _links(node: Node) -> Iterator[_Link]:
    context = node.view.context
    for iri in node.entity.document:
        word = context.compact(iri)
        kinds = {one.get("type") for one in instances_of(node.entity.document, iri)}
        if word not in node.body or not kinds & {"Relationship", "ListRelationship"}:
            continue
        view = replace(
            node.view,
            attributes=None,
            pick=node.view.pick.below(word) if node.view.pick else None,
            omit=node.view.omit.below(word) if node.view.omit else None,
        )
        given = node.body[word]
        if node.view.format == "simplified":
            for holder, member in _simple_places(node.body, word):
                target = holder[member]
                ids = _ids(target)
                if ids:
                    yield _Link(holder, member, ids, isinstance(target, list), view)
            continue
        for one in given if isinstance(given, list) else [given]:
            target = one.get("object", one.get("objectList")) if isinstance(one, dict) else None
            ids = _ids(target)
            if ids:
                yield _Link(one, "entity" if "object" in one else "entityList", ids, isinstance(target, list), view)


def _annotated(nodes: Sequence[Node]) -> set[str]:
    """What entities link to by relationships that say its type."""
    every = [one for node in nodes for iri in node.entity.document for one in instances_of(node.entity.document, iri)]
    return {
        target
        for one in every
        if one.get("type") in ("Relationship", "ListRelationship") and "objectType" in one
        for target in _ids(one)
    }


def _simple_places(body: Json, word: str) -> list[tuple[Json, str]]:
    """Where the targets of a relationship stand in the simplified format: of several instances one a dataset."""
    given = body[word]
    datasets = given.get("dataset") if isinstance(given, dict) else None
    return [(body, word)] if not isinstance(datasets, dict) else [(datasets, one) for one in datasets]


def _ids(target: Any) -> list[str]:
    if isinstance(target, dict):
        target = target.get("objectList", target.get("object"))
    every = target if isinstance(target, list) else [target]
    ids = [one.get("object") if isinstance(one, dict) else one for one in every]
    return [one for one in ids if isinstance(one, str)]


def _place(link: _Link, bodies: list[Json]) -> None:
    if bodies:
        link.holder[link.member] = bodies if link.several else bodies[0]
