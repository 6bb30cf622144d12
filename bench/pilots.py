"""The evidence of pilots on real meters: how well baselines know a year not seen, how honest the intervals are.

Development was on 2017 -> 2018; 2018 -> 2019 is the check. Skips, and says so, where the recordings are absent.
"""

import asyncio
import functools
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.report import Figure, Report
from vidik.pilots.assessment import assess
from vidik.pilots.evaluation import sum_guideline_14
from vidik.pilots.folders.evaluating import evaluate_folder
from vidik.pilots.folders.files import Task, meter_files
from vidik.pilots.folders.meter import FolderOutcome, Meter
from vidik.pilots.folders.summary import Calibrated, shown, summary
from vidik.pilots.measurement.reading import Kind, read_csv
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.uncertainty.conformal import Ranked
from vidik.pilots.uncertainty.placebo import Placebo, bounds, placebo_interval, placebo_of, ranked

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SPLITS = 500
SEASONS = {"L4": range(2019, 2023), "L8": range(2021, 2023), "L12": range(2021, 2023)}
HEAT_SENSOR = "L4"
"""The other two substations' sensors stand where the sun warms them, and drift against this one from year to year."""


def _year(number: int) -> Period:
    return Period(date(number, 1, 1), date(number, 12, 31))


async def run(report: Report) -> None:
    """The rows about single meters, of buildings and of heat."""
    if (DATA / "cambridge").is_dir():
        await asyncio.to_thread(_buildings, report)
    else:
        report.say("the meters of Cambridge (../shared/data/cambridge) are not on this machine: left out")
    if (DATA / "nis-heating").is_dir():
        await asyncio.to_thread(_heat, report)
    else:
        report.say("the heating of Niš (../shared/data/nis-heating) is not on this machine: left out")


def _folder(kind: str, fit: int, workers: int | None = None) -> FolderOutcome:
    weather = DATA / "cambridge" / "weather_bedford.csv.gz"
    files = [file for file in meter_files(DATA / "cambridge", without=weather) if file.name.startswith(kind)]
    task = Task(fit=_year(fit), test=_year(fit + 1), weather=weather, zone="Europe/London")
    return evaluate_folder(files, files, task, workers=workers)


def _buildings(report: Report) -> None:
    outcomes = {(kind, fit): _folder(kind, fit) for kind in ("electricity", "gas") for fit in (2017, 2018)}
    development, check = (summary(outcomes["electricity", fit]) for fit in (2017, 2018))
    for words, key, goal in (("hourly", "median_cv_rmse_hourly", 0.20), ("daily", "median_cv_rmse_daily", 0.16)):
        report.add(
            Figure(
                f"electricity 2018 -> 2019, median CV(RMSE) {words}",
                100 * check[key],
                "%",
                goal=100 * goal,
                higher_is_better=False,
                details={"2017 -> 2018": f"{100 * development[key]:.1f} %"},
            )
        )
    one = _folder("electricity", 2018, workers=1)
    report.add(
        Figure(
            "time a meter: all candidates, choice, projection",
            median(meter.seconds for meter in one.evaluated),
            "s",
            goal=0.1,
            higher_is_better=False,
            details={"reading its file besides": f"{median(meter.reading_seconds for meter in one.evaluated):.3f} s"},
        )
    )
    everything = [meter for (_, fit), outcome in outcomes.items() if fit == 2018 for meter in outcome.evaluated]
    _coverage(report, everything)
    _injected(report, outcomes)


