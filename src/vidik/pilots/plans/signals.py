"""Finding what a plan can measure: entities with numbers in the city's memory, and files given in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import zstandard
from psycopg.rows import DictRow

from vidik.context.jsonld import names
from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, TooLarge, VidikError
from vidik.kernel.heavy import worked_out
from vidik.kernel.identity import Principal
from vidik.kernel.scripts import fold
from vidik.pilots.measurement.guards import looks_like_counter
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Values
from vidik.pilots.measurement.table import Table, read_table
from vidik.pilots.outcome import Finding
from vidik.pilots.plain import plain
from vidik.pilots.plans import repository
from vidik.pilots.plans.canonical import digest
from vidik.pilots.plans.data import NAME, origin_of, value_of

LARGEST_FILE = 20 * 1024 * 1024
_COUNTING = ("total", "counter", "cumulative", "reading", "register", "consumption")
_LEVELS = ("temperature", "level", "power", "pressure", "humidity", "speed", "intensity", "pm", "no2", "occupancy")
_NOT_CHOSEN = frozenset(map(names.expand_attribute, ("name", "dataOrigin", "location")))


async def choosable(connection: Connection, wanted: str, limit: int) -> list[dict[str, Any]]:
    """Numeric attributes of entities that fit all words of `wanted` (in any script), the best known first."""
    words = fold(wanted).split()
    found = []
    for row in await repository.numeric_series(connection):
        attribute = names.compact(row["attribute"])
        document: Mapping[str, Any] = row["document"]
        name = value_of(document, NAME)
        shown = name if isinstance(name, str) and name else row["id"].rpartition(":")[2]
        kind = names.compact(row["types"][0]) if row["types"] else ""
        if row["attribute"] in _NOT_CHOSEN or not _fits(words, f"{shown} {row['id']} {kind} {attribute}"):
            continue
        found.append(_signal(row, shown, kind, attribute))
        if len(found) == limit:
            break
    await _add_reach(connection, found)
    return found


def _fits(words: list[str], text: str) -> bool:
    folded = fold(text)
    return all(word in folded for word in words)


def _signal(row: DictRow, name: str, kind: str, attribute: str) -> dict[str, Any]:
    instance = row["document"].get(row["attribute"]) or {}
    first = instance[0] if isinstance(instance, list) else instance
    return {
        "entity": row["id"],
        "name": name,
        "type": kind,
        "attribute": attribute,
        "unit": first.get("unitCode"),
        "origin": origin_of(row["document"]),
        "kind": _guess(attribute),
        "series": row["series"],
    }


def _guess(attribute: str) -> str:
    small = attribute.casefold()
    if any(word in small for word in _LEVELS):
        return "mean"
    return "counter" if any(word in small for word in _COUNTING) else "amount"


async def _add_reach(connection: Connection, found: list[dict[str, Any]]) -> None:
    reach = await repository.reach_of(connection, [one["series"] for one in found])
    for one in found:
        first, last = reach.get(one.pop("series"), (None, None))
        one["first"] = first.isoformat() if first else None
        one["last"] = last.isoformat() if last else None


class GivenFile(NamedTuple):
    """A CSV file that was given in: its name, its length in bytes, what is in it, and itself, packed."""

    name: str
    size: int
    sha256: str
    description: dict[str, Any]
    packed: bytes


async def read_given(name: str, content: bytes) -> GivenFile:
    """Look at a file before anything is kept; raises TooLarge, or BadInput where it is no table."""
    if len(content) > LARGEST_FILE:
        most, size = LARGEST_FILE // 1_048_576, round(len(content) / 1_048_576)
        raise TooLarge(f"A file may have {most} MB; this one has {size}.", values={"most": most, "size": size})
    if not content:
        raise BadInput("The file is empty.", code="file-empty", values={"name": name})
    description = await worked_out(describe, content, name)
    packed = await worked_out(zstandard.ZstdCompressor(6).compress, content)
    return GivenFile(name, len(content), digest(content), description, packed)


async def keep_file(connection: Connection, principal: Principal, given: GivenFile, *, simulated: bool) -> DictRow:
    """Keep a file once, by its SHA-256."""
    await repository.insert_file(
        connection,
        sha256=given.sha256,
        name=given.name,
        size=given.size,
        simulated=simulated,
        description=given.description,
        content=given.packed,
        person=principal.name,
        at=now(),
    )
    (row,) = await repository.list_files(connection, [given.sha256])
    details = {"name": given.name, "size": given.size}
    await audit.record(connection, principal, "pilot.file", f"file:{given.sha256}", details=details)
    return row


def describe(content: bytes, name: str) -> dict[str, Any]:
    """Columns and how each is likely to be read, number of rows, first and last time of a CSV file, and what reading
    its first column of numbers found.
    """
    table = read_table(content, name)
    time, *others = table.columns
    columns: list[dict[str, Any]] = [{"name": time, "numeric": _numbers(table, time) is not None, "kind": "amount"}]
    described: dict[str, Any] = {"columns": columns, "rows": table.rows, "first": None, "last": None, "findings": []}
    for column in others:
        values = _numbers(table, column)
        is_counter = values is not None and looks_like_counter(values)
        columns.append({"name": column, "numeric": values is not None, "kind": "counter" if is_counter else "amount"})
        if values is not None and is_counter:
            described["findings"].append(plain(_counter_hint(column, values[~np.isnan(values)])))
    first = next((one for one in columns[1:] if one["numeric"]), None)
    if first is None:
        return described
    try:
        series, findings = read_csv(content, column=first["name"], unit="C62", zone="UTC", kind=first["kind"])
    except VidikError as error:
        described["findings"].append(plain(Finding(error.code, "warning", error.detail, name, values=error.values)))
        return described
    described["first"], described["last"] = str(series.times[0])[:10], str(series.times[-1])[:10]
    described["findings"] += plain(findings)
    return described


def _numbers(table: Table, column: str) -> Values | None:
    """The values of a column; None where more than one in twenty is no number."""
    values, wrong = table.numbers(column)
    return values if wrong * 20 < table.rows else None


def _counter_hint(column: str, known: Values) -> Finding:
    begin, end = float(known[0]), float(known[-1])
    text = f"{column} goes up and up, from {begin:g} to {end:g}: these are readings of a counter. Read it as a counter."
    return Finding("counter-column", "note", text, column, values={"column": column, "from": begin, "to": end})
