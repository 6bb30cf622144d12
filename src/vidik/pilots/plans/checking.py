"""What a draft still lacks, by field and reason, so that a form can say it beside the field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import numpy as np
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from vidik.pilots.measurement.series import Series
from vidik.pilots.money.emissions import avoided
from vidik.pilots.money.tariff import UnsoundTariff, value
from vidik.pilots.reports.words import symbol
from vidik.pilots.specification import Days, Part, Repair, Signal, Specification


@dataclass(frozen=True)
class Problem:
    """A field of a draft and what is wrong with it: a sentence, and its code and values for saying it elsewhere."""

    field: str
    reason: str
    code: str
    values: Mapping[str, str | int | float] = dataclass_field(default_factory=dict)


_CURRENCY = re.compile("[A-Z]{3}")
"""ISO 4217: "rsd" and "RSD" would be two currencies, and their sums two sums."""
_IN_WORDS = {
    "missing": "this is missing",
    "string_too_short": "this is missing",
    "string_type": "this is missing",
    "string_too_long": "this is too long: at most {max_length} characters",
    "too_short": "there must be at least {min_length}",
    "too_long": "these are too many: at most {max_length}",
    "literal_error": "choose one of those that are offered",
    "greater_than": "this must be more than {gt}",
    "greater_than_equal": "this must be at least {ge}",
    "less_than": "this must be less than {lt}",
    "less_than_equal": "this must be at most {le}",
    "decimal_max_places": "this may have at most {decimal_places} digits after the point",
    "decimal_max_digits": "this number is too long",
    "finite_number": "this must be a number",
    "extra_forbidden": "a plan has no such member",
    "units-differ": "all units and donors must be in one unit; the first is in {unit}",
}
"""Pydantic's own errors as people say them."""
_OF_THE_WHOLE = {
    "periods-overlap": "reporting",
    "units-differ": "units",
    "donors-missing": "donors",
    "weeks-missing": "on_weeks",
}
"""Where people mend what is wrong between the parts of a plan."""
_SHARES = frozenset({"expected", "worthwhile", "level", "share"})
"""Fields that people type as per cent."""
_NO_NUMBER = frozenset(
    {"decimal_parsing", "decimal_type", "float_parsing", "float_type", "int_parsing", "int_type", "int_from_float"}
)
_NO_DAY = frozenset({"date_parsing", "date_type", "date_from_datetime_parsing", "date_from_datetime_inexact"})


def check(draft: Mapping[str, Any]) -> tuple[Specification | None, list[Problem]]:
    """The specification when a draft is complete and sound, and what stands in the way when it is not."""
    try:
        specification = Specification.model_validate(draft)
    except ValidationError as error:
        return None, problems_in(error)
    problems = [*_of_signals(specification), *_of_days(specification), *_of_prices(specification)]
    return (None if problems else specification), problems


def boundary_of(draft: Mapping[str, Any]) -> Specification | None:
    """What a draft measures and when, however incomplete it is otherwise; None until that can be said.

    Of the specification only units, periods, zone, title and repairs are set: enough to find pilots that overlap.
    """
    said = {name: draft[name] for name in _Boundary.model_fields if draft.get(name) is not None}
    try:
        boundary = _Boundary.model_validate(said)
    except ValidationError:
        return None
    if any((unit.entity is None) == (unit.file is None) for unit in boundary.units):
        return None
    if boundary.zone not in _zones():
        return None
    parts = {name: getattr(boundary, name) for name in _Boundary.model_fields}
    return Specification.model_construct(**parts, donors=(), temperature=None, allocation=None)


class _Boundary(Part):
    units: Annotated[tuple[Signal, ...], Field(min_length=1)]
    baseline: Days
    reporting: Days
    repairs: tuple[Repair, ...] = ()
    zone: str = "Europe/Belgrade"
    title: str = ""


def problems_in(error: ValidationError) -> list[Problem]:
    """What pydantic refused, as people say it."""
    return [
        _in_words(".".join(str(part) for part in item["loc"]) or _OF_THE_WHOLE.get(item["type"], "specification"), item)
        for item in error.errors(include_url=False, include_input=False)
    ]


def _in_words(field: str, item: ErrorDetails) -> Problem:
    code = "no-number" if item["type"] in _NO_NUMBER else "no-day" if item["type"] in _NO_DAY else item["type"]
    is_share = field.rpartition(".")[2] in _SHARES
    values = {name: _share(value) if is_share else _simple(value) for name, value in item.get("ctx", {}).items()}
    if code == "no-number":
        return Problem(field, "type a number", code)
    if code == "no-day":
        return Problem(field, "choose a day", code)
    if code == "units-differ":
        values["unit"] = symbol(str(values["unit"]))
    template = _IN_WORDS.get(code)
    return Problem(field, template.format_map(values) if template else item["msg"], code, values)


