"""Aggregates of the past by period (ETSI GS CIM 009, clause 4.5.19). Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from vidik.context.ngsild import values
from vidik.context.ngsild.problems import too_complex
from vidik.context.ngsild.representation.validation import MEMBER_OF, Instance
from vidik.context.ngsild.temporal.query import Duration, TemporalQuery
from vidik.context.ngsild.temporal.representation import shown_number, time_of
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.clock import from_microseconds, iso, to_microseconds

MAXIMUM_BUCKETS: Final = 50_000


def aggregated(instances: Sequence[Instance], query: TemporalQuery) -> dict[str, Any] | None:
    """Aggregates by period: triples of value, start and end (clause 4.5.19); None where nothing fits a method."""
    members = [(values.moment(time_of(one, query), "timeAt"), _raw(one)) for one in instances if "deletedAt" not in one]
    if not members:
        return None
    shown: dict[str, Any] = {"type": instances[-1]["type"]}
    if "datasetId" in instances[-1]:
        shown["datasetId"] = instances[-1]["datasetId"]
    found = False
    buckets = _buckets(members, query)
    for method in query.methods:
        triples = [
            [value, iso(start), iso(end)]
            for start, end, part in buckets
            if (value := aggregate(method, part)) is not None
        ]
        found = found or bool(triples)
        shown[method] = triples
    return shown if found else None


def aggregated_numbers(rows: SeriesRows, query: TemporalQuery, dataset: str) -> dict[str, Any] | None:
    """Aggregates of a series that is only plain numbers with times, without making instances of them."""
    times, numbers = rows.times, rows.numbers
    if not len(times):
        return None
    shown: dict[str, Any] = {"type": "Property", **({"datasetId": dataset} if dataset else {})}
    edges = _edges(times, query)
    parts = np.split(numbers, [first for first, _, _ in edges[1:]])
    for method in query.methods:
        shown[method] = [
            [aggregate_array(method, part), iso(start), iso(end)]
            for (_, start, end), part in zip(edges, parts, strict=True)
        ]
    return shown


def _edges(times: npt.NDArray[np.int64], query: TemporalQuery) -> list[tuple[int, datetime, datetime]]:
    """Where each period that has values begins among the times, with its start and end."""
    first, newest = from_microseconds(int(times[0])), from_microseconds(int(times[-1]))
    origin = query.origin or first
    if query.period.is_zero:
        return [(0, origin, max(query.end or newest, newest))]
    edges: list[tuple[int, datetime, datetime]] = []
    at = 0
    while at < len(times):
        start, end = _bucket_of(origin, from_microseconds(int(times[at])), query.period)
        edges.append((at, start, end))
        if len(edges) > MAXIMUM_BUCKETS:
            raise too_complex(f"The aggregation has more than {MAXIMUM_BUCKETS} periods.")
        at = int(np.searchsorted(times, to_microseconds(end)))
    return edges


def aggregate_array(method: str, numbers: npt.NDArray[np.float64]) -> float | int:
    """One aggregate of plain numbers."""
    if method == "totalCount":
        return len(numbers)
    if method == "distinctCount":
        return len(np.unique(numbers))
    return shown_number(float(_NUMERIC[method](numbers)))


def _raw(instance: Instance) -> Any:
    return instance.get(MEMBER_OF[instance["type"]])


def _buckets(
    members: Sequence[tuple[datetime, Any]], query: TemporalQuery
) -> list[tuple[datetime, datetime, list[Any]]]:
    origin = query.origin or members[0][0]
    final = query.end or members[-1][0]
    if query.period.is_zero:
        return [(origin, max(final, members[-1][0]), [value for _, value in members])]
    buckets: list[tuple[datetime, datetime, list[Any]]] = []
    start, end = _bucket_of(origin, members[0][0], query.period)
    part: list[Any] = []
    for moment, value in members:
        if moment >= end:
            buckets.append((start, end, part))
            if len(buckets) > MAXIMUM_BUCKETS:
                raise too_complex(f"The aggregation has more than {MAXIMUM_BUCKETS} periods.")
            start, end = _bucket_of(origin, moment, query.period)
            part = []
        part.append(value)
    buckets.append((start, end, part))
    return buckets


def _bucket_of(origin: datetime, moment: datetime, period: Duration) -> tuple[datetime, datetime]:
    """The period that holds a moment, counted from an origin."""
    if not period.months:
        step = period.span // timedelta(microseconds=1)
        offset = (to_microseconds(moment) - to_microseconds(origin)) // step * step
        start = origin + timedelta(microseconds=offset)
        return start, start + period.span
    number = max(0, ((moment.year - origin.year) * 12 + moment.month - origin.month) // period.months - 1)
    while _step(origin, period, number + 1) <= moment:
        number += 1
    return _step(origin, period, number), _step(origin, period, number + 1)


def _step(origin: datetime, period: Duration, number: int) -> datetime:
    month = origin.year * 12 + origin.month - 1 + period.months * number
    year, month = month // 12, month % 12 + 1
    if year > 9000:
        return datetime.max.replace(tzinfo=UTC)
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    day = min(origin.day, (following - timedelta(days=1)).day)
    return origin.replace(year=year, month=month, day=day) + period.span * number


def aggregate(method: str, members: Sequence[Any]) -> Any:
    """One aggregate; None where the method has no meaning for these values (clause 4.5.19.1)."""
    if method == "totalCount":
        return len(members)
    if method == "distinctCount":
        return len({orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in members})
    numbers = [_number(one) for one in members]
    if any(math.isnan(one) for one in numbers):
        return _of_text(method, members)
    array = np.asarray(numbers, np.float64)
    result = _NUMERIC[method](array)
    return shown_number(float(result)) if math.isfinite(result) else None


_NUMERIC: Final[Mapping[str, Callable[[npt.NDArray[np.float64]], np.float64]]] = {
    "sum": np.sum,
    "avg": np.mean,
    "min": np.min,
    "max": np.max,
    "stddev": np.std,
    "sumsq": lambda every: np.sum(every**2),
}


def _of_text(method: str, members: Sequence[Any]) -> Any:
    if method in ("min", "max") and all(isinstance(one, str) for one in members):
        return min(members) if method == "min" else max(members)
    return None


def _number(value: Any) -> float:
    """What an aggregate counts with: a number, 0 or 1 for a boolean, the length of an array."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    return float(len(value)) if isinstance(value, list) else math.nan
