"""A running family with many devices, and the load generator against it."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from tests.family import RunningVidik

PROFILE = """
name: bench
version: 1
title: Device of the measurements
service: air
format: json
entity: {type: AirQualityObserved, id: "urn:ngsi-ld:AirQualityObserved:{city}:{device_id}"}
expected_interval_seconds: 3600
time: {path: time, format: iso8601}
attributes:
  - {name: temperature, path: temperature, unit: CEL, minimum: -1000000000, maximum: 1000000000}
  - {name: relativeHumidity, path: humidity, minimum: -1000000000, maximum: 1000000000}
  - {name: atmosphericPressure, path: pressure, minimum: -1000000000, maximum: 1000000000}
"""

Samples = list[tuple[float, int]]
"""(seconds since the first, bytes)."""


def allow_many_files() -> None:
    """Ten thousand connections need as many file descriptors, here and in the family."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))


def register(vidik: RunningVidik, count: int) -> Path:
    """Register devices; returns a file with a line `device secret` for each."""
    lines: list[str] = []
    with vidik.client() as client:
        for start in range(0, count, 1000):
            numbers = range(start, min(start + 1000, count))
            body = [{"device_id": f"bench-{n:05d}", "profile": "bench", "with_secret": True} for n in numbers]
            response = client.post("/api/devices", json=body, timeout=120)
            response.raise_for_status()
            answer = response.json()
            items = answer if isinstance(answer, list) else answer.get("items") or answer["devices"]
            lines += [f"{item['device_id']} {item['secret']}" for item in items]
    path = vidik.data.parent / "credentials"
    path.write_text("\n".join(lines))
    return path


async def load(port: int, *arguments: str) -> dict[str, Any]:
    """Run the load generator in a process of its own; returns its figures."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "bench/mqtt_load.py", "--port", str(port), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator ended with status {process.returncode}")
    figures: dict[str, Any] = json.loads(output)
    return figures


async def watch(process: psutil.Process, every: float = 1.0) -> Samples:
    """Resident memory of a process from now on, until cancelled."""
    samples: Samples = []
    began = time.monotonic()
    try:
        while True:
            samples.append((time.monotonic() - began, process.memory_info().rss))
            await asyncio.sleep(every)
    except (asyncio.CancelledError, psutil.NoSuchProcess):
        return samples
