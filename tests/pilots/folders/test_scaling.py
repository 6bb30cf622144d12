"""Meters over several machines: tried with two workers of this one."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from tests.pilots.made import building, warmth, write_csv
from typer.testing import CliRunner

from vidik.cli import app, pilots  # noqa: F401  registers its command
from vidik.pilots.folders.evaluating import evaluate_folder
from vidik.pilots.folders.files import Task, meter_files
from vidik.pilots.folders.meter import Meter
from vidik.pilots.measurement.series import Period

distributed = pytest.importorskip("distributed", reason="Dask is an extra: pip install vidik[scale]")

from vidik.pilots.folders.scaling import cluster, map_over  # noqa: E402  it imports Dask, whose absence skips the file above


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    with warnings.catch_warnings():
        # Dask's own sockets and loops may outlive the block that closes them.
        warnings.simplefilter("ignore")
        with cluster(workers=2) as started:
            yield started


class TestMapOver:
    def test_results_come_in_the_order_of_the_items(self, client: distributed.Client) -> None:
        assert list(map_over(client, math.sqrt, [float(number) for number in range(100)])) == [
            math.sqrt(number) for number in range(100)
        ]

    def test_both_workers_take_part(self, client: distributed.Client) -> None:
        assert len(set(map_over(client, _process, list(range(40))))) == 2

    def test_an_error_is_raised_here(self, client: distributed.Client) -> None:
        with pytest.raises(ValueError, match=r"math domain|nonnegative"):
            list(map_over(client, math.sqrt, [1.0, -1.0]))

    def test_nothing_to_do(self, client: distributed.Client) -> None:
        assert list(map_over(client, math.sqrt, [])) == []


def test_a_folder_comes_out_the_same_as_in_one_process(client: distributed.Client, tmp_path: Path) -> None:
    for number in range(4):
        write_csv(tmp_path / f"m{number}.csv", building(f"m{number}", seed=number))
    weather = write_csv(tmp_path / "weather.csv", warmth(), "temperature")
    files = meter_files(tmp_path, without=weather)
    fit, test = Period(date(2022, 1, 1), date(2022, 12, 31)), Period(date(2023, 1, 1), date(2023, 12, 31))
    task = Task(fit=fit, test=test, weather=weather, zone="UTC")

    alone = evaluate_folder(files, files, task, workers=1)
    together = evaluate_folder(files, files, task, over=partial(map_over, client))

    # NaN does not equal itself once it has travelled.
    assert [_shown(meter) for meter in together.meters] == [_shown(meter) for meter in alone.meters]

    periods = ("--fit", "2022-01-01..2022-12-31", "--test", "2023-01-01..2023-12-31", "--zone", "UTC", "--json")
    where = ("--meters", str(tmp_path), "--weather", str(weather), "--calibrate", str(tmp_path))
    commanded = CliRunner().invoke(
        app, ["pilots", "evaluate", *where, *periods, "--scheduler", client.scheduler.address]
    )
    assert commanded.exit_code == 0, commanded.output
    found = {row["meter"]: row["saving"] for row in json.loads(commanded.stdout)["meters"]}
    assert found == pytest.approx({meter.name: meter.saving for meter in alone.meters})


def _shown(meter: Meter) -> tuple[str, str | None, str, str]:
    return meter.name, meter.model, f"{meter.saving:.6f}", repr(meter.interval)


def _process(item: int) -> int:
    import time

    time.sleep(0.05)
    return os.getpid() + 0 * item
