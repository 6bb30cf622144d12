"""The data that a plan names: read from the city's memory or from files given in, as series, with what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import zstandard

from vidik.context.jsonld import names
from vidik.context.store import entities, history
from vidik.context.store.chunks import SeriesRows
from vidik.kernel.database import Connection
from vidik.kernel.errors import Unprocessable
from vidik.pilots.measurement.reading import read_csv, to_series
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding
from vidik.pilots.plans import repository
from vidik.pilots.plans.canonical import digest
from vidik.pilots.plans.checking import Problem, named_signals
from vidik.pilots.reports.words import symbol
from vidik.pilots.specification import Signal, Specification

YEARS_BEFORE = 6
"""How far before the baseline donors are read: placebo runs move the pilot's dates back by whole years."""
_AT_ONCE = 24
_LEAST = 2
ORIGIN = names.expand_attribute("dataOrigin")
NAME = names.expand_attribute("name")

Origin = Literal["measured", "recorded", "simulated", "unknown"]


@dataclass(frozen=True)
class Data:
    """What an evaluation takes: series by the names of their signals, and what reading them found."""

    units: dict[str, Series]
    donors: dict[str, Series]
    temperature: Series | None
    findings: list[Finding]

    def every(self) -> dict[str, Series]:
        """All series by name."""
        own = {} if self.temperature is None else {self.temperature.name: self.temperature}
        return {**self.units, **self.donors, **own}


def value_of(document: Mapping[str, Any], iri: str) -> Any:
    """The value of an attribute's default instance, or None."""
    found = document.get(iri)
    instances = found if isinstance(found, list) else [found]
    return next((one.get("value") for one in instances if isinstance(one, dict) and "datasetId" not in one), None)


async def read_data(connection: Connection, specification: Specification, until: date) -> Data:
    """Every series of a plan up to the end of the local day `until`.

    Raises Unprocessable for a file that is not here or cannot be read as the plan says.
    """
    zone = ZoneInfo(specification.zone)
    start = specification.baseline.first - timedelta(days=366 * YEARS_BEFORE)
    bounds = _midnight(start, zone), _midnight(until + timedelta(days=1), zone)
    signals = [signal for _, signal in named_signals(specification)]
    found: dict[str, Series] = {}
    findings: list[Finding] = []
    from_memory = [signal for signal in signals if signal.entity is not None]
    for place in range(0, len(from_memory), _AT_ONCE):
        some = from_memory[place : place + _AT_ONCE]
        rows = await _remembered(connection, some, *bounds)
        for signal, observed in zip(some, rows, strict=True):
            series, noticed = await asyncio.to_thread(_series_of_rows, signal, observed, specification)
            findings += noticed
            if series is not None:
                found[signal.name] = series
    contents = await _contents(connection, signals)
    for signal in signals:
        if signal.file is not None:
            given, noticed = await asyncio.to_thread(_series_of_file, signal, contents[signal.file], specification)
            found[signal.name] = cut(given, until)
            findings += noticed
    temperature = specification.temperature
    return Data(
        {signal.name: found[signal.name] for signal in specification.units if signal.name in found},
        {signal.name: found[signal.name] for signal in specification.donors if signal.name in found},
        None if temperature is None else found.get(temperature.name),
        findings,
    )


def cut(series: Series, until: date) -> Series:
    """The series without what comes after the local day `until`."""
    if series.is_daily:
        end = np.datetime64(until + timedelta(days=1), "D")
    else:
        midnight = _midnight(until + timedelta(days=1), ZoneInfo(series.zone)).astimezone(UTC).replace(tzinfo=None)
        end = np.datetime64(midnight, "h")
    steps = max(0, int((end - series.start).astype(np.int64)))
    return series if steps >= len(series) else series.with_values(series.values[:steps])


def digests(data: Data, until: date) -> dict[str, str]:
    """SHA-256 of every series up to the local day `until`, by name."""
    return {name: cut(series, until).digest() for name, series in sorted(data.every().items())}


async def origins(connection: Connection, specification: Specification) -> dict[str, int]:
    """How many of the units are measured, recorded before, simulated, or not to be found any more."""
    count: dict[str, int] = {"measured": 0, "recorded": 0, "simulated": 0, "unknown": 0}
    documents = await entities.load(connection, [unit.entity for unit in specification.units if unit.entity])
    files = {
        row["sha256"]: row
        for row in await repository.list_files(connection, [unit.file for unit in specification.units if unit.file])
    }
    for unit in specification.units:
        if unit.entity is not None:
            row = documents.get(unit.entity)
            count["unknown" if row is None else origin_of(row.document)] += 1
        else:
            file = files.get(unit.file or "")
            count["unknown" if file is None else "simulated" if file["simulated"] else "measured"] += 1
    return count


