"""A city's meters at once: time and memory of thousands, and how they shrink with workers.

Meters are those of Cambridge with noise of the day and of the week, drawn month by month, so that no two are the same.
Asked for by name only, with `--meters`; 100,000 need 10 GB of disk where temporary files lie.
"""

import argparse
import asyncio
import gzip
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil

from bench.report import Figure, Report
from vidik.pilots.folders.evaluating import evaluate_folder
from vidik.pilots.folders.files import Task, meter_files
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Period, Series

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cambridge"
WEATHER = DATA / "weather_bedford.csv.gz"
VARIANTS = 20
"""Of each month of the 48 meters."""
NOISE = ((24, 0.03), (168, 0.08))
"""Of so many hours each, by which share (logarithm)."""
HEAD = gzip.compress(b"datetime,kwh\n")
CITY = 100_000
MEGABYTE = 1024**2
COUNTED = 3_000_000


async def run(report: Report, options: argparse.Namespace) -> None:
    """Skips, and says so, where the recordings are absent."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not DATA.is_dir():
        report.say("the meters of Cambridge (../shared/data/cambridge) are not on this machine: left out")
        return
    await asyncio.to_thread(_city, report, options.meters)


def _city(report: Report, meters: int) -> None:
    workers = os.cpu_count() or 1
    with TemporaryDirectory() as place:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            limit = together(pool, workers)
            originals = meter_files(DATA, without=WEATHER)
            make = partial(made, Path(place), meters, len(originals))
            list(pool.map(make, enumerate(originals)))
        files = meter_files(Path(place))
        report.say(f"{len(files):,} meters written")
        task = Task(
            fit=Period(date(2018, 1, 1), date(2018, 12, 31)),
            test=Period(date(2019, 1, 1), date(2019, 12, 31)),
            weather=WEATHER,
            zone="Europe/London",
        )
        own = psutil.Process()
        memory: dict[str, str] = {}

        def progress(done: int, of: int) -> None:
            if done % max(of // 100, 1) == 0:
                children = [child.memory_info().rss for child in own.children(recursive=True)]
                sizes = f"{own.memory_info().rss / MEGABYTE:.0f} MB, largest worker {max(children) / MEGABYTE:.0f} MB"
                if done % max(of // 10, 1) == 0:
                    memory[f"after {done:,}"] = sizes
                report.say(f"{done:,} of {of:,} meters, {time.perf_counter() - begin:.0f} s; this process {sizes}")

        begin = time.perf_counter()
        found = evaluate_folder(files, files, task, workers=workers, progress=progress)
        seconds = time.perf_counter() - begin
    evaluated = [(meter.reading_seconds, meter.seconds) for meter in found.evaluated]
    reading, fitting = np.mean(evaluated, axis=0)
    report.add(
        Figure(
            f"{meters:,} meters with reading and earlier years, {workers} processes: time a meter",
            seconds / meters,
            "s",
            goal=0.1,
            higher_is_better=False,
            details={
                "all together": f"{seconds:.0f} s, {len(evaluated):,} evaluated",
                "processor time of one: reading": f"{reading:.3f} s",
                "processor time of one: fitting": f"{fitting:.3f} s",
                **_extrapolated(seconds / meters, meters),
                f"{workers} processes of this machine do, of what one does": f"{limit:.2f} times",
                "largest that a worker was": f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB",
                **memory,
            },
        )
    )


def _extrapolated(pace: float, meters: int) -> dict[str, str]:
    if meters >= CITY:
        return {}
    return {f"{CITY:,} meters at this pace (extrapolated)": f"{pace * CITY / 60:.0f} minutes"}


def together(pool: ProcessPoolExecutor, workers: int) -> float:
    """How much more than one process all together count: what no division of work can exceed just now."""
    list(pool.map(_count, [1] * workers))
    alone = min(pool.submit(_count, COUNTED).result() for _ in range(3))
    begin = time.perf_counter()
    list(pool.map(_count, [COUNTED] * workers))
    return workers * alone / (time.perf_counter() - begin)


def _count(until: int) -> float:
    begin = time.perf_counter()
    sum(number * number for number in range(until))
    return time.perf_counter() - begin


def made(place: Path, meters: int, of: int, original: tuple[int, Path]) -> None:
    """Every `of`-th meter, of one original: each month is one of its variants, so that no two meters are the same."""
    first, source = original
    series, _ = read_csv(source.read_bytes(), column=None, unit="KWH", zone="UTC", kind="amount")
    months = _months(series)
    for number in range(first, meters, of):
        drawn = np.random.default_rng(number).integers(0, VARIANTS, len(months))
        parts = (variants[one] for variants, one in zip(months, drawn, strict=True))
        (place / f"{number:06d}-{source.name}").write_bytes(HEAD + b"".join(parts))


def _months(series: Series) -> list[list[bytes]]:
    """Of each month the variants, packed: members of a file that are put together without packing them again."""
    times = np.char.replace(np.datetime_as_string(series.times.astype("datetime64[s]")), "T", " ")
    hours = np.arange(len(times))
    month = series.times.astype("datetime64[M]").astype(np.int64)
    found = []
    for number in np.unique(month).tolist():
        own = month == number
        random = np.random.default_rng([number, len(times)])
        packed = []
        for _ in range(VARIANTS):
            factor = np.exp(
                sum(random.normal(0, size, hours[-1] // step + 1)[hours[own] // step] for step, size in NOISE)
            )
            values = (series.values[own] * factor).tolist()
            lines = (
                f"{at},{'' if value != value else f'{value:.2f}'}\n"
                for at, value in zip(times[own].tolist(), values, strict=True)
            )
            packed.append(gzip.compress("".join(lines).encode(), compresslevel=1))
        found.append(packed)
    return found
