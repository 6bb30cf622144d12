"""CSV messages: one or many lines, columns by the names in their header or in the profile."""

import csv
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from vidik.intake.profiles.json_messages import MAX_RECORDS, compile_device
from vidik.intake.profiles.model import AttributePart, CsvPart, DevicePart, ProfileFile, TimePart
from vidik.intake.profiles.paths import MISSING, Getter
from vidik.intake.profiles.profile import Decoder, LineFormat
from vidik.intake.profiles.reading import Reading, Rejected
from vidik.intake.profiles.records import (
    Clock,
    RecordReader,
    Source,
    compile_check,
    compile_clock,
    compile_point,
    compile_record,
)
from vidik.intake.profiles.values import parse_number

NUMERIC = ("number", "integer")
_TRUTH = {"true": True, "false": False}


def compile_csv(profile: ProfileFile, expand: Callable[[str], str]) -> Decoder:
    """The decoder of a profile with format csv."""
    assert profile.csv is not None and profile.time is not None  # noqa: S101, PT018 - the model holds this
    cells = _Cells(profile.csv)
    read = compile_record(
        [_source(part, cells, expand) for part in profile.attributes],
        _clock(profile.time, cells),
        _device(profile.device, cells),
        profile.reject_if_all,
    )
    time = profile.time
    needed = [time.column] if time.column is not None and time.missing == "reject" else []
    return _decoder(read, profile.csv, needed, [column for _, column in profile.named_columns()])


def line_format(profile: ProfileFile) -> LineFormat:
    """How the lines of a profile with format csv are written."""
    assert profile.csv is not None and profile.time is not None  # noqa: S101, PT018 - the model holds this
    cells = _Cells(profile.csv)
    return LineFormat(
        separator=profile.csv.separator,
        encoding="utf-8-sig" if profile.csv.encoding == "utf-8" else profile.csv.encoding,
        header=profile.csv.header,
        columns=profile.csv.columns,
        used=list(dict.fromkeys(column for _, column in profile.named_columns())),
        observed_at=_clock(profile.time, cells),
        device=_device(profile.device, cells) or _no_device,
    )


def _no_device(_record: dict[str, str]) -> str | None:
    return None


def _clock(time: TimePart, cells: "_Cells") -> Clock:
    get = _time(time.column, time.format, cells) if time.column is not None else None
    return compile_clock(time.column or "time", time, get)


def _device(device: DevicePart | None, cells: "_Cells") -> Callable[[Any], str] | None:
    if device is None or device.column is None:
        return None
    return compile_device(device.column, cells.text(device.column), device.template)


class _Cells:
    """Getters of a line's cells; an empty cell is a missing value."""

    def __init__(self, form: CsvPart) -> None:
        self._empty = frozenset(form.empty)
        self._decimal = form.decimal

    def text(self, column: str) -> Getter:
        empty = self._empty

        def cell(record: Any) -> Any:
            found = record.get(column)
            return MISSING if found is None or found.strip() in empty else found

        return cell

    def number(self, column: str) -> Getter:
        cell, decimal = self.text(column), self._decimal

        def parsed(record: Any) -> Any:
            found = cell(record)
            return MISSING if found is MISSING else parse_number(column, found, decimal)

        return parsed


def _time(column: str, form: str, cells: _Cells) -> Getter:
    return cells.number(column) if form.startswith("unix_") else cells.text(column)


def _source(part: AttributePart, cells: _Cells, expand: Callable[[str], str]) -> Source:
    iri = expand(part.name)
    if part.latitude is not None and part.longitude is not None:
        field = f"{part.latitude}, {part.longitude}"
        get, check = compile_point(field, cells.number(part.latitude), cells.number(part.longitude))
        return Source(field, part.name, iri, get, check, part.required)
    assert part.column is not None  # noqa: S101 - the model holds this
    check = compile_check(part.column, part)
    if part.type in NUMERIC:
        get = cells.number(part.column)
    elif part.type == "boolean":
        get = _truth(cells.text(part.column))
    else:
        get = cells.text(part.column)
    return Source(part.column, part.name, iri, get, check, part.required)


def _truth(cell: Getter) -> Getter:
    def truth(record: Any) -> Any:
        found = cell(record)
        return found if found is MISSING else _TRUTH.get(found.strip().lower(), found)

    return truth


def _decoder(read: RecordReader, form: CsvPart, needed: list[str], wanted: list[str]) -> Decoder:
    def decode(payload: bytes, received_at: int) -> list[Reading]:
        readings: list[Reading] = []
        lines = _lines(payload, form)
        names = form.columns if form.columns is not None else _header(next(lines, None), needed, wanted)
        for number, cells in enumerate(lines, start=2 if form.header else 1):
            if not cells:
                continue
            if len(readings) >= MAX_RECORDS:
                raise Rejected("", f"more than {MAX_RECORDS} lines in one message")
            if len(cells) != len(names):
                raise Rejected(f"line {number}", f"{len(names)} cells were expected, {len(cells)} found")
            try:
                readings.append(read(dict(zip(names, cells, strict=True)), received_at))
            except Rejected as refusal:
                where = f"line {number}, {refusal.field}" if refusal.field else f"line {number}"
                raise Rejected(where, refusal.reason, refusal.value) from None
        if not readings:
            raise Rejected("", "there is no line with values in the message")
        return readings

    return decode


def _lines(payload: bytes, form: CsvPart) -> Iterator[list[str]]:
    try:
        text = payload.decode("utf-8-sig" if form.encoding == "utf-8" else form.encoding)
        if "\0" in text:
            raise Rejected("", "this is not CSV: it contains a zero byte")
        yield from csv.reader(text.splitlines(), delimiter=form.separator, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected("", f"this is not CSV: {error}", payload[:80]) from None


def _header(names: list[str] | None, needed: list[str], wanted: list[str]) -> list[str]:
    if not names:
        raise Rejected("", "the header is missing")
    names = [name.strip() for name in names]
    for name in itertools.chain(needed, wanted):
        if names.count(name) > 1:
            raise Rejected(name, "the header names this column twice")
    for name in needed:
        if name not in names:
            raise Rejected(name, "the header lacks this column")
    return names
