"""The query language for attributes (ETSI GS CIM 009, clause 4.9): text to a tree and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from vidik.context.ngsild.query.expressions import And, Expression, Leaf, Or, Reader, parse

Operator = Literal["==", "!=", ">=", "<=", ">", "<", "~=", "!~="]
_OPERATORS: Final[tuple[Operator, ...]] = ("!~=", "~=", "==", "!=", ">=", "<=", ">", "<")

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+\-]\d\d:?\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+\-]\d\d:?\d\d)?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME_END = re.compile(r"[=!<>~;|()\[\]{},\"\s]")
_TRAIL_END = re.compile(r"[\[\];|()\"]")
_OPERATOR_LIKE = re.compile(r"[<>]|^[=!~]")
_HINT = re.compile(r"([^{}:,;|()\[\]\"\s]+(?:,[^{}:,;|()\[\]\"\s]+)*):(?!//)")
_BARE_END = re.compile(r"[;|)(,\"]")


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look: an attribute and its sub-attributes, then (`trail`) members inside the value.

    With `linked` the attribute is a relationship, and one looks in the entities that it leads to.
    """

    attributes: tuple[str, ...]
    trail: tuple[str, ...] = ()
    linked: Linked | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """A path in the entities that a relationship leads to: of any of these types, or of all where there are none."""

    types: tuple[str, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class Text:
    """Quoted text, or an unquoted URI; `is_word` says that it is a word of the @context, to be expanded."""

    text: str
    is_word: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number, as it was written."""

    number: str


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false."""

    truth: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """An unquoted date-time, date or time (ISO 8601)."""

    text: str


Value = Text | Number | Boolean | Moment


@dataclass(frozen=True, slots=True)
class Range:
    """From..to, both included."""

    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """A list of values and ranges, of which any fits."""

    values: tuple[Value | Range, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A path compared with something."""

    path: Path
    operator: Operator
    operand: Value | Range | OneOf


@dataclass(frozen=True, slots=True)
class Exists:
    """A path that is there, or (`absent`) is not."""

    path: Path
    absent: bool = False


Term = Compare | Exists
Query = Expression[Term]


@lru_cache(maxsize=1024)
def parse_q(text: str, field: str = "q") -> Query:
    """The tree of a q or csf; raises BadInput, with the position, for one that breaks the grammar."""
    return parse(Reader(text, field), _term)


def linked_depth(query: Query) -> int:
    """Through how many relationships a q follows at most; 0 where it follows none."""
    if not isinstance(query, Leaf):
        return max((linked_depth(part) for part in query.parts), default=0)
    depth, path = 0, query.term.path
    while path.linked is not None:
        depth, path = depth + 1, path.linked.path
    return depth


def with_words(query: Query, names: Collection[str]) -> Query:
    """A q in which what is compared with attributes of these names is a word of the @context (`expandValues`)."""
    if not names:
        return query
    if not isinstance(query, Leaf):
        parts = tuple(with_words(part, names) for part in query.parts)
        return And(parts) if isinstance(query, And) else Or(parts)
    term = query.term
    if isinstance(term, Exists) or _last(term.path).attributes[0] not in names:
        return query
    return Leaf(replace(term, operand=_worded(term.operand)))


def renamed(path: Path, word: Callable[[str], str]) -> Path:
    """A path with the names of its attributes (not of their sub-attributes) and types in other words."""
    linked = path.linked
    if linked is not None:
        linked = Linked(tuple(word(one) for one in linked.types), renamed(linked.path, word))
    return replace(path, attributes=(word(path.attributes[0]), *path.attributes[1:]), linked=linked)


def _last(path: Path) -> Path:
    return path if path.linked is None else _last(path.linked.path)


def _worded(operand: Value | Range | OneOf) -> Any:
    if isinstance(operand, Text):
        return replace(operand, is_word=True)
    if isinstance(operand, OneOf):
        return OneOf(tuple(_worded(one) for one in operand.values))
    return operand


def _term(reader: Reader) -> Term:
    if reader.peek() == "!" and not any(reader.text.startswith(token, reader.at) for token in ("!=", "!~=")):
        reader.take("!")
        return Exists(_path(reader), absent=True)
    path = _path(reader)
    for operator in _OPERATORS:
        if reader.take(operator):
            if operator in ("~=", "!~="):
                return Compare(path, operator, _pattern(reader))
            return Compare(path, operator, _operand(reader, operator))
    return Exists(path)


def _path(reader: Reader) -> Path:
    end = _NAME_END.search(reader.text, reader.at)
    stop = end.start() if end else len(reader.text)
    name = reader.text[reader.at : stop]
    if not name:
        raise reader.wrong("the name of an attribute is expected")
    # An address as a name has dots of its own, so it stands for itself.
    attributes = (name,) if "://" in name else tuple(name.split("."))
    if not all(attributes):
        raise reader.wrong("a name in the path is empty")
    reader.at = stop
    if reader.take("{"):
        if reader.field == "csf":
            raise reader.wrong("a context source filter does not follow relationships")
        types = _HINT.match(reader.text, reader.at)
        if types is not None:
            reader.at = types.end()
        inside = _path(reader)
        if not reader.take("}"):
            raise reader.wrong("a closing } is missing")
        return Path(attributes, linked=Linked(() if types is None else tuple(types.group(1).split(",")), inside))
    trail: tuple[str, ...] = ()
    if reader.take("["):
        close = _TRAIL_END.search(reader.text, reader.at)
        if close is None or close.group() != "]":
            raise reader.wrong("a closing ] is missing")
        trail = tuple(reader.text[reader.at : close.start()].split("."))
        if not all(trail):
            raise reader.wrong("a name inside [ ] is empty")
        reader.at = close.end()
    return Path(attributes, trail)


def _operand(reader: Reader, operator: Operator) -> Value | Range | OneOf:
    first = _value_or_range(reader)
    values = [first]
    while reader.take(","):
        values.append(_value_or_range(reader))
    if operator not in ("==", "!=") and (len(values) > 1 or isinstance(first, Range)):
        raise reader.wrong("lists and ranges go with == and != only")
    return first if len(values) == 1 else OneOf(tuple(values))


def _value_or_range(reader: Reader) -> Value | Range:
    low = _value(reader)
    if reader.take(".."):
        high = _value(reader)
        if type(low) is not type(high) or isinstance(low, Boolean):
            raise reader.wrong("both ends of a range are of one kind")
        return Range(low, high)
    return low


def _value(reader: Reader) -> Value:
    if reader.peek() == '"':
        return Text(_quoted(reader))
    end = _BARE_END.search(reader.text, reader.at)
    stop = end.start() if end else len(reader.text)
    word = reader.text[reader.at : stop]
    dots = word.find("..")
    if dots > 0:
        word = word[:dots]
    if not word:
        raise reader.wrong("a value is expected")
    reader.at += len(word)
    if word in ("true", "false"):
        return Boolean(word == "true")
    if _NUMBER.fullmatch(word):
        return Number(word)
    if _DATE_TIME.fullmatch(word) or _DATE.fullmatch(word) or _TIME.fullmatch(word):
        return Moment(word)
    if _OPERATOR_LIKE.search(word):
        raise reader.wrong("text with < or >, or that begins with an operator, stands in quotes")
    return Text(word)


def _quoted(reader: Reader) -> str:
    match = _QUOTED.match(reader.text, reader.at)
    if match is None:
        raise reader.wrong('a closing " is missing')
    try:
        text = orjson.loads(match.group())
    except orjson.JSONDecodeError:
        raise reader.wrong("the quoted text has a wrong escape") from None
    reader.at = match.end()
    return str(text)


def _pattern(reader: Reader) -> Text:
    if reader.peek() == '"':
        return Text(_quoted(reader))
    start, depth, escaped = reader.at, 0, False
    while reader.at < len(reader.text):
        character = reader.peek()
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in "([":
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
        elif depth == 0 and character in ";|)":
            break
        reader.at += 1
    if reader.at == start:
        raise reader.wrong("a pattern is expected")
    return Text(reader.text[start : reader.at])


def normal_number(text: str) -> str:
    """A number as JSON has it (no leading plus, no bare dot)."""
    number = Decimal(text)
    return format(number, "f") if abs(number.adjusted()) < 20 else str(number).replace("E+", "e")


SYSTEM_ATTRIBUTES: Final = frozenset(("createdAt", "modifiedAt", "deletedAt", "expiresAt"))


def asks_of_attributes(query: Query) -> bool:
    """Whether a q asks of at least one attribute, and not only of what a broker notes of every entity."""
    if isinstance(query, Leaf):
        return query.term.path.attributes[0] not in SYSTEM_ATTRIBUTES
    return any(asks_of_attributes(part) for part in query.parts)


def write_q(query: Query, *, inside: bool = False) -> str:
    """The text of a tree; parsing it gives the tree again."""
    if isinstance(query, Leaf):
        return _write_term(query.term)
    if isinstance(query, And):
        return ";".join(f"({write_q(part)})" if not isinstance(part, Leaf) else write_q(part) for part in query.parts)
    text = "|".join(f"({write_q(part)})" if isinstance(part, Or) else write_q(part) for part in query.parts)
    return f"({text})" if inside else text


def _write_term(term: Term) -> str:
    path = _write_path(term.path)
    if isinstance(term, Exists):
        return f"!{path}" if term.absent else path
    return f"{path}{term.operator}{_write_operand(term.operand)}"


def _write_path(path: Path) -> str:
    name = ".".join(path.attributes)
    if path.linked is not None:
        hint = f"{','.join(path.linked.types)}:" if path.linked.types else ""
        return f"{name}{{{hint}{_write_path(path.linked.path)}}}"
    return name + (f"[{'.'.join(path.trail)}]" if path.trail else "")


def _write_operand(operand: Value | Range | OneOf) -> str:
    if isinstance(operand, OneOf):
        return ",".join(_write_operand(value) for value in operand.values)
    if isinstance(operand, Range):
        return f"{_write_operand(operand.low)}..{_write_operand(operand.high)}"
    if isinstance(operand, Text):
        return orjson.dumps(operand.text).decode()
    if isinstance(operand, Boolean):
        return "true" if operand.truth else "false"
    return operand.number if isinstance(operand, Number) else operand.text
