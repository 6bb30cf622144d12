"""How far off a design is when nothing happened: the quantile of its placebo runs that the interval is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vidik.pilots.measurement.series import Values


@dataclass(frozen=True)
class Width:
    """Half the width of an interval, from how many placebo runs, and by which rule when these were too few."""

    half: float
    placebos: int
    note: str | None = None


def enough(level: float) -> int:
    """How many placebo runs a conformal interval of this level needs (9 for 90 %)."""
    return math.ceil(round(level / (1 - level), 9))


def width(errors: Values, level: float, independent: int | None = None) -> Width:
    """Half the width that holds a new error with probability `level` if it is exchangeable with `errors`.

    The ceil((n + 1) level)-th smallest absolute error (split conformal: Vovk, Gammerman, Shafer 2005; Barber, Candès,
    Ramdas, Tibshirani 2021). `independent` is how many of the errors have no data in common, all unless given. With
    fewer than `enough(level)` the quantile does not exist, or is not to be trusted: then errors are taken to be normal
    around zero and the width is Student's t with that many degrees of freedom times their root mean square, and not
    less than the largest error seen. With no run at all it is infinite.
    """
    sizes = np.sort(np.abs(errors[np.isfinite(errors)]))
    runs = len(sizes)
    if runs == 0:
        return Width(math.inf, 0, "There is no placebo run, so nothing is known about how far off this design may be.")
    freedom = min(runs, max(1, independent)) if independent is not None else runs
    if freedom >= enough(level):
        share = math.ceil(round((freedom + 1) * level, 9)) / freedom
        return Width(float(sizes[math.ceil(round(runs * share, 9)) - 1]), runs)
    from scipy.stats import t  # slow to load, needed only here

    spread = float(np.sqrt(np.mean(sizes**2))) * float(t.ppf(0.5 + level / 2, freedom))
    return Width(
        max(spread, float(sizes[-1])),
        runs,
        f"Only {freedom} independent placebo runs, where {enough(level)} are needed for {level:.0%}: the interval is "
        f"widened by Student's t with {freedom} degrees of freedom.",
    )


def p_value(errors: Values, effect: float) -> float | None:
    """The share of runs, the pilot itself included, that show at least this effect in either direction."""
    sizes = np.abs(errors[np.isfinite(errors)])
    if not len(sizes):
        return None
    return float((1 + np.count_nonzero(sizes >= abs(effect))) / (len(sizes) + 1))
