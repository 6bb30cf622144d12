"""A folder of meters evaluated at once, on all cores: what `vidik pilots evaluate` prints.

Each file is read, fitted and projected on its own; what it gives as placebo runs (itself in earlier years, and in the
same periods) is small and comes back with it. Only then is each meter's interval made, from the runs of all others.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from vidik.kernel.errors import BadInput, VidikError
from vidik.pilots.assessment import assess
from vidik.pilots.baselines.clock import SAMPLE, by_clock, find_clock
from vidik.pilots.baselines.counterfactual import project
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.calibration import calibrated
from vidik.pilots.evaluation import sum_guideline_14
from vidik.pilots.measurement.reading import Kind, read_csv
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.outcome import Finding, Fit, Interval
from vidik.pilots.uncertainty.placebo import Placebo, moved_periods, placebo_of, spread_of

SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv")
FEW_FILES = 12
"""So few are done faster in this process than others start."""


@dataclass(frozen=True)
class Task:
    """What to do with every meter of a folder. `zone` None: find the clock that the meters' people live by."""

    fit: Period
    test: Period
    weather: Path | None = None
    column: str | None = None
    temperature_column: str | None = None
    unit: str = "KWH"
    zone: str | None = None
    kind: Kind = "amount"
    level: float = 0.9
    model: ModelName | None = None
    cross_check: bool = False


@dataclass(frozen=True)
class Meter:
    """What was found of one meter; `refused` says why nothing was computed."""

    name: str
    file: Path
    refused: str | None
    model: str | None = None
    fit: Fit | None = None
    """Of the prediction against the test period."""
    baseline_fit: Fit | None = None
    actual: float = math.nan
    counterfactual: float = math.nan
    spread: float = math.nan
    days: int = 0
    guideline_14: Interval | None = None
    interval: Interval | None = None
    verdict: str | None = None
    p_value: float | None = None
    blocked: bool = False
    findings: list[Finding] = field(default_factory=list)
    placebos: list[Placebo] = field(default_factory=list)
    """What it gives to the others."""
    seconds: float = 0.0
    """Of one core, for choosing the model, fitting and projecting; reading the file is `reading_seconds`."""
    reading_seconds: float = 0.0
    cross_check: dict[str, float | str | None] | None = None

    @property
    def saving(self) -> float:
        """In the unit of the meter."""
        return self.counterfactual - self.actual


@dataclass(frozen=True)
class FolderOutcome:
    """All meters, and what holds over them."""

    task: Task
    meters: list[Meter]
    clock: str
    placebos: str
    """How the placebo runs were made, in words."""
    seconds: float
    workers: int

    @property
    def evaluated(self) -> list[Meter]:
        """The meters of which something can be said."""
        return [meter for meter in self.meters if meter.refused is None]


def meter_files(place: Path, *, without: Path | None = None) -> list[Path]:
    """The meters' files of a folder, or the one file; without the weather file. Raises BadInput where there is none."""
    if not place.exists():
        raise BadInput(f"There is no file or folder {place}.", field="meters", code="no-such-place")
    if place.is_file():
        return [place]
    hidden = without.resolve() if without is not None else None
    files = sorted(
        file
        for file in place.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and file.name.lower().endswith(SUFFIXES)
        and file.resolve() != hidden
    )
    if not files:
        raise BadInput(f"There is no CSV file in {place}.", field="meters", code="folder-empty")
    return files


def evaluate_folder(
    files: Sequence[Path],
    calibrate: Sequence[Path],
    task: Task,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    over: Callable[[Callable[[Path], Meter], Sequence[Path]], list[Meter]] | None = None,
) -> FolderOutcome:
    """Evaluate every file and calibrate each interval by the placebo runs of all other files of `calibrate`.

    No meter is calibrated by itself. `progress` is told how many files are done, of how many. `over` does the work
    elsewhere: `partial(scaling.map_over, client)`, on machines that see the files under the same paths. Raises BadInput
    where the weather cannot be read, or the periods overlap; a meter that cannot be read is refused, with the reason.
    """
    if task.test.overlaps(task.fit):
        raise BadInput("The fit period and the test period overlap.", field="test", code="periods-overlap")
    begin = time.perf_counter()
    clock = task.zone or _clock_of(files, task)
    others = sorted({file.resolve() for file in calibrate} - {file.resolve() for file in files})
    jobs = [*files, *others]
    chosen = workers or (1 if len(jobs) <= FEW_FILES else os.cpu_count() or 1)
    done = over(partial(_work, task=task, clock=clock), jobs) if over else _all(jobs, task, clock, chosen, progress)
    pool = {file.resolve() for file in calibrate}
    meters, how = calibrated(
        done[: len(files)], [meter for meter in done if meter.file.resolve() in pool], task.test, task.level
    )
    return FolderOutcome(task, meters, clock, how, time.perf_counter() - begin, chosen)


