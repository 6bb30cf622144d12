"""An asset's past for charts and tables: resolution chosen by the range, gaps left as gaps."""

import csv
import io
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from numpy.lib.stride_tricks import sliding_window_view

from vidik.console.projection import Asset
from vidik.context.jsonld import names
from vidik.context.store import history
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.history import Buckets, Series
from vidik.kernel.clock import from_microseconds, iso, to_microseconds
from vidik.kernel.database import Connection

_STEPS = (
    ("minute", 60),
    ("5 minutes", 300),
    ("15 minutes", 900),
    ("hour", 3_600),
    ("3 hours", 10_800),
    ("6 hours", 21_600),
    ("day", 86_400),
    ("week", 7 * 86_400),
)
_GAP_INTERVALS = 3.5
_STEPS_AROUND = 4
_RAW_FACTOR = 2
_INSTANT = timedelta(microseconds=1)

NumberList = list[float | None]


async def chart(
    connection: Connection,
    entity_id: str,
    attributes: Sequence[str],
    start: datetime,
    end: datetime,
    points: int,
) -> tuple[str, list[dict[str, Any]]]:
    """Return (resolution, series) of numeric attributes (short names) for a chart about `points` wide.

    Raw values where they are few enough, else mean, least and greatest of each bucket. A value of None marks a
    gap: nothing was observed for several times the usual interval.
    """
    wanted = {names.expand_attribute(name): name for name in attributes}
    series = await _default_series(connection, entity_id, list(wanted))
    seconds = (end - start).total_seconds()
    found: dict[str, dict[str, Any]] = {}
    if seconds <= points * 3_600 / 4:
        rows = await history.read(connection, [one.number for one in series], start, end)
        most = max((len(some) for some in rows.values()), default=0)
        if most <= points * _RAW_FACTOR:
            for one in series:
                found[one.attribute] = raw_series(rows[one.number])
            return "raw", _named(found, wanted)
        label, step = _step(seconds, points)
        for one in series:
            found[one.attribute] = bucketed_series(history.aggregate(rows[one.number], step * 1_000_000), step)
        return label, _named(found, wanted)
    label, step = _step(seconds, points)
    for one in series:
        hours = await history.hourly(connection, one.number, _whole_hour(start), end)
        buckets = hours if step <= 3_600 else regroup(hours, step)
        found[one.attribute] = bucketed_series(buckets, max(step, 3_600))
    return label if step > 3_600 else "hour", _named(found, wanted)


def raw_series(rows: SeriesRows) -> dict[str, Any]:
    """Return the numbers of a series as they were observed, with None where there is a gap."""
    numeric = ~np.isnan(rows.numbers)
    times = rows.times[numeric]
    values: NumberList = [float(value) for value in rows.numbers[numeric]]
    seconds, values = with_gaps([int(time) / 1_000_000 for time in times], values)
    return {"times": seconds, "values": values, "minimum": None, "maximum": None}


