"""Vital signs as somebody sees them: values now, the last day, and why there is none. One object a web process.

Signs of assets are everybody's, as the map is; figures of the work are of what one may see. What costs is kept for a
while and shared by all who ask: a question of a screen never reads history.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from vidik.console.projection import Asset, iso_of
from vidik.console.vitals import figures, keeping
from vidik.console.vitals.measuring import NOTHING, Measured, Values, measure
from vidik.console.vitals.service import Layout, Standing, standing_layout, standing_signs
from vidik.console.vitals.sign import Assets, Sign, Work
from vidik.kernel.clock import CITY_ZONE, iso, now, now_microseconds
from vidik.kernel.database import Database
from vidik.kernel.identity import Principal
from vidik.operations.twins import ORIGIN as EXERCISE

Answer = TypeVar("Answer")

NOT_OF_NOW: Final = (EXERCISE, "recorded")
"""Assets of these origins are no part of the city's present."""
FIGURES_KEPT_SECONDS = 5.0
DAY_KEPT_SECONDS = 60.0
_TIMES_ITS_COST: Final = 20
_ANSWERS_KEPT: Final = 500


class Members(NamedTuple):
    """The assets of a sign: all, those that speak, and when the newest of these was observed (µs)."""

    total: int
    fresh: list[Asset]
    newest: int | None