def _share(value: object) -> str | int | float:
    return f"{value * 100:g} %" if isinstance(value, int | float) else str(value)


def _simple(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else str(value)


def named_signals(specification: Specification) -> Iterator[tuple[str, Signal]]:
    """Every signal of a plan with the field that it stands in."""
    for place, signal in enumerate(specification.units):
        yield f"units.{place}", signal
    for place, signal in enumerate(specification.donors):
        yield f"donors.{place}", signal
    if specification.temperature is not None:
        yield "temperature", specification.temperature


def source_of(signal: Signal) -> tuple[str, str]:
    """What identifies where a signal comes from, whatever it is called in a plan."""
    if signal.entity is not None:
        return signal.entity, signal.attribute or ""
    return signal.file or "", signal.column or ""


def _of_signals(specification: Specification) -> Iterator[Problem]:
    names: set[str] = set()
    sources: dict[tuple[str, str], str] = {}
    for field, signal in named_signals(specification):
        from_memory = signal.entity is not None and signal.attribute is not None
        from_file = signal.file is not None and signal.column is not None
        if from_memory == from_file:
            yield Problem(field, "choose an entity and its attribute, or a file and its column", "signal-source")
            continue
        if signal.name in names:
            reason = f"another signal of this plan is called '{signal.name}' already"
            yield Problem(f"{field}.name", reason, "name-twice", {"name": signal.name})
        names.add(signal.name)
        source = source_of(signal)
        if source in sources:
            other = sources[source]
            reason = f"this signal is chosen already, as '{other}'; it cannot count twice"
            yield Problem(field, reason, "signal-twice", {"other": other})
        sources.setdefault(source, signal.name)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """The names of all time zones; to find them, Python opens the 600 files of the zones' folder."""
    return frozenset(available_timezones())


def _of_days(specification: Specification) -> Iterator[Problem]:
    if specification.zone not in _zones():
        reason = f"'{specification.zone}' is not a time zone"
        yield Problem("zone", reason, "zone", {"zone": specification.zone})
    for place, exclusion in enumerate(specification.exclusions):
        if not (
            exclusion.period.overlaps(specification.baseline.period)
            or exclusion.period.overlaps(specification.reporting.period)
        ):
            yield Problem(f"exclusions.{place}", "these days lie in neither period", "exclusion-outside")
    for place, adjustment in enumerate(specification.adjustments):
        if not adjustment.period.overlaps(specification.reporting.period):
            yield Problem(f"adjustments.{place}", "these days lie outside the reporting period", "adjustment-outside")


def _of_prices(specification: Specification) -> Iterator[Problem]:
    unit = specification.units[0].unit
    for place, band in enumerate(specification.tariff):
        currency, _, per = band.price.unit.partition("/")
        if _CURRENCY.fullmatch(currency) is None:
            reason = f"write the currency as its three capital letters, as in RSD/{_shown(unit)}"
            yield Problem(f"tariff.{place}.price.unit", reason, "price-currency", {"unit": _shown(unit)})
        elif per.casefold() != unit.casefold():
            values = {"price": _shown(band.price.unit), "unit": _shown(unit)}
            reason = "the price is in {price}, the saving in {unit}: say it as RSD/{unit}".format_map(values)
            yield Problem(f"tariff.{place}.price.unit", reason, "price-unit", values)
    yield from _of_cost(specification)
    nothing = Series("nothing", np.datetime64("2026-01-01", "D"), np.zeros(1), unit, "UTC")
    try:
        value(specification.tariff, nothing)
    except UnsoundTariff as error:
        yield Problem("tariff", str(error).rstrip("."), error.code, error.values)
    if specification.emissions is not None:
        try:
            avoided(specification.emissions, 0, unit)
        except ValueError:
            values = {"factor": _shown(specification.emissions.unit), "unit": _shown(unit)}
            reason = "the emission factor is in {factor}, the saving in {unit}".format_map(values)
            yield Problem("emissions.unit", reason, "emission-unit", values)


def _shown(unit: str) -> str:
    """A unit as people write it: RSD/KWH as RSD/kWh."""
    first, slash, per = unit.rpartition("/")
    return f"{first}{slash}{symbol(per) or per}"


def _of_cost(specification: Specification) -> Iterator[Problem]:
    cost = specification.cost
    if cost is None or all(band.price.vat_included is cost.vat_included for band in specification.tariff):
        return
    said = "with" if cost.vat_included else "without"
    reason = f"the cost is {said} VAT, the prices are not or do not say so: state both alike, else nothing is paid back"
    yield Problem("cost.vat_included", reason, "cost-vat")
