"""The files of a folder of meters and the weather's, and how each is read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vidik.kernel.errors import BadInput
from vidik.pilots.baselines.clock import by_clock
from vidik.pilots.baselines.models import ModelName
from vidik.pilots.measurement.reading import Kind, read_csv
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.measurement.table import read_table
from vidik.pilots.outcome import Finding

SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv")
MISREAD = frozenset({"no-column", "column-unclear", "counter-as-amount", "amount-as-counter", "unit-named-otherwise"})
"""Refusals that say that a file is written otherwise than the options tell."""


@dataclass(frozen=True)
class Task:
    """What to do with every meter of a folder. `zone` None: find the clock that the meters' people live by."""

    fit: Period
    test: Period
    weather: Path | None = None
    column: str | None = None
    temperature_column: str | None = None
    unit: str | None = None
    """Of the meters; None: as the name of each one's column says, else kWh."""
    zone: str | None = None
    kind: Kind = "amount"
    level: float = 0.9
    model: ModelName | None = None
    cross_check: bool = False


def meter_files(place: Path, *, without: Path | None = None, option: str = "meters") -> list[Path]:
    """The meters' files of a folder, or the one file; without the weather file.

    Raises BadInput, in the name of `option`, where there is none, or where the one file is the weather's.
    """
    if not place.exists():
        raise BadInput(f"There is no file or folder {place}.", field=option, code="no-such-place")
    hidden = without.resolve() if without is not None else None
    if place.is_file():
        if place.resolve() == hidden:
            raise BadInput(f"{place} is the weather's file: it is no meter.", field=option, code="weather-as-meter")
        return [place]
    files = sorted(
        file
        for file in place.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and file.name.lower().endswith(SUFFIXES)
        and file.resolve() != hidden
    )
    if not files:
        raise BadInput(f"There is no CSV file in {place}.", field=option, code="folder-empty")
    return files


def weather_alone(weather: Path | None, column: str | None, temperature_column: str | None) -> Path | None:
    """The weather's file where it is no meter; None where both columns are named and it has the meters' one, too.

    A substation's recording often holds both: left out as "the weather", its meter would be missing without a word.
    """
    if weather is None or column is None or temperature_column is None:
        return weather
    if column.casefold() == temperature_column.casefold():
        return weather
    try:
        columns = read_table(weather.read_bytes(), name_of(weather)).columns
    except (OSError, BadInput):  # whoever reads it for its temperatures says why
        return weather
    return None if column.casefold() in (name.casefold() for name in columns) else weather


_weather_of: dict[tuple[Path, int, str | None, str], tuple[Series, list[Finding]]] = {}


def read_weather(task: Task, clock: str) -> tuple[Series, list[Finding]] | None:
    """The temperature and what was found in it, read once a process. Raises BadInput where it cannot be read."""
    if task.weather is None:
        return None
    try:
        changed = task.weather.stat().st_mtime_ns
    except OSError as error:
        raise _unreadable(task.weather, error, "weather") from error
    key = (task.weather, changed, task.temperature_column, clock)
    if key not in _weather_of:
        try:
            _weather_of[key] = _read(task.weather, task, clock, task.temperature_column, "CEL", "mean")
        except BadInput as refused:
            where = "temperature-column" if refused.field == "column" else "weather"
            raise BadInput(refused.detail, field=where, code=refused.code, values=refused.values) from refused
    return _weather_of[key]


def read_meter(file: Path, task: Task, clock: str) -> tuple[Series, list[Finding]]:
    """A meter as the task tells. Raises BadInput where it cannot be read so."""
    return _read(file, task, clock, task.column, task.unit, task.kind)


def read_other(file: Path, task: Task, clock: str) -> tuple[Series, list[Finding]]:
    """A meter that only calibrates, which may be written otherwise than those that are judged.

    As the task tells; else the column that is plainly meant, and as the kind that it looks like.
    """
    other: Kind = "amount" if task.kind == "counter" else "counter"
    try:
        return read_meter(file, task, clock)
    except BadInput as refused:
        if refused.code not in MISREAD:
            raise
        for column, kind in ((None, task.kind), (task.column, other), (None, other)):
            with suppress(BadInput):
                return _read(file, task, clock, column, None, kind)
        raise


def _read(
    file: Path, task: Task, clock: str, column: str | None, unit: str | None, kind: Kind
) -> tuple[Series, list[Finding]]:
    name = name_of(file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _unreadable(file, error, "file") from error
    series, findings = read_csv(data, column=column, unit=unit, zone=task.zone or "UTC", kind=kind, name=name)
    named = [finding if finding.subject else replace(finding, subject=name) for finding in findings]
    return (series if task.zone else by_clock(series, clock)), named


def name_of(file: Path) -> str:
    """The file's name without its endings."""
    name = file.name
    for suffix in (".gz", ".csv", ".txt", ".tsv"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name


def _unreadable(file: Path, error: OSError, field: str) -> BadInput:
    return BadInput(f"{file} cannot be read: {error.strerror}.", field=field, code="unreadable")
