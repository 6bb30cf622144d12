"""Projections: which members of an entity, and of the entities it links to, are wanted (clause 4.21). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query.expressions import Reader

MAXIMUM_DEPTH: Final = 16
CORE_MEMBERS: Final = frozenset(("id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"))


@dataclass(frozen=True, slots=True)
class Projection:
    """Members by their word in the answer; each with what is wanted of the entity behind it, None for nothing said."""

    members: Mapping[str, Projection | None]

    @classmethod
    def of(cls, words: Iterable[str]) -> Projection:
        """Members about which nothing more is said."""
        return cls(dict.fromkeys(words))

    def __contains__(self, word: str) -> bool:
        return word in self.members

    def picked(self, body: dict[str, Any]) -> dict[str, Any]:
        """Only these members."""
        return {name: value for name, value in body.items() if name in self.members}

    def omitted(self, body: dict[str, Any]) -> dict[str, Any]:
        """All but these members; one that says what to omit of a linked entity stays."""
        return {name: value for name, value in body.items() if self.members.get(name, self) is not None}

    def depth(self) -> int:
        """Through how many relationships it leads at most."""
        return max((1 + inner.depth() for inner in self.members.values() if inner is not None), default=0)

    def below(self, word: str) -> Projection | None:
        """What is said of the entity behind a relationship."""
        return self.members.get(word)


def parse_projection(text: str, context: ActiveContext, field: str) -> Projection:
    """A projection such as `id,name|locatedAt{name}`; raises BadInput (BadRequestData)."""
    reader = Reader(text, field)
    found = _members(reader, context, field, 0)
    if reader.at != len(text):
        raise bad_data(f"{field} is a list of members such as name,locatedAt{{name}}.", field)
    return found


def _members(reader: Reader, context: ActiveContext, field: str, depth: int) -> Projection:
    if depth > MAXIMUM_DEPTH:
        raise bad_data(f"{field} is nested more than {MAXIMUM_DEPTH} deep.", field)
    members: dict[str, Projection | None] = {}
    while True:
        start = reader.at
        while reader.at < len(reader.text) and reader.text[reader.at] not in ",|{}":
            reader.at += 1
        name = values.name(reader.text[start : reader.at].strip(), field)
        word = name if name in CORE_MEMBERS else context.compact(context.expand(name))
        members[word] = None
        if reader.take("{"):
            members[word] = _members(reader, context, field, depth + 1)
            if not reader.take("}"):
                raise bad_data(f"A brace of {field} is not closed.", field)
        if not reader.take(",") and not reader.take("|"):
            return Projection(members)
