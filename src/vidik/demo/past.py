"""The past day, written at the first start through the HTTP door, so that no chart begins empty."""

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise

from vidik.demo.assets import Asset
from vidik.demo.behaviour import PACES, Behaviour, Record
from vidik.demo.door import Door

PAST_SECONDS = 24 * 3_600
_TOGETHER = 16


async def write_past_day(
    door: Door, secret: str, assets: list[Asset], behaviour: Behaviour, now: int, tell: Callable[[], None]
) -> None:
    """Send the readings of one gateway's assets in the day before `now` (seconds since 1970).

    Each asset's day is one message, oldest reading first; `tell` is called when it is on disk.
    """
    room = asyncio.Semaphore(_TOGETHER)

    async def send(asset: Asset, records: list[Record]) -> None:
        try:
            payload = json.dumps(records, separators=(",", ":")).encode()
            await door.push(asset.gateway_id, secret, asset.device_id, payload)
        finally:
            room.release()
        tell()

    async with asyncio.TaskGroup() as tasks:
        for asset in assets:
            await room.acquire()  # no more than a few messages wait in memory
            tasks.create_task(send(asset, past_records(behaviour, asset, now)))
            await asyncio.sleep(0)


def past_records(behaviour: Behaviour, asset: Asset, now: int) -> list[Record]:
    """The readings of one asset over the past day, oldest first; a parking spot only where it changed."""
    pace = PACES[asset.profile].past
    offset = stagger_seconds(asset.device_id, pace)
    times = range(int(now - PAST_SECONDS + offset), now, int(pace))
    records = [record for record in (behaviour.record(asset, t) for t in times) if record is not None]
    if asset.profile != "demo-parking-spot" or not records:
        return records
    return records[:1] + [after for before, after in pairwise(records) if after["car"] != before["car"]]


def stagger_seconds(device_id: str, pace: float) -> float:
    """When within its pace a device reports, by its name: they do not all speak in the same second."""
    return sum(device_id.encode()) * 7919 % 1_000 / 1_000 * pace
