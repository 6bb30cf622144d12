"""How deep a JSON body is nested: what is read, matched and rendered step by step must not be a well. Pure."""

from __future__ import annotations

from typing import Any, Final

MAXIMUM_NESTING: Final = 100
"""Lists and objects inside one another; GeoJSON in an entity in a batch needs ten."""
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(body: bytes | bytearray, content: Any) -> bool:
    """Whether a body, given as bytes and as it was parsed, is nested deeper than 100.

    Its brackets alone answer it at a few gigabytes a second: pair by pair they vanish from the inside. Brackets that
    are part of text can stay, and then the parsed content is asked.
    """
    left = body.translate(None, _ALL_BUT_BRACKETS)
    for _ in range(MAXIMUM_NESTING):
        if not left:
            return False
        fewer = left.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(left):
            break
        left = fewer
    return _depth_exceeds(content)


def _depth_exceeds(content: Any) -> bool:
    level = [content]
    for _ in range(MAXIMUM_NESTING):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
