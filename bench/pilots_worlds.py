"""Routes as others might simulate them: other recipes than bench/pilots_routes.py, for the same question.

Each recipe gives amounts a day of 30 routes with no pilot (days, routes), and the day on which a pilot starts. They
differ in what routes share (waves, shocks that fade, random walks, weather, holidays, kinds of district), in what each
has for itself (noise by day or week, walks, trends), in whether effects multiply or add, and in how long the baseline
is. None was tuned to the estimators.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.pilots_routes import WEEK, City, fading, simulate

Amounts = NDArray[np.float64]
World = Callable[[int], tuple[Amounts, int]]
ROUTES = 30


def two_years(seed: int) -> tuple[Amounts, int]:
    """The routes of bench/pilots_routes.py with two years of baseline instead of one."""
    return simulate(City(weeks_before=104), seed), 104 * WEEK


def weekly_tonnes(seed: int) -> tuple[Amounts, int]:
    """Two years of weeks: a season and one shock that fades, each in the route's own measure, 3 % noise a week."""
    random, weeks = np.random.default_rng([1, seed]), 130
    season = 0.1 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    shock = fading(random, weeks, 1, 0.05, 0.7)
    own = season[:, None] * random.normal(1, 0.3, ROUTES) + shock * random.normal(1, 0.3, ROUTES)
    amounts = random.uniform(5, 40, ROUTES) * (1 + own + random.normal(0, 0.03, (weeks, ROUTES)))
    return np.repeat(amounts / WEEK, WEEK, axis=0), 104 * WEEK


def alike(seed: int) -> tuple[Amounts, int]:
    """A year of days: one season and one shock, the same for all; 10 % noise a day."""
    random, days = np.random.default_rng([8, seed]), 546
    common = 0.1 * np.sin(2 * np.pi * np.arange(days) / 365) + fading(random, days, 1, 0.05, 0.9)[:, 0]
    noise = random.normal(0, 0.1, (days, ROUTES))
    return random.uniform(20, 80, ROUTES) * np.exp(common[:, None] + noise), 364


def linear_factors(seed: int) -> tuple[Amounts, int]:
    """A year of weeks by the linear factor model of Abadie, Diamond and Hainmueller (2010); effects add."""
    random, weeks = np.random.default_rng([5, seed]), 78
    level = 100 + np.cumsum(random.normal(0, 0.5, weeks)) + 5 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    known, unknown = random.uniform(0, 1, (2, ROUTES)), random.uniform(0, 1, (3, ROUTES))
    moves = 5 * fading(random, weeks, 2, 1, 0.8) @ known + 4 * fading(random, weeks, 3, 1, 0.8) @ unknown
    amounts = level[:, None] + moves + random.normal(0, 2, (weeks, ROUTES))
    return np.repeat(amounts / WEEK, WEEK, axis=0), 52 * WEEK


def walking_city(seed: int) -> tuple[Amounts, int]:
    """A year of days: the whole city walks at random, each route in its own measure; weekdays, 8 % noise a day."""
    random, days = np.random.default_rng([2, seed]), 545
    time = np.arange(days)
    walk, season = np.cumsum(random.normal(0, 0.004, days)), 0.12 * np.cos(2 * np.pi * time / 365.25)
    own = walk[:, None] * random.uniform(0.5, 1.5, ROUTES) + season[:, None] * random.uniform(0.2, 1.5, ROUTES)
    weekday = np.array([1.1, 1, 1, 1, 1.05, 0.8, 0.5])[time % WEEK]
    noise = random.normal(0, 0.08, (days, ROUTES))
    return random.uniform(30, 90, ROUTES) * weekday[:, None] * np.exp(own + noise), 365


def districts(seed: int) -> tuple[Amounts, int]:
    """A year: three kinds of district with seasons and shocks of their own; own shocks of 2.5 % a week."""
    random, weeks = np.random.default_rng([3, seed]), 78
    kind = random.integers(0, 3, ROUTES)
    common, shocks = fading(random, weeks, 1, 0.03, 0.8), fading(random, weeks, 3, 0.04, 0.8)
    time = np.arange(weeks)
    season = np.stack([0.08 * np.sin(2 * np.pi * (time + shift) / 52) for shift in (0, 10, 26)], axis=1)
    moves = common + shocks[:, kind] + season[:, kind] * random.uniform(0.6, 1.4, ROUTES)
    weekly = np.exp(random.normal(3, 0.5, ROUTES) + moves + fading(random, weeks, ROUTES, 0.025, 0.2))
    return np.repeat(weekly, WEEK, axis=0) * np.exp(random.normal(0, 0.05, (weeks * WEEK, ROUTES))), 52 * WEEK


