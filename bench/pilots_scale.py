"""A city's meters at once: time and memory of thousands, and how they shrink with workers.

Meters are those of Cambridge with noise of the day of their own, so that no two are the same; each variant is read from
several files (hard links), as it is reading and fitting that is measured. Asked for by name only, with `--meters`.
"""

import argparse
import asyncio
import gzip
import io
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
from vidik.pilots.folder import evaluate_folder
from vidik.pilots.folder_files import Task, meter_files
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Period

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cambridge"
WEATHER = DATA / "weather_bedford.csv.gz"
VARIANTS = 20
"""Of each of the 48 meters."""
NOISE = 0.03
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
            made = list(pool.map(partial(_variants, Path(place)), originals))
        files = [file for some in zip(*made, strict=True) for file in some][:meters]
        files += [_linked(files[number % len(files)], number) for number in range(len(files), meters)]
        task = Task(
            fit=Period(date(2018, 1, 1), date(2018, 12, 31)),
            test=Period(date(2019, 1, 1), date(2019, 12, 31)),
            weather=WEATHER,
            zone="Europe/London",
        )
        own = psutil.Process()
        memory: dict[str, str] = {}

        def progress(done: int, of: int) -> None:
            if done % max(of // 10, 1) == 0:
                children = [child.memory_info().rss for child in own.children(recursive=True)]
                sizes = f"{own.memory_info().rss / MEGABYTE:.0f} MB, largest worker {max(children) / MEGABYTE:.0f} MB"
                memory[f"after {done:,}"] = sizes
                report.say(f"{done:,} of {of:,} meters, {time.perf_counter() - begin:.0f} s; this process {sizes}")

        begin = time.perf_counter()
        found = evaluate_folder(files, files, task, workers=workers, progress=progress)
        seconds = time.perf_counter() - begin
    evaluated = found.evaluated
    report.add(
        Figure(
            f"{meters:,} meters with reading and earlier years, {workers} processes: time a meter",
            seconds / meters,
            "s",
            goal=0.1,
            higher_is_better=False,
            details={
                "all together": f"{seconds:.0f} s, {len(evaluated):,} evaluated",
                "processor time of one: reading": f"{np.mean([one.reading_seconds for one in evaluated]):.3f} s",
                "processor time of one: fitting": f"{np.mean([one.seconds for one in evaluated]):.3f} s",
                f"{CITY:,} meters at this pace (extrapolated)": f"{seconds / meters * CITY / 60:.0f} minutes",
                f"{workers} processes of this machine do, of what one does": f"{limit:.2f} times",
                "largest that a worker was": f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB",
                **memory,
            },
        )
    )


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


def _variants(place: Path, original: Path) -> list[Path]:
    series, _ = read_csv(original.read_bytes(), column=None, unit="KWH", zone="UTC", kind="amount")
    times = np.char.replace(np.datetime_as_string(series.times.astype("datetime64[s]")), "T", " ")
    days = np.arange(len(times)) // 24
    found = []
    for variant in range(VARIANTS):
        random = np.random.default_rng([variant, *original.name.encode()])
        values = series.values * np.exp(random.normal(0, NOISE, days[-1] + 1))[days]
        text = io.StringIO()
        text.write("datetime,kwh\n")
        text.writelines(
            f"{at},{'' if value != value else f'{value:.2f}'}\n"
            for at, value in zip(times, values.tolist(), strict=True)
        )
        file = place / f"{variant:02d}-{original.name}"
        file.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=1))
        found.append(file)
    return found


def _linked(file: Path, number: int) -> Path:
    link = file.with_name(f"{number:06d}-{file.name}")
    os.link(file, link)
    return link