def _coverage(report: Report, meters: list[Meter]) -> None:
    """Random halves of the buildings: 2017 -> 2018 of one half calibrates, 2018 -> 2019 of the other is judged."""
    test = _year(2019)
    earlier = {meter.name: [one for one in meter.placebos if one.reporting != test] for meter in meters}
    later = {meter.name: next((one for one in meter.placebos if one.reporting == test), None) for meter in meters}
    buildings = sorted({name.rsplit("_", 1)[-1] for name in later})
    generator = np.random.default_rng(2026)
    inside, false, tried = [], [], 0
    for _ in range(SPLITS):
        calibrating = set(generator.permutation(buildings)[: len(buildings) // 2].tolist())
        scores = [one.score for name, runs in earlier.items() if name.rsplit("_", 1)[-1] in calibrating for one in runs]
        low, high, _ = bounds(Ranked.of(scores), 0.9)
        judged = [one for name, one in later.items() if one is not None and name.rsplit("_", 1)[-1] not in calibrating]
        tried += len(judged)
        inside.append(np.mean([low <= one.score <= high for one in judged]))
        false.append(np.mean([one.score < low for one in judged]))
    guided = [meter.guideline_14 for meter in meters if meter.guideline_14 is not None]
    report.add(
        Figure(
            "placebo coverage of the nominal 90 % interval, buildings and years not used",
            100 * float(np.mean(inside)),
            "%",
            goal=85,
            details={
                "how": f"{SPLITS} random halves of the buildings, {tried} intervals; at most 95 % is wanted",
                "each calibrated by all others' 2017 -> 2018": f"{100 * _leave_one_out(earlier, later)[0]:.1f} %",
                "Guideline 14": f"{100 * float(np.mean([one.low <= 0 <= one.high for one in guided])):.1f} %",
            },
        )
    )
    report.add(
        Figure(
            "false savings declared",
            100 * float(np.mean(false)),
            "%",
            goal=5,
            higher_is_better=False,
            details={
                "each calibrated by all others' 2017 -> 2018": f"{100 * _leave_one_out(earlier, later)[1]:.1f} %",
                "Guideline 14": f"{100 * float(np.mean([one.low > 0 for one in guided])):.1f} %",
            },
        )
    )


def _leave_one_out(earlier: dict[str, list[Placebo]], later: dict[str, Placebo | None]) -> tuple[float, float]:
    inside, false = [], []
    for name, one in later.items():
        if one is None:
            continue
        building = name.rsplit("_", 1)[-1]
        scores = [run.score for other, runs in earlier.items() if other.rsplit("_", 1)[-1] != building for run in runs]
        low, high, _ = bounds(Ranked.of(scores), 0.9)
        inside.append(low <= one.score <= high)
        false.append(one.score < low)
    return float(np.mean(inside)), float(np.mean(false))


def _injected(report: Report, outcomes: dict[tuple[str, int], FolderOutcome]) -> None:
    """Savings of a known size: how far the middle meter is off, and in how many it is shown."""
    for saving in (0.05, 0.1, 0.2):
        found, before = (shown(Calibrated.of(outcomes["electricity", fit].evaluated), saving) for fit in (2018, 2017))
        report.add(
            Figure(
                f"injected saving of {saving:.0%}: bias of the median recovered",
                100 * abs(found["recovered_median"] - saving),
                "pp",
                goal=1,
                higher_is_better=False,
                details={
                    "recovered": f"{100 * found['recovered_median']:.1f} %",
                    "shown as saved (power)": f"{100 * found['shown']:.0f} % of the meters",
                    "true saving within the interval": f"{100 * found['covered']:.1f} %",
                    "2017 -> 2018": f"{100 * before['recovered_median']:.1f} % recovered",
                },
            )
        )


@functools.cache
def _heat_series(name: str, column: str) -> tuple[Series, list[Any]]:
    data = (DATA / "nis-heating" / f"scada_{name}.csv.gz").read_bytes()
    kind: Kind = "counter" if column == "e" else "mean"
    unit = "MWH" if column == "e" else "CEL"
    return read_csv(data, column=column, unit=unit, zone="Europe/Belgrade", kind=kind, name=name)


def _season(year: int) -> Period:
    """The heating season that the law foresees."""
    return Period(date(year, 10, 15), date(year + 1, 4, 15))


def _heat(report: Report) -> None:
    weather = _heat_series(HEAT_SENSOR, "t_amb")[0]
    daily, bias, rows, placebos = [], [], {}, []
    for name, years in SEASONS.items():
        for year in years:
            first, second = _season(year), _season(year + 1)
            found = assess(_heat_series(name, "e")[0], weather, first, second)
            if found.run is None:
                continue
            fit = found.run.reporting_fit()
            daily.append(fit.cv_rmse_daily or np.nan)
            bias.append(fit.nmbe or np.nan)
            rows[f"{name} {year}/{year + 1 - 2000} -> {year + 1}/{year + 2 - 2000}"] = (
                f"{100 * daily[-1]:.1f} %, bias {100 * bias[-1]:+.1f} %"
            )
            placebo = placebo_of(found.run, first, second)
            if placebo is not None:
                placebos.append(
                    (
                        placebo,
                        found.run,
                        sum_guideline_14([found.run], found.run.predicted_total - found.run.actual_total, 0.9),
                    )
                )
    report.add(
        Figure(
            "Niš heat, season to season: median CV(RMSE) daily",
            100 * median(daily),
            "%",
            goal=13.5,
            higher_is_better=False,
            details=rows,
        )
    )
    report.add(
        Figure(
            "Niš heat, season to season: median bias",
            100 * abs(median(bias)),
            "%",
            goal=2.5,
            higher_is_better=False,
            details={"median of the sizes": f"{100 * median(abs(one) for one in bias):.1f} %"},
        )
    )
    inside = []
    guided = [one is not None and one.low <= 0 <= one.high for *_, one in placebos]
    for placebo, found, _ in placebos:
        others = ranked(one for one, _, _ in placebos if one.name != placebo.name)
        interval = placebo_interval(found.actual_total, found.predicted_total, placebo.spread, others, 0.9)
        inside.append(interval.low <= 0 <= interval.high)
    report.add(
        Figure(
            "Niš heat: widened intervals of the other substations' seasons that hold zero",
            100 * float(np.mean(inside)),
            "%",
            goal=85,
            details={
                "runs": len(inside),
                "Guideline 14": f"{sum(guided)} of {len(guided)}",
            },
        )
    )
    steps = [finding for finding in _heat_series("L4", "e")[1] if finding.code == "metering-step"]
    between = [
        finding for finding in steps if finding.first and date(2021, 1, 1) <= finding.first <= date(2021, 12, 31)
    ]
    report.add(
        Figure(
            "L4 between its second and third season: events asked about",
            len(between),
            "",
            goal=1,
            details={
                "share of the second season in gaps of the meter": f"{100 * _lost(_season(2020)):.0f} %",
                **{f"event {number + 1}": finding.text for number, finding in enumerate(between)},
            },
        )
    )


def _lost(season: Period) -> float:
    """Which share of what L4's counter shows for a season lies in hours that nobody knows."""
    series = _heat_series("L4", "e")[0]
    hours = (np.datetime64(season.first, "h"), np.datetime64(season.last, "h"))
    known = float(np.nansum(series.values[(series.times >= hours[0]) & (series.times < hours[1])]))
    raw = read_csv(
        (DATA / "nis-heating" / "scada_L4.csv.gz").read_bytes(),
        column="e", unit="MWH", zone="Europe/Belgrade", kind="mean", name="L4",
    )[0]  # fmt: skip
    standing = raw.values[(raw.times >= hours[0]) & (raw.times < hours[1]) & (raw.values > 1)]
    return 1 - known / float(standing.max() - standing.min())
