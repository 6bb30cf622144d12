"""MQTT QoS 1, acknowledged after commit: the built-in listener, then Mosquitto with the shipped configuration.

The listener's word is a commit, so it gets all that it can take and its acknowledgements are counted. Mosquitto
acknowledges whatever comes, stored or not, so it gets a little more than the goal, and what counts is how fast the
readings reach history, the time to store the last one included.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from tests.broker import Broker
from tests.family import RunningVidik, free_port, running

from bench.devices import PROFILE, Samples, allow_many_files, load, register, watch
from bench.laid_history import count_stored, lay_history
from bench.report import Figure, Report
from bench.server import folder

CONNECTIONS = 5_000
WINDOW = 8
VALUES = 3
OFFERED_TO_MOSQUITTO = 8_400  # messages a second


@dataclass(frozen=True)
class Door:
    """A door to measure, and what must be sustained through it."""

    title: str
    goal: float
    offered: float
    port: int
    credentials: Path
    login: tuple[str, ...] = ()
    broker: psutil.Process | None = None


async def run(report: Report, options: argparse.Namespace) -> None:
    """The chosen doors, each with a family of its own, and optionally with rows of history behind them."""
    allow_many_files()
    if options.door in ("listener", "both"):
        with folder() as path, _family(path) as vidik:
            _lay(report, vidik, options.history)
            door = Door("the built-in listener", 10_000, options.rate, vidik.mqtt_port, register(vidik, CONNECTIONS))
            await _measure(report, options, vidik, door)
    if options.door in ("mosquitto", "both"):
        with folder() as path, _mosquitto(path) as broker, _family(path, VIDIK_MQTT_URL=broker.url) as vidik:
            assert broker.process is not None
            _lay(report, vidik, options.history)
            names = path / "names"
            lines = register(vidik, CONNECTIONS).read_text().splitlines()
            names.write_text("\n".join(f"{line.split()[0]} secret" for line in lines))
            broker.trust_everybody()
            login = ("--username", "vidik", "--password", "secret")
            process = psutil.Process(broker.process.pid)
            offered = options.rate or OFFERED_TO_MOSQUITTO
            await _measure(
                report, options, vidik, Door("Mosquitto", 8_000, offered, broker.port, names, login, process)
            )


@contextmanager
def _family(path: Path, **environment: str) -> Iterator[RunningVidik]:
    (path / "data" / "profiles").mkdir(parents=True)
    (path / "data" / "profiles" / "bench.yaml").write_text(PROFILE)
    with running(path / "data", **environment) as vidik:
        yield vidik


@contextmanager
def _mosquitto(path: Path) -> Iterator[Broker]:
    broker = Broker(path / "broker", free_port())
    broker.prepare()
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def _lay(report: Report, vidik: RunningVidik, rows: int) -> None:
    if rows:
        report.say(f"laying {rows:,} rows of history behind it …")
        began = time.monotonic()
        size = lay_history(vidik, rows)
        report.say(f"laid in {time.monotonic() - began:.0f} s, {size / 1e9:.1f} GB on disk")


async def _measure(report: Report, options: argparse.Namespace, vidik: RunningVidik, door: Door) -> None:
    await asyncio.sleep(4)  # the directory of devices is read again after a registration
    watching = {"intake": asyncio.create_task(watch(psutil.Process(vidik.pid("intake"))))}
    if door.broker is not None:
        watching["Mosquitto"] = asyncio.create_task(watch(door.broker))
    began = time.monotonic()
    figures = await load(
        door.port,
        *("--connections", str(CONNECTIONS), "--credentials", str(door.credentials), *door.login),
        *("--rate", str(door.offered), "--seconds", str(options.seconds), "--settle", "60", "--window", str(WINDOW)),
    )
    wanted = int(figures["acknowledged"]) * VALUES
    await asyncio.to_thread(_wait_stored, vidik, int(figures["acknowledged"]))
    took = time.monotonic() - began - figures["connect_seconds"]
    stored = await asyncio.to_thread(count_stored, vidik)
    samples = {}
    for name, task in watching.items():
        task.cancel()
        samples[name] = await task
    rate = float(figures["rate"]) if door.broker is None else stored / VALUES / took
    report.add(
        Figure(
            f"MQTT QoS 1 through {door.title}",
            rate,
            "messages of 3 values/s",
            goal=door.goal,
            details={
                "offered": f"{door.offered:,.0f} messages/s" if door.offered else "all it takes",
                "acknowledged": f"{figures['acknowledged']:,} of {figures['sent']:,} in {figures['seconds']} s",
                "in history after": f"{took:.1f} s",
                "connections lost": figures["lost_connections"],
                "values acknowledged and not in history": max(0, wanted - stored),
                "time to acknowledgement, ms": figures.get("latency_ms"),
                "generator, CPU seconds": figures.get("cpu_seconds"),
                **{f"memory of {name}, MB": _minutes(taken) for name, taken in samples.items()},
                "history behind it": f"{options.history:,} rows",
            },
        )
    )


def _minutes(samples: Samples) -> str:
    """Resident memory at the start, after each minute, at the end and at the most."""
    sizes = np.array([size for _, size in samples]) / 1e6
    seconds = np.array([at for at, _ in samples])
    minutes = np.arange(0, seconds[-1], 60)
    marks = sizes[np.searchsorted(seconds, minutes)]
    return (
        f"{' '.join(f'{mark:.0f}' for mark in marks)} by the minute, {sizes[-1]:.0f} at the end, {sizes.max():.0f} top"
    )


def _wait_stored(vidik: RunningVidik, messages: int) -> None:
    """Wait until the intake says that it has committed so many messages, two minutes at most.

    It is asked, and history counted later, because to count among millions of rows takes half a minute.
    """
    deadline = time.monotonic() + 120
    with vidik.client() as client:
        while time.monotonic() < deadline:
            found = re.search(r"^vidik_intake_readings_total (\S+)$", client.get("/metrics").text, re.MULTILINE)
            if found and float(found[1]) >= messages:
                return
            time.sleep(0.2)
