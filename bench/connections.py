"""Ten thousand device connections held at once: memory of the whole intake process with them."""

import asyncio

import psutil
from tests.family import running

from bench.devices import PROFILE, allow_many_files, load, register
from bench.report import Figure, Report
from bench.server import folder

CONNECTIONS = 10_000
SECONDS = 25


async def run(report: Report) -> None:
    """Connect them all, let them speak now and then, and look at the memory before and while."""
    allow_many_files()
    with folder() as path:
        (path / "data" / "profiles").mkdir(parents=True)
        (path / "data" / "profiles" / "bench.yaml").write_text(PROFILE)
        with running(path / "data") as vidik:
            credentials = register(vidik, CONNECTIONS)
            await asyncio.sleep(4)
            process = psutil.Process(vidik.pid("intake"))
            before = process.memory_full_info().pss
            arguments = ("--connections", str(CONNECTIONS), "--credentials", str(credentials), "--rate", "500")
            running_load = asyncio.create_task(load(vidik.mqtt_port, *arguments, "--seconds", str(SECONDS)))
            held, memory = 0, before
            while not running_load.done():
                await asyncio.sleep(0.5)
                held = max(held, len([c for c in process.net_connections() if c.status == "ESTABLISHED"]))
                memory = max(memory, process.memory_full_info().pss)
            resident = process.memory_info().rss
            figures = await running_load
    report.add(
        Figure("device connections held at once", held, "connections", goal=CONNECTIONS, details={"figures": figures})
    )
    report.add(
        Figure(
            "memory of the whole intake process with them",
            memory / 1e6,
            "MB (PSS)",
            goal=100,
            higher_is_better=False,
            details={
                "before they came, all of them registered": f"{before / 1e6:.0f} MB",
                "resident, with the libraries that the family shares": f"{resident / 1e6:.0f} MB",
            },
        )
    )
