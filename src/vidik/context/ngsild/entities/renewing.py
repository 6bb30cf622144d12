"""Entities of a batch that are alike, brought into entities that are there, without a look at each attribute. Pure.

What comes out is what `merge.replace`, `merge.append` and `merge.merge` make of each; entities of which that is not
sure are left to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from vidik.context.ngsild.entities import merge
from vidik.context.ngsild.entities.alike import Alike
from vidik.context.ngsild.values import NULL
from vidik.context.store.kinds import kind_of
from vidik.context.store.renewals import Frame, Held, Renewal

Mode = Literal["replace", "append", "merge"]
_TIMES: Final = frozenset(("createdAt", "modifiedAt"))
_NULL: Final = orjson.dumps(NULL)[1:-1]


def frame_of(groups: Sequence[Alike], mode: Mode | None) -> Frame | None:
    """What must be known of the entities that are there; None where their documents are needed."""
    if mode != "replace" or len(groups) != 1:
        return None
    columns = groups[0].columns
    observed = [one.attribute for one in columns if any("observedAt" in instance for instance in one.instances)]
    return Frame([one.attribute for one in columns], observed)


def renewed(
    group: Alike, there: Mapping[str, Held], at: str, mode: Mode | None, frame: Frame | None
) -> tuple[Renewal | None, list[int]]:
    """What is written of those entities of a group that are there, and the places of those left to the usual way."""
    places = [place for place, entity_id in enumerate(group.ids) if entity_id in there]
    if not _stands(group, mode):
        return None, places
    kind = kind_of(tuple(group.types))
    names = {column.attribute for column in group.columns}
    fitting: list[int] = []
    others: list[int] = []
    for place in places:
        held = there[group.ids[place]]
        fits = held.kind == kind and held.plain and (held.fits or _fits(group, place, held.document, names, mode))
        (fitting if fits else others).append(place)
    if not fitting:
        return None, others
    if len(fitting) < len(group.ids):
        group = group.only(fitting)
    held_ones = [there[entity_id] for entity_id in group.ids]
    documents = None if mode == "replace" else [_with(group, place, one, at) for place, one in enumerate(held_ones)]
    return Renewal(group.crowd(at), held_ones, frame, documents), others


def _stands(group: Alike, mode: Mode | None) -> bool:
    """Whether the instances of a group are stored as they are, whatever was there before."""
    if mode == "replace" or mode is None:
        return mode is not None
    return all(one.kind or (mode == "append" and _NULL not in orjson.dumps(one.instances)) for one in group.columns)


def _fits(group: Alike, place: int, document: Mapping[str, Any] | None, names: set[str], mode: Mode | None) -> bool:
    """Whether no instance of an entity goes, and none stands beside others."""
    if document is None:
        return False
    if mode == "replace":
        return document.keys() == names and list not in map(type, document.values())
    for column in group.columns:
        stored = document.get(column.attribute)
        if stored is None:
            continue
        if type(stored) is list:
            return False
        if mode == "merge":
            written = column.instances[place]
            if stored["type"] != written["type"] or not stored.keys() - _TIMES <= written.keys():
                return False
    return True


def _with(group: Alike, place: int, held: Held, at: str) -> dict[str, Any]:
    """The document of an entity with its new instances."""
    document = dict(held.document or {})
    for column in group.columns:
        name = column.attribute
        document[name] = merge.stamped(column.instances[place], at, document.get(name))
    return document
