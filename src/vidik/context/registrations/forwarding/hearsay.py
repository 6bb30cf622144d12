"""What another broker says, as it is passed on: short and plain, without markup and without keys.

A source may repeat in an error what it was sent, keys among it, and whoever reads here sees its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vidik.context.registrations.forwarding.requests import FROM_THE_REQUEST, STEERING
from vidik.context.registrations.sources.model import Json, Registration

LONGEST: Final = 200
MOST_WARNINGS: Final = 20
HIDDEN: Final = "***"
_SHORTEST_KEY: Final = 4
_WARNING: Final = re.compile(r'(\d{3}) ([^\s"<>]{1,200}) "((?:[^"\\]|\\.)*)"')
_ADDRESS: Final = re.compile(r"://(?:[^/\s@]*@)?([^\s?#]*)(?:[?#]\S*)?")
_PRESENTED: Final = re.compile(r"\b(bearer|basic|token|apikey|api-key)[\s:=]+[\w.~+/=-]+", re.I)
_URI: Final = re.compile(r"[A-Za-z][\w+.-]*:[^\s<>\"]{1,200}")


def plain(text: str, registration: Registration, longest: int = LONGEST) -> str:
    """A text of a source as others may read it: printable ASCII, no quotes or markup, no keys."""
    for key in _keys(registration):
        text = text.replace(key, HIDDEN)
    text = _ADDRESS.sub(r"://\1", _PRESENTED.sub(rf"\1 {HIDDEN}", text))
    kept = "".join(one if one.isascii() and one.isprintable() and one not in "<>" else " " for one in text)
    return kept.replace("\\", "/").replace('"', "'")[:longest]


def _keys(registration: Registration) -> Iterator[str]:
    """What a registration has its source told that nobody else is to know, and its parts: `Bearer` is none of it."""
    for name, value in registration.info.items():
        if name not in STEERING and value != FROM_THE_REQUEST:
            yield from (one for one in (value, value.rpartition(" ")[2]) if len(one) >= _SHORTEST_KEY)


def warnings(header: str, registration: Registration) -> list[str]:
    """The warnings that a source passes on of sources of its own (clause 6.3.17)."""
    found = _WARNING.findall(header)[:MOST_WARNINGS]
    return [f'{code} {plain(agent, registration)} "{plain(text, registration)}"' for code, agent, text in found]


def problem(content: Mapping[str, Any], status: int, registration: Registration) -> Json:
    """Problem details of a source: the members of RFC 7807 and no others."""
    kind = content.get("type")
    is_named = isinstance(kind, str) and _URI.fullmatch(kind) is not None
    shown: Json = {"type": plain(kind, registration) if is_named and isinstance(kind, str) else "about:blank"}
    shown |= {
        name: plain(text, registration, 2 * LONGEST)
        for name in ("title", "detail")
        if isinstance(text := content.get(name), str)
    }
    return {**shown, "status": status}
