"""Prometheus metrics of the whole family, collected by whichever process is asked.

Processes of one family share counters through memory-mapped files (prometheus_client's multi-process mode),
in the folder that the supervisor names in PROMETHEUS_MULTIPROC_DIR before it starts them. A single process
without that variable (a test, a notebook) keeps its metrics to itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from vidik.kernel.processes import running_processes
from vidik.kernel.tasks import begin_endless, end_tasks

CONTENT_TYPE = CONTENT_TYPE_LATEST
PUBLISH_SECONDS = 2.0

HTTP_REQUESTS = Counter("vidik_http_requests_total", "HTTP requests answered.", ["door", "method", "status"])
HTTP_SECONDS = Histogram(
    "vidik_http_request_seconds",
    "Seconds from a request to the end of its answer; live streams are not counted.",
    ["door"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
PERIODIC_SECONDS = Histogram(
    "vidik_periodic_job_seconds",
    "Seconds that one run of a periodic job took.",
    ["job"],
    buckets=(0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0),
)
PERIODIC_FAILURES = Counter("vidik_periodic_job_failures_total", "Runs of a periodic job that failed.", ["job"])
STREAM_BATCHES = Counter("vidik_change_batches_total", "Batches of changes that a consumer took in.", ["consumer"])
STREAM_LAG_SECONDS = Gauge(
    "vidik_change_lag_seconds",
    "Age of the newest batch that a consumer took in, when it took it in.",
    ["consumer"],
    multiprocess_mode="livemostrecent",
)


def exposition(run_folder: Path) -> bytes:
    """All metrics of the family in Prometheus' text format."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's own gap
        parts = [registry]
    else:
        parts = [REGISTRY]
    registry_of_family = CollectorRegistry()
    registry_of_family.register(_Family(run_folder))
    texts = [generate_latest(part) for part in [*parts, registry_of_family]]
    return b"".join([*texts, *_published_texts(run_folder)])


@asynccontextmanager
async def published(collector: Collector, run_folder: Path, name: str) -> AsyncIterator[None]:
    """Show a collector of this process to whichever process answers /metrics, a few seconds late.

    Collectors that are read when asked are not part of prometheus_client's multi-process mode.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    file = run_folder / "metrics" / f"{name}.prom"
    file.parent.mkdir(parents=True, exist_ok=True)
    task = begin_endless(_publish(registry, file), f"metrics of {name}")
    try:
        yield
    finally:
        await end_tasks(task)
        file.unlink(missing_ok=True)


async def _publish(registry: CollectorRegistry, file: Path) -> None:
    while True:
        with contextlib.suppress(OSError):  # a full disk costs figures, not readings
            staging = file.with_suffix(".new")
            staging.write_bytes(generate_latest(registry))
            staging.replace(file)
        await asyncio.sleep(PUBLISH_SECONDS)


def _published_texts(run_folder: Path) -> Iterator[bytes]:
    for file in sorted((run_folder / "metrics").glob("*.prom")):
        with contextlib.suppress(OSError):
            yield file.read_bytes()


class _Family(Collector):
    """Memory, processor time and restarts of each process, read from the system when asked."""

    def __init__(self, run_folder: Path) -> None:
        self._run_folder = run_folder

    def collect(self) -> Iterable[Metric]:
        resident = GaugeMetricFamily(
            "vidik_process_resident_bytes", "Resident memory of a process of the family.", labels=["process"]
        )
        seconds = GaugeMetricFamily(
            "vidik_process_cpu_seconds", "Processor time that a process has used.", labels=["process"]
        )
        restarts = CounterMetricFamily(
            "vidik_process_restarts", "Times that the supervisor started a process again.", labels=["process"]
        )
        for name, resident_bytes, cpu_seconds in self._figures():
            resident.add_metric([name], resident_bytes)
            seconds.add_metric([name], cpu_seconds)
        for file in sorted(self._run_folder.glob("*.restarts")):
            with contextlib.suppress(OSError, ValueError):
                restarts.add_metric([file.stem], float(file.read_text()))
        return [resident, seconds, restarts]

    def _figures(self) -> Iterator[tuple[str, float, float]]:
        for name, process in running_processes(self._run_folder):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    yield name, float(process.memory_info().rss), times.user + times.system
            except psutil.Error:
                continue
