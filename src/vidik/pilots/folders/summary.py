"""What holds over a folder of meters in which nothing was changed: medians, coverage, false savings, power."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from vidik.pilots.folders.meter import FolderOutcome, Meter
from vidik.pilots.outcome import Interval, is_blocked

INJECTED = (0.05, 0.1, 0.2, 0.3)


def _numbers() -> array[float]:
    return array("d")


@dataclass(frozen=True)
class Calibrated:
    """Of each meter with an interval only what an injected saving is reckoned with: five numbers a meter."""

    actual: array[float] = field(default_factory=_numbers)
    counterfactual: array[float] = field(default_factory=_numbers)
    low: array[float] = field(default_factory=_numbers)
    high: array[float] = field(default_factory=_numbers)
    blocked: bytearray = field(default_factory=bytearray)

    @classmethod
    def of(cls, meters: Iterable[Meter]) -> Calibrated:
        """All of these that have an interval."""
        found = cls()
        for meter in meters:
            found.add(meter)
        return found

    def add(self, meter: Meter) -> None:
        """One more; nothing where it has no interval, or nothing was to be expected of it."""
        if meter.interval is None or not meter.counterfactual > 0:
            return
        self.actual.append(meter.actual)
        self.counterfactual.append(meter.counterfactual)
        self.low.append(meter.interval.low)
        self.high.append(meter.interval.high)
        self.blocked.append(is_blocked(meter.findings))

    def rows(self) -> Iterator[tuple[float, float, float, float, int]]:
        """Actual, counterfactual, low, high, and whether a finding stands in the way of a verdict."""
        return zip(self.actual, self.counterfactual, self.low, self.high, self.blocked, strict=True)


def shown(meters: Calibrated, saving: float) -> dict[str, float]:
    """What would be found had every evaluated meter saved this fraction: median recovered, and share shown as saved.

    The saving is taken off what was measured; since errors are ratios, nothing needs to be fitted again.
    """
    recovered, verdicts, covered = _numbers(), 0, 0
    for before, counterfactual, lower, upper, blocked in meters.rows():
        actual = before * (1 - saving)
        low, high = lower + before - actual, upper + before - actual
        recovered.append((counterfactual - actual) / counterfactual)
        verdicts += low > 0 and not blocked
        # The interval holds counterfactual less actual; the truth is what the meter would have used less what it did.
        covered += low <= saving * before <= high
    if not recovered:
        return {"saving": saving, "recovered_median": math.nan, "shown": math.nan, "covered": math.nan}
    count = len(recovered)
    return {
        "saving": saving,
        "recovered_median": median(recovered),
        "shown": verdicts / count,
        "covered": covered / count,
    }


class _Figures:
    """Numbers by name, of which the middle one is asked, and flags by name, of which the share is."""

    def __init__(self) -> None:
        self._numbers: dict[str, array[float]] = {}
        self._flags: dict[str, bytearray] = {}

    def add(self, name: str, value: float | None) -> None:
        """A number; one that is not known does not count."""
        if value is not None and math.isfinite(value):
            self._numbers.setdefault(name, _numbers()).append(value)

    def flag(self, name: str, value: bool) -> None:
        self._flags.setdefault(name, bytearray()).append(value)

    def middle(self, name: str) -> float | None:
        return median(self._numbers[name]) if name in self._numbers else None

    def share(self, name: str) -> float | None:
        return sum(self._flags[name]) / len(self._flags[name]) if name in self._flags else None


def summary(outcome: FolderOutcome) -> dict[str, Any]:
    """Medians, coverage and false savings over the evaluated meters, for a test period in which nothing was changed."""
    figures, calibrated, evaluated = _Figures(), Calibrated(), 0
    for meter in outcome.evaluated:
        evaluated += 1
        _count(meter, figures)
        # An interval without any placebo run is infinite: that it holds zero says nothing.
        if meter.interval is not None and meter.interval.placebos:
            calibrated.add(meter)
            figures.add("half width", _half_width(meter))
            figures.flag("coverage", covers_zero(meter.interval))
            figures.flag("saved", meter.verdict == "saved")
    return {
        "meters": len(outcome.meters),
        "evaluated": evaluated,
        "refused": len(outcome.meters) - evaluated,
        "median_cv_rmse_hourly": figures.middle("hourly"),
        "median_cv_rmse_daily": figures.middle("daily"),
        "median_cv_rmse_monthly": figures.middle("monthly"),
        "median_nmbe": figures.middle("nmbe"),
        "median_absolute_nmbe": figures.middle("absolute nmbe"),
        "median_saving_fraction": figures.middle("saving"),
        "median_half_width": figures.middle("half width"),
        "coverage": figures.share("coverage"),
        "false_savings": figures.share("saved"),
        "coverage_guideline_14": figures.share("coverage, Guideline 14"),
        "false_savings_guideline_14": figures.share("saved, Guideline 14"),
        "injected": [shown(calibrated, saving) for saving in INJECTED],
        "seconds_a_meter": figures.middle("seconds"),
        "reading_seconds_a_meter": figures.middle("reading"),
        "placebos": outcome.placebos,
    }


def _count(meter: Meter, figures: _Figures) -> None:
    if meter.fit:
        figures.add("hourly", meter.fit.cv_rmse_hourly)
        figures.add("daily", meter.fit.cv_rmse_daily)
        figures.add("monthly", meter.fit.cv_rmse_monthly)
        figures.add("nmbe", meter.fit.nmbe)
        figures.add("absolute nmbe", None if meter.fit.nmbe is None else abs(meter.fit.nmbe))
    figures.add("saving", fraction(meter))
    figures.add("seconds", meter.seconds)
    figures.add("reading", meter.reading_seconds)
    if meter.guideline_14 is not None:
        figures.flag("coverage, Guideline 14", covers_zero(meter.guideline_14))
        figures.flag("saved, Guideline 14", meter.guideline_14.low > 0)


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
