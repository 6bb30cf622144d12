"""Cost and benefit over years, by the conventions of the EU's simplified cost-benefit analysis.

European Commission, Economic Appraisal Vademecum 2021-2027 (2021) and Guide to Cost-Benefit Analysis of Investment
Projects (2014): constant prices without VAT, incremental flows, year 0 is the investment, discounting by whole years,
residual value at the end of the reference period. All rates are settings; the defaults name their source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

FINANCIAL_RATE = 0.04
"""Real financial discount rate: 4 %, CBA Guide 2014, 2.7.2; Delegated Regulation (EU) 480/2014, Article 19(3)."""
SOCIAL_RATE_COHESION = 0.05
"""Real social discount rate for cohesion countries (5 %), and for others (3 %): CBA Guide 2014, 2.8.7; Implementing
Regulation (EU) 2015/207, Annex III. Vademecum 2021-2027: 3 % may be used as a benchmark."""
SOCIAL_RATE = 0.03

REFERENCE_PERIODS: Mapping[str, tuple[int, int]] = {
    "energy": (15, 25),
    "water": (30, 30),
    "waste": (25, 30),
    "urban_transport": (25, 30),
    "roads": (25, 30),
    "digital": (15, 20),
    "other": (10, 15),
}
"""Years, from and to, by sector: Delegated Regulation (EU) 480/2014, Annex I; CBA Guide 2014, Table 2.1."""

SHADOW_CARBON: Mapping[int, float] = {2020: 80, 2025: 165, 2030: 250, 2035: 390, 2040: 525, 2045: 660, 2050: 800}
"""EUR of 2016 a tonne of CO2 equivalent: EIB Group Climate Bank Roadmap 2021-2025 (2020), Annex 5; recommended by the
Commission's technical guidance on climate proofing, OJ C 373, 16.9.2021, Table 6. Between years it is interpolated."""


@dataclass(frozen=True)
class Conventions:
    """The settings of an appraisal: rates a year as fractions, reference period in years."""

    financial_rate: float = FINANCIAL_RATE
    social_rate: float = SOCIAL_RATE
    years: int = 15
    first_year: int = 2026
    rsd_per_eur: float = 117.2
    shadow_carbon: Mapping[int, float] = field(default_factory=lambda: dict(SHADOW_CARBON))


@dataclass(frozen=True)
class Appraisal:
    """What a project is worth to who pays it (financial) and to all (economic). Amounts in the currency of the flows.

    `cost_per_tonne` is the discounted net cost, carbon left out, over the tonnes avoided; None where none are.
    """

    financial_npv: float
    economic_npv: float
    financial_irr: float | None
    economic_irr: float | None
    payback_years: float | None
    benefit_cost_ratio: float | None
    cost_per_tonne: float | None


def npv(rate: float, flows: Sequence[float]) -> float:
    """Net present value of yearly flows; the first is now and is not discounted. Raises ValueError for rate <= -1."""
    if rate <= -1:
        raise ValueError("A discount rate must be above -100 %.")
    return float(sum(flow / (1 + rate) ** year for year, flow in enumerate(flows)))


def irr(flows: Sequence[float]) -> float | None:
    """The rate at which the net present value is zero, between -99 % and 1,000 %.

    None where there is none, or, with several changes of sign, where it would not be the only one.
    """
    signs = [flow > 0 for flow in flows if flow != 0]
    if sum(first != second for first, second in pairwise(signs)) != 1:
        return None
    low, high = -0.99, 10.0
    at_low, at_high = npv(low, flows), npv(high, flows)
    if at_low * at_high > 0:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        at_middle = npv(middle, flows)
        if at_middle * at_low > 0:
            low, at_low = middle, at_middle
        else:
            high = middle
    return (low + high) / 2


def payback_years(flows: Sequence[float]) -> float | None:
    """Years until the flows have paid the investment back, undiscounted, within a year in proportion; None if never."""
    total = 0.0
    for year, flow in enumerate(flows):
        if total < 0 <= total + flow:
            return year - 1 + -total / flow
        total += flow
    return 0.0 if flows and flows[0] >= 0 else None


def annuity(rate: float, years: int) -> float:
    """Present value of one unit a year for `years` years, the first a year from now."""
    return float(years) if rate == 0 else (1 - (1 + rate) ** -years) / rate


def residual_value(investment: float, life_years: float, reference_years: float) -> float:
    """What is left of an investment that lives longer than the reference period: its share of life not yet used."""
    return investment * max(0.0, 1 - reference_years / life_years) if life_years > 0 else 0.0


def carbon_prices(conventions: Conventions, years: int) -> list[float]:
    """Shadow price of a tonne in RSD in each of the years 1..`years` after the first."""
    known = sorted(conventions.shadow_carbon)
    wanted = conventions.first_year + np.arange(1, years + 1)
    prices = np.interp(wanted, known, [conventions.shadow_carbon[year] for year in known])
    return [float(price) * conventions.rsd_per_eur for price in prices]


def appraise(
    investment: float,
    yearly_benefit: float,
    yearly_cost: float,
    yearly_tonnes: float,
    life_years: int,
    *,
    budget_share: float = 1.0,
    conventions: Conventions | None = None,
) -> Appraisal:
    """A project of one investment and level yearly benefits, costs and tonnes of CO2 avoided.

    `budget_share` is the part of the benefit that reaches the budget of who pays (the rest is citizens' time or
    health). After `life_years` benefits and costs end; where the reference period ends earlier, a residual value stands
    in for the rest.
    """
    rules = conventions or Conventions()
    years = min(rules.years, life_years)
    rest = [0.0] * years
    rest[-1] = residual_value(investment, life_years, years)
    financial = [-investment] + [yearly_benefit * budget_share - yearly_cost + extra for extra in rest]
    without_carbon = [-investment] + [yearly_benefit - yearly_cost + extra for extra in rest]
    prices = [0.0, *carbon_prices(rules, years)]
    economic = [flow + yearly_tonnes * price for flow, price in zip(without_carbon, prices, strict=True)]
    costs = npv(rules.social_rate, [investment] + [yearly_cost] * years)
    benefits = npv(rules.social_rate, economic) + costs
    tonnes = yearly_tonnes * years
    return Appraisal(
        npv(rules.financial_rate, financial),
        npv(rules.social_rate, economic),
        irr(financial),
        irr(economic),
        payback_years(financial),
        benefits / costs if costs > 0 else None,
        -npv(rules.social_rate, without_carbon) / tonnes if tonnes > 0 and math.isfinite(tonnes) else None,
    )
