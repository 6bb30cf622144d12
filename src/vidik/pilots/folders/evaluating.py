"""A folder of meters evaluated at once, on all cores: what `vidik pilots evaluate` prints.

Each file is read, fitted and projected on its own; what it gives as placebo runs (itself in earlier years, and in the
same periods) is small and comes back with it. What came back is laid aside on disk, but for the scores of its runs and
its weeks. Only then is each meter's interval made, from the runs of all others.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path

from vidik.kernel.errors import BadInput, VidikError
from vidik.pilots.assessment import asked_and_missing, assess
from vidik.pilots.baselines.clock import SAMPLE, find_clock
from vidik.pilots.baselines.counterfactual import project
from vidik.pilots.evaluation import sum_guideline_14
from vidik.pilots.folders.calibration import Pool, calibrated
from vidik.pilots.folders.files import Task, name_of, read_meter, read_other, read_weather
from vidik.pilots.folders.meter import FolderOutcome, Meter
from vidik.pilots.folders.shelf import Shelf
from vidik.pilots.measurement.series import Series
from vidik.pilots.measurement.twins import pulse_of
from vidik.pilots.outcome import Finding
from vidik.pilots.uncertainty.placebo import Placebo, moved_periods, placebo_of, spread_of

Reader = Callable[[Path, Task, str], tuple[Series, list[Finding]]]
Job = tuple[Reader, Path]

FEW_FILES = 12
"""So few are done faster in this process than others start."""
CHUNK = 16
CHUNKS_AHEAD = 4
"""How much each process has before it: enough that none waits, and no more is held than that."""


def evaluate_folder(
    files: Sequence[Path],
    calibrate: Sequence[Path],
    task: Task,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    over: Callable[[Callable[[Path], Meter], Sequence[Path]], Iterable[Meter]] | None = None,
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
    weather = read_weather(task, clock)
    calibrating = {os.path.realpath(file) for file in calibrate}
    in_pool = bytearray(os.path.realpath(file) in calibrating for file in files)
    others = [Path(name) for name in sorted(calibrating.difference(map(os.path.realpath, files)))]
    del calibrating
    of = len(files) + len(others)
    chosen = workers or (1 if of <= FEW_FILES else os.cpu_count() or 1)
    done: Iterator[Meter]
    if over:
        done = chain(
            over(partial(_work, task, clock, read_meter), files), over(partial(_work, task, clock, read_other), others)
        )
    else:
        jobs = chain(((read_meter, file) for file in files), ((read_other, file) for file in others))
        done = _all(jobs, of, task, clock, chosen)
    laid, pool, no_placebos = Shelf[Meter](), Pool(task.test), list[Meter]()
    for place, meter in enumerate(done):
        if place < len(files):
            laid.append(meter)
        elif meter.refused is not None:
            no_placebos.append(meter)
        pool.add(meter.name, meter.placebos if place >= len(files) or in_pool[place] else [], meter.pulse)
        if progress:
            progress(place + 1, of)
    found, how = calibrated(laid, pool, task.level)
    seconds = time.perf_counter() - begin
    return FolderOutcome(task, found, clock, how, seconds, chosen, weather[1] if weather else [], no_placebos)


def _all(jobs: Iterator[Job], of: int, task: Task, clock: str, workers: int) -> Iterator[Meter]:
    """In the order of the jobs, by this process alone or by several."""
    if workers == 1:
        yield from (_work(task, clock, reader, file) for reader, file in jobs)
        return
    # New processes, not copies of this one: a copy would share the state of its threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    size = max(1, min(CHUNK, of // (4 * workers)))
    with ProcessPoolExecutor(min(workers, of), mp_context=get_context("spawn")) as pool:
        ahead: deque[Future[list[Meter]]] = deque()
        while some := list(islice(jobs, size)):
            ahead.append(pool.submit(_work_all, task, clock, some))
            if len(ahead) > CHUNKS_AHEAD * workers:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _work_all(task: Task, clock: str, jobs: Sequence[Job]) -> list[Meter]:
    return [_work(task, clock, reader, file) for reader, file in jobs]


def _clock_of(files: Sequence[Path], task: Task) -> str:
    samples: list[Series] = []
    for file in files[:: max(1, len(files) // SAMPLE)][:SAMPLE]:
        try:
            samples.append(read_meter(file, task, "UTC")[0])
        except VidikError:
            continue
    weather = read_weather(task, "UTC")
    return find_clock(samples, weather[0] if weather else None, task.fit)


def _work(task: Task, clock: str, reader: Reader, file: Path) -> Meter:
    """One file; whatever is wrong with it becomes a sentence, so that it cannot end the others."""
    weather = read_weather(task, clock)
    try:
        return _evaluated(reader, file, weather[0] if weather else None, task, clock)
    except VidikError as error:
        return Meter(name_of(file), file, error.detail)
    except Exception as error:
        return Meter(name_of(file), file, f"{name_of(file)} cannot be evaluated: {type(error).__name__}, {error}.")


def _evaluated(reader: Reader, file: Path, temperature: Series | None, task: Task, clock: str) -> Meter:
    """One file: read, assess, and run as a placebo."""
    name = name_of(file)
    begin = time.process_time()
    series, findings = reader(file, task, clock)
    reading, begin = time.process_time() - begin, time.process_time()
    assessment = assess(series, temperature, task.fit, task.test, model=task.model)
    seconds = time.process_time() - begin
    findings = [*findings, *assessment.findings, *_backwards(name, task)]
    if assessment.run is not None:
        findings += asked_and_missing(assessment.run, assessment.findings, task.fit, task.test, ())
    placebos, pulse = _placebos(series, temperature, task), pulse_of(series, task.fit)
    run = assessment.run
    if run is None:
        return Meter(name, file, assessment.refusal, findings=findings, placebos=placebos, pulse=pulse)
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
        findings=findings,
        placebos=placebos,
        pulse=pulse,
        seconds=seconds,
        reading_seconds=reading,
        cross_check=crossed,
        unit=series.unit,
    )


def _backwards(name: str, task: Task) -> list[Finding]:
    if task.fit.first < task.test.first:
        return []
    text = (
        f"{name}: the test period lies before the fit period, so what is called a saving here was used more later. "
        "No saving is declared."
    )
    return [Finding("test-before-fit", "warning", text, name, task.test.first, task.test.last)]


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
