"""Who gets what of an entity that is written (ETSI GS CIM 009, clauses 4.3.6.3 and 5.6). Pure.

Exclusive holders come first, then redirect ones; what they hold is "removed from the Fragment and not processed
further", so that inclusive sources and this one get what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vidik.context.registrations.sources.model import Information, Mode, Registration

_ORDER: Final[tuple[Mode, ...]] = ("exclusive", "redirect", "inclusive")


@dataclass(slots=True)
class Lot:
    """One registration's part of an entity."""

    registration: Registration
    names: list[str]
    """Attributes as the client wrote them."""


@dataclass(slots=True)
class Parting:
    """What becomes of an entity that is written."""

    lots: list[Lot] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Attributes that others hold alone, as the client wrote them."""
    is_elsewhere: bool = False
    """Whether the whole entity is held by others alone."""


def parted(concerned: Iterable[tuple[Registration, Information]], names: Mapping[str, str], *, bare: bool) -> Parting:
    """Who gets which of an entity's attributes (by expanded name, as they were written).

    `bare` says that no attributes are meant but the entity itself, as by its deletion.
    """
    held: dict[int, tuple[Registration, frozenset[str] | None]] = {}
    for registration, part in concerned:
        known = held.get(registration.key, (registration, frozenset[str]()))[1]
        both = None if known is None or part.attributes is None else known | part.attributes
        held[registration.key] = registration, both
    parting = Parting()
    for mode in _ORDER:
        gone = set(parting.taken)
        for registration, attributes in held.values():
            if registration.mode != mode:
                continue
            wanted = {iri: name for iri, name in names.items() if attributes is None or iri in attributes}
            its = [name for name in wanted.values() if name not in gone]
            if its or bare or (attributes is None and not names):
                parting.lots.append(Lot(registration, its))
            if registration.holds_alone:
                parting.taken.update(wanted.values())
                parting.is_elsewhere = parting.is_elsewhere or attributes is None
    return parting
