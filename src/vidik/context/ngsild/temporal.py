"""Temporal queries and representations (ETSI GS CIM 009, clauses 4.11, 4.5.7 to 4.5.9 and 4.5.19). Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.exchange import Parameters
from vidik.context.ngsild.problems import bad_data, too_complex
from vidik.context.ngsild.rendering import View, instance_view, simple_value
from vidik.context.ngsild.temporal_writing import instance_id
from vidik.context.ngsild.validation import MEMBER_OF, Instance
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import UNOBSERVED
from vidik.context.store.expiry import is_valid
from vidik.context.store.history import Series
from vidik.kernel.clock import from_microseconds, iso, to_microseconds

TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
TIME_PROPERTIES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
MAXIMUM_LAST: Final = 100_000
MAXIMUM_BUCKETS: Final = 50_000
_PLURAL: Final = {
    "value": "values",
    "object": "objects",
    "languageMap": "languageMaps",
    "json": "jsons",
    "vocab": "vocabs",
    "valueList": "valueLists",
    "objectList": "objectLists",
}
_OF_DELETED: Final = ("type", "datasetId", "instanceId", "deletedAt")
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration; zero stands for the whole range."""

    months: int
    span: timedelta

    @property
    def is_zero(self) -> bool:
        """Whether it is PT0S."""
        return not self.months and not self.span

    @property
    def about(self) -> timedelta:
        """Its length, where a month counts as 30 days."""
        return self.span + timedelta(days=30 * self.months)


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """Which instances of the past, and how many."""

    time_property: TimeProperty
    start: datetime | None
    """Inclusive."""
    end: datetime | None
    """Exclusive."""
    last: int | None
    methods: tuple[str, ...]
    """Not empty asks for aggregates."""
    period: Duration
    simplified: bool
    origin: datetime | None = None
    """Where aggregates begin to count their periods; None is at the first instance."""

    def includes(self, moment: datetime) -> bool:
        """Whether a time lies in the range."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


def parse_temporal(parameters: Parameters, options: Iterable[str]) -> TemporalQuery:
    """A temporal query from its parameters; raises BadInput."""
    order = parameters.get("orderBy")
    if order is not None and any(one.strip().partition(";")[0] != "id" for one in order.split(",")):
        raise bad_data("The past is ordered by id only.", "orderBy")
    name = parameters.get("timeproperty") or "observedAt"
    if name not in TIME_PROPERTIES:
        raise bad_data(f"timeproperty is one of {', '.join(TIME_PROPERTIES)}.", "timeproperty")
    # The format stands over what options say (clause 6.3.7).
    given = parameters.get("format")
    words = set(options) if given is None else {given}
    if "temporalValues" in words and "aggregatedValues" in words:
        raise bad_data("temporalValues and aggregatedValues exclude one another.", "options")
    start, end = _range(parameters)
    last = parameters.number("lastN", 0, 1, MAXIMUM_LAST) if parameters.has("lastN") else None
    methods = tuple(parameters.names("aggrMethods") or ())
    if "aggregatedValues" in words and not methods:
        raise bad_data(f"aggregatedValues needs aggrMethods among {', '.join(METHODS)}.", "aggrMethods")
    if not set(methods) <= set(METHODS):
        raise bad_data(f"aggrMethods is a list among {', '.join(METHODS)}.", "aggrMethods")
    return TemporalQuery(
        name,  # type: ignore[arg-type]  # checked above
        start,
        end,
        last,
        methods if "aggregatedValues" in words else (),
        parse_duration(parameters.get("aggrPeriodDuration") or "PT0S"),
        "temporalValues" in words,
        values.moment(str(parameters.get("timeAt")), "timeAt") if start is not None else None,
    )


def _range(parameters: Parameters) -> tuple[datetime | None, datetime | None]:
    relation = parameters.get("timerel")
    time_at, end_at = parameters.get("timeAt"), parameters.get("endTimeAt")
    if relation is None:
        if time_at is not None or end_at is not None:
            raise bad_data("timeAt and endTimeAt go with timerel.", "timerel")
        return None, None
    if relation not in ("before", "after", "between"):
        raise bad_data("timerel is before, after or between.", "timerel")
    if time_at is None:
        raise bad_data("timerel needs timeAt.", "timeAt")
    moment = values.moment(time_at, "timeAt")
    if relation == "before":
        return None, moment
    if relation == "after":
        return moment, None  # the moment itself counts (clause 4.11)
    if end_at is None:
        raise bad_data("timerel between needs endTimeAt.", "endTimeAt")
    end = values.moment(end_at, "endTimeAt")
    if end <= moment:
        raise bad_data("endTimeAt lies after timeAt.", "endTimeAt")
    return moment, end


def parse_duration(text: str, field: str = "aggrPeriodDuration") -> Duration:
    """An ISO 8601 duration such as PT1H or P1M; raises BadInput."""
    match = _DURATION.fullmatch(text)
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise bad_data(f"{field} is an ISO 8601 duration such as PT1H or P1D.", field)
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    try:
        span = timedelta(days=weeks * 7 + days, hours=hours, minutes=minutes, seconds=float(match.group(7) or 0))
    except OverflowError:
        raise bad_data(f"{field} is too long.", field) from None
    if years > 1000 or months > 12_000:
        raise bad_data(f"{field} is too long.", field)
    return Duration(years * 12 + months, span)


def instances_of_series(
    rows: SeriesRows, query: TemporalQuery, current: Instance | None, series: Series
) -> list[Instance]:
    """Instances of one series in order of time. `current` lends plain numbers their unit."""
    found = [instance for _, instance in numbered_instances(rows, query, current, series)]
    return found if query.last is None else found[-query.last :]


def numbered_instances(
    rows: SeriesRows, query: TemporalQuery, current: Instance | None, series: Series
) -> Iterator[tuple[int, Instance]]:
    """The rows of a series that are instances in the range, by their place among the rows."""
    for index in range(len(rows.times)):
        observed = from_microseconds(int(rows.times[index]))
        recorded = from_microseconds(int(rows.recorded[index]))
        text = rows.json.get(index)
        instance = _plain(float(rows.numbers[index]), current) if text is None else orjson.loads(text)
        if not isinstance(instance, dict) or not is_valid(instance):
            continue
        unobserved = instance.pop(UNOBSERVED, False)
        if "deletedAt" in instance:
            if query.time_property not in ("deletedAt", "modifiedAt"):
                continue
        elif query.time_property == "deletedAt":
            continue
        elif not unobserved:
            instance["observedAt"] = iso(observed)
        elif query.time_property == "observedAt":
            continue
        instance["createdAt"] = instance["modifiedAt"] = iso(observed if unobserved else recorded)
        if series.dataset:
            instance["datasetId"] = series.dataset
        if "instanceId" not in instance and not query.simplified:
            instance["instanceId"] = instance_id(series.number, int(rows.times[index]))
        if query.time_property == "observedAt" or query.includes(values.moment(_time(instance, query), "timeAt")):
            yield index, instance


def _plain(number: float, current: Instance | None) -> Instance:
    instance: Instance = {"type": "Property", "value": shown_number(number)}
    if current is not None and "unitCode" in current:
        instance["unitCode"] = current["unitCode"]
    return instance


def shown_number(number: float) -> float | int:
    """A number without a needless fraction."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _time(instance: Instance, query: TemporalQuery) -> str:
    time: str = instance.get(query.time_property) or instance["modifiedAt"]
    return time


