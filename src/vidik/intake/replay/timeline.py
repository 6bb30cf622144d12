"""A file of recorded lines, in the order of their times."""

import csv
import gzip
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vidik.intake.profiles import Profile, Rejected
from vidik.intake.profiles.profile import LineFormat
from vidik.kernel.clock import now_microseconds, to_microseconds
from vidik.kernel.errors import BadInput

MAX_FILE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """One line ready to send: when it was observed (µs), by which device (None: not said), the message."""

    observed_at: int
    device_id: str | None
    payload: bytes


def read_timeline(
    file: Path, profile: Profile, *, start: datetime | None = None, end: datetime | None = None
) -> list[RecordedLine]:
    """Return the lines of `file` (CSV or CSV.gz) from `start` up to but without `end`, oldest first.

    Each message has only the columns that the profile reads. A line whose time cannot be read keeps its place
    behind the line before it: the door will refuse it, and it must be seen there. Raises BadInput.
    """
    lines = profile.lines
    if lines is None:
        raise BadInput(f"The profile {profile.name} reads {profile.format}; a replay needs one that reads csv.")
    first = to_microseconds(start) if start is not None else None
    last = to_microseconds(end) if end is not None else None
    found: list[RecordedLine] = []
    before = 0
    newest_allowed = now_microseconds()
    for record, payload in _messages(file, lines):
        try:
            observed_at = before = lines.observed_at(record, newest_allowed)
        except Rejected:
            observed_at = before
        if (first is not None and observed_at < first) or (last is not None and observed_at >= last):
            continue
        found.append(RecordedLine(observed_at, _device(lines, record), payload))
    found.sort(key=lambda line: line.observed_at)
    return found


def _device(lines: LineFormat, record: dict[str, str]) -> str | None:
    try:
        return lines.device(record)
    except Rejected:
        return None


def _messages(file: Path, lines: LineFormat) -> list[tuple[dict[str, str], bytes]]:
    try:
        text = _text(file, lines.encoding)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=lines.separator) if row]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    names = lines.columns
    if names is None:
        if not rows:
            raise BadInput(f"{file} is empty.")
        names = [name.strip() for name in rows.pop(0)]
    kept = [index for index, name in enumerate(names) if not lines.header or name in lines.used]
    if not kept:
        raise BadInput(f"{file} has none of the columns that the profile reads: {', '.join(lines.used)}.")
    head = _line([names[index] for index in kept], lines.separator) if lines.header else ""
    # A line of another length is sent whole, as it stands: the door says what is wrong with it.
    return [
        (
            dict(zip(names, row, strict=False)),
            (head + _line([row[index] for index in kept] if len(row) == len(names) else row, lines.separator)).encode(
                lines.encoding.removesuffix("-sig")
            ),
        )
        for row in rows
    ]


def _line(cells: list[str], separator: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\n").writerow(cells)
    return written.getvalue()


def _text(file: Path, encoding: str) -> str:
    if not file.is_file():
        raise BadInput(f"There is no file {file}.")
    if file.suffix == ".gz":
        with gzip.open(file, "rb") as packed:
            content = packed.read(MAX_FILE_BYTES + 1)
    else:
        with file.open("rb") as plain:
            content = plain.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadInput(f"{file} is larger than 2 GiB.")
    return content.decode(encoding)
