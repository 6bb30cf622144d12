"""Short names of the city and the addresses (IRIs) they stand for.

The city context is the NGSI-LD core context, Smart Data Models and Vidik's own terms; every short name has
one address and every address one short name. A word that nobody defines stands in the core's default
vocabulary.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final

from vidik.context.jsonld import packaged

DEFAULT_VOCABULARY: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
NGSI_LD: Final = "https://uri.etsi.org/ngsi-ld/"
LOCATION: Final = "https://uri.etsi.org/ngsi-ld/location"


@cache
def _addresses() -> dict[str, str]:
    definitions: dict[str, Any] = {**packaged.city_terms(), **packaged.core_terms()}
    addresses: dict[str, str] = {}
    for term, definition in definitions.items():
        address = definition.get("@id") if isinstance(definition, dict) else definition
        if term.startswith("@") or not isinstance(address, str) or address.startswith("@"):
            continue
        prefix, colon, suffix = address.partition(":")
        base = definitions.get(prefix) if colon and not suffix.startswith("//") else None
        addresses[term] = f"{base}{suffix}" if isinstance(base, str) else address
    return addresses


@cache
def _short_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for term, address in _addresses().items():
        if not address.endswith(("/", "#")):
            names.setdefault(address, term)
    return names


@lru_cache(maxsize=16384)
def _expand(name: str) -> str:
    address = _addresses().get(name)
    if address is not None:
        return address
    prefix, colon, suffix = name.partition(":")
    if colon:
        base = _addresses().get(prefix)
        return f"{base}{suffix}" if base is not None and not suffix.startswith("//") else name
    return DEFAULT_VOCABULARY + name


def expand_type(short: str) -> str:
    """The address of an entity type; an address stays as it is."""
    return _expand(short)


def expand_attribute(short: str) -> str:
    """The address of an attribute; an address stays as it is."""
    return _expand(short)


@lru_cache(maxsize=16384)
def compact(iri: str) -> str:
    """The short name of an address in the city context; an address without one stays as it is."""
    short = _short_names().get(iri)
    if short is not None:
        return short
    if iri.startswith(DEFAULT_VOCABULARY):
        word = iri[len(DEFAULT_VOCABULARY) :]
        if word and ":" not in word and word not in _addresses():
            return word
    return iri
