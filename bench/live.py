"""From publish to seen on the live stream, at 1,000 readings a second."""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import numpy as np
from tests.family import RunningVidik, running

from bench.devices import PROFILE, allow_many_files, load, register
from bench.report import Figure, Report
from bench.server import folder

DEVICES = 500
MESSAGES_A_SECOND = 334  # of three values
SECONDS = 30


async def listen(vidik: RunningVidik, delays: list[float]) -> None:
    """Note, for every change seen on the stream, how long ago its reading was published."""
    login, password = vidik.login()
    async with httpx.AsyncClient(base_url=vidik.base_url, headers={"Origin": vidik.base_url}, timeout=None) as client:
        (await client.post("/api/session", json={"login": login, "password": password})).raise_for_status()
        async with client.stream("GET", "/api/console/stream") as stream:
            event = ""
            async for line in stream.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "changes":
                    now = datetime.now(UTC)
                    for change in json.loads(line[5:])["changes"]:
                        if change.get("observed_at"):
                            delays.append((now - datetime.fromisoformat(change["observed_at"])).total_seconds())


async def run(report: Report) -> None:
    """Publish with the time of publishing as observation time; a browser's stream beside it."""
    allow_many_files()
    with folder() as path:
        (path / "data" / "profiles").mkdir(parents=True)
        (path / "data" / "profiles" / "bench.yaml").write_text(PROFILE)
        with running(path / "data") as vidik:
            credentials = register(vidik, DEVICES)
            await asyncio.sleep(4)
            delays: list[float] = []
            listening = asyncio.create_task(listen(vidik, delays))
            await asyncio.sleep(1)
            arguments = ("--connections", str(DEVICES), "--credentials", str(credentials))
            figures = await load(
                vidik.mqtt_port, *arguments, "--rate", str(MESSAGES_A_SECOND), "--seconds", str(SECONDS)
            )
            await asyncio.sleep(1)
            listening.cancel()
    p50, p99, top = np.percentile(delays, (50, 99, 100))
    report.add(
        Figure(
            "publish to seen on the live stream, p99",
            float(p99),
            "s",
            goal=1,
            higher_is_better=False,
            details={
                "p50": f"{p50:.3f} s",
                "max": f"{top:.3f} s",
                "changes seen": len(delays),
                "published": figures["acknowledged"],
            },
        )
    )
