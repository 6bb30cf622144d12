"""One meter assessed: its counterfactual, and everything that a person must know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from vidik.pilots.baselines.counterfactual import Counterfactual, project, weather_of
from vidik.pilots.baselines.hidden_steps import hidden_step
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.baselines.scale import scale_findings
from vidik.pilots.baselines.statistics import daily_sums
from vidik.pilots.events import find_events
from vidik.pilots.measurement.grid import DayGrid, day_grid
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.measurement.sufficiency import judge_sufficiency, missing_of
from vidik.pilots.measurement.unit_changes import as_refusal, unit_findings
from vidik.pilots.outcome import Finding


@dataclass(frozen=True, eq=False)
class Assessment:
    """A meter's counterfactual, None where a finding is "refused"."""

    name: str
    run: Counterfactual | None
    findings: list[Finding]

    @property
    def refusal(self) -> str | None:
        """Why nothing can be said of this meter."""
        return self.refused.text if self.refused else None

    @property
    def refused(self) -> Finding | None:
        """The finding for which nothing can be said of this meter."""
        return next((finding for finding in self.findings if finding.severity == "refused"), None)


def assess(
    series: Series,
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
    set_aside_standstill: bool = True,
) -> Assessment:
    """Judge the data, fit, and look for what is not routine."""
    grid = day_grid(series)
    warmth = weather_of(temperature, grid).mean if temperature is not None else None
    findings = judge_sufficiency(series.name, grid, warmth, baseline, reporting)
    if any(finding.severity == "refused" for finding in findings):
        return Assessment(series.name, None, findings)
    changed = _other_units(series.name, grid, baseline, reporting, excluded)
    run = project(
        series,
        temperature,
        baseline,
        reporting,
        model=model,
        excluded=[*excluded, *_days_of(changed)],
        set_aside_standstill=set_aside_standstill,
    )
    if changed and (run is None or run.days * 2 < reporting.days):
        return Assessment(series.name, None, [*findings, *(as_refusal(one) for one in changed)])
    findings += changed
    if run is None:
        text = f"{series.name} has too few days with data between {baseline.first} and {baseline.last} for a baseline."
        return Assessment(
            series.name,
            None,
            [*findings, Finding("baseline-too-short", "refused", text, series.name, baseline.first, baseline.last)],
        )
    findings += _standstills(run, baseline, reporting)
    if run.days * 2 < reporting.days:
        text = f"{series.name}: only {run.days} of the {reporting.days} days of the reporting period can be compared."
        findings.append(
            Finding("reporting-too-short", "refused", text, series.name, reporting.first, reporting.last,
                    {"days": run.days, "of": reporting.days})
        )  # fmt: skip
        return Assessment(series.name, None, findings)
    if run.predicted_total <= 0:
        text = (
            f"{series.name}: what is expected adds up to nothing or less. A net meter must be read without "
            "what it feeds in."
        )
        findings.append(Finding("nothing-expected", "refused", text, series.name, reporting.first, reporting.last))
        return Assessment(series.name, None, findings)
    findings += scale_findings(run, reporting)
    findings += events_of(run, reporting)
    return Assessment(series.name, run, findings)


def events_of(run: Counterfactual, reporting: Period) -> list[Finding]:
    """Steps, drifts and changed weeks in baseline and reporting period, which are searched apart.

    In the baseline each month is compared with a model that has not seen it.
    """
    held_out = run.grid.steps(run.fitted.held_out)
    actual, expected = daily_sums(run.grid, run.actual, held_out, run.baseline_rows)
    rows = run.baseline_rows | run.reporting_rows
    actual = np.where(run.reporting_rows, run.actual_days, actual)
    expected = np.where(run.reporting_rows, run.predicted_days, expected)
    return find_events(run.grid.days[rows], actual[rows], expected[rows], run.name, start=reporting.first)


def asked_and_missing(
    run: Counterfactual, findings: Sequence[Finding], baseline: Period, reporting: Period, excluded: Sequence[Period]
) -> list[Finding]:
    """What plans of the third version say besides: gaps, and the step in the baseline that season could hide."""
    missing = missing_of(run.name, run.grid, run.actual, baseline, reporting, excluded)
    return [*missing, *hidden_steps_of(run, findings, reporting.first)]


def foreseen_findings(
    series: Series,
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
    set_aside_standstill: bool = True,
) -> list[Finding]:
    """What is known of a meter before the reporting period begins: the baseline's sufficiency, gaps and events."""
    grid = day_grid(series)
    warmth = weather_of(temperature, grid).mean if temperature is not None else None
    judged = judge_sufficiency(series.name, grid, warmth, baseline, reporting)
    findings = [finding for finding in judged if finding.code.startswith("baseline-")]
    if any(finding.severity == "refused" for finding in findings):
        return findings
    # Both periods are the baseline: nothing after it may be looked at.
    findings += missing_of(series.name, grid, series.values, baseline, baseline, excluded)[:1]
    changed = _other_units(series.name, grid, baseline, baseline, excluded)
    run = project(
        series,
        temperature,
        baseline,
        reporting,
        model=model,
        excluded=[*excluded, *_days_of(changed)],
        set_aside_standstill=set_aside_standstill,
    )
    events = events_of(run, reporting) if run is not None else []
    hidden = hidden_steps_of(run, events, reporting.first) if run is not None else []
    return [*findings, *changed, *hidden, *events]


def _days_of(findings: Sequence[Finding]) -> list[Period]:
    return [Period(one.first, one.last) for one in findings if one.first and one.last]


def hidden_steps_of(run: Counterfactual, findings: Sequence[Finding], start: date) -> list[Finding]:
    """The step in the baseline that season could hide, unless `findings` ask about a step before `start` already."""
    if any(one.code == "step" and one.subject == run.name and one.first and one.first < start for one in findings):
        return []
    hidden = hidden_step(run)
    return [] if hidden is None else [hidden]


def _other_units(
    name: str, grid: DayGrid, baseline: Period, reporting: Period, excluded: Sequence[Period]
) -> list[Finding]:
    """Stretches of the days that count which are in another unit than the others."""
    rows = grid.within(baseline) | grid.within(reporting)
    for period in excluded:
        rows &= ~grid.within(period)
    known = ~np.isnan(grid.rates)
    means = np.where(known, grid.rates, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return unit_findings(name, grid.days, np.where(rows & known.any(axis=1), means, np.nan))


def _standstills(run: Counterfactual, baseline: Period, reporting: Period) -> list[Finding]:
    found = []
    for period, words in ((baseline, "baseline"), (reporting, "reporting period")):
        days = run.grid.days[run.still & run.grid.within(period)]
        if len(days):
            text = (
                f"{run.name} used next to nothing on {len(days)} days of the {words} on which much was to be expected "
                f"(the first is {days[0]}, the last {days[-1]}); they were set aside."
            )
            found.append(
                Finding("standstill", "repaired", text, run.name, days[0].item(), days[-1].item(),
                        {"days": len(days)})
            )  # fmt: skip
    return found