def bucketed_series(buckets: Buckets, step_seconds: int) -> dict[str, Any]:
    """Return mean, least and greatest of each bucket, with None where a bucket is missing.

    The time is the bucket's middle, where its mean belongs.
    """
    times: list[float] = []
    columns: tuple[NumberList, NumberList, NumberList] = ([], [], [])
    before: int | None = None
    means = buckets.mean
    for place, start in enumerate(int(one) // 1_000_000 for one in buckets.starts):
        if before is not None and start - before > step_seconds * 1.5:
            times.append(before + step_seconds * 1.5)
            for column in columns:
                column.append(None)
        times.append(start + step_seconds / 2)
        for column, source in zip(columns, (means, buckets.minimum, buckets.maximum), strict=True):
            column.append(float(source[place]))
        before = start
    return {"times": times, "values": columns[0], "minimum": columns[1], "maximum": columns[2]}


def with_gaps(times: list[float], values: NumberList) -> tuple[list[float], NumberList]:
    """Put a None after each value that nothing followed for much longer than usual.

    What is usual is asked of the whole series and of the steps around: a device that speaks every quarter of a minute
    today did not fall silent ten minutes at a time yesterday, when it spoke every ten.
    """
    if len(times) < 3:
        return times, values
    usual = _usual_steps(np.diff(times))
    longest = np.maximum(usual * _GAP_INTERVALS, 1.0)
    filled_times: list[float] = []
    filled: NumberList = []
    for place, moment in enumerate(times):
        if place and moment - times[place - 1] > longest[place - 1]:
            filled_times.append(times[place - 1] + float(usual[place - 1]))
            filled.append(None)
        filled_times.append(moment)
        filled.append(values[place])
    return filled_times, filled


def _usual_steps(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The median of all steps, or of those around a step where that is longer."""
    whole = np.full(len(steps), np.median(steps))
    if len(steps) <= 2 * _STEPS_AROUND:
        return whole
    around = sliding_window_view(np.pad(steps, _STEPS_AROUND, mode="reflect"), 2 * _STEPS_AROUND + 1)
    return np.maximum(whole, np.median(around, axis=1))


def regroup(hours: Buckets, step_seconds: int) -> Buckets:
    """Return coarser buckets of hourly ones."""
    if not len(hours.starts):
        return hours
    width = step_seconds * 1_000_000
    starts, place = np.unique(hours.starts // width * width, return_inverse=True)
    count = np.zeros(len(starts), np.int64)
    total = np.zeros(len(starts))
    minimum = np.full(len(starts), math.inf)
    maximum = np.full(len(starts), -math.inf)
    np.add.at(count, place, hours.count)
    np.add.at(total, place, hours.sum)
    np.minimum.at(minimum, place, hours.minimum)
    np.maximum.at(maximum, place, hours.maximum)
    return Buckets(starts, count, total, minimum, maximum)


async def raw_page(
    connection: Connection,
    entity_id: str,
    attributes: Sequence[str] | None,
    before: datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the newest values before a time, newest first; of the attributes (short names) or of all."""
    wanted = [names.expand_attribute(name) for name in attributes] if attributes else None
    series = await _default_series(connection, entity_id, wanted)
    rows = await history.read(connection, [one.number for one in series], None, before, last=limit)
    items = [item for one in series for item in _items(one, rows[one.number])]
    items.sort(key=lambda item: (item[0], item[1]["attribute"]), reverse=True)
    return [item for _, item in items[:limit]]


async def csv_lines(
    connect: Callable[[], AbstractAsyncContextManager[Connection]],
    entity_id: str,
    attributes: Sequence[str] | None,
    start: datetime,
    end: datetime,
    asset: Asset,
) -> AsyncIterator[str]:
    """Yield the raw values between two times as CSV, a week at a time, oldest first, with a header.

    Each week has a connection of its own, which nobody holds while whoever asks takes in what they got.
    """
    wanted = [names.expand_attribute(name) for name in attributes] if attributes else None
    async with connect() as connection:
        series = await _default_series(connection, entity_id, wanted)
        reach = await span(connection, entity_id)
    yield "attribute,value,unit,observed_at,recorded_at\r\n"
    begin, end = (max(start, reach[0]), min(end, reach[1] + _INSTANT)) if reach else (end, end)
    while begin < end:
        until = min(end, begin + timedelta(days=7))
        async with connect() as connection:
            rows = await history.read(connection, [one.number for one in series], begin, until)
        items = [item for one in series for item in _items(one, rows[one.number])]
        items.sort(key=lambda item: item[0])
        if items:
            shown = [{**item, "value": asset.asset_type.shown_value(item["value"])} for _, item in items]
            yield _csv(shown, asset.units)
        begin = until


async def span(connection: Connection, entity_id: str) -> tuple[datetime, datetime] | None:
    """Return from when to when there is history of an entity, or None when there is none."""
    series = [one.number for one in await _default_series(connection, entity_id, None)]
    if not series:
        return None
    cursor = await connection.execute(
        """
        SELECT min(first) AS first, max(last) AS last
          FROM unnest(%s::bigint[]) AS wanted (series)
         CROSS JOIN LATERAL (
            SELECT least((SELECT min(day)::timestamptz FROM observation_chunk c WHERE c.series = wanted.series),
                         (SELECT min(observed_at) FROM observation o WHERE o.series = wanted.series)) AS first,
                   greatest((SELECT max(day) + 1 FROM observation_chunk c WHERE c.series = wanted.series)::timestamptz,
                            (SELECT max(observed_at) FROM observation o WHERE o.series = wanted.series)) AS last
         ) AS reach
        """,
        [series],
    )
    row = await cursor.fetchone()
    return (row["first"], row["last"]) if row and row["first"] and row["last"] else None


async def _default_series(connection: Connection, entity_id: str, attributes: Sequence[str] | None) -> list[Series]:
    return [one for one in await history.series_of(connection, [entity_id], attributes) if not one.dataset]


def _items(series: Series, rows: SeriesRows) -> list[tuple[int, dict[str, Any]]]:
    name = names.compact(series.attribute)
    return [
        (
            int(rows.times[place]),
            {
                "attribute": name,
                "value": _value(rows, place),
                "observed_at": iso(from_microseconds(int(rows.times[place]))),
                "recorded_at": iso(from_microseconds(int(rows.recorded[place]))),
            },
        )
        for place in range(len(rows.times))
    ]


def _value(rows: SeriesRows, place: int) -> Any:
    text = rows.json.get(place)
    if text is None:
        number = float(rows.numbers[place])
        return None if math.isnan(number) else number
    instance = orjson.loads(text)
    return next(
        (
            instance[member]
            for member in ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
            if member in instance
        ),
        None,
    )


def _csv(items: Sequence[Mapping[str, Any]], units: Mapping[str, str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for item in items:
        value = item["value"]
        text = orjson.dumps(value).decode() if isinstance(value, dict | list) else value
        # A spreadsheet runs a cell that begins with one of these as a formula.
        if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r"):
            text = "'" + text
        unit = units.get(item["attribute"], "")
        writer.writerow([item["attribute"], text, unit, item["observed_at"], item["recorded_at"]])
    return buffer.getvalue()


def _step(seconds: float, points: int) -> tuple[str, int]:
    return next(((label, step) for label, step in _STEPS if seconds / step <= points), _STEPS[-1])


def _whole_hour(moment: datetime) -> datetime:
    return from_microseconds(to_microseconds(moment) // history.HOUR * history.HOUR)


def _named(found: Mapping[str, dict[str, Any]], wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    empty: dict[str, Any] = {"times": [], "values": [], "minimum": None, "maximum": None}
    return [{"attribute": name, **found.get(iri, empty)} for iri, name in wanted.items()]
