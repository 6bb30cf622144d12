"""The packaged register of prices and emission factors, each with its source: what a plan offers to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


def _per(factor: Factor) -> str:
    return factor.unit.partition("/")[2]


def in_unit(factor: Factor, unit: str) -> Factor | None:
    """A price or factor for another unit of the same quantity, exactly; None where there is no such way."""
    if _per(factor) == unit:
        return factor
    times = _TIMES.get((_per(factor), unit))
    if times is None:
        return None
    return factor.model_copy(
        update={"value": _plainly(factor.value * times), "unit": f"{factor.unit.partition('/')[0]}/{unit}"}
    )


def tariff_in_unit(tariff: Tariff, unit: str) -> Tariff | None:
    """A tariff for another unit of the same quantity, its blocks too; None where there is no such way."""
    bands = []
    for band in tariff.bands:
        price = in_unit(band.price, unit)
        if price is None:
            return None
        above = band.above if price is band.price else band.above / _TIMES[_per(band.price), unit]
        bands.append(band.model_copy(update={"price": price, "above": _plainly(above)}))
    return replace(tariff, bands=tuple(bands))


def _plainly(value: Decimal) -> Decimal:
    """Without zeros at the end, and without a power of ten."""
    return Decimal(f"{value.normalize():f}")


_TIMES = {("KWH", "MWH"): Decimal(1000), ("LTR", "MTQ"): Decimal(1000)}
"""How many of the first make one of the second."""


@cache
def _register() -> dict[str, Any]:
    text = files("vidik.pilots.money").joinpath("factors.yaml").read_text(encoding="utf-8")
    register: dict[str, Any] = yaml.safe_load(text)
    return register