async def problems_of_sources(connection: Connection, specification: Specification) -> list[Problem]:
    """What is wrong with where a plan's signals come from: not here, or counted in another unit."""
    listed = list(named_signals(specification))
    documents = await entities.load(connection, [signal.entity for _, signal in listed if signal.entity])
    files = {
        row["sha256"]: row
        for row in await repository.list_files(connection, [signal.file for _, signal in listed if signal.file])
    }
    problems = []
    for field, signal in listed:
        if signal.entity is not None:
            row = documents.get(signal.entity)
            found = _of_entity(field, signal, row.document if row else None)
        else:
            found = _of_file(field, signal, files.get(signal.file or ""))
        if found is not None:
            problems.append(found)
    return problems


def _of_entity(field: str, signal: Signal, document: Mapping[str, Any] | None) -> Problem | None:
    if document is None:
        reason = f"the city's memory has no {signal.entity}"
        return Problem(f"{field}.entity", reason, "no-entity", {"entity": signal.entity or ""})
    found = document.get(names.expand_attribute(signal.attribute or ""))
    if found is None:
        values = {"entity": signal.entity or "", "attribute": signal.attribute or ""}
        return Problem(f"{field}.attribute", f"{signal.entity} has no {signal.attribute}", "no-attribute", values)
    instance = found[0] if isinstance(found, list) else found
    unit = instance.get("unitCode")
    if isinstance(unit, str) and unit.casefold() != signal.unit.casefold():
        values = {"attribute": signal.attribute or "", "known": symbol(unit), "unit": symbol(signal.unit)}
        reason = "the city's memory counts {attribute} in {known}, the plan in {unit}".format_map(values)
        return Problem(f"{field}.unit", reason, "unit-differs", values)
    return None


def _of_file(field: str, signal: Signal, file: Mapping[str, Any] | None) -> Problem | None:
    if file is None:
        return Problem(f"{field}.file", "this file was not given in", "no-file")
    columns = {column["name"].casefold() for column in file["description"]["columns"]}
    if (signal.column or "").casefold() not in columns:
        values = {"name": file["name"], "column": signal.column or ""}
        return Problem(f"{field}.column", f"{file['name']} has no column '{signal.column}'", "no-column", values)
    return None


def origin_of(document: Mapping[str, Any]) -> Origin:
    """Where an entity's values come from; one that does not say is measured."""
    match value_of(document, ORIGIN):
        case "simulated":
            return "simulated"
        case "recorded":
            return "recorded"
        case _:
            return "measured"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


async def _remembered(
    connection: Connection, signals: Sequence[Signal], start: datetime, end: datetime
) -> list[SeriesRows | None]:
    """The observations of each signal, None for one that history does not know."""
    ids = sorted({signal.entity for signal in signals if signal.entity})
    attributes = sorted({names.expand_attribute(signal.attribute or "") for signal in signals})
    known = {
        (one.entity_id, one.attribute): one.number
        for one in await history.series_of(connection, ids, attributes)
        if not one.dataset
    }
    numbers = [known.get((signal.entity or "", names.expand_attribute(signal.attribute or ""))) for signal in signals]
    rows = await history.read(connection, [number for number in numbers if number is not None], start, end)
    return [None if number is None else rows[number] for number in numbers]


def _series_of_rows(
    signal: Signal, rows: SeriesRows | None, specification: Specification
) -> tuple[Series | None, list[Finding]]:
    numeric = np.zeros(0, np.bool_) if rows is None else ~np.isnan(rows.numbers)
    if rows is None or numeric.sum() < _LEAST:
        nothing = f"{signal.name} has no numbers in the city's memory in these periods."
        return None, [Finding("no-data", "warning", nothing, signal.name)]
    return to_series(
        rows.times[numeric].astype("datetime64[us]"),
        rows.numbers[numeric],
        name=signal.name,
        unit=signal.unit,
        zone=specification.zone,
        kind=signal.kind,
        repairs=specification.repairs,
    )


def _series_of_file(signal: Signal, content: bytes, specification: Specification) -> tuple[Series, list[Finding]]:
    return read_csv(
        content,
        column=signal.column,
        unit=signal.unit,
        zone=specification.zone,
        kind=signal.kind,
        name=signal.name,
        repairs=specification.repairs,
    )


async def _contents(connection: Connection, signals: Sequence[Signal]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for name in sorted({signal.file for signal in signals if signal.file}):
        packed = await repository.file_content(connection, name)
        if packed is None:
            raise Unprocessable(f"There is no file {name[:12]}… here; give it in first.", field="file", code="no-file")
        content = await asyncio.to_thread(zstandard.ZstdDecompressor().decompress, packed)
        if digest(content) != name:
            raise Unprocessable(f"The file {name[:12]}… was changed in the database.", code="file-changed")
        contents[name] = content
    return contents
