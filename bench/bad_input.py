"""How long bad input takes to be refused: everything that tests/context/ngsild/bad_input.py tries, over HTTP."""

import asyncio
import time

import httpx
from tests.context.ngsild.bad_input import LAMP, Bad, everything
from tests.family import running

from bench.report import Figure, Report
from bench.server import folder


async def run(report: Report) -> None:
    """Ask a whole Vidik every bad question, one after the other."""
    with folder() as path, running(path / "data", VIDIK_ALLOW_PRIVATE_ENDPOINTS="true") as vidik:
        token = await asyncio.to_thread(vidik.token)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"{vidik.base_url}/ngsi-ld/v1", headers=headers, timeout=60) as client:
            await client.post("/entities", json=LAMP)
            taken = [(await _seconds(client, bad), bad) for bad in everything()]
    taken.sort(key=lambda one: -one[0])
    report.add(
        Figure(
            f"slowest answer to {len(taken)} bad requests",
            taken[0][0],
            "s",
            goal=1.0,
            higher_is_better=False,
            details={str(bad): f"{seconds:.3f} s" for seconds, bad in taken[:5]},
        )
    )


async def _seconds(client: httpx.AsyncClient, bad: Bad) -> float:
    began = time.perf_counter()
    await client.request(bad.method, bad.path, content=bad.content, headers={"Content-Type": bad.kind})
    return time.perf_counter() - began