class Kept(Generic[Answer]):
    """Answers that are worked out once for all who ask within a time."""

    def __init__(self) -> None:
        self._answers: LRUCache[Any, tuple[float, Answer]] = LRUCache(_ANSWERS_KEPT)
        self._locks: dict[Any, asyncio.Lock] = {}

    async def get(self, key: Any, seconds: float, work_out: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return an answer, at most so old; who comes while it is worked out waits for it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                found = self._answers.get(key)
                if found is not None and time.monotonic() < found[0]:
                    return found[1]
                answer = await work_out()
                self._answers[key] = (time.monotonic() + seconds, answer)
                return answer
        finally:
            if not lock.locked():
                self._locks.pop(key, None)


class Vitals:
    """The vital signs of one web process."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self._days: Kept[dict[str, keeping.Trend]] = Kept()
        self._figures: Kept[list[Measured]] = Kept()
        self._measured: tuple[float, dict[str, tuple[Measured, Members]]] = (0.0, {})

    async def shown(self, assets: Iterable[Asset], principal: Principal) -> list[dict[str, Any]]:
        """Return what somebody may see of the signs that are not hidden, those of the strip first, as JSON."""
        signs, layout = await self._signs()
        places = [(key, "strip") for key in layout.strip] + [(key, "page") for key in layout.page]
        seen = [(signs[key].sign, place) for key, place in places if may_see(signs[key].sign, principal)]
        measured = self._measure(assets, [sign for sign, _ in seen if isinstance(sign.source, Assets)])
        days = await self._days_of([sign for sign, _ in seen])
        items = []
        for sign, place in seen:
            if isinstance(sign.source, Work):
                day = await self._day_of_work(sign, sign.source, principal, days)
                value, members = (await self._now_of_work(sign.source, principal))[0], None
            else:
                value, members = measured[sign.digest]
                day = days.get(sign.key, [])
            items.append(view(sign, value, members, day) | {"place": place})
        return items

    async def _signs(self) -> tuple[Mapping[str, Standing], Layout]:
        async with self._database.session(self._tenant) as connection:
            signs = await standing_signs(connection)
            return signs, await standing_layout(connection, signs)

    async def _days_of(self, signs: Sequence[Sign]) -> dict[str, keeping.Trend]:
        async def work_out() -> dict[str, keeping.Trend]:
            async with self._database.session(self._tenant) as connection:
                return await keeping.kept_day(connection, {sign.key: sign for sign in signs}, now())

        # Another definition is another day.
        return await self._days.get(tuple(sign.digest for sign in signs), DAY_KEPT_SECONDS, work_out)

    def _measure(self, assets: Iterable[Asset], signs: list[Sign]) -> dict[str, tuple[Measured, Members]]:
        """Measure at the assets; kept for twenty times as long as it took, so that a large city costs no more."""
        begun = time.monotonic()
        until, found = self._measured
        if begun < until and all(sign.digest in found for sign in signs):
            return found
        found = measure_now(assets, signs)
        done = time.monotonic()
        self._measured = (done + _TIMES_ITS_COST * (done - begun), found)
        return found

    async def _now_of_work(self, work: Work, principal: Principal) -> list[Measured]:
        reach = principal.reach(figures.PERMISSION[work.figure])

        async def work_out() -> list[Measured]:
            async with self._database.session(self._tenant) as connection:
                return await figures.at_moments(connection, work, [now()], reach)

        return await self._figures.get((_said(work), reach, "now"), FIGURES_KEPT_SECONDS, work_out)

    async def _day_of_work(
        self, sign: Sign, work: Work, principal: Principal, days: Mapping[str, keeping.Trend]
    ) -> keeping.Trend:
        """The kept samples are the whole city's: who sees a part of it has that part's day worked out."""
        reach = principal.reach(figures.PERMISSION[work.figure])
        if reach.is_everywhere:
            return days.get(sign.key, [])

        async def work_out() -> list[Measured]:
            async with self._database.session(self._tenant) as connection:
                return await figures.at_moments(connection, work, keeping.slots(now(), keeping.POINTS), reach)

        found = await self._figures.get((_said(work), reach, "day"), DAY_KEPT_SECONDS, work_out)
        when = keeping.slots(now(), keeping.POINTS)
        return [(at, one.value) for at, one in zip(when, found, strict=True)]


def may_see(sign: Sign, principal: Principal) -> bool:
    """Whether somebody may see a sign: those of assets everybody may who looks, those of the work whoever reads it."""
    return isinstance(sign.source, Assets) or principal.may(figures.PERMISSION[sign.source.figure])


def measure_now(assets: Iterable[Asset], signs: Iterable[Sign]) -> dict[str, tuple[Measured, Members]]:
    """Return each sign of assets as it is now, by its digest; silent assets, twins and recordings count for nothing."""
    moment, local = now_microseconds(), now().astimezone(CITY_ZONE).time()
    by_type: dict[str, list[Asset]] = {}
    for asset in assets:
        if asset.origin not in NOT_OF_NOW:
            by_type.setdefault(asset.asset_type.name, []).append(asset)
    speaking = {name: [asset for asset in some if not asset.is_silent(moment)] for name, some in by_type.items()}
    found = {}
    for sign in signs:
        source = sign.source
        if not isinstance(source, Assets):
            continue
        fresh = [asset for name in source.types for asset in speaking.get(name, ())]
        newest = max((asset.observed_at for asset in fresh if asset.observed_at is not None), default=None)
        members = Members(sum(len(by_type.get(name, ())) for name in source.types), fresh, newest)
        values: Iterable[Values] = (asset.values for asset in fresh)
        value = NOTHING if source.over is not None else measure(source, values, local)
        found[sign.digest] = (value, members)
    return found


def view(sign: Sign, measured: Measured, members: Members | None, day: keeping.Trend) -> dict[str, Any]:
    """Return a sign with its value as JSON.

    Without a value now, `last` is the newest that was kept of the last day. A mean of hours is worth what was kept:
    its value is that. `missing` says why there is no value: no assets, none that speaks, or nothing to count.
    """
    last = next(((at, value) for at, value in reversed(day) if value is not None), None)
    value, observed_at = measured.value, members.newest if members else now_microseconds()
    at = iso_of(observed_at)
    # The newest half hour is kept a minute or two after it has begun.
    if isinstance(sign.source, Assets) and sign.source.over is not None and last is not None and last[0] >= day[-2][0]:
        value, at = last[1], iso(last[0])
    return {
        **sign.said,
        "met": sign.target.is_met(round(value, sign.decimals)) if sign.target and value is not None else None,
        "value": value,
        "at": at if value is not None else None,
        "last": [iso(last[0]), last[1]] if last is not None and value is None else None,
        "missing": _missing(members) if value is None else None,
        "counted": measured.counted,
        "trend": trend_view(day, sign.decimals),
        "assets": members.total if members else None,
        "fresh": len(members.fresh) if members else None,
        "stale": members.total - len(members.fresh) if members else None,
    }


def trend_view(day: keeping.Trend, decimals: int) -> dict[str, Any]:
    """Return values at even steps from a time: what 24 signs and 48 moments can be told in few bytes."""
    step = (day[1][0] - day[0][0]).total_seconds() if len(day) > 1 else 0
    values = [None if value is None else round(value, decimals + 1) for _, value in day]
    return {"from": iso(day[0][0]) if day else None, "step_seconds": step, "values": values}


def _missing(members: Members | None) -> str:
    if members is None:
        return "nothing-counted"
    if not members.total:
        return "no-assets"
    return "silent" if not members.fresh else "nothing-counted"


def _said(work: Work) -> str:
    return work.model_dump_json()
