"""What a draft still lacks, by field and reason, so that a form can say it beside the field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

import numpy as np
from pydantic import ValidationError

from vidik.pilots.measurement.series import Series
from vidik.pilots.money.emissions import avoided
from vidik.pilots.money.tariff import value
from vidik.pilots.specification import Signal, Specification


@dataclass(frozen=True)
class Problem:
    """A field of a draft, what is wrong with it, and a code for programs."""

    field: str
    reason: str
    code: str


def check(draft: Mapping[str, Any]) -> tuple[Specification | None, list[Problem]]:
    """The specification when a draft is complete and sound, and what stands in the way when it is not."""
    try:
        specification = Specification.model_validate(draft)
    except ValidationError as error:
        return None, [
            Problem(
                ".".join(str(part) for part in item["loc"]) or "specification",
                item["msg"].removeprefix("Value error, "),
                item["type"],
            )
            for item in error.errors(include_url=False, include_input=False)
        ]
    problems = [*_of_signals(specification), *_of_days(specification), *_of_prices(specification)]
    return (None if problems else specification), problems


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
    names: dict[str, str] = {}
    sources: dict[tuple[str, str], str] = {}
    for field, signal in named_signals(specification):
        from_memory = signal.entity is not None and signal.attribute is not None
        from_file = signal.file is not None and signal.column is not None
        if from_memory == from_file:
            yield Problem(field, "choose an entity and its attribute, or a file and its column", "signal-source")
            continue
        if signal.name in names:
            yield Problem(f"{field}.name", f"'{signal.name}' is the name of {names[signal.name]} too", "name-twice")
        names.setdefault(signal.name, field)
        source = source_of(signal)
        if source in sources:
            yield Problem(field, f"the same signal stands in {sources[source]}; a unit cannot be twice", "signal-twice")
        sources.setdefault(source, field)


def _of_days(specification: Specification) -> Iterator[Problem]:
    if specification.zone not in available_timezones():
        yield Problem("zone", f"'{specification.zone}' is not a time zone", "zone")
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
        if not currency or per.casefold() != unit.casefold():
            reason = f"the price is in {band.price.unit}, the saving in {unit}: say it as RSD/{unit}"
            yield Problem(f"tariff.{place}.price.unit", reason, "price-unit")
    yield from _of_cost(specification)
    nothing = Series("nothing", np.datetime64("2026-01-01", "D"), np.zeros(1), unit, "UTC")
    try:
        value(specification.tariff, nothing)
    except ValueError as error:
        yield Problem("tariff", str(error).rstrip("."), "tariff")
    if specification.emissions is not None:
        try:
            avoided(specification.emissions, 0, unit)
        except ValueError as error:
            yield Problem("emissions.unit", str(error).rstrip("."), "emission-unit")


def _of_cost(specification: Specification) -> Iterator[Problem]:
    cost = specification.cost
    if cost is None or all(band.price.vat_included is cost.vat_included for band in specification.tariff):
        return
    said = "with" if cost.vat_included else "without"
    reason = f"the cost is {said} VAT, the prices are not or do not say so: state both alike, else nothing is paid back"
    yield Problem("cost.vat_included", reason, "cost-vat")
