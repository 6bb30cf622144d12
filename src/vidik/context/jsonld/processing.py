"""From local contexts, as documents write them, to an active context (JSON-LD 1.1 API, section 4.1 and 4.2).

Pure: remote contexts are loaded before (`references` says which) and handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from vidik.context.jsonld import packaged
from vidik.context.jsonld.active import KEYWORDS, ActiveContext, Term, ends_like_a_prefix
from vidik.kernel.errors import BadInput

MAXIMUM_DEPTH: Final = 8
MAXIMUM_TERMS: Final = 20_000
MAXIMUM_INNER_TERMS: Final = 200_000
"""As many words contexts inside terms have in all; each has those of the context around it too."""
MAXIMUM_CHAIN: Final = 50
"""As many terms may be defined by one another in a row."""
BAD_REQUEST_DATA: Final = "https://uri.etsi.org/ngsi-ld/errors/BadRequestData"

Remote = Mapping[str, Any]
"""Loaded documents' @context by absolute address."""


def references(local: Any, base: str | None = None, depth: int = 0) -> Iterator[str]:
    """The absolute addresses of the contexts that a local context asks for, the core context left out.

    Raises BadInput where it is nested deeper than any context that can be used.
    """
    if depth > MAXIMUM_DEPTH * MAXIMUM_DEPTH:
        raise refuse("it is nested too deeply")
    if isinstance(local, str):
        url = _absolute(base, local)
        if not packaged.is_core(url):
            yield url
    elif isinstance(local, list):
        for part in local:
            yield from references(part, base, depth + 1)
    elif isinstance(local, dict):
        if isinstance(local.get("@import"), str):
            yield from references(local["@import"], base, depth + 1)
        for definition in local.values():
            if isinstance(definition, dict) and "@context" in definition:
                yield from references(definition["@context"], base, depth + 1)


def _absolute(base: str | None, reference: str) -> str:
    try:
        return urljoin(base, reference) if base else reference
    except ValueError:
        raise refuse(f"{reference} is not an address") from None


def refuse_scoped(local: Any) -> None:
    """Refuse an @context that a request brings with contexts inside its terms (ETSI GS CIM 009, clause 5.5.7).

    Documents that it refers to are taken as they are: many a published context has them. Raises BadInput.
    """
    for part in local if isinstance(local, list) else (local,):
        if isinstance(part, dict):
            for name, definition in part.items():
                if isinstance(definition, dict) and definition.get("@context") is not None:
                    raise refuse(f"the term {name} has a context of its own")


def build(local: Any, remote: Remote, *, source: Any = None) -> ActiveContext:
    """The active context of a local one, with the core context on top.

    Raises BadInput for a context that is not one.
    """
    builder = _Builder(remote)
    builder.apply(local, None, 0)
    builder.apply(packaged.core_terms(), None, 0)
    return builder.finish(packaged.CORE_CONTEXT_URL if source is None else source)


def refuse(reason: str) -> BadInput:
    """The error for a context that cannot be used."""
    return BadInput(f"The @context cannot be used: {reason}.", field="@context", type_uri=BAD_REQUEST_DATA)


