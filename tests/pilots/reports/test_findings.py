"""Every finding that the module can make has a sentence in Serbian, the same on the screens and in reports."""

from __future__ import annotations

import ast
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vidik.pilots import reports
from vidik.pilots.outcome import Finding
from vidik.pilots.plain import plain
from vidik.pilots.reports.findings import said, sentences
from vidik.pilots.reports.words import Words

PILOTS = Path(reports.__file__).parents[1]
SCREENS = Path(__file__).parents[3] / "frontend/src/lib/i18n/pilots.findings.ts"
COMPUTED = {
    ("measurement/sufficiency.py", "f'{code}-empty'"): {"baseline-empty", "reporting-empty"},
    ("measurement/sufficiency.py", "f'{code}-too-short'"): {"baseline-too-short", "reporting-too-short"},
    ("measurement/sufficiency.py", "f'{code}-gaps'"): {"baseline-gaps", "reporting-gaps"},
    ("measurement/sufficiency.py", "f'{code}-missing'"): {"baseline-missing", "reporting-missing"},
    ("measurement/sufficiency.py", "f'{code}-temperature'"): {"baseline-temperature", "reporting-temperature"},
    ("measurement/counters.py", "f'counter-{code}'"): {"counter-rollover", "counter-reset"},
    ("measurement/reading.py", "code"): {"rows-short", "times-unreadable", "values-unreadable"},
    ("measurement/guards.py", "code"): set(),  # `_reported`, whose callers name the code
    ("events.py", "code"): set(),  # `_finding`, whose callers name the code
    ("plans/signals.py", "error.code"): set(),  # a refusal: its own sentence stands
    ("reports/extract.py", "one"): set(),  # `_finding` there reads one back as it was written
    ("reports/extract.py", "**"): set(),
}
"""Codes that are not written where the finding is made, by file and expression."""
MAKERS = {"Finding": 0, "_reported": 2, "_finding": 0}
"""Functions that make findings, and which of their arguments is the code."""


def emitted() -> set[str]:
    """Every code that the sources of the module can give a finding."""
    codes: set[str] = set()
    for file in PILOTS.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS):
                continue
            place = MAKERS[call.func.id]
            code = call.args[place] if len(call.args) > place else None
            if isinstance(code, ast.Constant):
                codes.add(str(code.value))
            else:
                key = (file.relative_to(PILOTS).as_posix(), "**" if code is None else ast.unparse(code))
                assert key in COMPUTED, f"say in COMPUTED which codes {key} can have"
                codes |= COMPUTED[key]
    return codes


def on_page(finding: Finding, language: str) -> str:
    """The sentence of a finding in a report."""
    return said(Words(language), plain(finding))


class TestEveryCode:
    def test_has_a_sentence(self) -> None:
        codes = emitted()
        assert {"step", "stuck", "rows-short", "baseline-gaps", "counter-reset", "spread-evenly"} <= codes
        known = {key.partition(".")[0] for key in sentences()}
        assert codes - known == set()

    def test_no_sentence_is_of_a_code_that_nobody_gives(self) -> None:
        assert {key.partition(".")[0] for key in sentences()} - emitted() == set()

    def test_screens_say_the_same(self) -> None:
        table = SCREENS.read_text(encoding="utf-8").partition("findingsSrCyrl")[2].partition("\n};")[0]
        pairs = re.findall(r'^\s*(?:"([\w.-]+)"|(\w+)):\s*("(?:[^"\\]|\\.)*"),$', table, re.MULTILINE)
        assert {quoted or plain_: json.loads(text) for quoted, plain_, text in pairs} == dict(sentences())


class TestSaid:
    STEP = Finding("step", "warning", "Fell.", "Зграда", date(2025, 3, 1), date(2025, 3, 31), {"size": -0.304})

    def test_english_is_the_findings_own_text(self) -> None:
        assert on_page(self.STEP, "en") == "Fell."

    def test_serbian_has_the_values(self) -> None:
        sentence = on_page(self.STEP, "sr-Cyrl")
        assert sentence.startswith("Зграда: од 2025-03-01 до 2025-03-31 30,4 % мање")
        assert on_page(self.STEP, "sr-Latn").startswith("Zgrada: od 2025-03-01 do 2025-03-31 30,4 % manje")

    @pytest.mark.parametrize(
        ("severity", "ending"), [("repaired", "рачунају се као да недостају."), ("warning", "остављене су како јесу.")]
    )
    def test_says_whether_it_was_mended(self, severity: Any, ending: str) -> None:
        finding = Finding("outliers", severity, "3 outliers.", "m", values={"count": 3, "share": 0.01})
        assert on_page(finding, "sr-Cyrl").endswith(f"3; {ending}")

    def test_a_share_keeps_its_sign(self) -> None:
        finding = Finding("second_opinion", "note", "It finds -4.1%.", values={"fraction": -0.041})
        assert "\u22124,1 %" in on_page(finding, "sr-Cyrl")

    @pytest.mark.parametrize(
        "finding",
        [Finding("unheard-of", "note", "As it stands."), Finding("step", "warning", "As it stands.", values={})],
    )
    def test_falls_back_to_the_text_of_an_unknown_code_or_without_a_value(self, finding: Finding) -> None:
        assert on_page(finding, "sr-Latn") == "As it stands."
