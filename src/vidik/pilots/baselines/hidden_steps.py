"""A step within a baseline that the waves of the year would take for season.

A year is known once: half of it 30 % lower looks to a model with waves of a quarter much like a season, and the step
comes back as a "saving" or a "loss" in whichever half of the reporting period is counted. So each week of the baseline
is tried as the beginning of a step beside everything that the model knows: temperature, week, season.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.baselines.counterfactual import Counterfactual
from vidik.pilots.baselines.models import Fitted
from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Finding

WEEK = 7
LEAST_WEEKS = 4
"""What must be known on either side of a step."""
LEAST_DAYS = 200
"""Of the baseline: less carries no season in which a step could hide."""
KNOWN = 0.75
"""Share of a day's hours that must be known."""
CRITICAL = 6.0
"""By how many standard errors a step must stand out: in 130 years of meters in which nothing was changed, ten did."""
LEAST_SIZE, MOST = 0.10, 0.95
"""Of what is used otherwise; a fall of everything is a season (or a standstill) that the model does not know."""
LEAST_EXPECTED = 0.1
"""Of the mean day: a step is in proportion to what is expected, and days with next to nothing say nothing of it."""


def hidden_step(run: Counterfactual) -> Finding | None:
    """The strongest step within a baseline with a season, as a finding to be asked about; None where none stands out.

    The model's own covariates and its weakest penalties are fitted together with a step in proportion to what is
    expected: so season takes all that it can. Days weigh by one over what is expected. A step's standard error comes
    from weekly means of what is left, widened by their memory.
    """
    fitted = run.fitted
    if "season" not in fitted.features.kinds:
        return None
    known = ~np.isnan(run.grid.rates)
    counts = known.sum(axis=1)
    matrix = fitted.features.matrix
    usable = run.baseline_rows & (counts >= KNOWN * run.grid.hours) & ~np.isnan(matrix).any(axis=1)
    if usable.sum() < LEAST_DAYS:
        return None
    used = np.where(known, run.grid.rates, 0.0).sum(axis=1)[usable] / counts[usable]
    if not used.mean() > 0:
        return None
    days = run.grid.days[usable]
    weeks = (days - days[0]).astype(np.int64) // WEEK
    begins = np.arange(LEAST_WEEKS, int(weeks[-1]) + 2 - LEAST_WEEKS)
    sizes, strengths = _steps(fitted, matrix[usable], used, weeks, begins)
    stands_out = (np.abs(strengths) >= CRITICAL) & (np.abs(sizes) >= LEAST_SIZE) & (sizes > -MOST)
    if not stands_out.any():
        return None
    best = int(np.argmax(np.where(stands_out, np.abs(strengths), 0.0)))
    size, first, last = float(sizes[best]), days[weeks >= begins[best]][0].item(), days[-1].item()
    text = (
        f"{run.name}: from {first} to {last}, {abs(size):.0%} {'more' if size > 0 else 'less'} than expected, against "
        "the time around. What happened?"
    )
    return Finding("step", "warning", text, run.name, first, last, {"size": round(size, 4)})


def _steps(
    fitted: Fitted, matrix: Values, used: Values, weeks: NDArray[np.int64], begins: NDArray[np.int64]
) -> tuple[Values, Values]:
    """Size of a step beginning in each of the weeks `begins`, and by how many standard errors it stands out."""
    expected = _solved(fitted, matrix, used, np.ones(len(used)))
    expected = np.maximum(expected, LEAST_EXPECTED * used.mean())
    root = 1 / np.sqrt(expected)
    weighed = np.column_stack([used, (weeks[:, None] >= begins) * expected[:, None]]) * root[:, None]
    left = weighed - _solved(fitted, matrix * root[:, None], weighed, root)
    own, steps = left[:, 0], weighed[:, 1:]
    room = (steps * left[:, 1:]).sum(axis=0)
    """How much of each step the other covariates cannot take."""
    possible = room > 1e-9 * float(steps[:, 0] @ steps[:, 0])
    room = np.where(possible, room, np.inf)
    sizes = steps.T @ own / room
    error = _weekly_error(own[:, None] - left[:, 1:] * sizes, weeks, matrix.shape[1])
    return sizes, sizes / np.maximum(error, 1e-12) * np.sqrt(np.where(possible, room, 0.0))


def _solved(fitted: Fitted, matrix: Values, values: Values, root: Values) -> Values:
    """What the covariates make of these values, by the weakest penalties."""
    strengths = fitted.weakest * float((root**2).mean())
    return np.asarray(matrix @ np.linalg.solve(matrix.T @ matrix + np.diag(strengths), matrix.T @ values))


def _weekly_error(left: Values, weeks: NDArray[np.int64], parameters: int) -> Values:
    """Standard deviation of a day's error as weeks show it, for each column: single weeks far off weigh less."""
    counts = np.bincount(weeks)
    full = counts > WEEK // 2
    sums = np.stack([np.bincount(weeks, weights=column) for column in left.T], axis=1)
    means = sums[full] / counts[full, None]
    middle = 6 * np.median(np.abs(means), axis=0)
    means = np.clip(means, -middle, middle)
    squares = np.maximum((means**2).sum(axis=0), 1e-300)
    count = len(means)
    memory = (means[1:] * means[:-1]).sum(axis=0) / squares
    # Estimates from few weeks are too low (Kendall 1954).
    memory = np.clip(memory + (1 + 4 * memory) / count, 0.0, 0.9)
    free = max(1, count - parameters // 4)
    return np.asarray(np.sqrt(squares / free * WEEK * (1 + memory) / (1 - memory)))
