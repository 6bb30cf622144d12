"""What saving a plan will be able to show, said before the start from runs where nothing happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidik.kernel.scripts import three_scripts
from vidik.pilots.measurement.series import Values
from vidik.pilots.uncertainty.conformal import enough, width

TRIED = tuple(round(0.01 * percent, 2) for percent in range(1, 31))
WANTED = 0.8
FINE = np.arange(0.0, 0.6001, 0.001)


@dataclass(frozen=True)
class PowerCurve:
    """Probability of the verdict "saved" for each true saving, from `placebos` runs at this level.

    `detectable` is the smallest true saving, as a fraction, that is shown with a probability of 80 %; None when none up
    to 60 % is. `false_savings` is the probability of "saved" where nothing is saved.
    """

    fractions: list[float]
    power: list[float]
    detectable: float | None
    false_savings: float
    placebos: int
    level: float
    sentence: dict[str, str]


def power_curve(placebo_fractions: Values, level: float, independent: int | None = None) -> PowerCurve:
    """The power of a design whose errors where nothing happened are `placebo_fractions`.

    Each run is judged by an interval made of the other runs, so that no run helps to find itself. Where a run errs by
    e, a true saving s is seen as s + e (1 - s). `independent` is how many runs share no data (all unless given).
    """
    errors = placebo_fractions[np.isfinite(placebo_fractions)]
    runs = len(errors)
    if runs < 2:
        return PowerCurve(list(TRIED), [0.0] * len(TRIED), None, 0.0, runs, level, _unknown(runs))
    others = independent - 1 if independent is not None else None
    halves = np.array([width(np.delete(errors, run), level, others).half for run in range(runs)])
    saved = FINE[:, None] + errors[None, :] * (1 - FINE[:, None]) > halves[None, :]
    power = saved.mean(axis=1)
    reached = np.flatnonzero(power >= WANTED)
    detectable = float(FINE[reached[0]]) if len(reached) else None
    return PowerCurve(
        list(TRIED),
        [round(float(np.interp(tried, FINE, power)), 4) for tried in TRIED],
        detectable,
        float(power[0]),
        runs,
        level,
        _sentence(detectable, runs, level),
    )


def _sentence(detectable: float | None, runs: int, level: float) -> dict[str, str]:
    if detectable is None:
        return three_scripts(
            "With these data no saving up to 60 % can be shown reliably: measure longer, or take more units.",
            "Са овим подацима ниједна уштеда до 60 % не може поуздано да се покаже: мерите дуже или на више места.",
        )
    few = runs < enough(level)
    share = f"{detectable * 100:.1f}"
    return three_scripts(
        f"A true saving of {share} % would be shown in four of five pilots like this one; a smaller one would "
        f"more often stay hidden (tried {runs} times where nothing had happened"
        + ("; these are few, so this is cautious)." if few else ")."),
        f"Стварна уштеда од {share.replace('.', ',')} % показала би се у четири од пет оваквих пилота; мања би чешће "
        f"остала скривена (испробано {runs} пута тамо где се ништа није десило"
        + ("; то је мало, па је процена опрезна)." if few else ")."),
    )


def _unknown(runs: int) -> dict[str, str]:
    return three_scripts(
        f"Nobody can say beforehand what this plan can show: only {runs} trial runs fit into the baseline.",
        f"Унапред се не може рећи шта овај план може да покаже: у основни период стаје само {runs} пробних прорачуна.",
    )
