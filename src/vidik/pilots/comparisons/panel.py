"""Treated units and donors side by side, day by day, as every comparison takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import Unprocessable
from vidik.pilots.comparisons.days import daily
from vidik.pilots.measurement.series import Mask, Series, Values, steps_from
from vidik.pilots.measurement.twins import without_twins
from vidik.pilots.measurement.unit_changes import as_refusal, unit_findings
from vidik.pilots.outcome import Finding, values_of
from vidik.pilots.specification import Design, Repair, Specification

LEAST_DAYS = 14
NEED_DONORS: frozenset[Design] = frozenset({"difference_in_differences", "synthetic_control"})
LEAST_DONORS = 2
MOST_MISSING = 0.1
"""A unit with a larger share of missing days in its baseline, or in its reporting period, is not used."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Daily amounts of the baseline and the reporting period, excluded days left out.

    `units` (days, treated) and `donors` (days, donors) hold no NaN: days on which a treated unit or a donor has no
    measurement are left out for all, so that all are compared over the same days. `before` is the number of days of the
    baseline; the rest is the reporting period.
    """

    days: NDArray[np.datetime64]
    units: Values
    donors: Values
    unit_names: tuple[str, ...]
    donor_names: tuple[str, ...]
    before: int

    @property
    def after(self) -> int:
        """How many days of the reporting period it has."""
        return len(self.days) - self.before


def build_panel(
    specification: Specification,
    units: Mapping[str, Series],
    donors: Mapping[str, Series],
    until: date | None = None,
    *,
    before_start: bool = False,
) -> tuple[Panel, list[Finding]]:
    """The panel of a plan, and what a person must know of it: units left out, days left out.

    `until` cuts the reporting period short; `before_start` leaves it out. Raises Unprocessable when a treated unit is
    missing, has too many gaps, when nothing remains to compare, or too little to compare with.
    """
    days, before = _days(specification.baseline.first, specification.baseline.last), specification.baseline.period.days
    if not before_start:
        days = np.concatenate([days, _days(specification.reporting.first, specification.counted_until(until))])
    kept = np.ones(len(days), dtype=bool)
    for exclusion in specification.exclusions:
        kept &= (days < np.datetime64(exclusion.first)) | (days > np.datetime64(exclusion.last))
    columns: dict[str, Values] = {}
    findings: list[Finding] = []
    for signal in specification.units:
        columns[signal.name], filled = _column(units, signal.name, days, specification.repairs)
        findings += filled
    findings += _leave_out_other_units(columns, days, kept, before)
    _refuse_gaps(columns, kept, before)
    donor_columns, more = _usable_donors(specification, donors, days, kept, before)
    findings += more
    if specification.estimator > 1:
        shown = kept.copy()
        shown[before:] = False
        remaining, twice = without_twins(_at(columns, shown), _at(donor_columns, shown))
        donor_columns = {name: donor_columns[name] for name in remaining}
        findings += twice
    _refuse_few(specification, len(donor_columns))
    treated = np.stack(list(columns.values()), axis=1)
    others = np.stack(list(donor_columns.values()), axis=1) if donor_columns else np.empty((len(days), 0))
    complete = kept & ~np.isnan(treated).any(axis=1) & ~np.isnan(others).any(axis=1)
    missing = int((kept & ~complete).sum())
    if missing:
        findings.append(
            Finding(
                "days_left_out",
                "warning",
                f"{missing} days on which a unit has no measurement are left out for all units.",
                values={"days": missing},
            )
        )
    panel = Panel(
        days[complete],
        treated[complete],
        others[complete],
        tuple(columns),
        tuple(donor_columns),
        int(complete[:before].sum()),
    )
    if panel.before < LEAST_DAYS or (panel.after < 1 and not before_start):
        raise Unprocessable(
            f"Too few complete days remain: {panel.before} of the baseline, {panel.after} of the reporting period; at "
            f"least {LEAST_DAYS} and 1 are needed.",
            field="units",
            code="data-insufficient",
            values={"finding": "days-too-few", "before": panel.before, "after": panel.after, "least": LEAST_DAYS},
        )
    return panel, findings


def _days(first: date, last: date) -> NDArray[np.datetime64]:
    return steps_from(np.datetime64(first, "D"), (last - first).days + 1)


def _column(
    series: Mapping[str, Series], name: str, days: NDArray[np.datetime64], repairs: Collection[Repair]
) -> tuple[Values, list[Finding]]:
    if name not in series:
        raise Unprocessable(f"No data were given for {name}.", field="units", code="no-data", values={"name": name})
    found = daily(series[name])
    column, filled = np.full(len(days), np.nan), np.zeros(len(days), dtype=np.int64)
    _, there, here = np.intersect1d(found.days, days, assume_unique=True, return_indices=True)
    column[here], filled[here] = found.amounts[there], found.filled[there]
    if "short_gaps" not in repairs:
        column[filled > 0] = np.nan
        return column, []
    hours = int(filled.sum())
    if not hours:
        return column, []
    text = (
        f"{name}: {hours} missing hours of {int((filled > 0).sum())} days were filled from the same hours of the days "
        "around, as much as the rest of their day was above or below these."
    )
    return column, [Finding("hours-filled", "repaired", text, name, values={"hours": hours})]


def _share_missing(column: Values, kept: Mask, before: int) -> float:
    parts = [column[:before][kept[:before]], column[before:][kept[before:]]]
    return max(float(np.isnan(part).mean()) if len(part) else 0.0 for part in parts)


def _refuse_gaps(columns: Mapping[str, Values], kept: Mask, before: int) -> None:
    for name, column in columns.items():
        share = _share_missing(column, kept, before)
        if share > MOST_MISSING:
            raise Unprocessable(
                f"{name} lacks {share:.0%} of the days of its baseline or reporting period; at most "
                f"{MOST_MISSING:.0%} may be missing.",
                field="units",
                code="data-insufficient",
                values={"finding": "unit-gaps", "name": name, "share": round(share, 4), "share_allowed": MOST_MISSING},
            )


def _leave_out_other_units(
    columns: Mapping[str, Values], days: NDArray[np.datetime64], kept: Mask, before: int
) -> list[Finding]:
    """Take the days on which a treated unit is in another unit of measurement off `kept`, and say so.

    Raises Unprocessable where less than half of a period remains.
    """
    findings: list[Finding] = []
    counted = kept.copy()
    for name, column in columns.items():
        for finding in unit_findings(name, days, np.where(counted, column, np.nan)):
            findings.append(finding)
            kept &= (days < np.datetime64(str(finding.first))) | (days > np.datetime64(str(finding.last)))
    if findings and any(2 * kept[part].sum() < counted[part].sum() for part in (slice(before), slice(before, None))):
        refused = as_refusal(findings[0])
        raise Unprocessable(refused.text, field="units", code="data-insufficient", values=values_of(refused))
    return findings


def _usable_donors(
    specification: Specification,
    donors: Mapping[str, Series],
    days: NDArray[np.datetime64],
    kept: Mask,
    before: int,
) -> tuple[dict[str, Values], list[Finding]]:
    usable: dict[str, Values] = {}
    findings: list[Finding] = []
    for signal in specification.donors:
        column, filled = np.full(len(days), np.nan), list[Finding]()
        if signal.name in donors:
            column, filled = _column(donors, signal.name, days, specification.repairs)
        for finding in unit_findings(signal.name, days, np.where(kept, column, np.nan)):
            column[(days >= np.datetime64(str(finding.first))) & (days <= np.datetime64(str(finding.last)))] = np.nan
        share = _share_missing(column, kept, before)
        if share <= MOST_MISSING and np.nansum(np.abs(column[:before])) > 0:
            usable[signal.name] = column
            findings += filled
            continue
        findings.append(
            Finding(
                "donor_left_out",
                "warning",
                f"{signal.name} is not used for comparison: {share:.0%} of its days are missing, or it is always zero.",
                subject=signal.name,
                values={"share": round(share, 4)},
            )
        )
    return usable, findings


def _at(columns: Mapping[str, Values], rows: Mask) -> dict[str, Values]:
    return {name: column[rows] for name, column in columns.items()}


def _refuse_few(specification: Specification, usable: int) -> None:
    if specification.design in NEED_DONORS and usable < LEAST_DONORS:
        raise Unprocessable(
            f"Only {usable} of the {len(specification.donors)} units to compare with can be used: the others lack "
            f"more than {MOST_MISSING:.0%} of their days, are always zero, or repeat another. At least {LEAST_DONORS} "
            "are needed: add more.",
            field="donors",
            code="data-insufficient",
            values={
                "finding": "donors-too-few",
                "usable": usable,
                "of": len(specification.donors),
                "share_allowed": MOST_MISSING,
                "least": LEAST_DONORS,
            },
        )
