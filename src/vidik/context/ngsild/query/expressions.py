"""The shared shape of q, scopeQ and type selections: terms joined by and, or and parentheses. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from vidik.context.ngsild.problems import bad_data, too_complex

MAXIMUM_TERMS: Final = 64
MAXIMUM_DEPTH: Final = 16
MAXIMUM_LENGTH: Final = 8192

TermT = TypeVar("TermT")


@dataclass(frozen=True, slots=True)
class And(Generic[TermT]):
    """All of the parts."""

    parts: tuple[Expression[TermT], ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[TermT]):
    """At least one of the parts."""

    parts: tuple[Expression[TermT], ...]


@dataclass(frozen=True, slots=True)
class Leaf(Generic[TermT]):
    """One term."""

    term: TermT


Expression = And[TermT] | Or[TermT] | Leaf[TermT]


class Reader:
    """A text and a place in it."""

    def __init__(self, text: str, field: str) -> None:
        if len(text) > MAXIMUM_LENGTH:
            raise too_complex(f"{field} has at most {MAXIMUM_LENGTH} characters.")
        self.text = text
        self.field = field
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def wrong(self, expected: str) -> Exception:
        """The error for this place; the caller raises it."""
        rest = self.text[self.at : self.at + 20] or "the end"
        return bad_data(f"{self.field} cannot be read at position {self.at} ({rest}): {expected}.", self.field)


def parse(
    reader: Reader, term: Callable[[Reader], TermT], *, ors: tuple[str, ...] = ("|",), ands: tuple[str, ...] = (";",)
) -> Expression[TermT]:
    """The whole text as an expression; `;` binds closer than `|`. Raises BadInput where it is not one."""
    budget = [MAXIMUM_TERMS]

    def disjunction(depth: int) -> Expression[TermT]:
        parts = [conjunction(depth)]
        while any(reader.take(operator) for operator in ors):
            parts.append(conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(depth: int) -> Expression[TermT]:
        parts = [single(depth)]
        while any(reader.take(operator) for operator in ands):
            parts.append(single(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def single(depth: int) -> Expression[TermT]:
        if depth > MAXIMUM_DEPTH:
            raise too_complex(f"{reader.field} has parentheses nested more than {MAXIMUM_DEPTH} deep.")
        if reader.take("("):
            inside = disjunction(depth + 1)
            if not reader.take(")"):
                raise reader.wrong("a closing parenthesis is missing")
            return inside
        budget[0] -= 1
        if budget[0] < 0:
            raise too_complex(f"{reader.field} has more than {MAXIMUM_TERMS} terms.")
        return Leaf(term(reader))

    whole = disjunction(0)
    if reader.at != len(reader.text):
        raise reader.wrong("the expression should end here")
    return whole
