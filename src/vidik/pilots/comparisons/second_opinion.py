"""The same question put to another's code: the plain synthetic control of `pysyncon`, shown beside ours."""

from __future__ import annotations

import warnings

import numpy as np

from vidik.pilots.comparisons.estimators import relative
from vidik.pilots.comparisons.panel import Panel
from vidik.pilots.comparisons.runs import Run, weekly_means
from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Finding


def second_opinion(panel: Panel, pilot: Run) -> Finding:
    """What the synthetic control of Abadie, Diamond and Hainmueller says, by pysyncon, on the same weeks."""
    weeks = weekly_means(panel.days[: panel.before], np.hstack([panel.units, panel.donors])[: panel.before])
    count = panel.units.shape[1]
    foreseen = 0.0
    for column in range(count):
        before = weeks[:, count:]
        weights = plain_weights(relative(before, before), relative(weeks[:, column], weeks[:, column]))
        moves = relative(panel.donors[panel.before :], panel.donors[: panel.before])
        foreseen += float(panel.units[: panel.before, column].mean() * (1 + moves @ weights).sum())
    fraction = 1 - float(pilot.actual.sum()) / foreseen if foreseen > 0 else float("nan")
    return Finding(
        "second_opinion",
        "note",
        f"The plain synthetic control of the library pysyncon finds {fraction:.1%}, this evaluation "
        f"{pilot.fraction:.1%}.",
        values={"fraction": round(fraction, 6)},
    )


def plain_weights(donors: Values, unit: Values) -> Values:
    """Weights of the donors by pysyncon (weeks, donors); all weeks count alike."""
    with warnings.catch_warnings():
        # Its sources hold escape sequences that Python warns of when it compiles them.
        warnings.simplefilter("ignore")
        from pysyncon.base import VanillaOptimMixin
    weights, _ = VanillaOptimMixin.w_optimize(V_mat=np.identity(len(unit)), X0=donors, X1=unit)
    return np.asarray(weights, dtype=np.float64)
