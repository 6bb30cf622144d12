"""What stood at some moments: the newest observation of each series at or before each, not older than a gap.

Looked up one by one by the index, so that the cost is that of the moments asked for and not of all readings between.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from vidik.context.store import chunks
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Connection

_MEMBERS = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_SERIES_TOGETHER = 1_000

State = dict[int, Any]
"""Values by series."""


async def standing_at(
    connection: Connection, series: Sequence[int], moments: Sequence[datetime], gap: timedelta
) -> list[State]:
    """Return, for each moment (ascending), the values of those series that said something at most `gap` before it."""
    found: list[dict[int, tuple[int, Any]]] = [{} for _ in moments]
    for begin in range(0, len(series), _SERIES_TOGETHER):
        some = list(series[begin : begin + _SERIES_TOGETHER])
        await _from_rows(connection, some, moments, gap, found)
        await _from_chunks(connection, some, moments, gap, found)
    return [{number: value for number, (_, value) in one.items()} for one in found]


async def _from_rows(
    connection: Connection,
    series: Sequence[int],
    moments: Sequence[datetime],
    gap: timedelta,
    found: list[dict[int, tuple[int, Any]]],
) -> None:
    cursor = await connection.execute(
        """
        SELECT wanted.series, moment.place, newest.at, newest.number, newest.json
          FROM unnest(%(series)s::bigint[]) AS wanted (series)
         CROSS JOIN unnest(%(moments)s::timestamptz[]) WITH ORDINALITY AS moment (at, place)
         CROSS JOIN LATERAL (
            SELECT (extract(epoch FROM observed_at) * 1000000)::bigint AS at, number, json::text AS json
              FROM observation
             WHERE observation.series = wanted.series
               AND observed_at <= moment.at
               AND observed_at > moment.at - %(gap)s::interval
             ORDER BY observed_at DESC
             LIMIT 1
         ) AS newest
        """,
        {"series": list(series), "moments": list(moments), "gap": gap},
        binary=True,
    )
    for row in await cursor.fetchall():
        found[row["place"] - 1][row["series"]] = (row["at"], _value(row["number"], row["json"]))


async def _from_chunks(
    connection: Connection,
    series: Sequence[int],
    moments: Sequence[datetime],
    gap: timedelta,
    found: list[dict[int, tuple[int, Any]]],
) -> None:
    """Take in packed days; where a late reading lies beside a chunk, the newer of the two stands."""
    if not moments:
        return
    cursor = await connection.execute(
        "SELECT series, data FROM observation_chunk WHERE series = ANY(%s) AND day BETWEEN %s AND %s",
        [list(series), (moments[0] - gap).date(), moments[-1].date()],
        binary=True,
    )
    wanted = np.array([to_microseconds(moment) for moment in moments], np.int64)
    longest = gap // timedelta(microseconds=1)
    for row in await cursor.fetchall():
        rows = chunks.unpack(row["data"])
        places = np.searchsorted(rows.times, wanted, side="right") - 1
        for which, place in enumerate(places.tolist()):
            at = int(rows.times[place]) if place >= 0 else 0
            if place < 0 or at <= wanted[which] - longest:
                continue
            before = found[which].get(row["series"])
            if before is None or before[0] < at:
                number = float(rows.numbers[place])
                found[which][row["series"]] = (at, _value(number, rows.json.get(place)))


def _value(number: float | None, text: str | None) -> Any:
    return number if text is None else _told(text)


@lru_cache(maxsize=4_096)
def _told(text: str) -> Any:
    """Return the value of an instance; words repeat."""
    instance = orjson.loads(text)
    if not isinstance(instance, dict):
        return instance
    return next((instance[member] for member in _MEMBERS if member in instance), None)
