"""An active context: what every word means, in both directions (JSON-LD 1.1 API, sections 4 and 5).

It holds what NGSI-LD needs: names of types and attributes, the coercions `@id`, `@vocab` and `@json`, prefixes, the
vocabulary and contexts of a term's own. The core context always comes last, because its terms are protected
(ETSI GS CIM 009, clause 5.5.7); a user's context that redefines a core term is therefore not refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from vidik import __version__

KEYWORDS: Final = frozenset(
    (
        "@base",
        "@container",
        "@context",
        "@default",
        "@direction",
        "@embed",
        "@explicit",
        "@graph",
        "@id",
        "@import",
        "@included",
        "@index",
        "@json",
        "@language",
        "@list",
        "@nest",
        "@none",
        "@omitDefault",
        "@prefix",
        "@preserve",
        "@propagate",
        "@protected",
        "@requireAll",
        "@reverse",
        "@set",
        "@type",
        "@value",
        "@version",
        "@vocab",
    )
)
_PREFIX_ENDINGS: Final = frozenset(":/?#[]@")


@dataclass(frozen=True, slots=True)
class Term:
    """One term's definition: its address (None hides the word), coercion and what it may stand for."""

    iri: str | None
    coercion: str | None = None
    container: tuple[str, ...] = ()
    prefix: bool = False


@dataclass(slots=True)
class ActiveContext:
    """The meaning of every word under one @context. Safe to share: it only remembers what it has answered."""

    terms: dict[str, Term]
    vocabulary: str | None
    source: Any
    """What a response says in its @context, or links to."""
    scoped: dict[str, ActiveContext] = field(default_factory=dict)
    """What words mean inside an attribute whose term has a context of its own."""
    names_core: bool = False
    """Whether the source, or a document that it refers to, names the core context itself."""
    _expanded: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    """What `expand_attribute` has answered: the hot path looks here first."""
    words: dict[str, str] = field(default_factory=dict)
    """What `compact` has answered: the hot path looks here first."""
    _inverse: dict[str, str] | None = None
    _digest: str | None = None
    _prefixes: list[tuple[str, str]] | None = None

    def expand(self, word: str) -> str:
        """The address of a type, an attribute or a vocabulary value; an address stays as it is."""
        address = self._expanded.get(word)
        if address is None:
            address = self._expand(word)
            _remember(self._expanded, word, address)
        return address

    def _expand(self, word: str) -> str:
        if word in KEYWORDS:
            return word
        term = self.terms.get(word)
        if term is not None:
            # A word that a context sets to null has no meaning under it; it keeps its own name.
            return word if term.iri is None else term.iri
        if ":" in word[1:]:
            return self.expand_address(word)
        return word if self.vocabulary is None else self.vocabulary + word

    def expand_attribute(self, word: str) -> str:
        """The address of a word that may name an attribute: whoever asks has seen to that."""
        address = self.expand(word)
        _remember(self.attributes, word, address)
        return address

    def expand_address(self, text: str) -> str:
        """The whole address of an id or a relationship's object: only prefixes are replaced."""
        prefix, colon, suffix = text.partition(":")
        if not colon or prefix == "_" or suffix.startswith("//"):
            return text
        term = self.terms.get(prefix)
        if term is not None and term.prefix and term.iri is not None:
            return term.iri + suffix
        return text

    def compact(self, iri: str) -> str:
        """The shortest word for an address; the address itself when there is none."""
        word = self.words.get(iri)
        if word is None:
            word = self._compact(iri)
            _remember(self.words, iri, word)
        return word

    def _compact(self, iri: str) -> str:
        if self._inverse is None:
            self._inverse, self._prefixes = self._invert()
        word = self._inverse.get(iri)
        if word is not None:
            return word
        if self.vocabulary and iri.startswith(self.vocabulary):
            suffix = iri[len(self.vocabulary) :]
            if suffix and suffix not in self.terms and ":" not in suffix:
                return suffix
        best: str | None = None
        for name, base in self._prefixes or ():
            if len(iri) > len(base) and iri.startswith(base):
                candidate = f"{name}:{iri[len(base) :]}"
                if candidate in self.terms:
                    continue
                if best is None or (len(candidate), candidate) < (len(best), best):
                    best = candidate
        return iri if best is None else best

    def _invert(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        # A value of an attribute is a node, so a term that coerces to @id is the closest fit, then @vocab, then
        # none (JSON-LD API 5.5.1). Coercion to a data type never fits a node; NGSI-LD users expect it all the same.
        chosen: dict[str, tuple[int, int, str]] = {}
        prefixes: list[tuple[str, str]] = []
        for name, term in self.terms.items():
            if term.iri is None or term.iri in KEYWORDS:
                continue
            if term.prefix:
                prefixes.append((name, term.iri))
            rank = (_fit(term), len(name), name)
            if term.iri not in chosen or rank < chosen[term.iri]:
                chosen[term.iri] = rank
        return {iri: rank[2] for iri, rank in chosen.items()}, prefixes

    def inside(self, word: str) -> ActiveContext:
        """The context of the sub-attributes of an attribute."""
        return self.scoped.get(word, self) if self.scoped else self

    @property
    def digest(self) -> str:
        """A short name for everything that it says: another context, or another release of Vidik, has another."""
        if self._digest is None:
            terms = sorted((word, repr(term)) for word, term in self.terms.items())
            inner = sorted((word, one.digest) for word, one in self.scoped.items() if one is not self)
            everything = repr((__version__, terms, self.vocabulary, self.source, inner))
            self._digest = hashlib.blake2b(everything.encode(errors="replace"), digest_size=8).hexdigest()
        return self._digest

    def coercion(self, word: str) -> str | None:
        """`@id`, `@vocab`, `@json` or a data type's address, where the word's term has one."""
        term = self.terms.get(word)
        return None if term is None else term.coercion


def _fit(term: Term) -> int:
    if any(kind in term.container for kind in ("@list", "@language", "@index", "@graph")):
        return 4
    return {"@id": 0, "@vocab": 1, None: 2}.get(term.coercion, 3)


def _remember(memory: dict[str, str], question: str, answer: str) -> None:
    if len(memory) > 8192:  # a stranger's words must not fill the memory
        memory.clear()
    memory[question] = answer


def ends_like_a_prefix(iri: str) -> bool:
    """Whether a simple term with this address may be used as a prefix (JSON-LD API 4.2.2, step 14.2.5)."""
    return iri[-1:] in _PREFIX_ENDINGS
