"""That an entity was deleted ends each of its attributes (ETSI GS CIM 009, clauses 4.5.7 and 4.8). Pure.

No row of history says so: a deletion is one row, that of the entity, and what it had then stands there. Only when
the entity is there again do they become history (store/remembered.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import orjson

from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.representation.validation import Instance
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.store import chunks
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import SCOPE, WITH_ENTITY, instances_of, scope_instance, tombstone
from vidik.context.store.history import Series
from vidik.kernel.clock import iso, to_microseconds

_SEEN_BY: Final = ("deletedAt", "modifiedAt")


def ended(
    entities: Iterable[Stored], series: Sequence[Series], rows: Mapping[int, SeriesRows], query: TemporalQuery
) -> Mapping[int, SeriesRows]:
    """The rows of series, with the ends of those whose entity was deleted, where a query sees ends."""
    gone = {one.id: one for one in entities if one.deleted_at is not None}
    if not gone or query.time_property not in _SEEN_BY:
        return rows
    found = dict(rows)
    for one in series:
        if one.entity_id in gone and (end := _end(gone[one.entity_id], one, rows[one.number])) is not None:
            found[one.number] = chunks.merge([rows[one.number], end])
    return found


def _end(entity: Stored, series: Series, rows: SeriesRows) -> SeriesRows | None:
    """The row that ends a series; None where its entity did not have it any more."""
    assert entity.deleted_at is not None  # noqa: S101  only those are asked about
    at = iso(entity.deleted_at)
    if series.attribute == SCOPE:
        if not entity.scope or not len(rows):
            return None
        instance = scope_instance(None, entity.scope, at)
    else:
        last = last_of(entity, series)
        if last is None:
            return None
        if "type" not in last:
            # It was deleted before this was kept: its newest value knows.
            newest = orjson.loads(rows.json.get(len(rows) - 1, '{"type": "Property"}'))
            if not isinstance(newest, dict) or "deletedAt" in newest:
                return None
            last = {**last, "type": newest.get("type", "Property")}
        instance = {**tombstone(last, at), WITH_ENTITY: True}
    moment = np.asarray([to_microseconds(entity.deleted_at)], np.int64)
    return SeriesRows(moment, moment, np.full(1, np.nan), {0: orjson.dumps(instance).decode()})


def last_of(entity: Stored, series: Series) -> Instance | None:
    """What an entity has in a series, or, deleted, had at its end."""
    for instance in instances_of(entity.document.get(series.attribute, [])):
        if instance.get("datasetId", "") == series.dataset:
            return instance
    return None
