"""The figures of a large city: queries at 1,000,000 entities, restart with 100 tenants and 10,000 subscriptions.

Building it takes some minutes and 8 GB of disk; `--entities` makes a smaller one.
"""

import argparse
import asyncio
import time
from pathlib import Path

from tests.family import RunningVidik, free_port

from bench import ngsild
from bench.http_load import Connection, drive
from bench.ngsild_api import p95, warm_and_drive
from bench.report import Figure, Report
from bench.server import folder
from bench.subscriptions import token_of
from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.migrate import migrate

TENANTS = 100
SUBSCRIPTIONS = 10_000
CONNECTIONS = 16


async def run(report: Report, options: argparse.Namespace) -> None:
    """Build the city once, ask it, then start it as a family."""
    with folder() as path:
        with ngsild.city_in(path / "data", options.entities) as city:
            await queries(report, city, min(options.seconds, 10.0))
        await restart(report, path / "data", options.entities)


async def queries(report: Report, city: ngsild.City, seconds: float) -> None:
    """Pages of 20 under load, pages of 100 near a place for one client."""
    size = f"{city.entities:,} entities"
    load = await warm_and_drive(city, 16, seconds, ngsild.page_request)
    report.add(Figure(f"type + q, page of 20, {size}", load.rate, "requests/s", goal=300, details=load.details()))
    report.add(p95(f"type + q, page of 20, {size}, p95", load, 50))
    alone = await drive(city.port, 1, seconds, ngsild.query_request)
    report.add(p95(f"type + q + near, page of 100, {size}, one client, p95", alone, 30))


async def restart(report: Report, data: Path, entities: int) -> None:
    """From `vidik up` to ready, the second time; the first is there to subscribe."""
    database = EmbeddedServer(data)
    database.start()
    try:
        migrate(database.url, [f"town_{number}" for number in range(TENANTS - 1)])
    finally:
        database.stop()
    vidik = RunningVidik(data, free_port(), free_port(), {"VIDIK_ALLOW_PRIVATE_ENDPOINTS": "true"})
    try:
        first = await _start(vidik)
        await _subscribe(vidik)
        vidik.stop()
        second = await _start(vidik)
    finally:
        vidik.stop()
    report.add(
        Figure(
            f"restart with {SUBSCRIPTIONS:,} subscriptions, {TENANTS} tenants, {entities:,} entities",
            second,
            "s",
            goal=5,
            higher_is_better=False,
            details={"before there were subscriptions": f"{first:.1f} s"},
        )
    )


async def _start(vidik: RunningVidik) -> float:
    began = time.monotonic()
    await asyncio.to_thread(vidik.start)
    return time.monotonic() - began


async def _subscribe(vidik: RunningVidik) -> None:
    """Make the subscriptions, each to an entity of its own."""
    secret = token_of(vidik)
    numbers = iter(range(SUBSCRIPTIONS))

    async def make() -> None:
        connection = await Connection.open(vidik.port)
        for number in numbers:
            body = {
                "type": "Subscription",
                "entities": [{"id": f"urn:ngsi-ld:ParkingSpot:nis:{number + 1}", "type": "ParkingSpot"}],
                "watchedAttributes": ["status"],
                "notification": {"endpoint": {"uri": "http://127.0.0.1:9/nobody"}},
            }
            answer = await connection.ask(ngsild.request("subscriptions", "POST", body, secret))
            if not answer.startswith(b"HTTP/1.1 201"):
                raise RuntimeError(answer[:500].decode(errors="replace"))
        connection.close()

    await asyncio.gather(*(make() for _ in range(CONNECTIONS)))
