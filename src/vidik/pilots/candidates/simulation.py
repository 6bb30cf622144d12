"""Many possible worlds at once: each draw sets every uncertain number of every service, and says what each is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidik.pilots.candidates.assumptions import Assumptions, Triple
from vidik.pilots.measurement.series import Values
from vidik.pilots.money.economics import Conventions, annuity, carbon_prices, residual_value

UNCERTAIN = ("cost", "yearly_cost", "saving_fraction", "price", "emission_kg_per_unit")


@dataclass(frozen=True, eq=False)
class Worlds:
    """Draws of all services: arrays are (services, draws), money in the currency of the assumptions, present values.

    `npv` is to all people, carbon included; `budget_npv` is to who pays alone. `cost` is the investment; `yearly` the
    yearly benefit less yearly cost, carbon left out; `tonnes` of CO2 in all years; `fraction` saved.
    """

    services: tuple[str, ...]
    cost: Values
    yearly: Values
    npv: Values
    budget_npv: Values
    tonnes: Values
    fraction: Values
    net_cost: Values
    """Present cost less present benefits, carbon left out."""
    slopes: dict[str, Values]
    """By how much the expected `npv` of each service grows with each of its uncertain numbers (society, budget)."""


def conventions_of(assumptions: Assumptions, rate: float) -> Conventions:
    """The rules of appraisal that these assumptions set."""
    return Conventions(social_rate=rate, years=assumptions.horizon_years, rsd_per_eur=assumptions.rsd_per_eur)


def simulate(assumptions: Assumptions, rate: float, draws: int, seed: int) -> Worlds:
    """Draw the worlds. The same seed draws the same chances whatever the numbers, so that what-ifs can be compared."""
    names = tuple(assumptions.services)
    random = np.random.default_rng(seed)
    chances = {part: random.random((len(names), draws)) for part in UNCERTAIN}
    success = random.random((len(names), draws))
    shared = {name: random.random(draws) for name in sorted(assumptions.prices)}
    candidates = list(assumptions.services.values())
    for row, candidate in enumerate(candidates):
        if isinstance(candidate.price, str):
            chances["price"][row] = shared[candidate.price]
    triples = {
        part: [
            assumptions.price_of(candidate).value if part == "price" else getattr(candidate, part)
            for candidate in candidates
        ]
        for part in UNCERTAIN
    }
    parts = {part: _triangular(triples[part], chances[part]) for part in UNCERTAIN}
    rules = conventions_of(assumptions, rate)
    works = success >= np.array([candidate.chance_of_failure for candidate in candidates])[:, None]
    fraction = np.where(works, parts["saving_fraction"], 0.0)
    saved = fraction * np.array([candidate.annual_base.value for candidate in candidates])[:, None]
    lives = [min(candidate.years, rules.years) for candidate in candidates]
    factor = np.array([annuity(rate, years) for years in lives])[:, None]
    carbon = np.array([_carbon_factor(rules, rate, years) for years in lives])[:, None]
    left = np.array(
        [
            residual_value(1.0, candidate.years, years) / (1 + rate) ** years
            for candidate, years in zip(candidates, lives, strict=True)
        ]
    )[:, None]
    benefit = saved * parts["price"]
    tonnes = saved * parts["emission_kg_per_unit"] / 1000
    net_cost = parts["cost"] * (1 - left) + (parts["yearly_cost"] - benefit) * factor
    share = np.array([candidate.budget_share for candidate in candidates])[:, None]
    base = np.array([candidate.annual_base.value for candidate in candidates])[:, None] * works

    def slope(society: Values, budget: Values) -> Values:
        return np.stack([np.broadcast_to(part, works.shape).mean(axis=1) for part in (society, budget)])

    slopes = {
        "cost": slope(left - 1, left - 1),
        "yearly_cost": slope(-factor, -factor),
        "saving_fraction": slope(
            base * (parts["price"] * factor + parts["emission_kg_per_unit"] / 1000 * carbon),
            base * parts["price"] * factor * share,
        ),
        "price": slope(saved * factor, saved * factor * share),
        "emission_kg_per_unit": slope(saved / 1000 * carbon, np.zeros_like(saved)),
    }
    return Worlds(
        names,
        parts["cost"],
        benefit - parts["yearly_cost"],
        -net_cost + tonnes * carbon,
        -net_cost - benefit * (1 - share) * factor,
        tonnes * np.array(lives)[:, None],
        fraction,
        net_cost,
        slopes,
    )


def _carbon_factor(rules: Conventions, rate: float, years: int) -> float:
    """Present value of one tonne avoided in each year."""
    prices = carbon_prices(rules, years)
    return float(sum(price / (1 + rate) ** (year + 1) for year, price in enumerate(prices)))


def _triangular(triples: list[Triple], chances: Values) -> Values:
    """Draws of triangular distributions by their inverse; a triple of three equal numbers is that number."""
    low = np.array([triple.low for triple in triples])[:, None]
    likely = np.array([triple.likely for triple in triples])[:, None]
    high = np.array([triple.high for triple in triples])[:, None]
    width = high - low
    peak = np.divide(likely - low, width, out=np.zeros_like(width), where=width > 0)
    rising = low + np.sqrt(chances * width * (likely - low))
    falling = high - np.sqrt((1 - chances) * width * (high - likely))
    return np.asarray(np.where(chances < peak, rising, falling))
