"""Queries of the past: from their parameters to what is asked for (ETSI GS CIM 009, clause 4.11). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.problems import bad_data

TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
TIME_PROPERTIES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
MAXIMUM_LAST: Final = 100_000
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

    @property
    def is_by_time(self) -> bool:
        """Whether the time of a row of history is the time that is asked about: only the range has to be read."""
        return self.time_property in ("observedAt", "deletedAt")

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
