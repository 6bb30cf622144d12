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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import orjson
from psycopg.rows import DictRow

from vidik import __version__
from vidik.kernel.clock import iso
from vidik.kernel.errors import BadInput
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding, Hours
from vidik.pilots.plain import plain
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.data import Data, cut
from vidik.pilots.plans.freezing import Standing
from vidik.pilots.plans.service import digests_of

FORM = "vidik pilot extract 1"
LANGUAGES = ("en", "sr-Cyrl", "sr-Latn")
_ENTRY = "entry.json"
_OUTCOME = "outcome.json"
_PLAN = "plan.json"
MANIFEST_FILE = "manifest.json"
HOURS_FILE = "hours.csv"
_EVIDENCE = (_PLAN, _OUTCOME, HOURS_FILE, "data/", "baseline/")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same content gives the same bytes
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


def build_extract(
    plan: int,
    row: DictRow,
    standing: Standing,
    read: Data,
    before: Data,
    result: Mapping[str, Any],
    hours: Hours | None,
    entry: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
) -> tuple[bytes, str]:
    """The archive of a verdict, reports in three scripts with it, and the text of its entry.

    The entry gets a member `evidence`: the hash of everything else that the archive says, so that the ledger's hash of
    the entry holds data, plan and outcome together.
    """
    from vidik.pilots.reports.page import render_page

    digests, until = digests_of(row, standing)
    series, baseline, files = _data_files(read, before, digests, until)
    files[_PLAN] = _json(_plan(plan, row, standing, digests, until, events, result))
    files[_OUTCOME] = _json(result["outcome"])
    if hours is not None:
        files[HOURS_FILE] = hours_text(hours).encode()
    manifest = {"form": FORM, "vidik": __version__, "series": series, "baseline": baseline,
                "findings": plain(read.findings)}  # fmt: skip
    text = canonical({**entry, "evidence": evidence_of(manifest, files)})
    files[_ENTRY] = text.encode()
    hashes = {name: digest(content) for name, content in sorted(files.items())}
    files[MANIFEST_FILE] = _json({**manifest, "files": hashes})
    extract = _extract(files)
    for language in LANGUAGES:
        files[report_name(language)] = render_page(extract, language).encode()
    return _zipped(files), text


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
            return _extract({item.filename: opened.read(item) for item in opened.infolist()})
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


def _data_files(
    read: Data, before: Data, digests: Mapping[str, str], until: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, bytes]]:
    roles = [("unit", one) for one in read.units.values()] + [("donor", one) for one in read.donors.values()]
    if read.temperature is not None:
        roles.append(("temperature", read.temperature))
    files: dict[str, bytes] = {}
    listed, baseline = [], []
    for number, (role, series) in enumerate(roles, start=1):
        name = f"data/{number:04}.csv"
        files[name] = _csv(series)
        listed.append({"role": role, "file": name, **_description(series), "digest": series.digest()})
    known = {item["name"]: item for item in listed}
    whole = read.every()
    for number, (name, series) in enumerate(sorted(before.every().items()) if digests else [], start=1):
        known_then = cut(series, until)
        same = name in whole and cut(whole[name], until).digest() == known_then.digest()
        file = known[name]["file"] if same else f"baseline/{number:04}.csv"
        if not same:
            files[file] = _csv(known_then)
        own = {} if same else _description(known_then)
        baseline.append({"name": name, "file": file, "own_file": not same, "until": until.isoformat(), **own})
    return listed, baseline, files


def _description(series: Series) -> dict[str, Any]:
    return {"name": series.name, "unit": series.unit, "zone": series.zone, "start": str(series.start),
            "step": "day" if series.is_daily else "hour", "steps": len(series)}  # fmt: skip


def _plan(
    plan: int,
    row: DictRow,
    standing: Standing,
    digests: Mapping[str, str],
    until: date,
    events: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "number": plan,
        "canonical": standing.text,
        "hash": standing.hash,
        "amendments": [
            {"canonical": text, "hash": hash_, "audit_position": at} for text, hash_, at in row["amendments"]
        ],
        "statement": row["statement"],
        "signed_by": row["signed_by"],
        "signed_at": iso(row["signed_at"]),
        "author": row["changed_by"],
        "four_eyes": row["four_eyes"],
        "audit_position": row["audit_position"],
        "simulated": row["simulated"],
        "digests": dict(digests),
        "digests_until": until.isoformat(),
        "changes": result["changes"],
        "events": list(events),
    }


def _csv(*series: Series, header: str = "time,value") -> bytes:
    """Time and values a line; the shortest text that gives back exactly the same number, nothing where none is known.

    All series have the same steps.
    """
    hour = "" if series[0].is_daily else ":00Z"
    times = [f"{time}{hour}" for time in series[0].times.astype(str).tolist()]
    columns = [["" if value != value else repr(value) for value in one.values.tolist()] for one in series]
    lines = [header, *(",".join(row) for row in zip(times, *columns, strict=True))]
    return ("\n".join(lines) + "\n").encode()


def hours_text(hours: Hours) -> str:
    """Saving and use of each hour as the extract has them."""
    return _csv(hours.saving, hours.use, header="time,saving,use").decode()


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


def _extract(files: Mapping[str, bytes]) -> Extract:
    plan, manifest, outcome, entry = (orjson.loads(files[name]) for name in (_PLAN, MANIFEST_FILE, _OUTCOME, _ENTRY))
    if manifest.get("form") != FORM:
        raise BadInput("This is no extract of a pilot, or one of a newer Vidik.", code="extract-unreadable")
    return Extract(dict(files), plan, manifest, outcome, entry)


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
