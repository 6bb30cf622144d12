"""Findings as sentences in the language of a report. Pure.

In English a finding's own text stands. In Serbian it is said by code, or by code and severity, with the finding's
values; the same sentences are on the screens (frontend/src/lib/i18n/pilots.findings.ts). A code that has no sentence
here, or a value that its sentence needs and that is not there, falls back to the finding's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from vidik.kernel.scripts import to_latin
from vidik.pilots.reports.words import Words

_PLACE = re.compile(r"\{(\w+)\}")
_SHARES = re.compile("fraction|share|level|coverage|covered|size|median|worst")


@lru_cache(maxsize=1)
def sentences() -> Mapping[str, str]:
    """Serbian sentences in Cyrillic by code ("step") or by code and severity ("stuck.repaired")."""
    text = files("vidik.pilots.reports").joinpath("findings.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def said(words: Words, finding: Mapping[str, Any]) -> str:
    """A finding, as an extract has it, as a sentence."""
    text: str = finding["text"]
    if words.language == "en":
        return text
    values = _readable(words, finding)
    for key in (f"{finding['code']}.{finding['severity']}", finding["code"]):
        template = sentences().get(key)
        if template is not None and values.keys() >= set(_PLACE.findall(template)):
            sentence = template if words.language == "sr-Cyrl" else to_latin(template)
            return _PLACE.sub(lambda place: values[place[1]], sentence)
    return text


def _readable(words: Words, finding: Mapping[str, Any]) -> dict[str, str]:
    """The values of a finding as people read them: shares as per cent, numbers by the language, days ISO."""

    def script(text: str) -> str:
        return to_latin(text) if words.language == "sr-Latn" else text

    found = {name: script(finding[name]) for name in ("subject", "first", "last") if finding.get(name)}
    values: Mapping[str, Any] = finding.get("values") or {}
    for name, value in values.items():
        if isinstance(value, str):
            found[name] = script(value)
        elif isinstance(value, int) or value is None:
            found[name] = "\u2013" if value is None else words.number(value, 0)
        elif _SHARES.search(name):
            found[name] = words.percent(abs(value) if name == "size" else value)
        else:
            found[name] = words.number(value)
    size = values.get("size")
    if isinstance(size, int | float):
        found["change"] = script(f"{words.percent(abs(size))} {'више' if size > 0 else 'мање'}")
    return found
