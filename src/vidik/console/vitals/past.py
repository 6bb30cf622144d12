"""What a vital sign of assets was at some moments, from history: the readings that made the present."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

import numpy as np

from vidik.console.vitals.measuring import NOTHING, Measured, measure, measure_numbers
from vidik.console.vitals.sign import Assets
from vidik.context.jsonld import names
from vidik.context.store import history, moments
from vidik.kernel.clock import CITY_ZONE, from_microseconds, to_microseconds
from vidik.kernel.database import Connection
from vidik.operations.rules.memory import scalar
from vidik.operations.rules.model import Scalar

COVERED = 0.75
"""Of the hours of a mean so many must have values (Directive 2008/50/EC, annex XI: 18 of 24)."""
_HOUR = timedelta(hours=1)
_MOMENTS_TOGETHER = 6

SeriesOf = Mapping[int, tuple[str, str]]
"""Of each series the entity and the short name of the attribute."""


async def at_moments(connection: Connection, source: Assets, when: Sequence[datetime]) -> list[Measured]:
    """Return what a source says at each moment, ascending; as of the last whole hour where it is a mean of hours."""
    series = await _series(connection, source)
    if not series or not when:
        return [NOTHING for _ in when]
    if source.over is not None:
        return await _means(connection, source, series, when)
    found: list[Measured] = []
    for begin in range(0, len(when), _MOMENTS_TOGETHER):
        some = when[begin : begin + _MOMENTS_TOGETHER]
        states = await moments.standing_at(connection, list(series), some, source.max_gap)
        for moment, state in zip(some, states, strict=True):
            assets: dict[str, dict[str, Scalar]] = defaultdict(dict)
            for number, told in state.items():
                value = scalar(told)
                if value is not None:
                    entity, name = series[number]
                    assets[entity][name] = value
            found.append(measure(source, assets.values(), moment.astimezone(CITY_ZONE).time()))
            await asyncio.sleep(0)  # thousands of assets a moment: others have their turn between two
    return found


async def _series(connection: Connection, source: Assets) -> SeriesOf:
    short = {names.expand_attribute(name): name for name in source.attributes()}
    cursor = await connection.execute(
        """
        SELECT series.series, entity.id, series.attribute
          FROM entity
          JOIN kind USING (kind)
          JOIN series ON series.entity = entity.key
         WHERE types && %s::text[]
           AND attribute = ANY(%s)
           AND dataset = ''
        """,
        [[names.expand_type(name) for name in source.types], list(short)],
    )
    return {row["series"]: (row["id"], short[row["attribute"]]) for row in await cursor.fetchall()}


async def _means(connection: Connection, source: Assets, series: SeriesOf, when: Sequence[datetime]) -> list[Measured]:
    """Return an aggregate of each asset's mean of hourly means, where enough hours have one."""
    hours = (source.over or _HOUR) // _HOUR
    ends = [to_microseconds(moment) // history.HOUR for moment in when]
    first, last = ends[0] - hours, ends[-1]
    start, end = from_microseconds(first * history.HOUR), from_microseconds(last * history.HOUR)
    per_asset = []
    for number in series:
        buckets = await history.hourly(connection, number, start, end)
        of_hours = np.full(last - first, np.nan)
        of_hours[buckets.starts // history.HOUR - first] = buckets.mean
        per_asset.append(of_hours)
    table = np.array(per_asset)
    found = []
    for until in ends:
        window = table[:, until - first - hours : until - first]
        covered = np.count_nonzero(~np.isnan(window), axis=1) >= ceil(COVERED * hours)
        found.append(measure_numbers(source, np.nanmean(window[covered], axis=1).tolist() if covered.any() else []))
    return found
