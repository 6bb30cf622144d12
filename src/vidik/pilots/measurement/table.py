"""A CSV file as columns of text: whatever encoding, delimiter and decimal sign it was written with."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Values

LARGEST_BYTES = 512 * 1024**2
"""Of a file when unpacked: ten years of minutes are a tenth of it."""
DELIMITERS = ",;\t|"
NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "#n/a", "nil", "missing"})
SAMPLE = 500


@dataclass(frozen=True)
class Table:
    """Named columns of equal length; `short` counts the rows that had another number of fields, which are left out."""

    columns: Mapping[str, Sequence[str]]
    short: int
    decimal_comma: bool

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return len(next(iter(self.columns.values()), ()))

    def numbers(self, column: str) -> tuple[Values, int]:
        """The column as numbers, NaN where it says nothing, and how many texts are no numbers."""
        return to_numbers(self.columns[column], self.decimal_comma)


def read_table(data: bytes, name: str) -> Table:
    """The columns of a CSV file, also gzipped. Raises BadInput where it is empty, too large, or no table."""
    text = _decoded(_unpacked(data, name), name)
    lines = text.lstrip("\ufeff").splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise BadInput(f"{name} has no rows.", code="file-empty")
    delimiter = max(DELIMITERS, key=lambda sign: _regularity(lines[:SAMPLE], sign))
    if _regularity(lines[:SAMPLE], delimiter) == 0:
        raise BadInput(f"{name} is not a table: no comma, semicolon or tab divides its lines.", code="no-table")
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter, strict=False))
    header = [field.strip() for field in rows[0]]
    if _numeric_share(header) > 0.5 and len(header) > 1:
        header, body = [f"column {number + 1}" for number in range(len(header))], rows
    else:
        body = rows[1:]
    width = len(header)
    names = [field or f"column {number + 1}" for number, field in enumerate(header)]
    for number, field in enumerate(names):
        if field in names[:number]:
            names[number] = f"{field} ({number + 1})"
    full = [row for row in body if len(row) >= width]
    columns = dict(zip(names, zip(*(row[:width] for row in full), strict=True), strict=True)) if full else {}
    if not columns:
        raise BadInput(f"{name} has no row with the {width} columns that its first line names.", code="file-empty")
    comma = delimiter != "," and _has_decimal_comma(full[:SAMPLE])
    return Table(columns, len(body) - len(full), comma)


def to_numbers(texts: Sequence[str], decimal_comma: bool = False) -> tuple[Values, int]:
    """Numbers of texts, NaN where a text says nothing, and how many texts are no numbers (they are NaN too)."""
    if not decimal_comma:
        try:
            plain_numbers = np.array([text or "nan" for text in texts], dtype=np.float64)
            return np.where(np.isinf(plain_numbers), np.nan, plain_numbers), 0
        except ValueError:
            pass
    values, wrong = np.full(len(texts), np.nan), 0
    for number, text in enumerate(texts):
        plain = text.strip().replace("\u00a0", "").replace(" ", "")
        if plain.casefold() in NOTHING:
            continue
        plain = plain.replace(".", "").replace(",", ".") if decimal_comma and "," in plain else plain.replace(",", "")
        try:
            values[number] = float(plain)
        except ValueError:
            wrong += 1
    values[np.isinf(values)] = np.nan
    return values, wrong


def _unpacked(data: bytes, name: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        if len(data) > LARGEST_BYTES:
            raise BadInput(f"{name} is larger than {LARGEST_BYTES // 1024**2} MB.", code="file-too-large")
        return data
    unpacker, parts, size = zlib.decompressobj(wbits=31), [], 0
    rest = data
    try:
        while rest:
            parts.append(unpacker.decompress(rest, LARGEST_BYTES + 1 - size))
            size += len(parts[-1])
            if size > LARGEST_BYTES:
                raise BadInput(f"{name} unpacks to more than {LARGEST_BYTES // 1024**2} MB.", code="file-too-large")
            rest = unpacker.unconsumed_tail
            if unpacker.eof:
                rest = unpacker.unused_data
                unpacker = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise BadInput(f"{name} is a damaged gzip file ({error}).", code="file-damaged") from error
    return b"".join(parts)


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1250")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text[:10_000]:
            return text
    raise BadInput(f"{name} is not a text file.", code="not-text")


def _regularity(lines: Sequence[str], delimiter: str) -> float:
    """How many fields a line has, where lines agree; 0 where the sign divides nothing."""
    counts = np.array([line.count(delimiter) for line in lines])
    common = int(np.bincount(counts).argmax())
    return float(common * (counts == common).mean()) if common else 0.0


def _numeric_share(fields: Sequence[str]) -> float:
    values, _ = to_numbers([field for field in fields if field])
    return float((~np.isnan(values)).mean()) if len(values) else 0.0


def _has_decimal_comma(rows: Sequence[Sequence[str]]) -> bool:
    """Whether numbers are written 1.234,5: a comma with something other than exactly groups of three behind it."""
    fields = [field.strip() for row in rows for field in row if "," in field]
    return any(field.replace(",", "", 1).replace(".", "").lstrip("+-").isdigit() for field in fields)
