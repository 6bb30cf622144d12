"""What vital signs were is worked out once, in the worker, and kept: half an hour a sample, for a month.

A sample is made from history and from the work's own records, not from what a screen happened to show: after a restart,
or when readings come late, the last day is worked out again and is whole. That is done as long as it comes out
otherwise than before (a city that is being filled with its past), and then as often as it costs little.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from vidik.console.vitals import figures, past, repository
from vidik.console.vitals.measuring import Measured
from vidik.console.vitals.service import standing_layout, standing_signs
from vidik.console.vitals.sign import Assets, Sign, Source
from vidik.kernel.clock import from_microseconds, now, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach
from vidik.kernel.services import Services

_log = structlog.get_logger(__name__)

KEEP_EVERY_SECONDS: Final = 60.0
STEP: Final = timedelta(minutes=30)
POINTS: Final = 48
KEPT: Final = timedelta(days=31)
_RECENT: Final = 4
_AGAIN_AFTER_SECONDS: Final = 120.0
_AT_MOST_SECONDS: Final = 3600.0
_TIMES_ITS_COST, _TIMES_ITS_COST_UNSETTLED = 200, 20


def slots(end: datetime, count: int, step: timedelta = STEP) -> list[datetime]:
    """Return the last moments of a step before a time, ascending: whole half hours, or what the step divides."""
    size = step // timedelta(microseconds=1)
    last = to_microseconds(end) // size
    return [from_microseconds(number * size) for number in range(last - count + 1, last + 1)]


async def measure_at(
    connection: Connection, source: Source, when: Sequence[datetime], reach: Reach = EVERYWHERE
) -> list[Measured]:
    """Return what a source says at each moment, ascending; `reach` narrows figures of the work."""
    if isinstance(source, Assets):
        return await past.at_moments(connection, source, when)
    return await figures.at_moments(connection, source, when, reach)


class Keeper:
    """Keeps the samples of one worker process; what it remembers is only when to work a day out again."""

    def __init__(self) -> None:
        self._whole_day_at: dict[tuple[str, str], float] = {}
        self._newest: dict[tuple[str, str], datetime] = {}
        self._before: dict[tuple[str, str], dict[datetime, float | None]] = {}

    async def run(self, services: Services, tenant: str) -> None:
        """Keep the samples of the tenant that the console shows, each sign in a transaction of its own."""
        if tenant != services.settings.tenant:
            return
        async with services.database.session(tenant) as connection:
            signs = await standing_signs(connection)
            layout = await standing_layout(connection, signs)
        hidden = set(layout.hidden)
        for key, standing in signs.items():
            if key not in hidden:
                await self._keep(services, tenant, standing.sign)
        async with services.database.transaction(tenant) as connection:
            await repository.forget_samples(connection, now() - KEPT)

    async def _keep(self, services: Services, tenant: str, sign: Sign) -> None:
        name = (tenant, f"{sign.key} {sign.digest}")
        clock, day = time.monotonic(), slots(now(), POINTS)
        whole = clock >= self._whole_day_at.get(name, 0)
        if not whole and self._newest.get(name) == day[-1]:
            return
        when = day if whole else day[-_RECENT:]
        try:
            async with services.database.transaction(tenant) as connection:
                found = await measure_at(connection, sign.source, when)
                samples = [(at, one.value, one.counted) for at, one in zip(when, found, strict=True)]
                await repository.write_samples(connection, sign.key, sign.digest, samples)
        except psycopg.DataError as error:
            _log.error("a vital sign cannot be kept", sign=sign.key, reason=str(error))
            samples = []
        self._newest[name] = day[-1]
        if whole:
            done = time.monotonic()
            past = {at: value for at, value, _ in samples[:-_RECENT]}
            before = self._before.get(name, {})
            is_settled = bool(before) and all(before.get(at, value) == value for at, value in past.items())
            pause = (_TIMES_ITS_COST if is_settled else _TIMES_ITS_COST_UNSETTLED) * (done - clock)
            self._before[name] = past
            self._whole_day_at[name] = done + min(max(_AGAIN_AFTER_SECONDS, pause), _AT_MOST_SECONDS)


Trend = list[tuple[datetime, float | None]]


async def kept_day(connection: Connection, signs: Mapping[str, Sign], end: datetime) -> dict[str, Trend]:
    """Return the samples of each sign's last day, oldest first, gaps as None; signs without any are left out."""
    day = slots(end, POINTS)
    rows = await repository.samples_since(connection, day[0] - STEP)
    known: dict[str, dict[datetime, float | None]] = {}
    for row in rows:
        sign = signs.get(row["sign"])
        if sign is not None and row["source"] == sign.digest:
            known.setdefault(row["sign"], {})[row["at"]] = row["value"]
    return {key: [(at, values.get(at)) for at in day] for key, values in known.items()}
