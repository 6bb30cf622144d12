"""`vidik pilots evaluate`: one meter or a folder of them, without a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import chain
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer

from vidik.cli import JSON, complaints, console, pilot
from vidik.kernel.errors import BadInput, VidikError

if TYPE_CHECKING:
    from vidik.pilots.folders.files import Task
    from vidik.pilots.folders.meter import FolderOutcome, Meter
    from vidik.pilots.measurement.series import Period
    from vidik.pilots.outcome import Interval

Kind = Literal["amount", "counter"]
TABLE_WIDTH = 170
MODELS = ("best", "time_of_week_temperature", "hourly_signature", "mean_week")


@pilot.command("evaluate")
def evaluate(
    meters: Annotated[Path, typer.Option(help="A CSV file (also .gz), or a folder of them: datetime, kWh.")],
    fit: Annotated[str, typer.Option(help="Baseline, for example 2018-01-01..2018-12-31.")],
    test: Annotated[str, typer.Option(help="Reporting period, in the same form.")],
    weather: Annotated[Path | None, typer.Option(help="A CSV file: datetime, temperature.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Meters in which nothing was changed; may be the same folder.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The meters' column, where it is not plain.")] = None,
    temperature_column: Annotated[str | None, typer.Option(help="The weather's column.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Of the meters, a UN/CEFACT code. Left out: as the column's name says, else KWH.")
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", "--timezone", help="Time zone of the people, for example Europe/Belgrade. Left out: found."
        ),
    ] = None,
    kind: Annotated[str, typer.Option(help="amount: of each step; counter: a reading that grows.")] = "amount",
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help="Of the intervals.")] = 0.9,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "best",
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes; all cores if left out.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Of Dask (tcp://host:8786): its workers do the work. Extra 'scale'.")
    ] = None,
    cross_check: Annotated[bool, typer.Option(help="Also by OpenDSM (the extra 'crosscheck').")] = False,
    as_json: Annotated[bool, typer.Option(JSON, help="Print JSON.")] = False,
) -> None:
    """Fit a baseline, project it, and say what was saved and how sure that is.

    Where nothing was changed in the test period, coverage should be near the level and false savings few.
    """
    # Small matrices: threads of the linear algebra only get into each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from vidik.pilots.folders.evaluating import evaluate_folder
    from vidik.pilots.folders.files import Task, meter_files, weather_alone

    with _errors_as_json(as_json):
        if model not in MODELS:
            raise BadInput(f"There is no model '{model}'; there are {', '.join(MODELS)}.", field="model")
        if kind not in get_args(Kind):
            raise BadInput(f"A meter is an amount or a counter, not '{kind}'.", field="kind")
        task = Task(
            fit=_period(fit, "fit"),
            test=_period(test, "test"),
            weather=weather,
            column=column,
            temperature_column=temperature_column,
            unit=unit,
            zone=_zone(zone),
            kind=cast(Kind, kind),
            level=level,
            model=None if model == "best" else cast(Any, model),
            cross_check=cross_check,
        )
        if cross_check:
            from vidik.pilots.baselines.opendsm_check import require

            require()
        left_out = weather_alone(weather, column, temperature_column)
        files = meter_files(meters, without=left_out)
        others = meter_files(calibrate, without=left_out, option="calibrate") if calibrate is not None else []
        if scheduler is not None:
            outcome = _elsewhere(files, others, task, scheduler)
        elif as_json:
            outcome = evaluate_folder(files, others, task, workers=workers)
        else:
            outcome = _with_progress(files, others, task, workers)
    if as_json:
        _print_json(outcome)
    else:
        _print_table(outcome)
    if next(outcome.evaluated, None) is None:
        complaints.print(f"[bold red]{_why_nothing(outcome)}[/]")
        raise typer.Exit(1)


@contextmanager
def _errors_as_json(wanted: bool) -> Iterator[None]:
    """Who reads JSON finds the refusal there, too; the sentence still goes to standard error."""
    try:
        yield
    except VidikError as refused:
        if wanted:
            import orjson

            error = {"code": refused.code, "detail": refused.detail, "field": refused.field}
            typer.echo(orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2).decode())
        raise


def _why_nothing(outcome: FolderOutcome) -> str:
    """Why no meter at all could be evaluated: one reason, of those that were the first."""
    first, count = outcome.meters[0], len(outcome.meters)
    many = f" The first of {count} refused meters:" if count > 1 else ""
    return f"Nothing could be evaluated.{many} {_named(first.refused or '', first.name)}"


def _named(text: str, subject: str | None) -> str:
    """A sentence that says which file it is about."""
    return text if subject is None or subject in text else f"{subject}: {text}"


def _elsewhere(files: list[Path], others: list[Path], task: Task, scheduler: str) -> FolderOutcome:
    """By the workers of a Dask cluster, which look for the files under the same paths."""
    from contextlib import ExitStack
    from functools import partial

    from vidik.pilots.folders.evaluating import evaluate_folder
    from vidik.pilots.folders.scaling import ScalingUnavailable, cluster, map_over

    with ExitStack() as stack:
        try:
            client = stack.enter_context(cluster(scheduler))
        except ScalingUnavailable as missing:
            raise BadInput(str(missing), field="scheduler") from missing
        except (OSError, ValueError) as error:
            raise BadInput(f"The scheduler {scheduler} does not answer: {error}.", field="scheduler") from error
        return evaluate_folder(
            [file.absolute() for file in files],
            [file.absolute() for file in others],
            replace(task, weather=task.weather.absolute() if task.weather else None),
            over=partial(map_over, client),
        )


def _with_progress(files: Any, others: Any, task: Any, workers: int | None) -> FolderOutcome:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from vidik.pilots.folders.evaluating import evaluate_folder

    with Progress(
        "[progress.description]{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=complaints,
        transient=True,
    ) as bar:
        line = bar.add_task("meters", total=None)
        return evaluate_folder(
            files,
            others,
            task,
            workers=workers,
            progress=lambda done, of: bar.update(line, completed=done, total=of),
        )


def _print_json(outcome: FolderOutcome) -> None:
    import orjson

    from vidik.pilots.folders.summary import covers_zero, fraction, summary
    from vidik.pilots.plain import plain

    def row(meter: Meter) -> dict[str, Any]:
        fit = meter.fit
        return {
            "meter": meter.name,
            "refused": meter.refused,
            "model": meter.model,
            "cv_rmse_hourly": fit.cv_rmse_hourly if fit else None,
            "cv_rmse_daily": fit.cv_rmse_daily if fit else None,
            "cv_rmse_monthly": fit.cv_rmse_monthly if fit else None,
            "nmbe": fit.nmbe if fit else None,
            "r2": fit.r2 if fit else None,
            "baseline_fit": meter.baseline_fit,
            "unit": meter.unit,
            "actual": meter.actual,
            "counterfactual": meter.counterfactual,
            "saving": meter.saving,
            "saving_fraction": fraction(meter),
            "guideline_14": meter.guideline_14,
            "interval": meter.interval,
            "covers_zero": covers_zero(meter.interval) if meter.interval else None,
            "verdict": meter.verdict,
            "p_value": meter.p_value,
            "days": meter.days,
            "seconds": round(meter.seconds, 4),
            "findings": meter.findings,
            "cross_check": meter.cross_check,
        }

    document = {
        "fit": {"first": outcome.task.fit.first, "last": outcome.task.fit.last},
        "test": {"first": outcome.task.test.first, "last": outcome.task.test.last},
        "level": outcome.task.level,
        "zone": outcome.clock,
        "seconds": round(outcome.seconds, 3),
        "workers": outcome.workers,
        "weather": {"findings": outcome.weather},
        "calibration": {"refused": {meter.name: meter.refused for meter in outcome.no_placebos}},
        "summary": summary(outcome),
    }

    def text(part: dict[str, Any], indent: str) -> str:
        return orjson.dumps(plain(part), option=orjson.OPT_INDENT_2).decode().replace("\n", "\n" + indent)

    # Meter by meter: of 100,000 the whole would be several hundred megabytes.
    typer.echo(text(document, "").removesuffix("\n}") + ',\n  "meters": [', nl=False)
    for number, meter in enumerate(outcome.meters):
        typer.echo(("," if number else "") + "\n    " + text(row(meter), "    "), nl=False)
    typer.echo("\n  ]\n}")


def _print_table(outcome: FolderOutcome) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from vidik.pilots.folders.summary import fraction, summary

    table = Table(box=SIMPLE_HEAD)
    for heading in ("meter", "model"):
        table.add_column(heading, overflow="fold")
    for heading in ("hourly", "daily", "monthly", "NMBE", "saving", "Guideline 14", "calibrated"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for meter in outcome.meters:
        if meter.refused is not None:
            table.add_row(meter.name, "refused", *[""] * 7, "")
            continue
        fit, base = meter.fit, meter.counterfactual
        table.add_row(
            meter.name,
            meter.model,
            *(
                _percent(value)
                for value in ((fit.cv_rmse_hourly, fit.cv_rmse_daily, fit.cv_rmse_monthly, fit.nmbe) if fit else ())
            ),
            _percent(fraction(meter)),
            *(_range(one, base) for one in (meter.guideline_14, meter.interval)),
            {"saved": "saved", "worse": "worse", "not_shown": "not shown", None: ""}[meter.verdict],
        )
    # A table that is cut to fit says nothing: it goes beyond a narrow terminal instead.
    Console(highlight=False, width=max(console.width, TABLE_WIDTH)).print(table)
    for finding in chain(outcome.weather, (finding for meter in outcome.meters for finding in meter.findings)):
        console.print(f"{finding.severity:>9}  {_named(finding.text, finding.subject)}", markup=False)
    for meter in outcome.meters:
        if meter.refused is not None and all(finding.text != meter.refused for finding in meter.findings):
            console.print(f"  refused  {_named(meter.refused, meter.name)}", markup=False)
    for meter in outcome.no_placebos:
        console.print(f"  no runs  {_named(meter.refused or '', meter.name)} It calibrates nothing.", markup=False)
    if next(outcome.evaluated, None) is None:
        return
    found = summary(outcome)
    console.print()
    for words, key in (
        ("median CV(RMSE) hourly", "median_cv_rmse_hourly"),
        ("median CV(RMSE) daily", "median_cv_rmse_daily"),
        ("median CV(RMSE) monthly", "median_cv_rmse_monthly"),
        ("median NMBE", "median_nmbe"),
        ("median half width of the calibrated interval", "median_half_width"),
        ("calibrated intervals that hold zero", "coverage"),
        ("declared saved", "false_savings"),
        ("Guideline 14 intervals that hold zero", "coverage_guideline_14"),
        ("saved, by Guideline 14", "false_savings_guideline_14"),
    ):
        console.print(f"{words:>45}  {_percent(found[key])}")
    for injected in found["injected"]:
        console.print(
            f"{'had all saved ' + _percent(injected['saving']):>45}  {_percent(injected['recovered_median'])} found, "
            f"shown in {_percent(injected['shown'])}"
        )
    console.print(
        f"{found['evaluated']} of {found['meters']} meters in {outcome.seconds:.1f} s, clock: {outcome.clock}."
    )
    console.print(outcome.placebos)


def _range(interval: Interval | None, base: float) -> str:
    """An interval as shares of the counterfactual; without any placebo run nothing is known."""
    if interval is None or not base > 0:
        return ""
    low, high = interval.low, interval.high
    return f"{_percent(low / base)} to {_percent(high / base)}" if low > -inf and high < inf else "not known"


def _percent(value: float | None) -> str:
    return "" if value is None or value != value else f"{100 * value:.1f} %"


def _period(text: str, field: str) -> Period:
    from vidik.pilots.measurement.series import Period

    first, dots, last = text.partition("..")
    try:
        if not dots:
            raise ValueError(text)
        return Period(date.fromisoformat(first.strip()), date.fromisoformat(last.strip()))
    except ValueError as error:
        detail = (
            str(error) if "before it begins" in str(error) else f"'{text}' is no period: write 2018-01-01..2018-12-31."
        )
        raise BadInput(detail, field=field, code="no-period") from error


def _zone(name: str | None) -> str | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"There is no time zone '{name}'; write for example Europe/Belgrade.", field="zone") from error
    return name
