"""What a query of the past asks of history, as an SQL condition on the view of remembered entities.

It keeps pages from being full of entities that have nothing in the range: whoever looks for the last hour would else
page through all that the city ever deleted. Of days that are not packed it is exact; of a packed day it asks whether
there is anything at all. What passes is looked at instance by instance in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from vidik.context.ngsild.repository.conditions import ALWAYS, Condition, all_of, any_of
from vidik.context.store.document import SCOPE, UNOBSERVED

_OBSERVED: Final = f"(json IS NULL OR NOT json ?| ARRAY['deletedAt', '{UNOBSERVED}'])"
_DELETED: Final = "json ? 'deletedAt'"


def has_past(
    time_property: str, start: datetime | None, end: datetime | None, attributes: Sequence[str] | None
) -> Condition:
    """Whether an entity may have an instance with start <= its time < end, of some attributes or of any."""
    if time_property in ("createdAt", "modifiedAt"):
        # Chunks are by the day of the observation. What was deleted has been written before, or was corrected since.
        if start is None:
            return ALWAYS
        return Condition("(deleted_at IS NULL OR greatest(deleted_at, modified_at) >= %s)", (start,))
    wanted = (
        Condition("attribute <> %s", (SCOPE,))
        if attributes is None
        else Condition("attribute = ANY(%s::text[])", (list(attributes),))
    )
    json = _OBSERVED if time_property == "observedAt" else _DELETED
    parts = [
        _any_row("observation", wanted, _between("observed_at", start, end), json),
        _any_row("observation_chunk", wanted, _on_days(start, end), "true"),
    ]
    if time_property == "deletedAt":
        parts.insert(0, all_of([Condition("deleted_at IS NOT NULL"), _between("deleted_at", start, end)]))
    found = any_of(parts)
    if start is None:
        return found
    # What settles most of those of long ago without a look at their series.
    quick = "coalesce(deleted_at, modified_at) >= %s" if time_property == "deletedAt" else "latest >= %s IS NOT FALSE"
    return all_of([Condition(f"({quick})", (start,)), found])


def _any_row(table: str, wanted: Condition, times: Condition, json: str) -> Condition:
    # Not EXISTS, which the planner may make a join of: then it reads a whole table before the first entity.
    return Condition(
        f"coalesce((SELECT true FROM series JOIN {table} USING (series) WHERE series.entity = key"
        f" AND {wanted.sql} AND {times.sql} AND {json} LIMIT 1), false)",
        (*wanted.parameters, *times.parameters),
    )


def _between(column: str, start: datetime | None, end: datetime | None) -> Condition:
    return all_of(
        [
            ALWAYS if start is None else Condition(f"{column} >= %s", (start,)),
            ALWAYS if end is None else Condition(f"{column} < %s", (end,)),
        ]
    )


def _on_days(start: datetime | None, end: datetime | None) -> Condition:
    return all_of(
        [
            ALWAYS if start is None else Condition("day >= %s", (start.astimezone(UTC).date(),)),
            ALWAYS if end is None else Condition("day <= %s", (end.astimezone(UTC).date(),)),
        ]
    )
