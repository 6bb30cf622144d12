"""Metrics of the whole family, answered by one process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vidik.kernel.processes import note_process
from vidik.kernel.telemetry import exposition, published


class Doors(Collector):
    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("vidik_test_connections", "Connections held now.", value=7)


def test_processes_of_the_family_are_measured(tmp_path: Path) -> None:
    note_process(tmp_path, "web", os.getpid())
    (tmp_path / "intake.restarts").write_text("3\n")

    text = exposition(tmp_path).decode()

    assert 'vidik_process_resident_bytes{process="web"}' in text
    assert 'vidik_process_restarts_total{process="intake"} 3.0' in text


async def test_a_collector_of_another_process_is_shown_until_it_ends(tmp_path: Path) -> None:
    async with published(Doors(), tmp_path, "intake"):
        await asyncio.sleep(0.1)
        assert b"vidik_test_connections 7.0" in exposition(tmp_path)

    assert b"vidik_test_connections" not in exposition(tmp_path)


def test_counters_of_all_processes_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    count = "from vidik.kernel.telemetry import PERIODIC_FAILURES as f; f.labels('x').inc(2)"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environment, check=True)
    show = (
        "import sys; from pathlib import Path; from vidik.kernel.telemetry import exposition;"
        f"sys.stdout.buffer.write(exposition(Path({str(tmp_path)!r})))"
    )

    text = subprocess.run([sys.executable, "-c", show], env=environment, check=True, capture_output=True).stdout

    assert b'vidik_periodic_job_failures_total{job="x"} 4.0' in text
