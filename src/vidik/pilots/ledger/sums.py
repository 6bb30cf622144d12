"""Sums over the ledger with bands that add up: by service, year and fund. Pure.

Each pilot counts once (its newest entry), with its share where several measure the same units. Values add exactly.
The band of a sum takes the pilots as independent: half-widths add as the root of the sum of their squares (JCGM
100:2008, 5.1.2), below and above for themselves, because a placebo interval need not be symmetric. Pilots that share
weather or donors are not quite independent: `low_dependent` and `high_dependent` are the limits if they moved
together, the plain sums. The years of one pilot are parts of one estimate: their bands add plainly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from vidik.kernel.scripts import three_scripts

CENT = Decimal("0.01")
SHOWN = frozenset({"saved", "worse"})

RULE = three_scripts(
    "Each pilot counts once, with its share where several measure the same units. Sums count what was shown (saved or "
    "worse); what was not shown counts zero and is summed apart. Values add exactly. Bands take the pilots as "
    "independent: half-widths add as the root of the sum of their squares (JCGM 100:2008, 5.1.2). Simulated pilots are "
    "never part of the city's total.",
    "Сваки пилот се рачуна једном, са својим уделом ако више њих мери исто. Збирови обухватају оно што је "
    "показано (уштеда или погоршање); оно што није показано рачуна се као нула и сабира се посебно. Вредности се "
    "сабирају тачно. Опсези узимају пилоте као независне: полуширине се сабирају као корен збира квадрата "
    "(JCGM 100:2008, 5.1.2). Симулирани пилоти никада нису део градског збира.",
)


MIXED_VAT = three_scripts(
    " Some of these amounts hold VAT and others do not, so the sums of money are neither: each pilot says its own.",
    " Неки од ових износа су са ПДВ-ом, а неки без њега, па збирови новца нису ни једно ни друго: код сваког пилота "
    "пише који је.",
)


def rule_of(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """How the sums of these entries are made, in three scripts; says where amounts with and without VAT are added."""
    mixed = len({entry["vat_included"] for entry in current(entries)}) > 1
    return {language: text + (MIXED_VAT[language] if mixed else "") for language, text in RULE.items()}


@dataclass(frozen=True)
class Banded:
    """A value and where it lies; infinite where an interval is not bounded."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Banded:
        """The part of it; `factor` is not negative."""
        return Banded(self.value * factor, _scaled(self.low, factor), _scaled(self.high, factor))


def _scaled(bound: float, factor: float) -> float:
    return 0.0 if factor == 0 else bound * factor


def together(parts: Sequence[Banded]) -> dict[str, float]:
    """The sum of independent estimates, and its limits if they are not."""
    value = math.fsum(part.value for part in parts)
    return {
        "value": value,
        "low": value - math.hypot(*(part.value - part.low for part in parts)),
        "high": value + math.hypot(*(part.high - part.value for part in parts)),
        "low_dependent": math.fsum(part.low for part in parts),
        "high_dependent": math.fsum(part.high for part in parts),
    }


@dataclass(frozen=True)
class YearPart:
    """What of a pilot's saving falls into a calendar year."""

    year: int
    days: int
    saving: Banded


def by_calendar_year(days: Sequence[date], savings: Sequence[float], total: Banded) -> list[YearPart]:
    """Split a saving over the calendar years of its days.

    A year's value is the sum of its days' savings; what the total has beyond its days (days without data) is spread
    over all days alike. The band is split by days. Values and bounds of the parts sum to the total's.
    """
    known = math.fsum(one for one in savings if not math.isnan(one))
    rest = (total.value - known) / len(days)
    groups: dict[int, list[float]] = defaultdict(list)
    for day, saving in zip(days, savings, strict=True):
        groups[day.year].append(0.0 if math.isnan(saving) else saving)
    parts = []
    for year, own in sorted(groups.items()):
        value = math.fsum(own) + rest * len(own)
        fraction = len(own) / len(days)
        band = Banded(
            value, value - (total.value - total.low) * fraction, value + (total.high - total.value) * fraction
        )
        parts.append(YearPart(year, len(own), band))
    return parts


def current(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries that count: those that no later one corrects."""
    listed = list(entries)
    corrected = {entry["corrects"] for entry in listed}
    return [entry for entry in listed if entry["id"] not in corrected]


def by_member(entries: Iterable[Mapping[str, Any]], member: str) -> list[dict[str, Any]]:
    """One row for each value of a member (service, fund), simulated pilots apart."""
    groups: dict[tuple[str, bool], list[Mapping[str, Any]]] = defaultdict(list)
    for entry in current(entries):
        groups[entry[member], entry["simulated"]].append(entry)
    return [row(key, simulated, group) for (key, simulated), group in sorted(groups.items())]


def by_year(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each calendar year."""
    return by_member(_year_parts(entries), "year")


def by_service_and_year(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each service in each calendar year; its key is both, as "heating/2025"."""
    return by_member(_year_parts(entries), "service_year")


def _year_parts(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Each entry that counts once a calendar year, with that year's part of its saving."""
    for entry in current(entries):
        for part in entry["years"]:
            year = str(part["year"])
            named = {"year": year, "service_year": f"{entry['service']}/{year}"}
            yield {**entry, **named, "saving": part["saving"], "interval": part, **_worth(part)}


def total(entries: Iterable[Mapping[str, Any]], *, simulated: bool) -> dict[str, Any]:
    """The row of all measured pilots, or of all simulated ones."""
    return row("total", simulated, [entry for entry in current(entries) if entry["simulated"] is simulated])


def row(key: str, simulated: bool, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of entries that count."""
    shown = [entry for entry in entries if entry["verdict"] in SHOWN]
    return {
        "key": key,
        "simulated": simulated,
        "entries": len(entries),
        "shown": len(shown),
        "not_shown": len(entries) - len(shown),
        "level": min((entry["level"] for entry in entries), default=None),
        **_sums(shown),
        "all": _sums(entries),
    }


def _sums(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    units = sorted({entry["unit"] for entry in entries})
    tonnes = [_banded(entry["tonnes"]) for entry in entries if entry["tonnes"] is not None]
    return {
        "savings": [
            {"unit": unit} | together([_saving(entry) for entry in entries if entry["unit"] == unit]) for unit in units
        ],
        "money": _money(entries),
        "tonnes": together(tonnes) if tonnes else None,
    }


def _money(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    exact = sum((Decimal(entry["money"]["value"]) for entry in entries), Decimal(0))
    bounds = together([_banded(entry["money"]) for entry in entries])
    return {"value": exact.quantize(CENT)} | {
        name: Decimal(repr(bound)).quantize(CENT) if math.isfinite(bound) else None
        for name, bound in bounds.items()
        if name != "value"
    }


def _worth(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"money": part["money"], "tonnes": part["tonnes"]}


def _saving(entry: Mapping[str, Any]) -> Banded:
    return _banded({"value": entry["saving"], "low": entry["interval"]["low"], "high": entry["interval"]["high"]})


def _banded(stored: Mapping[str, Any]) -> Banded:
    """A banded value as it is stored: null is a bound that is not known, which is infinite."""
    low, high = stored["low"], stored["high"]
    return Banded(
        float(stored["value"]),
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
    )
