"""Which three services to pilot: all triples under a budget, in every drawn world, and what would change the choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.candidates.assumptions import Assumptions
from vidik.pilots.candidates.old_rankings import OldRanking, old_rankings
from vidik.pilots.candidates.simulation import UNCERTAIN, Worlds, conventions_of, simulate
from vidik.pilots.measurement.series import Mask, Values
from vidik.pilots.money.economics import carbon_prices, irr, residual_value

View = Literal["society", "budget"]
PICKED = 3


@dataclass(frozen=True)
class Spread:
    """The 5th, 50th and 95th percentile of the draws."""

    p5: float
    p50: float
    p95: float


@dataclass(frozen=True)
class ServiceRank:
    """One service: the chance that it belongs to the best three, its worth and its provability.

    `provability` is the chance that it saves at least what the site's data can show. `topsis` and `promethee` are its
    places in the old rankings, 1 the best. `cost_per_tonne` leaves carbon out; None where no carbon is saved.
    """

    service: str
    probability_best_three: float
    npv: Spread
    irr: float | None
    payback_years: float | None
    cost_per_tonne: float | None
    tonnes: float
    expected_fraction: float
    detectable_fraction: float
    provability: float
    topsis: int | None
    promethee: int | None


@dataclass(frozen=True)
class TripleRank:
    """Three services together. `expected_regret` is what one gives up, on average, by not knowing the future."""

    services: tuple[str, str, str]
    probability_best: float
    expected_npv: float
    expected_regret: float
    cost: float
    within_budget: bool


@dataclass(frozen=True)
class Change:
    """A number at which the recommended three would change: from what is assumed, to the threshold.

    `within_range` says whether the threshold lies between the low and the high that the city itself gave.
    """

    service: str
    parameter: str
    from_value: float
    to_value: float
    effect: Literal["enters", "leaves"]
    within_range: bool


@dataclass(frozen=True)
class Ranking:
    """The result: services by their chance, triples by their regret, changes nearest first."""

    draws: int
    seed: int
    view: View
    budget: float
    discount_rate: float
    recommended: tuple[str, str, str] | None
    services: list[ServiceRank]
    triples: list[TripleRank]
    changes: list[Change]
    old: list[OldRanking]


def rank(
    assumptions: Assumptions,
    *,
    budget: float | None = None,
    discount_rate: float | None = None,
    draws: int = 10_000,
    seed: int = 2026,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    weights: Sequence[float] | None = None,
    view: View = "society",
    with_old_rankings: bool = True,
) -> Ranking:
    """Rank services and triples. Deterministic by `seed`; nothing is saved.

    A triple is within the budget when its likely costs are: the city decides before it knows. `view` counts what all
    people gain, carbon included, or what reaches the budget alone. `weights` are those of the old rankings' criteria.
    Raises ValueError for overrides that do not fit.
    """
    assumed = assumptions.with_overrides(overrides) if overrides else assumptions
    money = assumed.budget if budget is None else budget
    rate = assumed.discount_rate if discount_rate is None else discount_rate
    worlds = simulate(assumed, rate, draws, seed)
    worth = worlds.npv if view == "society" else worlds.budget_npv
    likely = np.array([candidate.cost.likely for candidate in assumed.services.values()])
    members = np.array(list(combinations(range(len(worlds.services)), PICKED)))
    costs = likely[members].sum(axis=1)
    allowed = costs <= money
    totals = worth[members[:, 0]] + worth[members[:, 1]] + worth[members[:, 2]]
    wins = np.zeros(len(members))
    regret = np.full(len(members), np.nan)
    if allowed.any():
        within = totals[allowed]
        wins[allowed] = np.bincount(np.argmax(within, axis=0), minlength=len(within)) / draws
        regret = totals.mean(axis=1) * -1 + float(within.max(axis=0).mean())
    expected = totals.mean(axis=1)
    order = sorted(range(len(members)), key=lambda place: (not allowed[place], -expected[place]))
    names = worlds.services

    def named(place: int) -> tuple[str, str, str]:
        first, second, third = members[place]
        return names[first], names[second], names[third]

    triples = [
        TripleRank(
            named(place),
            float(wins[place]),
            float(expected[place]),
            float(regret[place]),
            float(costs[place]),
            bool(allowed[place]),
        )
        for place in order
    ]
    recommended = order[0] if allowed.any() else None
    belongs = np.array([wins[(members == place).any(axis=1)].sum() for place in range(len(names))])
    old = old_rankings(assumed, worlds, weights) if with_old_rankings else []
    services = [
        _service(assumed, worlds, worth, rate, place, float(belongs[place]), old) for place in range(len(names))
    ]
    changes = []
    if recommended is not None:
        changes = _changes(assumed, worlds, view, members, allowed, recommended, money)
    return Ranking(
        draws,
        seed,
        view,
        money,
        rate,
        named(recommended) if recommended is not None else None,
        sorted(services, key=lambda service: -service.probability_best_three),
        triples,
        changes,
        old,
    )


def _service(
    assumed: Assumptions,
    worlds: Worlds,
    worth: Values,
    rate: float,
    place: int,
    chance: float,
    old: list[OldRanking],
) -> ServiceRank:
    name = worlds.services[place]
    candidate = list(assumed.services.values())[place]
    p5, p50, p95 = np.percentile(worth[place], [5, 50, 95])
    tonnes = float(worlds.tonnes[place].mean())
    cost, yearly = float(worlds.cost[place].mean()), float(worlds.yearly[place].mean())
    years = min(candidate.years, assumed.horizon_years)
    yearly_tonnes = tonnes / years
    prices = carbon_prices(conventions_of(assumed, rate), years)
    flows = [-cost] + [yearly + yearly_tonnes * price for price in prices]
    flows[-1] += residual_value(cost, candidate.years, years)
    places = {ranking.method: ranking.order.index(name) + 1 for ranking in old}
    return ServiceRank(
        name,
        chance,
        Spread(float(p5), float(p50), float(p95)),
        irr(flows),
        cost / yearly if yearly > 0 else None,
        float(worlds.net_cost[place].mean()) / tonnes if tonnes > 0 else None,
        tonnes,
        float(worlds.fraction[place].mean()),
        candidate.detectable_fraction,
        float(np.mean(worlds.fraction[place] >= candidate.detectable_fraction)),
        places.get("topsis"),
        places.get("promethee"),
    )


def _changes(
    assumed: Assumptions,
    worlds: Worlds,
    view: View,
    members: NDArray[np.int64],
    allowed: Mask,
    recommended: int,
    money: float,
) -> list[Change]:
    """Thresholds, number by number, all others as they are: expected worth is a straight line in each number."""
    expected = (worlds.npv if view == "society" else worlds.budget_npv).mean(axis=1)
    totals = expected[members].sum(axis=1)
    changes = []
    for place, (name, candidate) in enumerate(assumed.services.items()):
        inside = (members == place).any(axis=1)
        effect: Literal["enters", "leaves"] = "leaves" if inside[recommended] else "enters"
        if not (allowed & inside).any() or not (allowed & ~inside).any():
            continue
        needed = float(totals[allowed & ~inside].max() - totals[allowed & inside].max() + expected[place])
        for parameter in UNCERTAIN:
            triple = assumed.price_of(candidate).value if parameter == "price" else getattr(candidate, parameter)
            slope = float(worlds.slopes[parameter][0 if view == "society" else 1, place])
            if slope == 0:
                continue
            value = triple.mean + (needed - float(expected[place])) / slope
            if parameter == "cost":
                value = _within_money(value, place, effect, assumed, members[recommended], money)
            if value < 0 or (parameter == "saving_fraction" and value > 1):
                continue
            within = bool(triple.low <= value <= triple.high)
            changes.append(Change(name, parameter, triple.mean, float(value), effect, within))
    return sorted(changes, key=lambda change: abs(math.log((change.to_value + 1e-9) / (change.from_value + 1e-9))))


def _within_money(
    value: float,
    place: int,
    effect: Literal["enters", "leaves"],
    assumed: Assumptions,
    chosen: NDArray[np.int64],
    money: float,
) -> float:
    """A cost also changes the choice where it no longer fits the budget."""
    if effect == "enters":
        return value
    costs = [candidate.cost.likely for candidate in assumed.services.values()]
    room = money - sum(costs[other] for other in chosen.tolist() if other != place)
    return float(min(value, room))
