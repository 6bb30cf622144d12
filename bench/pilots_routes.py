"""Collection routes as they might be: the simulation on which designs of comparison are measured.

Each route has a load of its own and moves with four things that all routes share, each route in its own measure: a
yearly wave, a second one (holidays, gardens), and two common shocks that fade over weeks (AR(1), 0.6). On top, each
route has shocks of its own that fade (AR(1), 0.3), a slow random walk, its own pattern of weekdays (no collection on
Sundays), and noise of the day. Nothing in it was tuned to the estimators; the levels are chosen so that before/after
errs by about three percentage points, as the requirement's quick attempt did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.series import Series
from vidik.pilots.specification import Band, Days, DecisionRule, Design, Factor, Signal, Specification

WEEK = 7
BEGIN = date(2024, 1, 1)


@dataclass(frozen=True)
class City:
    """How routes behave; fractions of their load."""

    routes: int = 30
    treated: int = 3
    weeks_before: int = 52
    weeks_after: int = 26
    season: float = 0.05
    common: float = 0.035
    own: float = 0.02
    walk: float = 0.0005
    daily: float = 0.06

    def scaled(self, by: float) -> City:
        """The same with everything that moves its routes larger by this factor."""
        moved = {name: getattr(self, name) * by for name in ("season", "common", "own", "walk", "daily")}
        return replace(self, **moved)


USUAL = np.array([1.0, 0.3, 1.0, 0.0])
DIFFERING = np.array([0.5, 0.5, 0.5, 0.6])
"""How much a route follows each thing that all share: mean and standard deviation over routes."""

UNKNOWN_LEVEL = 100.0
"""Variance of a route's level (a logarithm) before anything is known: so large that it says nothing."""


def simulate(city: City, seed: int) -> NDArray[np.float64]:
    """Kilometres a day of each route (days, routes), with no pilot."""
    return _drawn(city, seed)[0]


def least_error(city: City, seed: int) -> float:
    """How far off a foresight would be that knows all that routes share, before and after the start.

    Which share of each thing the first route follows, it learns from the baseline, knowing how routes differ and how
    noisy they are (the posterior mean: no method can err less in the mean). As a fraction of the route's load.
    """
    amounts, factors, _ = _drawn(city, seed)
    weeks = np.log(amounts[:, 0].reshape(-1, WEEK).mean(axis=1))
    start = city.weeks_before
    known = factors[:start] - factors[:start].mean(axis=0)
    noise = city.own**2 + city.daily**2 / 6
    surprise = weeks[:start] - weeks[:start].mean() - known @ USUAL
    measure = USUAL + np.linalg.solve(known.T @ known + noise * np.diag(DIFFERING**-2.0), known.T @ surprise)
    foreseen = weeks[:start].mean() + (factors[start:] - factors[:start].mean(axis=0)) @ measure
    return float(np.exp(weeks[start:]).sum() / np.exp(foreseen).sum() - 1)


def least_error_seen(city: City, seed: int) -> float:
    """The same for one who knows how routes come about, and each other route's measures, but not what all share.

    That is seen through the other routes only, and so through their noise; kriging does the rest.
    """
    amounts, _, measures = _drawn(city, seed)
    weeks = np.log(amounts.reshape(-1, WEEK, city.routes).mean(axis=1))
    start, time = city.weeks_before, np.arange(len(weeks))
    others = measures[:, 1:]
    blurred = np.linalg.inv(others @ others.T)
    seen = (weeks[:, 1:] - weeks[:, 1:].mean(axis=0)) @ others.T @ blurred
    own = city.own**2 * 0.3 ** np.abs(np.subtract.outer(time, time)) + city.daily**2 / 6 * np.identity(len(time))
    own += city.walk**2 * np.minimum.outer(time + 1, time + 1)
    spread = np.diag(DIFFERING**2)
    noise = own * (1 + USUAL @ blurred @ USUAL + np.trace(blurred @ spread))
    covariance = seen @ spread @ seen.T + noise + UNKNOWN_LEVEL
    surprise = weeks[:start, 0] - seen[:start] @ USUAL
    level = surprise.mean()
    learned = covariance[start:, :start] @ np.linalg.solve(covariance[:start, :start], surprise - level)
    foreseen = seen[start:] @ USUAL + level + learned
    return float(np.exp(weeks[start:, 0]).sum() / np.exp(foreseen).sum() - 1)


def _drawn(city: City, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The routes, what they share (weeks, 4), and in which measure each follows it (4, routes)."""
    random = np.random.default_rng([2026, seed])
    weeks = city.weeks_before + city.weeks_after
    time = np.arange(weeks)
    waves = [city.season * np.sin(2 * np.pi * (time + random.uniform(0, 52)) / 52) for _ in range(2)]
    shocks = fading(random, weeks, 2, city.common, 0.6)
    factors = np.column_stack([*waves, shocks])
    loadings = random.normal(USUAL[:, None], DIFFERING[:, None], (4, city.routes))
    own = fading(random, weeks, city.routes, city.own, 0.3)
    walk = np.cumsum(random.normal(0, city.walk, (weeks, city.routes)), axis=0)
    loads = 60 * np.exp(random.normal(0, 0.4, city.routes))
    weekly = loads * np.exp(factors @ loadings + own + walk)
    pattern = np.maximum(0.2, random.normal(1, 0.15, (WEEK, city.routes)))
    pattern[6] = 0
    pattern *= WEEK / pattern.sum(axis=0)
    noise = np.exp(random.normal(0, city.daily, (weeks * WEEK, city.routes)))
    return np.repeat(weekly, WEEK, axis=0) * np.tile(pattern, (weeks, 1)) * noise, factors, loadings


def fading(random: np.random.Generator, weeks: int, count: int, spread: float, memory: float) -> NDArray[np.float64]:
    """Stationary AR(1) series (weeks, count) with this standard deviation."""
    fresh = random.normal(0, 1, (weeks + 60, count))
    series = np.zeros_like(fresh)
    for week in range(1, weeks + 60):
        series[week] = memory * series[week - 1] + np.sqrt(1 - memory**2) * fresh[week]
    return np.asarray(spread * series[60:])


def specification(city: City, design: Design, on_weeks: tuple[date, ...] = (), level: float = 0.9) -> Specification:
    """The plan of a pilot on the first routes of the city."""
    names = [f"route-{route:02d}" for route in range(city.routes)]
    signals = tuple(Signal(name=name, unit="KMT") for name in names)
    start = BEGIN + timedelta(weeks=city.weeks_before)
    return Specification(
        title="Collection by need",
        service="waste",
        option="comparison",
        design=design,
        boundary="The routes of the pilot.",
        units=signals[: city.treated],
        donors=signals[city.treated :],
        baseline=Days(first=BEGIN, last=start - timedelta(days=1)),
        reporting=Days(first=start, last=start + timedelta(weeks=city.weeks_after, days=-1)),
        on_weeks=on_weeks,
        expected=0.1,
        decision=DecisionRule(level=level, scale_up="All routes.", extend="Another half year.", stop="Back."),
        tariff=(Band(price=Factor(value=Decimal(200), unit="RSD/KMT", source="bench", year=2026, vat_included=False)),),
    )


def series(amounts: NDArray[np.float64]) -> dict[str, Series]:
    """The routes as the evaluation takes them."""
    start = np.datetime64(BEGIN, "D")
    return {
        f"route-{route:02d}": Series(f"route-{route:02d}", start, column, "KMT")
        for route, column in enumerate(amounts.T)
    }
