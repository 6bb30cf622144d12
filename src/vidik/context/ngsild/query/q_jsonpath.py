"""A term of q as a jsonpath over an entity's document. Pure.

Lax mode does what NGSI-LD asks for: an attribute with one instance (an object) and with several (an array) is walked
alike, and a value that is an array fits when one of its items does. A comparison of unlike kinds is unknown, which
counts as no match; where the answer is negated, `exists` turns unknown into false first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query.q import (
    Boolean,
    Compare,
    Exists,
    Moment,
    Number,
    OneOf,
    Path,
    Range,
    Term,
    Text,
    Value,
    normal_number,
)

META: Final = frozenset(("observedAt", "createdAt", "modifiedAt", "unitCode", "datasetId"))
_MEMBERS: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_OF_RELATIONSHIPS: Final = frozenset(("object", "objectList"))
_NUMBER_MEMBERS: Final = ("value", "valueList", "json")
_TRAIL_MEMBERS: Final = ("value", "json", "languageMap")


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A jsonpath that has a match when the term holds; `negated` terms hold when it has none."""

    text: str
    negated: bool = False
    times: bool = False
    """It compares date-times, which needs the time-zone-aware functions."""


def compile_term(term: Term, context: ActiveContext) -> JsonPath:
    """The jsonpath of one term, with names expanded; it follows no relationship (see `repository.conditions`)."""
    steps, meta = _steps(term.path, context)
    if isinstance(term, Exists):
        targets = _targets(term.path, meta, _MEMBERS)
        if meta or term.path.trail:
            found = " || ".join(f"exists(@{target})" for target in targets)
            return JsonPath(f"${steps} ? ({found})", negated=term.absent)
        return JsonPath(f"${steps}", negated=term.absent)
    return _compile_comparison(term, steps, meta, context)


def compile_objects(path: Path, context: ActiveContext) -> tuple[str, ...]:
    """The jsonpaths that give the ids that a path's relationship leads to."""
    steps, _ = _steps(path, context)
    return tuple(f"${steps}.{member}[*]" for member in sorted(_OF_RELATIONSHIPS))


def _compile_comparison(term: Compare, steps: str, meta: str | None, context: ActiveContext) -> JsonPath:
    times = _has_moment(term.operand)
    if term.operator in ("!=", "!~="):
        positive = "==" if term.operator == "!=" else "~="
        targets = _targets(term.path, meta, _comparable(_MEMBERS, positive))
        present = " || ".join(f"exists(@{target})" for target in targets)
        equal = " || ".join(
            f"exists(@{target} ? ({_predicate(target, positive, term.operand, context)}))" for target in targets
        )
        return JsonPath(f"${steps} ? (({present}) && !({equal}))", times=times)
    targets = _targets(term.path, meta, _comparable(_members_for(term.operand), term.operator))
    matches = " || ".join(
        f"exists(@{target} ? ({_predicate(target, term.operator, term.operand, context)}))"
        if isinstance(term.operand, Moment | Range | OneOf)
        else _comparison(f"@{target}", term.operator, term.operand, target, context)
        for target in targets
    )
    return JsonPath(f"${steps} ? ({matches})", times=times)


def _comparable(members: tuple[str, ...], operator: str) -> tuple[str, ...]:
    """Of the members of a value those that an operator can fit: relationships know equal and unequal alone (4.9)."""
    return members if operator == "==" else tuple(one for one in members if one not in _OF_RELATIONSHIPS)


def _steps(path: Path, context: ActiveContext) -> tuple[str, str | None]:
    names = list(path.attributes)
    meta = names.pop() if len(names) > 1 and names[-1] in META else None
    steps = ""
    for name in names:
        steps += "." + _literal(context.expand(name))
        context = context.inside(name)
    return steps, meta


def _targets(path: Path, meta: str | None, members: tuple[str, ...]) -> list[str]:
    """What follows `@` (an instance) to reach the values to compare."""
    if meta is not None:
        return [f".{meta}"]
    if path.trail:
        trail = "".join("." + _literal(name) for name in path.trail)
        targets = [f".{member}{trail}" for member in _TRAIL_MEMBERS]
        return [*targets, ".languageMap.*"] if path.trail == ("*",) else targets
    return [f".{member}.*" if member == "languageMap" else f".{member}" for member in members]


def _members_for(operand: Value | Range | OneOf) -> tuple[str, ...]:
    if isinstance(operand, Number | Boolean) or (isinstance(operand, Range) and isinstance(operand.low, Number)):
        return _NUMBER_MEMBERS
    if isinstance(operand, Moment) or (isinstance(operand, Range) and isinstance(operand.low, Moment)):
        return _NUMBER_MEMBERS
    return _MEMBERS


def _predicate(target: str, operator: str, operand: Value | Range | OneOf, context: ActiveContext) -> str:
    """A predicate on `@`, which is one of the values of a target."""
    if isinstance(operand, OneOf):
        return " || ".join(f"({_predicate(target, operator, value, context)})" for value in operand.values)
    if isinstance(operand, Range):
        sides = ((">=", operand.low), ("<=", operand.high))
        return " && ".join(f"({_predicate(target, sign, side, context)})" for sign, side in sides)
    if isinstance(operand, Moment):
        # JSON-LD typed values, {"@type": "DateTime", "@value": …}, are times too.
        matches = _is_moment(operator, operand)
        return f'{matches} || exists(@."@value" ? ({matches}))'
    return _comparison("@", operator, operand, target, context)


def _is_moment(operator: str, operand: Moment) -> str:
    """Asks for text first: a method that fails on one value would leave the comparison of all of them unknown."""
    text = operand.text.replace(",", ".")
    method = ".datetime()"
    if "T" in text:
        method = ".timestamp_tz()"
        text = text if text.endswith("Z") or text[-6] in "+-" or text[-5] in "+-" else text + "Z"
    return f'(@.type() == "string" && @{method} {operator} {_literal(text)}{method})'


def _comparison(
    subject: str, operator: str, operand: Text | Number | Boolean, target: str, context: ActiveContext
) -> str:
    if operator == "~=":
        if not isinstance(operand, Text):
            raise bad_data("A pattern is text.", "q")
        return f"{subject} like_regex {_literal(operand.text)}"
    return f"{subject} {operator} {_compared(operand, target, context)}"


def _compared(operand: Text | Number | Boolean, target: str, context: ActiveContext) -> str:
    if isinstance(operand, Number):
        return normal_number(operand.number)
    if isinstance(operand, Boolean):
        return "true" if operand.truth else "false"
    return _literal(context.expand(operand.text) if operand.is_word and target == ".vocab" else operand.text)


def _has_moment(operand: Value | Range | OneOf) -> bool:
    if isinstance(operand, OneOf):
        return any(_has_moment(value) for value in operand.values)
    if isinstance(operand, Range):
        return isinstance(operand.low, Moment)
    return isinstance(operand, Moment)


def _literal(text: str) -> str:
    if "\x00" in text:
        raise bad_data("Text has no zero characters.", "q")
    try:
        return orjson.dumps(text).decode()
    except orjson.JSONEncodeError:
        raise bad_data("The text is not valid Unicode.", "q") from None
