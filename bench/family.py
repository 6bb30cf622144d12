"""The family with the demo city: time to a usable screen, and memory."""

import asyncio
import time

import psutil
from tests.family import RunningVidik, free_port

from bench.report import Figure, Report
from bench.server import folder

SETTLE_SECONDS = 120


def memory(vidik: RunningVidik) -> dict[str, int]:
    """Proportional set size of every process of the family, in bytes: shared pages are counted once."""
    assert vidik.process is not None
    supervisor = psutil.Process(vidik.process.pid)
    sizes: dict[str, int] = {}
    for process in [supervisor, *supervisor.children(recursive=True)]:
        try:
            name = " ".join(process.cmdline()[-2:])[-40:] if "postgres" not in process.name() else "postgres"
            sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return sizes


async def run(report: Report) -> None:
    """Start with the demo city, let it live, measure, stop, start again."""
    with folder() as path:
        vidik = RunningVidik(path / "data", free_port(), free_port(), {}, ("--demo",))
        began = time.monotonic()
        vidik.start()
        first = time.monotonic() - began
        try:
            await asyncio.sleep(SETTLE_SECONDS)
            sizes = memory(vidik)
        finally:
            vidik.stop()
        began = time.monotonic()
        vidik.start()
        second = time.monotonic() - began
        vidik.stop()
    report.add(
        Figure(
            "memory of the whole family with the demo city",
            sum(sizes.values()) / 1e6,
            "MB (PSS)",
            goal=900,
            higher_is_better=False,
            details={name: f"{size / 1e6:.0f} MB" for name, size in sorted(sizes.items())},
        )
    )
    report.add(
        Figure(
            "second start to a usable screen",
            second,
            "s",
            goal=10,
            higher_is_better=False,
            details={"first start": f"{first:.1f} s"},
        )
    )
