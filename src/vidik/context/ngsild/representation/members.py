"""Members that only some attributes have, and attributes of which the standard says what they are. Pure.

ETSI GS CIM 009: clauses 4.5.1 (terms of the core that are no attributes), 4.5.2 to 4.5.24 (the types of attributes),
4.7.1 (places), 5.2.32 (valueType).
"""

from __future__ import annotations

from typing import Any, Final

from vidik.context.jsonld.active import KEYWORDS
from vidik.context.jsonld.names import NGSI_LD
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.values import NULL

SEALED: Final = frozenset(("entityIdSealed", "entityTypeSealed"))
_PROOF: Final = f"{NGSI_LD}ngsildproof"
PLACES: Final = frozenset(NGSI_LD + name for name in ("location", "observationSpace", "operationSpace"))
_NO_ATTRIBUTES: Final = frozenset(
    NGSI_LD + name
    for name in ("datasetId", "instanceId", "observedAt", "unitCode", "hasObjectType", "hasValueType", *SEALED)
)
FIXED: Final = PLACES | _NO_ATTRIBUTES | KEYWORDS | {_PROOF}
"""Attributes (expanded) that `check_fixed` looks at."""

_LANGUAGE_STRINGS: Final = frozenset(
    ("langString", "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString", "rdf:langString", NULL)
)
_WITH_UNIT: Final = frozenset((None, "Property", "ListProperty"))


def check_fixed(attribute: str, instance: dict[str, Any], where: str) -> None:
    """Check an instance of a `FIXED` attribute; a place that is text becomes a geometry. Raises BadInput."""
    if attribute in KEYWORDS:  # "id", or a word that the @context makes one
        raise bad_data(f"{where} stands for {attribute} of JSON-LD, which is no attribute.", where)
    if attribute in _NO_ATTRIBUTES:
        raise bad_data(f"{where} is a member of attributes and no attribute.", where)
    kind, value = instance.get("type"), instance.get("value")
    if value == NULL or kind is None:
        return
    if attribute == _PROOF:
        if kind != "Property" or not isinstance(value, dict):
            raise bad_data("ngsildproof is a Property whose value is an object with the proof.", where)
        return
    if kind == "Property" and isinstance(value, str):
        instance["value"] = values.geometry(value, where)
        instance["type"] = "GeoProperty"
    elif kind != "GeoProperty":
        raise bad_data(f"{where} is a GeoProperty.", where)


def check_unit(kind: str | None, where: str) -> None:
    """Refuse a unitCode of what has no unit (BadInput); no type yet stands for any."""
    if kind not in _WITH_UNIT:
        raise bad_data(f"A {kind} has no unit.", where)


def check_value_type(kind: str | None, value_type: Any, where: str) -> None:
    """Refuse a valueType of a languageMap that is not langString (BadInput)."""
    if kind == "LanguageProperty" and value_type not in _LANGUAGE_STRINGS:
        raise bad_data("The valueType of a LanguageProperty is langString.", where)


def check_sealed(attribute: str, where: str) -> None:
    """Refuse sealed members outside an ngsildproof (BadInput); `attribute` is its path as it was written."""
    if not attribute.endswith("ngsildproof"):
        raise bad_data("Sealed members belong to an ngsildproof.", where)


def raw_json(value: Any, where: str) -> Any:
    """The json of a JsonProperty: an object, or objects in a list (clause 4.5.24.2). Raises BadInput for others."""
    for one in value if isinstance(value, list) else (value,):
        if not isinstance(one, dict):
            raise bad_data("The json of a JsonProperty is an object, or a list of objects.", where)
    return values.plain(value, where)