class _Builder:
    def __init__(self, remote: Remote, inner_terms: list[int] | None = None) -> None:
        self._remote = remote
        self._inner_terms = [0] if inner_terms is None else inner_terms
        self.terms: dict[str, Term] = {}
        self.vocabulary: str | None = None
        self._scoped: dict[str, tuple[Any, str | None]] = {}
        self._names_core = False
        self._chain = 0

    def finish(self, source: Any, depth: int = 0) -> ActiveContext:
        scoped: dict[str, ActiveContext] = {}
        for name, (local, base) in self._scoped.items():
            if depth >= MAXIMUM_DEPTH:
                raise refuse("contexts inside terms are nested too deeply")
            self._inner_terms[0] += len(self.terms)
            if self._inner_terms[0] > MAXIMUM_INNER_TERMS:
                raise refuse(f"contexts inside its terms have more than {MAXIMUM_INNER_TERMS} terms in all")
            inner = _Builder(self._remote, self._inner_terms)
            inner.terms, inner.vocabulary = dict(self.terms), self.vocabulary
            inner.apply(local, base, 0)
            inner.apply(packaged.core_terms(), None, 0)
            scoped[name] = inner.finish(source, depth + 1)
        return ActiveContext(self.terms, self.vocabulary, source, scoped, names_core=self._names_core)

    def apply(self, local: Any, base: str | None, depth: int) -> None:
        if depth > MAXIMUM_DEPTH:
            raise refuse("contexts refer to one another in a circle or too deeply")
        if local is None:
            self.terms, self.vocabulary, self._scoped = {}, None, {}
        elif isinstance(local, str):
            self._apply_remote(local, base, depth)
        elif isinstance(local, list):
            for part in local:
                self.apply(part, base, depth + 1)
        elif isinstance(local, dict):
            self._apply_object(local, base, depth)
        else:
            raise refuse("it must be an address, an object or a list of them")

    def _apply_remote(self, reference: str, base: str | None, depth: int) -> None:
        url = _absolute(base, reference)
        if packaged.is_core(url):
            self._names_core = True
            return  # comes last anyway
        if url not in self._remote:
            raise refuse(f"{url} is not an address")
        self.apply(self._remote[url], url, depth + 1)

    def _apply_object(self, local: dict[str, Any], base: str | None, depth: int) -> None:
        if "@import" in local:
            self._apply_remote(_text(local["@import"], "@import"), base, depth)
        if "@vocab" in local:
            self._set_vocabulary(local["@vocab"], local, base)
        if len(self.terms) + len(local) > MAXIMUM_TERMS:
            raise refuse(f"it has more than {MAXIMUM_TERMS} terms")
        defined: dict[str, bool] = {}
        for name in local:
            if not name.startswith("@"):
                self._define(name, local, defined, base)

    def _set_vocabulary(self, value: Any, local: dict[str, Any], base: str | None) -> None:
        if value is None:
            self.vocabulary = None
            return
        text = _text(value, "@vocab")
        if text == "" or ":" not in text:
            self.vocabulary = (self.vocabulary or "") + text
            return
        defined: dict[str, bool] = {}
        self.vocabulary = self._expand(text, local, defined, base)

    def _define(self, name: str, local: dict[str, Any], defined: dict[str, bool], base: str | None) -> None:
        if name in defined:
            if not defined[name]:
                raise refuse(f"the term {name} is defined by itself")
            return
        if name == "":
            raise refuse("a term has no name")
        if self._chain >= MAXIMUM_CHAIN:
            raise refuse(f"more than {MAXIMUM_CHAIN} terms are defined by one another in a row")
        defined[name] = False
        self.terms.pop(name, None)
        self._scoped.pop(name, None)
        self._chain += 1
        self.terms[name] = self._term(name, local[name], local, defined, base)
        self._chain -= 1
        defined[name] = True

    def _term(self, name: str, value: Any, local: dict[str, Any], defined: dict[str, bool], base: str | None) -> Term:
        if value is None or (isinstance(value, dict) and "@id" in value and value["@id"] is None):
            return Term(None)
        if isinstance(value, str):
            iri = self._address_of(name, value, local, defined, base)
            return Term(iri, prefix=iri is not None and ":" not in name and ends_like_a_prefix(iri))
        if not isinstance(value, dict):
            raise refuse(f"the definition of {name} is neither text nor an object")
        if "@reverse" in value:
            return Term(None)  # NGSI-LD has no reverse properties
        iri = self._address_of(name, value.get("@id", name), local, defined, base)
        if value.get("@context") is not None and local is not packaged.core_terms():
            self._scoped[name] = (value["@context"], base)
        return Term(
            iri,
            coercion=self._coercion(name, value.get("@type"), local, defined, base),
            container=_container(name, value.get("@container")),
            prefix=value.get("@prefix") is True,
        )

    def _address_of(
        self, name: str, value: Any, local: dict[str, Any], defined: dict[str, bool], base: str | None
    ) -> str | None:
        text = _text(value, name)
        if text == name:
            return self._own_address(name, local, defined, base)
        if text.startswith("@") and text not in KEYWORDS:
            return None
        address = self._expand(text, local, defined, base)
        if address not in KEYWORDS and ":" not in address:
            raise refuse(f"the term {name} has no absolute address")
        return address

    def _own_address(self, name: str, local: dict[str, Any], defined: dict[str, bool], base: str | None) -> str | None:
        prefix, colon, suffix = name.partition(":")
        if colon and prefix and not suffix.startswith("//"):
            if prefix in local:
                self._define(prefix, local, defined, base)
            term = self.terms.get(prefix)
            return term.iri + suffix if term is not None and term.iri else name
        if colon or "/" in name:
            return name
        if self.vocabulary is None:
            raise refuse(f"the term {name} has no address")
        return self.vocabulary + name

    def _expand(self, text: str, local: dict[str, Any], defined: dict[str, bool], base: str | None) -> str:
        if text in KEYWORDS:
            return text
        if text in local and isinstance(text, str) and not text.startswith("@"):
            self._define(text, local, defined, base)
        term = self.terms.get(text)
        if term is not None and term.iri is not None:
            return term.iri
        prefix, colon, suffix = text.partition(":")
        if colon and prefix:
            if prefix == "_" or suffix.startswith("//"):
                return text
            if prefix in local and not prefix.startswith("@"):
                self._define(prefix, local, defined, base)
            prefix_term = self.terms.get(prefix)
            if prefix_term is not None and prefix_term.iri is not None and prefix_term.prefix:
                return prefix_term.iri + suffix
            return text
        return text if self.vocabulary is None else self.vocabulary + text

    def _coercion(
        self, name: str, value: Any, local: dict[str, Any], defined: dict[str, bool], base: str | None
    ) -> str | None:
        if value is None:
            return None
        text = _text(value, f"{name}/@type")
        return text if text in KEYWORDS else self._expand(text, local, defined, base)


def _container(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise refuse(f"@container of {name} is not text")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise refuse(f"{where} must be text")
    return value


__all__ = ["BAD_REQUEST_DATA", "build", "references", "refuse", "refuse_scoped"]
