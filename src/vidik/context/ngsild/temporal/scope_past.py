"""The scopes that an entity has had, and when (ETSI GS CIM 009, clauses 4.5.6, 4.18 and 5.7.4.4). Pure.

A scope is valid from the time it was set until it was replaced or removed. History keeps a row for each of those
moments, with what was valid before it. An entity whose scopes nobody has changed since it came has had them always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from vidik.context.ngsild.query.expressions import Expression
from vidik.context.ngsild.query.selections import matches_scopes
from vidik.context.ngsild.representation.rendering import Json, Stored, View
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.ngsild.temporal.representation import instances_of_series, normalized, temporal_values
from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import FORMER_SCOPE
from vidik.context.store.history import Series
from vidik.kernel.clock import to_microseconds

_FAR: Final = 2**62
Window = tuple[int, int]
"""A time from (inclusive) and to (exclusive), in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which an entity had certain scopes."""

    window: Window
    scopes: tuple[str, ...]


def spells(rows: SeriesRows | None, of_now: Sequence[str] | None) -> list[Spell]:
    """The spells of an entity, by the rows of its scope and by the scopes it has now."""
    if rows is None or not len(rows):
        return [Spell((-_FAR, _FAR), tuple(of_now or ()))]
    told = [orjson.loads(rows.json[place]) for place in range(len(rows))]
    moments = [int(one) for one in rows.times]
    found = [Spell((-_FAR, moments[0]), _listed(told[0].get(FORMER_SCOPE)))]
    for place, one in enumerate(told):
        end = moments[place + 1] if place + 1 < len(moments) else _FAR
        found.append(Spell((moments[place], end), () if "deletedAt" in one else _listed(one.get("value"))))
    return found


def windows(asked: Expression[str], had: Sequence[Spell], query: TemporalQuery) -> list[Window]:
    """When in the range of a query the scopes of an entity matched a scopeQ."""
    low = -_FAR if query.start is None else to_microseconds(query.start)
    high = _FAR if query.end is None else to_microseconds(query.end)
    met = [one.window for one in had if one.scopes and matches_scopes(asked, one.scopes)]
    return [(max(low, start), min(high, end)) for start, end in met if start < high and end > low]


def within(rows: SeriesRows, during: Sequence[Window]) -> SeriesRows:
    """The rows of those times only."""
    return chunks.merge([chunks.between(rows, start, end) for start, end in during]) if during else chunks.empty()


def windows_of(
    asked: Expression[str],
    entities: Sequence[Stored],
    scoped: Mapping[str, Series],
    had: Mapping[int, SeriesRows],
    query: TemporalQuery,
) -> dict[str, list[Window]]:
    """By entity when its scopes matched: `scoped` has the series of scopes, `had` their rows."""
    found = {}
    for entity in entities:
        series = scoped.get(entity.id)
        rows = None if series is None else had[series.number]
        found[entity.id] = windows(asked, spells(rows, entity.scope), query)
    return found


def put(body: Json, rows: SeriesRows, series: Series, query: TemporalQuery, view: View) -> None:
    """Put the scope into a temporal representation in the place of that of now, or leave it out.

    With the instance that is valid when the range begins, though it was set before (clause C.5.16).
    """
    if not len(rows):
        return
    body.pop("scope", None)
    if query.time_property == "observedAt":
        start = -_FAR if query.start is None else to_microseconds(query.start)
        before = int(np.searchsorted(rows.times, start, side="right")) - 1
        is_valid = before >= 0 and "deletedAt" not in orjson.loads(rows.json[before])
        end = _FAR if query.end is None else to_microseconds(query.end)
        rows = chunks.between(rows, int(rows.times[before]) if is_valid else start, end)
    instances = instances_of_series(rows, query, None, series)
    for one in instances:
        one.pop(FORMER_SCOPE, None)
        one.pop("instanceId", None)
        scopes = _listed(one.get("value"))
        one["value"] = scopes[0] if len(scopes) == 1 else list(scopes)
    if not instances:
        return
    if query.simplified:
        body["scope"] = temporal_values(instances, query, view.context, None)
    else:
        body["scope"] = normalized(instances, view, view.context)


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (str(value),)
