"""The packaged register of prices and emission factors, each with its source: what a plan offers to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from vidik.kernel.scripts import three_scripts
from vidik.pilots.specification import Band, Factor


@dataclass(frozen=True)
class EmissionFactor:
    """An emission factor of the register; `of` says of what ("electricity", "natural gas", ...)."""

    id: str
    of: str
    factor: Factor


@dataclass(frozen=True)
class Tariff:
    """A tariff of the register."""

    id: str
    title: dict[str, str]
    bands: tuple[Band, ...]


def emission_factors(of: str | None = None) -> list[EmissionFactor]:
    """All published factors, or those of one thing: for Serbian electricity they differ by more than half."""
    found = [
        EmissionFactor(
            row["id"],
            row["of"],
            Factor(
                value=Decimal(row["value"]),
                unit=row["unit"],
                source=row["source"],
                year=row["year"],
                approach=row["approach"],
            ),
        )
        for row in _register()["emissions"]
    ]
    return [factor for factor in found if of is None or factor.of == of]


def tariffs() -> list[Tariff]:
    """Regulated tariffs of electricity, as bands by hour and block."""
    found = []
    for row in _register()["tariffs"]:
        bands = tuple(
            Band(
                price=Factor(
                    value=Decimal(band["price"]),
                    unit=row["unit"],
                    source=row["source"],
                    year=row["year"],
                    vat_included=row["vat_included"],
                ),
                hours=tuple(band["hours"]),
                above=Decimal(band.get("above", "0")),
            )
            for band in row["bands"]
        )
        found.append(Tariff(row["id"], three_scripts(row["title"]["en"], row["title"]["sr_cyrl"]), bands))
    return found


@cache
def _register() -> dict[str, Any]:
    text = files("vidik.pilots.money").joinpath("factors.yaml").read_text(encoding="utf-8")
    register: dict[str, Any] = yaml.safe_load(text)
    return register
