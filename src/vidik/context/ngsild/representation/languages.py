"""Choosing one language of a LanguageProperty (ETSI GS CIM 009, clause 4.15; RFC 4647, section 3.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=256)
def _preferences(wanted: str) -> tuple[str, ...]:
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(wanted.split(",")):
        tag, _, parameters = part.strip().partition(";")
        quality = 1.0
        name, _, number = parameters.strip().partition("=")
        if name.strip() == "q":
            try:
                quality = float(number)
            except ValueError:
                quality = 0.0
        if tag and quality > 0:
            ranked.append((-quality, position, tag.strip().lower()))
    return tuple(tag for _, _, tag in sorted(ranked))


def pick_language(texts: Mapping[str, Any], wanted: str) -> str | None:
    """The key of the best text for a list such as `sr-Latn,en;q=0.7,*`; the default text, else any, where none fits."""
    known = {language.lower(): language for language in texts}
    for preference in _preferences(wanted):
        if preference == "*":
            return _fallback(texts)
        candidate = preference
        while candidate:
            if candidate in known:
                return known[candidate]
            candidate = candidate.rpartition("-")[0]
        for language in known:
            if language.startswith(f"{preference}-"):
                return known[language]
    return _fallback(texts)


def _fallback(texts: Mapping[str, Any]) -> str | None:
    for language in ("@none", "en"):
        if language in texts:
            return language
    return next(iter(texts), None)
