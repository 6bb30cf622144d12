"""The interval that auditors know: ASHRAE Guideline 14-2014, annex B (fractional savings uncertainty)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from vidik.pilots.measurement.series import Values
from vidik.pilots.outcome import Interval


def guideline_14(
    saving: float, residuals: Values, parameters: int, reporting_days: int, level: float
) -> Interval | None:
    """Interval of the saving from the daily residuals of the baseline fit, corrected for autocorrelation.

    delta E = t * 1.26 * RMSE * sqrt(n / n' * (1 + 2 / n') * m), with n' = n (1 - rho) / (1 + rho) (Reddy and
    Claridge 2000; Guideline 14-2014, annex B). It knows the scatter of the days, and not that use drifts from year to
    year: on meters where nothing was done it is far too narrow. None where the fit has too few days.
    """
    residuals = residuals[~np.isnan(residuals)]
    count = len(residuals)
    if count - parameters < 2 or reporting_days < 1:
        return None
    first, second = residuals[:-1] - residuals.mean(), residuals[1:] - residuals.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    rho = float(np.clip(first @ second / spread, 0.0, 0.99)) if spread > 0 else 0.0
    effective = max(count * (1 - rho) / (1 + rho), 1.0)
    error = float(np.sqrt(residuals @ residuals / (count - parameters)))
    deviation = 1.26 * error * np.sqrt(count / effective * (1 + 2 / effective) * reporting_days)
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return Interval(float(saving - half), float(saving + half), level, "guideline_14")
