"""Cost and benefit over years, by the conventions of the EU's simplified cost-benefit analysis.

European Commission, Economic Appraisal Vademecum 2021-2027 (2021) and Guide to Cost-Benefit Analysis of Investment
Projects (2014): constant prices without VAT, incremental flows, year 0 is the investment, discounting by whole years,
residual value at the end of the reference period. All rates are settings; the defaults name their source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

FINANCIAL_RATE = 0.04
"""Real financial discount rate: 4 %, CBA Guide 2014, 2.7.2; Delegated Regulation (EU) 480/2014, Article 19(3)."""
SOCIAL_RATE = 0.03
"""Real social discount rate: 3 %, Vademecum 2021-2027; 5 % for cohesion countries in CBA Guide 2014, 2.8.7."""

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