def fillings(seed: int) -> tuple[Amounts, int]:
    """A year of whole numbers (15 to 60 a day, Poisson): season, twenty holidays, shocks of the week."""
    random, days = np.random.default_rng([7, seed]), 546
    holidays = np.zeros(days)
    for day in random.choice(days, 20, replace=False):
        holidays[day : day + 3] = 0.3
    season = 0.1 * np.sin(2 * np.pi * np.arange(days) / 365)
    shared = holidays + np.repeat(fading(random, days // WEEK, 1, 0.05, 0.5)[:, 0], WEEK)
    own = season[:, None] * random.uniform(0.3, 1.7, ROUTES) + shared[:, None] * random.uniform(0.5, 1.5, ROUTES)
    return random.poisson(random.uniform(15, 60, ROUTES) * np.exp(own)).astype(np.float64), 364


def own_walks(seed: int) -> tuple[Amounts, int]:
    """A year: two walks of the city, and each route wanders off by itself (0.25 % a week), which none can foretell."""
    random, weeks = np.random.default_rng([4, seed]), 78
    common = np.cumsum(random.normal(0, 0.008, (weeks, 2)), axis=0) @ random.normal(1, 0.4, (2, ROUTES))
    own = np.cumsum(random.normal(0, 0.0025, (weeks, ROUTES)), axis=0) + random.normal(0, 0.02, (weeks, ROUTES))
    weekly = random.uniform(20, 80, ROUTES) * np.exp(common + own)
    return np.repeat(weekly, WEEK, axis=0) * np.exp(random.normal(0, 0.05, (weeks * WEEK, ROUTES))), 52 * WEEK


def own_trends(seed: int) -> tuple[Amounts, int]:
    """A year of days: each route grows by a rate of its own (2 % a year, give or take 2), weather, 10 % noise a day."""
    random, days = np.random.default_rng([6, seed]), 546
    time = np.arange(days)
    weather = np.sin(2 * np.pi * time / 365) + fading(random, days, 1, 0.5, 0.9)[:, 0]
    trend = time[:, None] / 365 * random.normal(0.02, 0.02, ROUTES)
    own = trend + 0.06 * weather[:, None] * random.uniform(0, 1.5, ROUTES)
    return random.uniform(20, 80, ROUTES) * np.exp(own + random.normal(0, 0.1, (days, ROUTES))), 364


def made_of_three(seed: int, own_level: float = 0.0) -> tuple[Amounts, int]:
    """A year of weeks: the first route is a mean of three others, give or take 1 %; all others go their own ways."""
    random, weeks = np.random.default_rng([9, seed]), 78
    season = 0.06 * np.sin(2 * np.pi * np.arange(weeks) / 52)[:, None] * random.normal(1, 0.5, ROUTES)
    common = fading(random, weeks, 1, 0.04, 0.8) * random.normal(1, 0.3, ROUTES)
    moves = fading(random, weeks, ROUTES, 0.06, 0.8) + common + season + random.normal(0, 0.01, (weeks, ROUTES))
    amounts = random.uniform(20, 80, ROUTES) * (1 + moves)
    three = amounts[:, random.choice(np.arange(1, ROUTES), 3, replace=False)]
    mixed = own_level + three @ random.dirichlet([1, 1, 1])
    amounts[:, 0] = mixed + 0.01 * mixed.mean() * random.normal(0, 1, weeks)
    return np.repeat(amounts / WEEK, WEEK, axis=0), 52 * WEEK


def three_and_a_level(seed: int) -> tuple[Amounts, int]:
    """The same with a level of its own besides, which does not move."""
    return made_of_three(seed, own_level=30.0)


WORLDS: dict[str, World] = {
    world.__name__.replace("_", " "): world
    for world in (
        two_years,
        weekly_tonnes,
        alike,
        linear_factors,
        walking_city,
        districts,
        fillings,
        own_walks,
        own_trends,
        made_of_three,
        three_and_a_level,
    )
}
