"""What a city assumes of the seven services: the packaged register, and its own numbers laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vidik.kernel.scripts import three_scripts
from vidik.pilots.specification import Design, Service

TRIPLES = ("cost", "yearly_cost", "saving_fraction", "price", "emission_kg_per_unit")


class Part(BaseModel):
    """A piece of the assumptions: nothing unknown may hide in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Triple(Part):
    """A number that is not known exactly: nothing below `low`, most likely `likely`, nothing above `high`."""

    low: float = Field(allow_inf_nan=False)
    likely: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"must be in order: {self.low}, {self.likely}, {self.high}")
        return self

    @property
    def mean(self) -> float:
        """Mean of the triangle."""
        return (self.low + self.likely + self.high) / 3


class Said(Part):
    """A text in English and Serbian Cyrillic; what a person types in one language stands in both."""

    en: str
    sr_cyrl: str

    def three(self) -> dict[str, str]:
        """The text as the interface carries it."""
        return three_scripts(self.en, self.sr_cyrl)

    @model_validator(mode="before")
    @classmethod
    def _as_typed(cls, given: Any) -> Any:
        return {"en": given, "sr_cyrl": given} if isinstance(given, str) else given


class Price(Part):
    """What a unit saved is worth, without VAT."""

    unit: str
    value: Triple
    source: Said


class Base(Part):
    """The yearly amount of which a fraction is saved."""

    value: float = Field(gt=0, allow_inf_nan=False)
    unit: str


class Candidate(Part):
    """One service at the size of a pilot. Money in the currency of the assumptions, without VAT, constant prices.

    `price` is a price of its own or the name of a shared one; services that share a price share its uncertainty.
    `budget_share` of the benefit reaches the budget; `chance_of_failure` is the chance that nothing is saved at all.
    `detectable_fraction` is the smallest saving that data like this site's show in four of five pilots.
    """

    title: Said
    scope: Said
    cost: Triple
    yearly_cost: Triple
    saving_fraction: Triple
    annual_base: Base
    price: str | Price
    emission_kg_per_unit: Triple
    years: int = Field(ge=1, le=60)
    chance_of_failure: float = Field(ge=0, le=1)
    budget_share: float = Field(ge=0, le=1)
    design: Design
    detectable_fraction: float = Field(gt=0, le=1)
    who_gains: Said
    risk: Said
    sources: tuple[Said, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.cost.low <= 0:
            raise ValueError("a cost must be above zero")
        if self.yearly_cost.low < 0 or self.emission_kg_per_unit.low < 0:
            raise ValueError("yearly cost and emissions cannot be below zero")
        if self.saving_fraction.high > 1:
            raise ValueError("no more than everything can be saved")
        return self


class Assumptions(Part):
    """All that a ranking starts from."""

    currency: str
    budget: float = Field(gt=0, allow_inf_nan=False)
    horizon_years: int = Field(ge=1, le=60)
    discount_rate: float = Field(ge=0, lt=1)
    rsd_per_eur: float = Field(gt=0)
    prices: dict[str, Price]
    services: dict[Service, Candidate]

    @model_validator(mode="after")
    def _prices_known(self) -> Self:
        if len(self.services) < 3:
            raise ValueError("three services are needed to choose three")
        for name, candidate in self.services.items():
            price = self.price_of(candidate)
            if not price.unit.casefold().endswith("/" + candidate.annual_base.unit.casefold()):
                raise ValueError(f"{name} is counted in {candidate.annual_base.unit}, its price in {price.unit}")
        return self

    def price_of(self, candidate: Candidate) -> Price:
        """The price of a candidate, its own or the shared one. Raises ValueError for a name that is not there."""
        if isinstance(candidate.price, Price):
            return candidate.price
        if candidate.price not in self.prices:
            raise ValueError(f"there is no price called {candidate.price}")
        return self.prices[candidate.price]

    def with_overrides(self, overrides: Mapping[str, Mapping[str, Any]]) -> Assumptions:
        """The same with some numbers of some services replaced; a bare number stands for a triple known exactly.

        Raises ValueError for services and numbers that there are not.
        """
        services = {name: candidate.model_dump() for name, candidate in self.services.items()}
        for name, changes in overrides.items():
            if name not in services:
                raise ValueError(f"There is no service called {name}.")
            for key, given in changes.items():
                if key not in Candidate.model_fields:
                    raise ValueError(f"A service has no {key}.")
                services[name][key] = _laid_over(services[name][key], key, given)
                if key == "price" and isinstance(given, int | float):
                    known = self.price_of(self.services[name])
                    exact = {"low": given, "likely": given, "high": given}
                    services[name][key] = known.model_dump() | {"value": exact}
        return Assumptions.model_validate(self.model_dump() | {"services": services})


@cache
def register() -> Assumptions:
    """The assumptions that come with Vidik: seven services, each number with its source."""
    text = files("vidik.pilots.candidates").joinpath("register.yaml").read_text(encoding="utf-8")
    return Assumptions.model_validate(yaml.safe_load(text))


def _laid_over(known: Any, key: str, given: Any) -> Any:
    if key in TRIPLES and isinstance(given, int | float):
        return {"low": given, "likely": given, "high": given}
    return known | dict(given) if isinstance(known, dict) and isinstance(given, Mapping) else given