def _all(
    jobs: Sequence[Path], task: Task, clock: str, workers: int, progress: Callable[[int, int], None] | None
) -> list[Meter]:
    found = []
    if workers == 1:
        stream: Iterable[Meter] = (_work(file, task, clock) for file in jobs)
        for meter in stream:
            found.append(meter)
            if progress:
                progress(len(found), len(jobs))
        return found
    # New processes, not copies of this one: a copy would share the state of its threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
        chunk = max(1, min(16, len(jobs) // (4 * workers)))
        for meter in pool.map(_work, jobs, [task] * len(jobs), [clock] * len(jobs), chunksize=chunk):
            found.append(meter)
            if progress:
                progress(len(found), len(jobs))
    return found


_weather_of: dict[tuple[Path, str | None, str], Series] = {}


def _weather(task: Task, clock: str) -> Series | None:
    """The temperature, read once a process."""
    if task.weather is None:
        return None
    key = (task.weather, task.temperature_column, clock)
    if key not in _weather_of:
        _weather_of[key] = _read(task.weather, task, clock, is_weather=True)[0]
    return _weather_of[key]


def _read(file: Path, task: Task, clock: str, *, is_weather: bool = False) -> tuple[Series, list[Finding]]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", field="file", code="unreadable") from error
    series, findings = read_csv(
        data,
        column=task.temperature_column if is_weather else task.column,
        unit="CEL" if is_weather else task.unit,
        zone=task.zone or "UTC",
        kind="mean" if is_weather else task.kind,
        name=name_of(file),
    )
    return (series if task.zone else by_clock(series, clock)), findings


def name_of(file: Path) -> str:
    """The file's name without its endings."""
    name = file.name
    for suffix in (".gz", ".csv", ".txt", ".tsv"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name


def _clock_of(files: Sequence[Path], task: Task) -> str:
    samples: list[Series] = []
    for file in files[:: max(1, len(files) // SAMPLE)][:SAMPLE]:
        try:
            samples.append(_read(file, task, "UTC")[0])
        except VidikError:
            continue
    return find_clock(samples, _weather(task, "UTC"), task.fit)


def _work(file: Path, task: Task, clock: str) -> Meter:
    """One file; whatever is wrong with it becomes a sentence, so that it cannot end the others."""
    temperature = _weather(task, clock)
    try:
        return _evaluated(file, temperature, task, clock)
    except VidikError as error:
        return Meter(name_of(file), file, error.detail)
    except Exception as error:
        return Meter(name_of(file), file, f"{name_of(file)} cannot be evaluated: {type(error).__name__}, {error}.")


def _evaluated(file: Path, temperature: Series | None, task: Task, clock: str) -> Meter:
    """One file: read, assess, and run as a placebo."""
    name = name_of(file)
    begin = time.process_time()
    series, findings = _read(file, task, clock)
    reading, begin = time.process_time() - begin, time.process_time()
    assessment = assess(series, temperature, task.fit, task.test, model=task.model)
    seconds = time.process_time() - begin
    findings = [*findings, *assessment.findings]
    placebos = _placebos(series, temperature, task)
    run = assessment.run
    if run is None:
        return Meter(name, file, assessment.refusal, findings=findings, placebos=placebos)
    own = placebo_of(run, task.fit, task.test)
    if own is not None:
        placebos.append(own)
    crossed = None
    if task.cross_check and temperature is not None:
        from vidik.pilots.baselines.opendsm_check import cross_check

        crossed = cross_check(series, temperature, task.fit, task.test)
    return Meter(
        name,
        file,
        None,
        run.fitted.name,
        run.reporting_fit(),
        run.baseline_fit(),
        run.actual_total,
        run.predicted_total,
        spread_of([run]),
        run.days,
        sum_guideline_14([run], run.predicted_total - run.actual_total, task.level),
        blocked=assessment.blocked,
        findings=findings,
        placebos=placebos,
        seconds=seconds,
        reading_seconds=reading,
        cross_check=crossed,
    )


def _placebos(series: Series, temperature: Series | None, task: Task) -> list[Placebo]:
    """The meter in periods moved back by whole years."""
    found = []
    for first, second in moved_periods(task.fit, task.test, series):
        if second == task.test:
            continue
        run = project(series, temperature, first, second, model=task.model)
        placebo = placebo_of(run, first, second) if run is not None else None
        if placebo is not None:
            found.append(placebo)
    return found
