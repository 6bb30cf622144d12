"""From a frozen specification and data to an outcome, whatever the design."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from vidik.kernel.errors import Unprocessable
from vidik.pilots.assessment import Assessment, asked_and_missing, assess
from vidik.pilots.baselines.counterfactual import Counterfactual
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.hourly import hours_of, spread_finding
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.measurement.twins import days_of, without_twins
from vidik.pilots.outcome import Course, Finding, Interval, Outcome, UnitOutcome, values_of, verdict_of
from vidik.pilots.specification import Specification
from vidik.pilots.uncertainty.guideline_14 import guideline_14
from vidik.pilots.uncertainty.placebo import p_value, placebo_interval, placebo_runs, ranked, spread_of


def evaluate(
    specification: Specification,
    units: Mapping[str, Series],
    donors: Mapping[str, Series],
    temperature: Series | None,
    until: date | None = None,
    findings: Sequence[Finding] = (),
) -> Outcome:
    """The saving of a pilot, its interval and verdict; deterministic.

    Keys are `Signal.name`. `until` ends the reporting period early, to watch a pilot that still runs; `findings` are
    what reading the data found, and come first in the outcome's. Raises Unprocessable where nothing can be computed.
    """
    if specification.design != "baseline":
        from vidik.pilots.comparisons import compare

        compared = compare(specification, units, donors, until)
        names = [signal.name for signal in specification.units] if compared.hours is None else []
        return replace(compared, findings=[*findings, *compared.findings, *spread_finding(specification, names)])
    baseline, reporting = (
        specification.baseline.period,
        Period(specification.reporting.first, specification.counted_until(until)),
    )
    excluded = [exclusion.period for exclusion in specification.exclusions]
    calibrating, twice = donors_once(specification, units, donors)
    model: ModelName | None = None if specification.model == "best" else specification.model
    set_aside = "stuck" in specification.repairs
    assessed = [
        _assessed(signal.name, units, temperature, baseline, reporting, model, excluded, set_aside)
        for signal in specification.units
    ]
    runs = [run for _, run in assessed]
    level = specification.decision.level
    actual, counterfactual = sum(run.actual_total for run in runs), sum(run.predicted_total for run in runs)
    placebos = placebo_runs(
        calibrating.values(),
        temperature,
        baseline,
        reporting,
        model=model,
        excluded=excluded,
        set_aside_standstill=set_aside,
    )
    spread = spread_of(runs)
    scores = ranked(placebos)
    interval = placebo_interval(actual, counterfactual, spread, scores, level)
    found = [*findings, *twice, *(finding for assessment, _ in assessed for finding in assessment.findings)]
    if specification.estimator > 2:
        found += [one for run in runs for one in asked_and_missing(run, found, baseline, reporting, excluded)]
    if interval.note:
        found.append(Finding("placebos-few", "warning", interval.note, values={"placebos": len(placebos)}))
    found += spread_finding(specification, [run.name for run in runs if units[run.name].is_daily])
    return Outcome(
        verdict=verdict_of(interval, found),
        unit=specification.units[0].unit,
        actual=actual,
        counterfactual=counterfactual,
        saving=counterfactual - actual,
        fraction=(counterfactual - actual) / counterfactual if counterfactual > 0 else math.nan,
        interval=interval,
        guideline_14=sum_guideline_14(runs, counterfactual - actual, level),
        p_value=p_value(actual, counterfactual, spread, scores),
        units=[
            UnitOutcome(
                run.name,
                run.fitted.name,
                run.actual_total,
                run.predicted_total,
                run.predicted_total - run.actual_total,
                run.baseline_fit(),
            )
            for run in runs
        ],
        course=_course(runs, reporting, interval, counterfactual),
        findings=found,
        days=max((run.days for run in runs), default=0),
        hours=hours_of(specification, units, runs, reporting),
    )


def donors_once(
    specification: Specification, units: Mapping[str, Series], donors: Mapping[str, Series]
) -> tuple[Mapping[str, Series], list[Finding]]:
    """The donors without those that are another under a second name, and what to say of these.

    Raises Unprocessable where a unit of the pilot is given twice, or among its donors.
    """
    if specification.estimator == 1:
        return donors, []
    baseline = specification.baseline.period
    remaining, findings = without_twins(
        *({name: days_of(series, baseline) for name, series in some.items()} for some in (units, donors))
    )
    return {name: donors[name] for name in remaining}, findings


def _assessed(
    name: str,
    units: Mapping[str, Series],
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    model: ModelName | None,
    excluded: Sequence[Period],
    set_aside_standstill: bool,
) -> tuple[Assessment, Counterfactual]:
    if name not in units:
        raise Unprocessable(f"No data were given for {name}.", field="units", code="no-data", values={"name": name})
    assessment = assess(
        units[name],
        temperature,
        baseline,
        reporting,
        model=model,
        excluded=excluded,
        set_aside_standstill=set_aside_standstill,
    )
    if assessment.run is None:
        refused = assessment.refused
        raise Unprocessable(
            refused.text if refused else f"{name} cannot be evaluated.",
            field="units",
            code="data-insufficient",
            values=values_of(refused) if refused else {"name": name},
        )
    return assessment, assessment.run


def sum_guideline_14(runs: Sequence[Counterfactual], saving: float, level: float) -> Interval | None:
    """For several meters their half widths in quadrature, as the guideline adds independent meters."""
    squares = 0.0
    for run in runs:
        own = guideline_14(0.0, run.baseline_residual_days(), run.fitted.parameters, run.days, level)
        if own is None:
            return None
        squares += own.high**2
    half = math.sqrt(squares)
    return Interval(saving - half, saving + half, level, "guideline_14")


def _course(runs: Sequence[Counterfactual], reporting: Period, interval: Interval, counterfactual: float) -> Course:
    """Daily sums of all meters, and the cumulative saving with the interval's relative width.

    The relative error of a sum does not shrink with its length when use drifts, so the band at every day is as wide, in
    proportion to the counterfactual so far, as at the end.
    """
    days = [reporting.first + timedelta(days=number) for number in range(reporting.days)]
    actual, predicted = np.zeros(len(days)), np.zeros(len(days))
    for run in runs:
        actual += _on(days, run, run.actual_days)
        predicted += _on(days, run, run.predicted_days)
    cumulative, expected = np.nancumsum(predicted - actual), np.nancumsum(predicted)
    saving = float(cumulative[-1])
    scale = np.divide(expected, counterfactual) if counterfactual > 0 else np.full(len(days), math.nan)
    with np.errstate(invalid="ignore"):  # without placebo runs an end is infinite, and at nothing expected unknown
        low, high = (cumulative + (end - saving) * scale for end in (interval.low, interval.high))
    return Course(days, actual.tolist(), predicted.tolist(), cumulative.tolist(), low.tolist(), high.tolist())


def _on(days: Sequence[date], run: Counterfactual, values: Values) -> Values:
    """The values of a run's rows on these days; NaN where it has none."""
    offset = int((np.datetime64(days[0]) - run.grid.first).astype(np.int64))
    found = np.full(len(days), np.nan)
    first, last = max(-offset, 0), min(len(days), len(values) - offset)
    if last > first:
        found[first:last] = values[first + offset : last + offset]
    return found
