"""The last day of each vital sign, from history: half an hour a point, kept for some minutes.

The past is read from the same readings that made the present, so that a restart loses no curve.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import psycopg
import structlog

from vidik.console.projection import Asset
from vidik.console.vitals import VITAL_SIGNS, Values, VitalSign
from vidik.context.jsonld import names
from vidik.context.store import history
from vidik.kernel.clock import from_microseconds, iso, now, to_microseconds
from vidik.kernel.database import Database
from vidik.kernel.tasks import end_tasks
from vidik.operations.twins import ORIGIN as EXERCISE

_log = structlog.get_logger(__name__)

Trend = list[tuple[str, float | None]]

POINTS = 48
_STEP = timedelta(minutes=30)
_KEPT_SECONDS = 300.0
_FIRST_SECONDS = 2.0
_ATTRIBUTES = {
    "heating": ("supplyTemperatureSecondary", "referenceTemperature", "power"),
    "parking": ("availableSpotNumber", "totalSpotNumber"),
    "air": ("pm25",),
    "water": ("flow",),
    "waste": ("fillingLevel",),
    "traffic": ("averageVehicleSpeed",),
}
_TYPES = {
    "heating": "HeatSubstation",
    "parking": "OffStreetParking",
    "air": "AirQualityObserved",
    "water": "WaterConsumptionObserved",
    "waste": "WasteContainer",
    "traffic": "TrafficFlowObserved",
}


class Trends:
    """The trends of one web process: read when asked for, at most every five minutes."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self._trends: dict[str, Trend] = {}
        self._sampled: dict[str, dict[int, float]] = defaultdict(dict)
        self._until = 0.0
        self._reading: asyncio.Task[None] | None = None

    def sample(self, service: str, value: float | None, moment: datetime) -> None:
        """Note a vital sign as it was shown; for signs whose past is not a matter of numbers (lights working)."""
        if value is None:
            return
        slots = self._sampled[service]
        slots[_slot(moment)] = value
        while len(slots) > POINTS:
            del slots[min(slots)]

    async def of(self, assets: Iterable[Asset]) -> dict[str, Trend]:
        """Return each service's trend, oldest first; services without history have none."""
        clock = asyncio.get_running_loop().time()
        if clock >= self._until and (self._reading is None or self._reading.done()):
            self._until = clock + _KEPT_SECONDS
            self._reading = asyncio.create_task(self._renew(list(assets)), name="trends")
        if self._reading is not None and not self._trends:
            # Only the first reading is waited for, and not long: an old curve is better than a late number.
            await asyncio.wait([self._reading], timeout=_FIRST_SECONDS)
        sampled = {service: _as_trend(slots) for service, slots in self._sampled.items()}
        return sampled | self._trends

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            await end_tasks(self._reading)

    async def _renew(self, assets: Sequence[Asset]) -> None:
        try:
            self._trends = await self._read(assets)
        except (psycopg.Error, OSError) as error:
            self._until = 0.0
            _log.warning("the trends cannot be read", error=str(error))

    async def _read(self, assets: Sequence[Asset]) -> dict[str, Trend]:
        end = now()
        start = from_microseconds(_slot(end - _STEP * POINTS))
        found = {}
        for sign in VITAL_SIGNS:
            wanted = _ATTRIBUTES.get(sign.service)
            members = [
                asset.id
                for asset in assets
                if asset.asset_type.name == _TYPES.get(sign.service) and asset.origin not in ("recorded", EXERCISE)
            ]
            if wanted and members:
                found[sign.service] = await self._trend(sign, members, wanted, start, end)
        return found

    async def _trend(
        self, sign: VitalSign, entity_ids: Sequence[str], wanted: Sequence[str], start: datetime, end: datetime
    ) -> Trend:
        iris = {names.expand_attribute(name): name for name in wanted}
        slots: dict[int, dict[str, Values]] = defaultdict(lambda: defaultdict(dict))
        async with self._database.session(self._tenant) as connection:
            series = await history.series_of(connection, entity_ids, list(iris))
            rows = await history.read(connection, [one.number for one in series], start, end)
        for one in series:
            buckets = history.aggregate(rows[one.number], _STEP // timedelta(microseconds=1))
            for moment, mean in zip(buckets.starts.tolist(), np.asarray(buckets.mean).tolist(), strict=True):
                slots[moment][one.entity_id][iris[one.attribute]] = mean
        kind = _TYPES[sign.service]
        first = to_microseconds(start)
        step = _STEP // timedelta(microseconds=1)
        moments = [first + place * step for place in range(1, POINTS + 1)]
        if not slots:
            return []
        return [
            (
                iso(from_microseconds(moment)),
                sign.measure([(kind, values) for values in slots[moment].values()]) if moment in slots else None,
            )
            for moment in moments
        ]


def _slot(moment: datetime) -> int:
    step = _STEP // timedelta(microseconds=1)
    return to_microseconds(moment) // step * step


def _as_trend(slots: dict[int, float]) -> Trend:
    return [(iso(from_microseconds(moment)), slots[moment]) for moment in sorted(slots)]