def normalized(instances: Sequence[Instance], view: View, context: ActiveContext) -> list[Any]:
    """Instances as attributes, newest last."""
    return [instance_view(one, context, view) if "deletedAt" not in one else _deleted(one, view) for one in instances]


def _deleted(instance: Instance, view: View) -> Instance:
    """A deletion: the member that has the value is NGSI-LD Null (clause 4.5.7)."""
    kept = _OF_DELETED if not view.system else (*_OF_DELETED, "createdAt", "modifiedAt")
    shown = {name: instance[name] for name in kept if name in instance}
    return {**shown, MEMBER_OF[instance["type"]]: _null(instance)}


def _null(instance: Instance) -> Any:
    """What stands for the value of what was deleted: nothing at all for a scope, which keeps an empty list."""
    if "value" in instance:
        return instance["value"]
    return {"@none": values.NULL} if instance["type"] == "LanguageProperty" else values.NULL


def temporal_values(
    instances: Sequence[Instance], query: TemporalQuery, context: ActiveContext, language: str | None
) -> dict[str, Any]:
    """The simplified representation: pairs of value and time (clause 4.5.9)."""
    newest = instances[-1]
    kind = newest["type"]
    member = MEMBER_OF[kind]
    pairs = []
    for one in instances:
        if "deletedAt" not in one:
            value = simple_value(one, context, language)
        else:
            value = {member: _null(one)} if kind == "LanguageProperty" else _null(one)
        pairs.append([value, _time(one, query)])
    shown: dict[str, Any] = {"type": kind, _PLURAL[member]: pairs}
    if "datasetId" in newest:
        shown["datasetId"] = newest["datasetId"]
    return shown


def without_values(query: TemporalQuery, current: Instance | None) -> Any:
    """An attribute of which an answer holds no instance yet, in the form in which it would show them."""
    if not query.simplified:
        return []
    kind = "Property" if current is None else current["type"]
    return {"type": kind, _PLURAL[MEMBER_OF[kind]]: []}


def aggregated(instances: Sequence[Instance], query: TemporalQuery) -> dict[str, Any] | None:
    """Aggregates by period: triples of value, start and end (clause 4.5.19); None where nothing fits a method."""
    members = [(values.moment(_time(one, query), "timeAt"), _raw(one)) for one in instances if "deletedAt" not in one]
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
