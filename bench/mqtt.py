"""MQTT QoS 1, acknowledged after commit: the built-in listener, then Mosquitto with the shipped configuration."""

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
from tests.broker import Broker
from tests.family import RunningVidik, free_port, running

from bench.devices import PROFILE, allow_many_files, count_stored, load, register, watch_memory
from bench.report import Figure, Report
from bench.server import folder
from vidik.context.store.rows import COLUMNS, copy_buffer

CONNECTIONS = 5_000
VALUES = 3


async def run(report: Report, options: argparse.Namespace) -> None:
    """Both doors, each with a family of its own, and optionally with rows of history behind them."""
    allow_many_files()
    with folder() as path:
        (path / "data" / "profiles").mkdir(parents=True)
        (path / "data" / "profiles" / "bench.yaml").write_text(PROFILE)
        with running(path / "data") as vidik:
            if options.history:
                report.say(f"laying {options.history:,} rows of history behind it …")
                lay_history(vidik, options.history)
            credentials = register(vidik, CONNECTIONS)
            await asyncio.sleep(4)
            await _measure(report, options, vidik, vidik.mqtt_port, credentials, door="built-in listener", goal=10_000)
    with folder() as path:
        (path / "data" / "profiles").mkdir(parents=True)
        (path / "data" / "profiles" / "bench.yaml").write_text(PROFILE)
        broker = Broker(path / "broker", free_port())
        broker.prepare()
        broker.start()
        try:
            with running(path / "data", VIDIK_MQTT_URL=f"mqtt://vidik:secret@127.0.0.1:{broker.port}") as vidik:
                lines = [line.split()[0] for line in register(vidik, CONNECTIONS).read_text().splitlines()]
                names = path / "names"
                names.write_text("\n".join(f"{name} secret" for name in lines))
                broker.trust_everybody()
                await asyncio.sleep(4)
                await _measure(report, options, vidik, broker.port, names, door="Mosquitto", goal=8_000)
        finally:
            broker.kill()


async def _measure(
    report: Report,
    options: argparse.Namespace,
    vidik: RunningVidik,
    port: int,
    credentials: Path,
    *,
    door: str,
    goal: float,
) -> None:
    memory = asyncio.create_task(watch_memory(vidik, "intake"))
    username = ("--username", "vidik", "--password", "secret") if door == "Mosquitto" else ()
    began = time.monotonic()
    figures = await load(
        port,
        *("--connections", str(CONNECTIONS if door != "Mosquitto" else 200), "--credentials", str(credentials)),
        *("--rate", str(options.rate), "--seconds", str(options.seconds), "--settle", "60", "--window", "8"),
        *username,
    )
    wanted = int(figures["acknowledged"]) * VALUES
    stored = await asyncio.to_thread(_wait_stored, vidik, wanted)
    took = time.monotonic() - began
    memory.cancel()
    samples = np.array(await memory) / 2**20
    settled = samples[len(samples) // 4 :]
    rate = float(figures["rate"]) if door != "Mosquitto" else stored / VALUES / (took - figures["connect_seconds"])
    report.add(
        Figure(
            f"MQTT QoS 1 through {'the ' if door != 'Mosquitto' else ''}{door}",
            rate,
            "messages of 3 values/s",
            goal=goal,
            details={
                "acknowledged": f"{figures['acknowledged']:,} of {figures['sent']:,} in {figures['seconds']} s",
                "values missing in history": wanted - stored if wanted > stored else 0,
                "time to acknowledgement, ms": figures.get("latency_ms"),
                "generator, CPU seconds": figures.get("cpu_seconds"),
                "memory of the intake process, MiB": f"{samples[0]:.0f} at the start, {np.median(settled):.0f} median,"
                f" {samples.max():.0f} at the most, {samples[-1]:.0f} at the end",
                "history behind it": f"{options.history if door != 'Mosquitto' else 0:,} rows",
            },
        )
    )


def _wait_stored(vidik: RunningVidik, wanted: int) -> int:
    """Wait until history holds so many values, two minutes at most; returns how many it holds."""
    deadline = time.monotonic() + 120
    while (stored := count_stored(vidik)) < wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return stored


def lay_history(vidik: RunningVidik, rows: int) -> None:
    """Rows of today's partition for other series: what the index looks like after a busy day."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = max(int((datetime.now(UTC) - midnight).total_seconds()), 600)
    start = int((midnight - timedelta(seconds=0)).timestamp()) * 1_000_000
    series_count = max(rows // seconds * 10, 1)
    written = 0
    with psycopg.connect(_url(vidik), autocommit=True) as connection:
        step = 0
        while written < rows:
            series = np.arange(series_count) + 10_000_000_000
            times = np.full(series_count, start + step * 10_000_000) + np.arange(series_count) % 9_000_000
            buffer = copy_buffer(series, times, np.round(np.random.default_rng(step).random(series_count), 2), start)
            copying = f"COPY observation ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
            with connection.cursor() as cursor, cursor.copy(copying) as copy:
                copy.write(buffer)
            written += series_count
            step += 1


def _url(vidik: RunningVidik) -> str:
    with vidik.connect() as connection:
        return connection.info.dsn
