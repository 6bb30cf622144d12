"""The extract: plan, data, outcome and entry in one archive, enough to compute everything again without Vidik's memory.

`plan.json` holds the signed texts, `data/*.csv` the series as they were evaluated, `baseline/*.csv` what was signed of
the baseline where a series ends otherwise when later data is known, `outcome.json` what was computed, `hours.csv` the
saving and use of each hour where they are known, `entry.json` what was entered in the ledger, and `manifest.json` says
which series is which and the SHA-256 of each file.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import orjson

from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.data import Data, cut

FORM = "vidik pilot extract 1"
LANGUAGES = ("en", "sr-Cyrl", "sr-Latn")
ENTRY_FILE = "entry.json"
OUTCOME_FILE = "outcome.json"
PLAN_FILE = "plan.json"
MANIFEST_FILE = "manifest.json"
HOURS_FILE = "hours.csv"
_EVIDENCE = (PLAN_FILE, OUTCOME_FILE, HOURS_FILE, "data/", "baseline/")
_LARGEST_FILE = 512 * 1024 * 1024


@dataclass(frozen=True)
class Extract:
    """An archive as read: `manifest_hash` names the whole of it."""

    files: Mapping[str, bytes]
    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]
    outcome: Mapping[str, Any]
    entry: Mapping[str, Any]

    @property
    def manifest_hash(self) -> str:
        """SHA-256 of the manifest, which has that of every other file."""
        return digest(self.files[MANIFEST_FILE])


def evidence_of(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """The hash of all that an entry rests on: plan, data, outcome, which series is which, and what was found."""
    named = ("series", "baseline", "findings")
    hashes = {name: digest(files[name]) for name in files if name.startswith(_EVIDENCE)}
    return digest(canonical({**{name: manifest[name] for name in named}, "files": hashes}))


def report_name(language: str) -> str:
    """The name of the report in a language inside the archive."""
    return "report.html" if language == "en" else f"report.{language}.html"


def read_extract(archive: bytes) -> Extract:
    """Read an archive; raises BadInput where it is none, or lacks a part."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if any(item.file_size > _LARGEST_FILE for item in opened.infolist()):
                raise BadInput("A file in this archive is larger than any extract's.", code="extract-unreadable")
            if len(set(opened.namelist())) < len(opened.namelist()):
                # One program would read the first of them, another the last.
                raise BadInput("This archive has two files of one name.", code="extract-unreadable")
            return extract_of({item.filename: opened.read(item) for item in opened.infolist()})
    except (zipfile.BadZipFile, zlib.error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"This is no extract of a pilot: {error}.", code="extract-unreadable") from None


def data_of(extract: Extract) -> Data:
    """The series of an archive as an evaluation takes them; raises BadInput where one cannot be read."""
    series: dict[str, dict[str, Series]] = {"unit": {}, "donor": {}, "temperature": {}}
    for item in extract.manifest["series"]:
        series[item["role"]][item["name"]] = _read_series(extract, item, item["file"])
    temperature = next(iter(series["temperature"].values()), None)
    return Data(series["unit"], series["donor"], temperature, [_finding(one) for one in extract.manifest["findings"]])


def baseline_of(extract: Extract) -> dict[str, Series]:
    """The baseline data as it was known in the window of the freeze, by name."""
    known = {item["name"]: item for item in extract.manifest["series"]}
    found = {}
    for item in extract.manifest["baseline"]:
        own = known.get(item["name"], item)
        series = _read_series(extract, {**own, **item} if item["own_file"] else own, item["file"])
        found[item["name"]] = cut(series, date.fromisoformat(item["until"]))
    return found


def extract_of(files: Mapping[str, bytes]) -> Extract:
    """What these files say; raises BadInput for another form, and KeyError where a part is missing."""
    plan, manifest, outcome, entry = (
        orjson.loads(files[name]) for name in (PLAN_FILE, MANIFEST_FILE, OUTCOME_FILE, ENTRY_FILE)
    )
    if manifest.get("form") != FORM:
        raise BadInput("This is no extract of a pilot, or one of a newer Vidik.", code="extract-unreadable")
    return Extract(dict(files), plan, manifest, outcome, entry)


def _read_series(extract: Extract, item: Mapping[str, Any], file: str) -> Series:
    try:
        lines = extract.files[file].decode().split("\n")[1:-1]
        values = np.array([float(line.partition(",")[2] or "nan") for line in lines], np.float64)
        start = np.datetime64(item["start"], "D") if item["step"] == "day" else np.datetime64(item["start"], "h")
        return Series(item["name"], start, values, item["unit"], item["zone"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {error}.", code="extract-unreadable") from None


def _finding(item: Mapping[str, Any]) -> Finding:
    days = {name: date.fromisoformat(item[name]) if item[name] else None for name in ("first", "last")}
    return Finding(**{**item, **days})
