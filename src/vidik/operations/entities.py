"""What operations reads of an entity's document: its name, origin, latest values and units."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vidik.context.jsonld import names
from vidik.kernel.clock import to_microseconds
from vidik.operations import twins
from vidik.operations.rules.memory import judged
from vidik.operations.rules.model import REQUEST_TYPE
from vidik.operations.rules.signals import Sample

NAME = names.expand_attribute("name")
NAME_IN_LANGUAGES = names.expand_attribute("nameLocalized")
ORIGIN = names.expand_attribute("dataOrigin")
REQUEST_TYPES = (names.expand_type(REQUEST_TYPE), names.expand_type(twins.twin_type(REQUEST_TYPE)))
"""The types of citizens' requests, real ones and those of exercises."""
_ADDRESS = names.expand_attribute("address_string")
_SERVICE_CODE = names.expand_attribute("service_code")
_HOUSE = re.compile(r",|\s+\d+(?!\d|\.\s*[^\W\d])")
"""Where a street's name ends: 12 is a house, and 12. фебруар a day that a street is called after."""
_LONGEST_NAME = 300


def default_instance(document: Mapping[str, Any], iri: str) -> Mapping[str, Any] | None:
    """Return the instance of an attribute without a datasetId, or None."""
    found = document.get(iri)
    if isinstance(found, list):
        return next((instance for instance in found if "datasetId" not in instance), None)
    return found if isinstance(found, dict) and "datasetId" not in found else None


def value_of(document: Mapping[str, Any], iri: str) -> Any:
    """Return the default value of an attribute as it is stored, or None."""
    instance = default_instance(document, iri)
    if instance is None:
        return None
    for member in ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList"):
        if member in instance:
            return instance[member]
    return None


def name_of(entity_id: str, document: Mapping[str, Any]) -> str:
    """Return the entity's name, or the last part of its id.

    A citizen's request is called by its street, or what it is about: alarms are read by more people than requests.
    """
    said = (value_of(document, NAME), _street_of(document), value_of(document, _SERVICE_CODE))
    name = next((text for text in said if isinstance(text, str) and text), "")
    return name[:_LONGEST_NAME] or entity_id.rpartition(":")[2]


def english_name_of(document: Mapping[str, Any]) -> str | None:
    """Return the entity's name for readers of English where it says one, or None."""
    said = value_of(document, NAME_IN_LANGUAGES)
    name = said.get("en") if isinstance(said, dict) else None
    return name[:_LONGEST_NAME] if isinstance(name, str) and name else None


def _street_of(document: Mapping[str, Any]) -> str:
    address = value_of(document, _ADDRESS)
    return _HOUSE.split(address, maxsplit=1)[0].strip() if isinstance(address, str) else ""


def origin_of(document: Mapping[str, Any]) -> str:
    """Return real, simulated or recorded; an entity that does not say is real."""
    origin = value_of(document, ORIGIN)
    return origin if origin in ("simulated", "recorded") else "real"


def unit_code_of(document: Mapping[str, Any], iri: str) -> str | None:
    """Return the UN/CEFACT unit code of an attribute, or None."""
    code = (default_instance(document, iri) or {}).get("unitCode")
    return code if isinstance(code, str) else None


def observed_at_of(instance: Mapping[str, Any]) -> datetime | None:
    """Return when an instance was observed, or None when it does not say."""
    text = instance.get("observedAt")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def samples(document: Mapping[str, Any], watched: Mapping[str, str]) -> dict[str, Sample]:
    """Return the latest values of the watched attributes (IRI to short name), by short name.

    A value without a time of observation counts from when it was written.
    """
    found = {}
    for iri, name in watched.items():
        instance = default_instance(document, iri)
        value = judged(instance.get("value")) if instance else None
        written = instance.get("observedAt") or instance.get("modifiedAt") if instance else None
        if value is not None and isinstance(written, str):
            found[name] = Sample(value, to_microseconds(datetime.fromisoformat(written)))
    return found


def related_to(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of all entities that an entity's relationships point to."""
    found: set[str] = set()
    for content in document.values():
        for instance in content if isinstance(content, list) else [content]:
            if isinstance(instance, dict) and instance.get("type") == "Relationship":
                target = instance.get("object")
                found.update(one for one in (target if isinstance(target, list) else [target]) if isinstance(one, str))
    return frozenset(found)
