"""What holds over a folder of meters in which nothing was changed: medians, coverage, false savings, power."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import numpy as np

from vidik.pilots.folder import FolderOutcome, Meter
from vidik.pilots.outcome import Interval, is_blocked

INJECTED = (0.05, 0.1, 0.2, 0.3)


def shown(meters: Sequence[Meter], saving: float) -> dict[str, float]:
    """What would be found had every evaluated meter saved this fraction: median recovered, and share shown as saved.

    The saving is taken off what was measured; since errors are ratios, nothing needs to be fitted again.
    """
    recovered, verdicts, covered = [], [], []
    for meter in meters:
        if meter.interval is None or not meter.counterfactual > 0:
            continue
        actual = meter.actual * (1 - saving)
        low = meter.interval.low + meter.actual - actual
        high = meter.interval.high + meter.actual - actual
        true = saving * (meter.actual)
        recovered.append((meter.counterfactual - actual) / meter.counterfactual)
        verdicts.append(low > 0 and not is_blocked(meter.findings))
        # The interval holds counterfactual less actual; the truth is what the meter would have used less what it did.
        covered.append(low <= true <= high)
    if not recovered:
        return {"saving": saving, "recovered_median": math.nan, "shown": math.nan, "covered": math.nan}
    return {
        "saving": saving,
        "recovered_median": median(recovered),
        "shown": float(np.mean(verdicts)),
        "covered": float(np.mean(covered)),
    }


def summary(outcome: FolderOutcome) -> dict[str, Any]:
    """Medians, coverage and false savings over the evaluated meters, for a test period in which nothing was changed."""
    meters = outcome.evaluated
    # An interval without any placebo run is infinite: that it holds zero says nothing.
    calibrated = [meter for meter in meters if meter.interval is not None and meter.interval.placebos]
    guided = [meter for meter in meters if meter.guideline_14 is not None]

    def middle(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None and math.isfinite(value)]
        return median(known) if known else None

    def share(flags: Sequence[bool]) -> float | None:
        return sum(flags) / len(flags) if flags else None

    return {
        "meters": len(outcome.meters),
        "evaluated": len(meters),
        "refused": len(outcome.meters) - len(meters),
        "median_cv_rmse_hourly": middle(meter.fit.cv_rmse_hourly for meter in meters if meter.fit),
        "median_cv_rmse_daily": middle(meter.fit.cv_rmse_daily for meter in meters if meter.fit),
        "median_cv_rmse_monthly": middle(meter.fit.cv_rmse_monthly for meter in meters if meter.fit),
        "median_nmbe": middle(meter.fit.nmbe for meter in meters if meter.fit),
        "median_absolute_nmbe": middle(
            abs(meter.fit.nmbe) for meter in meters if meter.fit and meter.fit.nmbe is not None
        ),
        "median_saving_fraction": middle(fraction(meter) for meter in meters),
        "median_half_width": middle(_half_width(meter) for meter in calibrated),
        "coverage": share([covers_zero(meter.interval) for meter in calibrated]),
        "false_savings": share([meter.verdict == "saved" for meter in calibrated]),
        "coverage_guideline_14": share([covers_zero(meter.guideline_14) for meter in guided]),
        "false_savings_guideline_14": share(
            [meter.guideline_14 is not None and meter.guideline_14.low > 0 for meter in guided]
        ),
        "injected": [shown(calibrated, saving) for saving in INJECTED],
        "seconds_a_meter": middle(meter.seconds for meter in meters),
        "reading_seconds_a_meter": middle(meter.reading_seconds for meter in meters),
        "placebos": outcome.placebos,
    }


def fraction(meter: Meter) -> float:
    """The saving as a share of the counterfactual."""
    return meter.saving / meter.counterfactual if meter.counterfactual > 0 else math.nan


def _half_width(meter: Meter) -> float:
    if meter.interval is None or not meter.counterfactual > 0:
        return math.nan
    return (meter.interval.high - meter.interval.low) / 2 / meter.counterfactual


def covers_zero(interval: Interval | None) -> bool:
    """Whether no saving at all lies within the interval."""
    return interval is not None and interval.low <= 0 <= interval.high
