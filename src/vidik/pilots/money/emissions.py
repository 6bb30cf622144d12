"""Avoided emissions: an amount saved times a factor whose source, year and approach are known."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from vidik.pilots.specification import Factor

GRAM = Decimal("0.001")


def avoided(factor: Factor, saving: float | Decimal, unit: str) -> Decimal:
    """Kilograms of CO2 (or CO2 equivalent, as the factor says) avoided by a saving in `unit`, to the gram.

    Raises ValueError when the factor is of another unit: kilograms a kWh do not hold for cubic metres.
    """
    mass, _, per = factor.unit.partition("/")
    if per.casefold() != unit.casefold() or mass.casefold() not in _KILOGRAMS:
        raise ValueError(f"The emission factor is in {factor.unit}, the saving in {unit}.")
    amount = saving if isinstance(saving, Decimal) else Decimal(repr(float(saving)))
    return (amount * factor.value * _KILOGRAMS[mass.casefold()]).quantize(GRAM, ROUND_HALF_EVEN)


_KILOGRAMS = {"g": Decimal("0.001"), "kg": Decimal(1), "t": Decimal(1000)}
