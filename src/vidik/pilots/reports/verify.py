"""Verification of a report: everything that can be computed again is, from the extract alone, and compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vidik import __version__
from vidik.kernel.errors import BadInput, VidikError
from vidik.pilots.ledger.figures import figures
from vidik.pilots.outcome import Hours
from vidik.pilots.plain import plain
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.data import Data
from vidik.pilots.plans.freezing import BrokenPlan, Standing, stand
from vidik.pilots.plans.overlaps import share_of
from vidik.pilots.reports.extract import (
    HOURS_FILE,
    LANGUAGES,
    MANIFEST_FILE,
    Extract,
    baseline_of,
    data_of,
    evidence_of,
    report_name,
)
from vidik.pilots.reports.packing import hours_text

TOLERANCE = 1e-9
"""Relative: linear algebra on another machine may differ in the last digits, a changed figure differs by more."""
_LANGUAGE = re.compile(rb'<html lang="([A-Za-z-]+)"')
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_NAMED = 3
SECOND_OPINIONS = frozenset({"second_opinion"})


@dataclass(frozen=True)
class Check:
    """One thing looked at: what it is, whether it holds, and what was found."""

    name: str
    holds: bool
    detail: str


def verify(extract: Extract, *, report: bytes | None = None, ledger_hash: str | None = None) -> Iterator[Check]:
    """Every check of an extract, and of a report (HTML or PDF) beside it; `ledger_hash` is that of the entry."""
    try:
        yield from _checks(extract, report, ledger_hash)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        yield Check("archive", False, f"a part of it is missing or is not what it should be: {error!r}")


def _checks(extract: Extract, report: bytes | None, ledger_hash: str | None) -> Iterator[Check]:
    yield _files(extract)
    standing: Standing | None = None
    try:
        standing = _standing(extract)
        count = len(standing.amendments)
        yield Check("plan", True, f"signed as {standing.hash}, {count} amendments, the last as {standing.head}")
    except BrokenPlan as error:
        yield Check("plan", False, str(error))
    yield _entry(extract, standing, ledger_hash)
    data: Data | None = None
    try:
        data = data_of(extract)
        yield _digests(extract, data)
        yield _baseline(extract)
    except BadInput as error:
        yield Check("data", False, error.detail)
    if standing is not None and data is not None:
        yield from _computed(extract, standing, data)
    if standing is not None:
        for language in LANGUAGES:
            yield _report(extract, language, extract.files.get(report_name(language)), report_name(language))
        if report is not None:
            yield _beside(extract, report)


def _standing(extract: Extract) -> Standing:
    plan = extract.plan
    standing = stand(
        plan["canonical"], plan["hash"], [(link["canonical"], link["hash"]) for link in plan["amendments"]]
    )
    if plan["hash"] != extract.entry["plan_hash"] or standing.head != extract.entry["plan_head"]:
        raise BrokenPlan("the entry of the ledger is about another plan, or about one with other amendments")
    return standing


def _files(extract: Extract) -> Check:
    stated = extract.manifest["files"]
    changed = [name for name, hash_ in stated.items() if digest(extract.files.get(name, b"")) != hash_]
    if changed:
        return Check("files", False, f"changed or missing since the verdict: {_some(changed)}")
    added = sorted(extract.files.keys() - stated.keys() - {MANIFEST_FILE} - {report_name(one) for one in LANGUAGES})
    if added:
        return Check("files", False, f"the manifest does not name {_some(added)}")
    return Check("files", True, f"{len(stated)} files are those of the manifest {extract.manifest_hash}")


def _entry(extract: Extract, standing: Standing | None, ledger_hash: str | None) -> Check:
    own = digest(extract.files["entry.json"])
    if canonical(orjson.loads(extract.files["entry.json"])).encode() != extract.files["entry.json"]:
        return Check("entry", False, "the entry is not written canonically: it was edited")
    if extract.entry.get("evidence") != evidence_of(extract.manifest, extract.files):
        return Check("entry", False, "the plan, data or outcome beside it are not those that it was entered with")
    if ledger_hash is not None and own != ledger_hash.strip().lower():
        return Check("entry", False, f"its hash is {own}, that of the ledger is {ledger_hash}")
    same = "the ledger's" if ledger_hash else "compare it with the ledger's"
    return Check("entry", True, f"hash {own} ({same})" + ("" if standing else "; its plan does not hold"))


def _digests(extract: Extract, data: Data) -> Check:
    every = data.every()
    changed = [item["name"] for item in extract.manifest["series"] if every[item["name"]].digest() != item["digest"]]
    if changed:
        return Check("data", False, f"not the data that was evaluated: {_some(changed)}")
    return Check("data", True, f"{len(every)} series have their fingerprints")


def _baseline(extract: Extract) -> Check:
    signed = extract.plan["digests"]
    now = {name: series.digest() for name, series in baseline_of(extract).items()}
    changed = sorted(name for name in signed.keys() | now.keys() if signed.get(name) != now.get(name))
    said = sorted(change["signal"] for change in extract.plan["changes"] if "amendment" not in change)
    if not signed:
        return Check("baseline", True, "the plan was frozen before its baseline: no fingerprints were signed")
    if changed and changed == said:
        return Check("baseline", True, f"changed after the freeze, and the report says so: {_some(changed)}")
    if changed != said:
        return Check("baseline", False, f"not the baseline data that was signed: {_some(changed or said)}")
    return Check("baseline", True, f"{len(signed)} series are those that were signed")


def _computed(extract: Extract, standing: Standing, data: Data) -> Iterator[Check]:
    from vidik.pilots.calculation import evaluated

    specification = standing.specification
    try:
        outcome = evaluated(specification, data, None)
        again = figures(specification, outcome, share_of(specification))
    except (VidikError, ValueError) as error:
        yield Check("outcome", False, f"it cannot be computed again: {error}")
        return
    differing = list(_differences(_settled(extract.outcome), _settled(plain(outcome)), ""))
    yield Check(
        "outcome",
        not differing,
        f"differs in {_some(differing)}"
        if differing
        else f"computed again: saving {outcome.saving:.6g} {outcome.unit}, "
        f"{outcome.interval.low:.6g} to {outcome.interval.high:.6g}, {outcome.verdict}",
    )
    yield from _hours(extract, outcome.hours)
    differing = list(_differences({name: extract.entry.get(name) for name in again}, again, ""))
    money = again["money"]["value"]
    yield Check(
        "figures",
        not differing,
        f"differs in {_some(differing)}" if differing else f"computed again: {money} {again['currency']} and all years",
    )


def _hours(extract: Extract, hours: Hours | None) -> Iterator[Check]:
    """The hours that the money rests on, where the evaluation knows any."""
    stated = extract.files.get(HOURS_FILE)
    if hours is None and stated is None:
        return
    rows = [_cells(line) for line in stated.decode(errors="replace").splitlines()] if stated is not None else []
    again = [_cells(line) for line in hours_text(hours).splitlines()] if hours is not None else []
    differing = list(_differences(rows, again, HOURS_FILE)) if len(rows) == len(again) else ["how many hours there are"]
    yield Check(
        "hours",
        not differing,
        f"differs in {_some(differing)}" if differing else f"computed again: {len(again) - 1} hours",
    )


def _cells(line: str) -> list[str | float]:
    time, *values = line.split(",")
    return [time, *(float(value) if _NUMBER.fullmatch(value) else value for value in values)]


def _settled(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """An outcome without what its second opinions say: they come from a search that ends a little elsewhere on another
    machine, and nothing rests on them. That they were not edited is held by the fingerprints of the files."""
    findings = [
        {**finding, "text": "", "values": {}} if finding["code"] in SECOND_OPINIONS else finding
        for finding in outcome["findings"]
    ]
    return {**outcome, "findings": findings}


def _differences(stated: Any, computed: Any, path: str) -> Iterator[str]:
    """Where two plain values differ by more than the tolerance; exact for all that is not a floating-point number."""
    if isinstance(stated, Mapping) and isinstance(computed, Mapping):
        for name in sorted(stated.keys() | computed.keys()):
            yield from _differences(stated.get(name), computed.get(name), f"{path}.{name}".lstrip("."))
    elif _is_list(stated) and _is_list(computed) and len(stated) == len(computed):
        for place, pair in enumerate(zip(stated, computed, strict=True)):
            yield from _differences(*pair, f"{path}.{place}")
    elif isinstance(stated, float | int) and isinstance(computed, float | int):
        if not math.isclose(stated, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{path} ({stated} in the report, {computed} computed)"
    elif stated != computed:
        yield f"{path} ({str(stated)[:60]} in the report, {str(computed)[:60]} computed)"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _report(extract: Extract, language: str, content: bytes | None, name: str) -> Check:
    from vidik.pilots.reports.page import render_page

    if content is None:
        return Check(name, False, "it is missing in the extract")
    return _compared(extract, name, content, render_page(extract, language).encode())


def _beside(extract: Extract, report: bytes) -> Check:
    """The report that was given is the one that this extract makes, in one of its languages."""
    from vidik.pilots.reports.pdf import render_pdf

    if report.startswith(b"%PDF"):
        if any(render_pdf(extract, language) == report for language in LANGUAGES):
            return Check("report", True, "the PDF is the one that this extract makes")
        return Check("report", False, _other_than(extract, "the PDF"))
    found = _LANGUAGE.search(report[:2000])
    language = found.group(1).decode() if found else ""
    if language not in LANGUAGES:
        return Check("report", False, "this is no report of a pilot")
    return _report(extract, language, report, "report")


def _compared(extract: Extract, name: str, content: bytes, again: bytes) -> Check:
    if content == again:
        return Check(name, True, "says what the extract says")
    pairs = zip(content.decode(errors="replace").splitlines(), again.decode().splitlines(), strict=False)
    first = next((number for number, (one, other) in enumerate(pairs, start=1) if one != other), None)
    where = f"; the first difference is in line {first}" if first else ""
    return Check(name, False, _other_than(extract, "the page") + where)


def _other_than(extract: Extract, what: str) -> str:
    version = extract.manifest["vidik"]
    made = "" if version == __version__ else f" (it was made by Vidik {version}, this is {__version__})"
    return f"{what} is not the one that this extract makes{made}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
