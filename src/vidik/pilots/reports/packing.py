"""The archive of a verdict, made: `extract` reads it again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from psycopg.rows import DictRow

from vidik import __version__
from vidik.kernel.clock import iso
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Hours
from vidik.pilots.plain import plain
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.data import Data, cut
from vidik.pilots.plans.freezing import Standing
from vidik.pilots.plans.service import digests_of
from vidik.pilots.reports.extract import (
    ENTRY_FILE,
    FORM,
    HOURS_FILE,
    LANGUAGES,
    MANIFEST_FILE,
    OUTCOME_FILE,
    PLAN_FILE,
    evidence_of,
    extract_of,
    report_name,
)

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same content gives the same bytes


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
    from vidik.pilots.reports.page import render_page  # slow to load, needed only here

    digests, until = digests_of(row, standing)
    series, baseline, files = _data_files(read, before, digests, until)
    files[PLAN_FILE] = _json(_plan(plan, row, standing, digests, until, events, result))
    files[OUTCOME_FILE] = _json(result["outcome"])
    if hours is not None:
        files[HOURS_FILE] = hours_text(hours).encode()
    manifest = {"form": FORM, "vidik": __version__, "series": series, "baseline": baseline,
                "findings": plain(read.findings)}  # fmt: skip
    text = canonical({**entry, "evidence": evidence_of(manifest, files)})
    files[ENTRY_FILE] = text.encode()
    hashes = {name: digest(content) for name, content in sorted(files.items())}
    files[MANIFEST_FILE] = _json({**manifest, "files": hashes})
    extract = extract_of(files)
    for language in LANGUAGES:
        files[report_name(language)] = render_page(extract, language).encode()
    return _zipped(files), text


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


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
