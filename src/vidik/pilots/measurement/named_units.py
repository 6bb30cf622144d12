"""What the name of a column says of its unit: "Energy (MWh)" read as kWh would be a thousandth of what was used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vidik.kernel.errors import BadInput

ASSUMED = "KWH"
"""Where neither the person nor the column says anything."""
CODES = {
    "wh": "WHR",
    "kwh": "KWH",
    "mwh": "MWH",
    "gwh": "GWH",
    "mj": "3B",
    "gj": "GV",
    "m3": "MTQ",
    "втч": "WHR",
    "квтч": "KWH",
    "мвтч": "MWH",
    "гвтч": "GWH",
}
"""UN/CEFACT codes (Recommendation 20) by what people write."""
OF_POWER = {"w": "WHR", "kw": "KWH", "mw": "MWH", "квт": "KWH", "мвт": "MWH"}
"""What a power adds up to in an hour."""
WRITTEN = {"WHR": "Wh", "KWH": "kWh", "MWH": "MWh", "GWH": "GWh", "3B": "MJ", "GV": "GJ", "MTQ": "m³"}
_WORD = re.compile(r"[^\W\d_]+3?")
_PLAIN_WATT = re.compile(r"[(\[]\s*w\s*[)\]]")


@dataclass(frozen=True)
class NamedUnit:
    """`code` of the amount (UN/CEFACT); where `is_power`, of the amount of an hour."""

    code: str
    is_power: bool


def named_unit(column: str) -> NamedUnit | None:
    """The unit that a column's name speaks of; None where it names none, or several."""
    name = column.casefold().replace("³", "3")
    words = _WORD.findall(name)
    amounts = {CODES[word] for word in words if word in CODES}
    if amounts:
        return NamedUnit(amounts.pop(), False) if len(amounts) == 1 else None
    # A lone w is also a wing, a week and the west: only in brackets is it the watt.
    powers = {OF_POWER[word] for word in words if word in OF_POWER and word != "w"}
    if _PLAIN_WATT.search(name):
        powers.add(OF_POWER["w"])
    return NamedUnit(powers.pop(), True) if len(powers) == 1 else None


def chosen_unit(name: str, column: str, given: str | None) -> str:
    """The unit that a column is in: as it was given, else as its name says, else kWh.

    Raises BadInput where both are known and differ.
    """
    named = named_unit(column)
    if given is None:
        return named.code if named else ASSUMED
    known = CODES.get(given.casefold(), given.upper())
    if named is None or known not in WRITTEN or known == named.code:
        return given
    raise BadInput(
        f"The column '{column}' of {name} speaks of {WRITTEN[named.code]}, but its unit was given as {given}. "
        f"Give the unit as {named.code}, or another column.",
        field="unit",
        code="unit-named-otherwise",
        values={"name": name, "column": column, "named": named.code, "unit": given},
    )
