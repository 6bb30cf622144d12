"""Runs the demo city: makes it known, writes its past day, then lives on."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from vidik.demo.behaviour import Behaviour
from vidik.demo.cameras import register_of_cameras
from vidik.demo.citizens import report
from vidik.demo.crews import drive_crews
from vidik.demo.door import Door, DoorClosed
from vidik.demo.live import send_live
from vidik.demo.meters import Meters
from vidik.demo.past import write_past_day
from vidik.demo.pilots.setting_up import set_up_pilots
from vidik.demo.planning import plan_city
from vidik.demo.recordings import GATEWAY, has_recordings, recorded_city, replay_recordings
from vidik.demo.register import Credentials, make_known
from vidik.demo.weather import ZONE
from vidik.demo.world import World

_log = structlog.get_logger(__name__)

_SAVE_SECONDS = 30.0
_STAGGER_SECONDS = 0.03
_TENTHS = 10

Tell = Callable[[str, int, int], None]


async def run(
    base_url: str,
    mqtt_host: str,
    mqtt_port: int,
    token: str,
    *,
    seed: int = 7,
    scale: float = 1.0,
    data_folder: Path,
    recordings: Path | None = None,
    tell: Tell | None = None,
) -> None:
    """Run the demo city until cancelled, through public doors only.

    `token` is an API token that may register devices and write entities. `scale` is the share of the full city.
    `data_folder` keeps credentials and meters. `recordings` is a folder of real recordings, replayed when given.
    `tell` hears (step, done, all). Raises DoorClosed when Vidik refuses the demo.
    """
    tell = tell or _Logged()
    folder = data_folder / "demo"
    async with Door(base_url, token) as door:
        await door.ready()
        basemap = await door.basemap()
        city = plan_city(basemap, seed, scale)
        credentials = Credentials(folder / "credentials.json")
        tell("registering", 0, len(city.assets))
        new = await make_known(door, city, credentials)
        await door.upsert(register_of_cameras(basemap))
        tell("registering", len(city.assets), len(city.assets))
        meters = Meters(folder / "meters.json")
        behaviour = Behaviour(city, World.of(city, seed, meters, started_at=time.time()))
        async with asyncio.TaskGroup() as tasks:
            if recordings is not None and has_recordings(recordings):
                tasks.create_task(_recordings(door, recordings, folder, mqtt_host, mqtt_port))
            tasks.create_task(_save(meters))
            tasks.create_task(_crews(door, basemap, seed))
            tasks.create_task(_citizens(door, basemap, seed))
            counted = _Count(tell, "past day", len(city.assets))
            for gateway_id, assets in city.behind_gateways().items():
                secret = credentials.secrets[gateway_id]
                if new or not credentials.has_past:
                    await write_past_day(door, secret, assets, behaviour, int(time.time()), counted)
                tasks.create_task(send_live(gateway_id, secret, assets, behaviour, mqtt_host, mqtt_port))
                await asyncio.sleep(_STAGGER_SECONDS)
            credentials.keep_past()
            tasks.create_task(_pilots(door, seed, recordings, tell))


async def _pilots(door: Door, seed: int, recordings: Path | None, tell: Tell) -> None:
    """Set the pilots up; the city lives on without them where Vidik refuses one."""
    today = datetime.now(ZONE).date()
    try:
        await set_up_pilots(door, today, seed, recordings, lambda done, total: tell("pilots", done, total))
    except DoorClosed as refused:
        _log.warning("the demo's pilots are not set up", reason=str(refused))


async def _crews(door: Door, basemap: dict[str, Any], seed: int) -> None:
    """Let crews drive; the city lives on without them where Vidik refuses them."""
    try:
        await drive_crews(door, basemap, seed)
    except DoorClosed as refused:
        _log.warning("the demo's crews do not drive", reason=str(refused))


async def _citizens(door: Door, basemap: dict[str, Any], seed: int) -> None:
    """Let citizens report; the city lives on without them where Vidik refuses them."""
    try:
        await report(door, basemap, seed)
    except DoorClosed as refused:
        _log.warning("the demo's citizens do not report", reason=str(refused))


async def _recordings(door: Door, recordings: Path, folder: Path, host: str, port: int) -> None:
    known = Credentials(folder / "recordings-credentials.json")
    city = await asyncio.to_thread(recorded_city, recordings)
    new = await make_known(door, city, known, origin="recorded")
    state = folder / "recordings.json"
    if new:
        state.unlink(missing_ok=True)
    await replay_recordings(recordings, known.secrets[GATEWAY], host, port, state)


async def _save(meters: Meters) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            meters.save()
    meters.save()


class _Count:
    """Tells about one step, one thing at a time."""

    def __init__(self, tell: Tell, step: str, total: int) -> None:
        self._tell, self._step, self._total, self._done = tell, step, total, 0

    def __call__(self) -> None:
        self._done += 1
        self._tell(self._step, self._done, self._total)


class _Logged:
    """Tells the log about progress, a tenth at a time."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        tenth = done * _TENTHS // max(1, total)
        if self._told.get(step) != tenth:
            self._told[step] = tenth
            _log.info("demo city", step=step, percent=tenth * _TENTHS)
