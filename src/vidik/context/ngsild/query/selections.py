"""Selections by type (ETSI GS CIM 009, clause 4.17) and by scope (clause 4.19). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.query.expressions import And, Expression, Leaf, Reader, parse

_TYPE_END = re.compile(r"[,;|()]")
_SCOPE_END = re.compile(r"[,;|()]")
TYPE_NAMES = re.compile(r"[^\s,;|()]+")
"""The names in the text of a type selection."""
_SCOPE_PATTERN = re.compile(r"/?(?:[\w\-]+|\+)(?:/(?:[\w\-]+|\+))*(?:/#)?|/?#", re.UNICODE)

TypeSelection = Expression[str]


def _word(reader: Reader, end: re.Pattern[str]) -> str:
    match = end.search(reader.text, reader.at)
    stop = match.start() if match else len(reader.text)
    word = reader.text[reader.at : stop].strip()
    if not word:
        raise reader.wrong("a name is expected")
    reader.at = stop
    return word


def parse_types(text: str, context: ActiveContext) -> TypeSelection:
    """The tree of a type selection such as `A,B` or `(A;B)|C`, with expanded names."""

    def term(reader: Reader) -> str:
        return context.expand(values.name(_word(reader, _TYPE_END), "type"))

    return parse(Reader(text, "type"), term, ors=("|", ","))


def matches_types(selection: TypeSelection, types: Collection[str]) -> bool:
    """Whether an entity with these (expanded) types is selected."""
    if isinstance(selection, Leaf):
        return selection.term in types
    if isinstance(selection, And):
        return all(matches_types(part, types) for part in selection.parts)
    return any(matches_types(part, types) for part in selection.parts)


def plain_types(selection: TypeSelection) -> list[str] | None:
    """The types of a selection that is only alternatives; None where types are asked for together."""
    if isinstance(selection, Leaf):
        return [selection.term]
    if isinstance(selection, And):
        return None
    found: list[str] = []
    for part in selection.parts:
        inner = plain_types(part)
        if inner is None:
            return None
        found.extend(inner)
    return found


@lru_cache(maxsize=512)
def parse_scopes(text: str) -> Expression[str]:
    """The tree of a scopeQ; each term is a pattern with `+` for one level and a last `#` for all below."""

    def term(reader: Reader) -> str:
        word = _word(reader, _SCOPE_END)
        if not _SCOPE_PATTERN.fullmatch(word):
            raise reader.wrong("a scope such as /Nis/+/Parks or /Nis/# is expected")
        return word if word.startswith("/") else f"/{word}"

    return parse(Reader(text, "scopeQ"), term, ors=("|", ","))


def is_plain_scope(pattern: str) -> bool:
    """Whether a pattern names exactly one scope."""
    return "+" not in pattern and "#" not in pattern


def scope_expression(pattern: str) -> str:
    """The POSIX regular expression of a scope pattern."""
    if pattern == "/#":
        return "^/.+$"
    below = pattern.endswith("/#")
    steps = (pattern[:-2] if below else pattern).strip("/").split("/")
    body = "".join("/[^/]+" if step == "+" else f"/{re.escape(step)}" for step in steps)
    return f"^{body}(/.*)?$" if below else f"^{body}$"


def matches_scopes(query: Expression[str], scopes: Collection[str]) -> bool:
    """Whether an entity with these scopes is selected."""
    if isinstance(query, Leaf):
        expression = scope_expression(query.term)
        return any(re.match(expression, scope) for scope in scopes)
    gather: Callable[..., bool] = all if isinstance(query, And) else any
    return gather(matches_scopes(part, scopes) for part in query.parts)
