"""The JSON around the values of readings, made once: what a writer remembers of each entity it has written.

A hundred thousand entities speak with the words of a few profiles, so the words are kept once and an entity keeps
only what is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import orjson
from cachetools import LRUCache

from vidik.context.jsonld import names
from vidik.kernel.clock import iso

_SHAPES_REMEMBERED: Final = 10_000
_WORDINGS_REMEMBERED: Final = 50_000
_TEMPLATES_REMEMBERED: Final = 10_000
PROVIDED_BY = names.expand_attribute("providedBy")


class Wording(NamedTuple):
    """The JSON around the values of an attribute; the same for all entities that call it the same."""

    before: str
    """From the attribute's name up to the value."""
    unit: str
    """From observedAt's closing quote up to what is said of one series: `KnownSeries.origin`."""
    kind: str


class KnownSeries(NamedTuple):
    """One attribute of one entity."""

    number: int
    wording: Wording
    origin: str
    """The JSON of providedBy and createdAt, up to modifiedAt; the series of an entity share it."""


class Template(NamedTuple):
    """The JSON of a reading with some attributes, in their order."""

    text: str
    """The delta with four `%s` an attribute: value, observedAt, origin, modifiedAt."""
    plain: bool
    """Whether all of them are Properties, so that numbers need no JSON in history."""


class Plan(NamedTuple):
    """How a reading with these attributes, in this order, is written; devices send the same ones again and again."""

    series: tuple[int, ...]
    origins: tuple[str, ...]
    template: Template


@dataclass(slots=True)
class Known:
    """What a writer remembers of an entity."""

    key: int
    series: dict[str, KnownSeries]
    plans: dict[tuple[str, ...], Plan]


class Phrases:
    """Makes wordings and templates, each only once while it is remembered; one made again means the same."""

    def __init__(self) -> None:
        self._wordings: LRUCache[tuple[str, str, str | None], Wording] = LRUCache(_WORDINGS_REMEMBERED)
        self._templates: LRUCache[tuple[Wording, ...], Template] = LRUCache(_TEMPLATES_REMEMBERED)
        self._shapes: LRUCache[tuple[str, ...], tuple[str, ...]] = LRUCache(_SHAPES_REMEMBERED)

    def shape(self, attributes: tuple[str, ...]) -> tuple[str, ...]:
        """The one tuple of these attributes that all who have them share, while it is remembered."""
        return self._shapes.setdefault(attributes, attributes)

    def wording(self, attribute: str, kind: str, unit_code: str | None) -> Wording:
        """The wording of an attribute (expanded name) of an NGSI-LD type, with its UN/CEFACT unit code."""
        wording = self._wordings.get((attribute, kind, unit_code))
        if wording is None:
            before = f'{orjson.dumps(attribute).decode()}:{{"type":"{kind}","value":'
            unit = f'"unitCode":{orjson.dumps(unit_code).decode()},' if unit_code else ""
            wording = self._wordings[attribute, kind, unit_code] = Wording(before, f'",{unit}', kind)
        return wording

    def plan(self, series: Sequence[KnownSeries]) -> Plan:
        """How a reading of these series is written."""
        wordings = tuple(one.wording for one in series)
        template = self._templates.get(wordings)
        if template is None:
            text = ",".join(f"{one.before}\0\0{one.unit}\0\0}}" for one in wordings)
            plain = all(one.kind == "Property" for one in wordings)
            template = Template(f"{{{text}}}".replace("%", "%%").replace("\0", "%s"), plain)
            self._templates[wordings] = template
        return Plan(tuple(one.number for one in series), tuple(one.origin for one in series), template)


def origin_of(provided_by: str, created_at: datetime) -> str:
    """The JSON of providedBy and createdAt of a series, as `KnownSeries.origin` holds it."""
    provider = orjson.dumps({"type": "Relationship", "object": provided_by}).decode()
    return f'"{PROVIDED_BY}":{provider},"createdAt":"{iso(created_at)}","modifiedAt":'
