"""The present: a gateway keeps its connection and sends what its devices measure, by MQTT with QoS 1."""

import asyncio
import contextlib
import heapq
import json
import time
from collections.abc import Callable

import structlog

from vidik.demo.assets import Asset
from vidik.demo.behaviour import PACES, Behaviour
from vidik.demo.past import stagger_seconds
from vidik.kernel.publisher import Publisher, PublishRefused

_log = structlog.get_logger(__name__)

_WINDOW = 20
_SPOT_CHECK_SECONDS = 30.0
_ORDERED_SECONDS = 0.05


async def send_live(
    gateway_id: str, secret: str, assets: list[Asset], behaviour: Behaviour, host: str, port: int
) -> None:
    """Send for one gateway's assets, and hear its commands, until cancelled."""
    ordered = asyncio.Event()
    listen = behaviour.orders.listener(gateway_id, time.time, ordered.set)
    publisher = await connected(gateway_id, secret, host, port, commands=listen)
    try:
        await _report(publisher, assets, behaviour, ordered)
    finally:
        await publisher.close()


async def connected(
    gateway_id: str,
    secret: str,
    host: str,
    port: int,
    *,
    window: int = _WINDOW,
    commands: Callable[[bytes], None] | None = None,
) -> Publisher:
    """A connected publisher; waits, as a new credential takes a moment to reach every door."""
    pause = 0.5
    while True:
        publisher = Publisher(host, port, gateway_id, secret, client_id=gateway_id, window=window, commands=commands)
        try:
            await publisher.open()
        except (OSError, EOFError, PublishRefused) as error:
            await publisher.close()
            _log.info("gateway not connected yet", gateway=gateway_id, error=str(error))
            await asyncio.sleep(pause)
            pause = min(20.0, pause * 2)
        else:
            return publisher


async def _report(publisher: Publisher, assets: list[Asset], behaviour: Behaviour, ordered: asyncio.Event) -> None:
    now = time.time()
    due = [(now + _first(asset), index) for index, asset in enumerate(assets)]
    heapq.heapify(due)
    spots: dict[int, tuple[int, float]] = {}
    while True:
        if ordered.is_set():
            # Whoever gave the order waits to see it: the circuit reports at once.
            ordered.clear()
            due = [(time.time() + place * _ORDERED_SECONDS, place) for place in range(len(assets))]
        at, index = due[0]
        now = time.time()
        if at > now:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(at - now):
                    await ordered.wait()
                    continue
        asset = assets[index]
        moment = time.time()
        pace = PACES[asset.profile].live
        is_spot = asset.profile == "demo-parking-spot"
        # Behind (Vidik was away, or the machine slept): go on from now, as a device without a memory would.
        following = max(at + (_SPOT_CHECK_SECONDS if is_spot else pace), moment)
        heapq.heapreplace(due, (following, index))
        record = behaviour.record(asset, int(moment))
        if record is None:
            continue
        if is_spot:
            car, reported = spots.get(index, (-1, 0.0))
            if record["car"] == car and moment - reported < pace:
                continue
            spots[index] = (record["car"], moment)
        await publisher.send(f"devices/{asset.device_id}/readings", json.dumps(record, separators=(",", ":")).encode())


def _first(asset: Asset) -> float:
    """Seconds to an asset's first reading: within its pace, by its name, but the map should fill soon."""
    pace = _SPOT_CHECK_SECONDS if asset.profile == "demo-parking-spot" else PACES[asset.profile].live
    return stagger_seconds(asset.device_id, min(pace, 60.0))
