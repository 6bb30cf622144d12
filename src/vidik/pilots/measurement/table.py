"""A CSV file as columns of text: whatever encoding, delimiter and decimal sign it was written with."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller

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
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line]
    if any(line.startswith("#") or not line.strip() for line in lines[:SAMPLE]):
        lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise BadInput(f"{name} has no rows.", code="file-empty", values={"name": name})
    delimiter = max(DELIMITERS, key=lambda sign: _regularity(lines[:SAMPLE], sign))
    if _regularity(lines[:SAMPLE], delimiter) == 0:
        text = f"{name} is not a table: no comma, semicolon or tab divides its lines."
        raise BadInput(text, code="no-table", values={"name": name})
    header = [field.strip() for field in next(csv.reader(lines[:1], delimiter=delimiter))]
    width = len(header)
    if _numeric_share(header) > 0.5:
        names, body = [f"column {number + 1}" for number in range(width)], lines
    else:
        names, body = _distinct(header), lines[1:]
    columns, rows = _columns(body, delimiter, width)
    if rows == 0:
        text = f"{name} has no row with the {width} columns that its first line names."
        raise BadInput(text, code="file-empty", values={"name": name})
    comma = delimiter != "," and _has_decimal_comma(columns)
    return Table(dict(zip(names, columns, strict=True)), len(body) - rows, comma)


def _columns(lines: list[str], delimiter: str, width: int) -> tuple[list[Sequence[str]], int]:
    """The fields of all lines that have enough of them, by column, and how many such lines there are."""
    # One split of the whole text is several times faster than a reader that looks at each line.
    together = delimiter.join(lines)
    if '"' not in together and set(map(methodcaller("count", delimiter), lines)) == {width - 1}:
        fields = together.split(delimiter)
        return [fields[number::width] for number in range(width)], len(lines)
    full = [row for row in csv.reader(lines, delimiter=delimiter, strict=False) if len(row) >= width]
    return [[row[number] for row in full] for number in range(width)], len(full)


def _distinct(header: Sequence[str]) -> list[str]:
    """Names of columns, none empty and none twice."""
    names: list[str] = []
    for number, field in enumerate(header):
        name = field or f"column {number + 1}"
        names.append(f"{name} ({number + 1})" if name in names else name)
    return names


def to_numbers(texts: Sequence[str], decimal_comma: bool = False) -> tuple[Values, int]:
    """Numbers of texts, NaN where a text says nothing, and how many texts are no numbers (they are NaN too)."""
    if not decimal_comma:
        try:
            plain_numbers = np.array(texts if "" not in texts else [text or "nan" for text in texts], dtype=np.float64)
            endless = np.isinf(plain_numbers)
            return np.where(endless, np.nan, plain_numbers), int(endless.sum())
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
    endless = np.isinf(values)
    values[endless] = np.nan
    return values, wrong + int(endless.sum())


def _unpacked(data: bytes, name: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        if len(data) > LARGEST_BYTES:
            raise _too_large(name, "is larger")
        return data
    unpacker, parts, size = zlib.decompressobj(wbits=31), [], 0
    rest = data
    try:
        while rest:
            parts.append(unpacker.decompress(rest, LARGEST_BYTES + 1 - size))
            size += len(parts[-1])
            if size > LARGEST_BYTES:
                raise _too_large(name, "unpacks to more")
            rest = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:
                rest = unpacker.unused_data
                unpacker = zlib.decompressobj(wbits=31)
        if not unpacker.eof:
            raise zlib.error("it ends too early")
    except zlib.error as error:
        text = f"{name} is a damaged gzip file ({error})."
        raise BadInput(text, code="file-damaged", values={"name": name}) from error
    return b"".join(parts)


def _too_large(name: str, how: str) -> BadInput:
    most = LARGEST_BYTES // 1024**2
    return BadInput(f"{name} {how} than {most} MB.", code="file-too-large", values={"name": name, "most": most})


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
    raise BadInput(f"{name} is not a text file.", code="not-text", values={"name": name})


def _regularity(lines: Sequence[str], delimiter: str) -> float:
    """How many fields a line has, where lines agree; 0 where the sign divides nothing."""
    counts = np.array([line.count(delimiter) for line in lines])
    common = int(np.bincount(counts).argmax())
    return float(common * (counts == common).mean()) if common else 0.0


def _numeric_share(fields: Sequence[str]) -> float:
    values, _ = to_numbers([field for field in fields if field])
    return float((~np.isnan(values)).mean()) if len(values) else 0.0


def _has_decimal_comma(columns: Sequence[Sequence[str]]) -> bool:
    """Whether numbers are written 1.234,5."""
    fields = [field.strip() for column in columns for field in column[:SAMPLE] if "," in field]
    return any(field.replace(",", "", 1).replace(".", "").lstrip("+-").isdigit() for field in fields)
