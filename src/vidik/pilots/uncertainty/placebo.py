"""Intervals from placebo runs: the same design on meters and years in which nothing was changed.

A placebo run's fraction is the "saving" that the method finds where there is none. Those fractions are the method's
whole error, drift from year to year included; their conformal quantile (Vovk et al. 2005; Barber et al. 2021) is an
interval that holds without any assumption on their shape, as long as the meter is one of their kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from vidik.pilots.baselines.counterfactual import project
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.measurement.grid import span
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.outcome import Interval


def placebo_fractions(
    donors: Mapping[str, Series],
    temperature: Series | None,
    baseline: Period,
    reporting: Period,
    *,
    model: ModelName | None = None,
    excluded: Sequence[Period] = (),
) -> Values:
    """The fraction "saved" by each donor where nothing was changed: in the same periods, and in earlier ones.

    Earlier periods are the same days of the year one, two, ... years before, as far back as a donor reaches, and none
    of them touches the reporting period.
    """
    fractions = [
        run.fraction
        for donor in donors.values()
        for first, second in moved(baseline, reporting, donor)
        if (run := project(donor, temperature, first, second, model=model, excluded=excluded)) is not None
    ]
    return np.array([fraction for fraction in fractions if math.isfinite(fraction)], dtype=np.float64)


def moved(baseline: Period, reporting: Period, donor: Series) -> list[tuple[Period, Period]]:
    """The two periods, and both moved back by whole years (364 days: weekdays stay) while the donor has data."""
    known = span(donor)
    if known is None:
        return []
    pairs = []
    for years in range(50):
        back = timedelta(days=364 * years)
        pair = tuple(Period(period.first - back, period.last - back) for period in (baseline, reporting))
        if pair[0].first < known.first:
            break
        if pair[1].last <= known.last and (years == 0 or pair[1].last < reporting.first):
            pairs.append((pair[0], pair[1]))
    return pairs


def conformal_half_width(fractions: Values, level: float) -> float:
    """The half width that covers one more run like these with `level`; infinite with fewer than level/(1-level)."""
    count = len(fractions)
    rank = math.ceil((count + 1) * level - 1e-9)
    return float(np.sort(np.abs(fractions))[rank - 1]) if 0 < rank <= count else math.inf


def placebo_interval(saving: float, counterfactual: float, fractions: Values, level: float) -> Interval:
    """Interval of a saving, given the placebo fractions of its design.

    With too few placebos for the level the largest one is doubled, the level that the runs do support is named in the
    note, and without any the interval is infinite.
    """
    count = len(fractions)
    half, note = conformal_half_width(fractions, level), None
    if math.isinf(half):
        half = 2 * float(np.abs(fractions).max()) if count else math.inf
        need = math.ceil(level / (1 - level) - 1e-9)
        note = f"{count} placebo runs are too few for {level:.0%}, which needs {need}; " + (
            f"they support {count / (count + 1):.0%}, so twice the largest was taken." if count else "none is known."
        )
    return Interval(
        saving - half * counterfactual, saving + half * counterfactual, level, "placebo", placebos=count, note=note
    )


def p_value(fraction: float, fractions: Values) -> float | None:
    """The share of placebo runs, this one among them, with at least this effect in either direction."""
    if len(fractions) == 0 or not math.isfinite(fraction):
        return None
    return float((1 + (np.abs(fractions) >= abs(fraction)).sum()) / (1 + len(fractions)))
