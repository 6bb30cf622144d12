"""The contexts inside the package, by the addresses they are known under in the world."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

CORE_CONTEXT_URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
CITY_CONTEXT_URL: Final = "https://vidik.rs/ns/city.jsonld"
VIDIK_CONTEXT_URL: Final = "https://vidik.rs/ns/vidik.jsonld"

# The order decides who owns a word that several subjects use: the most general meaning first.
SUBJECTS: Final = (
    "Environment",
    "Weather",
    "Parking",
    "Energy",
    "Streetlighting",
    "WasteManagement",
    "Transportation",
    "WaterConsumption",
    "Device",
    "Alert",
    "IssueTracking",
)

_CORE_VERSIONS: Final = ("", "-v1.1", "-v1.2", "-v1.3", "-v1.4", "-v1.5", "-v1.6", "-v1.7", "-v1.8", "-v1.9")
_CORE_URLS: Final = frozenset(
    f"{scheme}://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
    for scheme in ("https", "http")
    for version in _CORE_VERSIONS
)
_SUBJECT_URLS: Final = {
    url: subject
    for subject in SUBJECTS
    for url in (
        f"https://raw.githubusercontent.com/smart-data-models/dataModel.{subject}/master/context.jsonld",
        f"https://smart-data-models.github.io/dataModel.{subject}/context.jsonld",
        f"https://smartdatamodels.org/dataModel.{subject}/context.jsonld",
    )
}
_AGGREGATED_URLS: Final = frozenset(
    {
        "https://smartdatamodels.org/context.jsonld",
        "https://smart-data-models.github.io/data-models/context.jsonld",
        "https://raw.githubusercontent.com/smart-data-models/data-models/master/context.jsonld",
    }
)


def is_core(url: str) -> bool:
    """Whether the address is one of the NGSI-LD core context, of any version."""
    return url in _CORE_URLS


@cache
def _read(path: str) -> dict[str, Any]:
    content = files("vidik.context.jsonld").joinpath("contexts", path).read_bytes()
    terms: dict[str, Any] = orjson.loads(content)["@context"]
    return terms


def core_terms() -> dict[str, Any]:
    """The NGSI-LD core context's term definitions."""
    return _read("ngsi-ld-core-context-v1.9.jsonld")


def vidik_terms() -> dict[str, Any]:
    """Vidik's own term definitions."""
    return _read("vidik.jsonld")


def subject_terms(subject: str) -> dict[str, Any]:
    """The term definitions of one subject of Smart Data Models."""
    return _read(f"smart-data-models/{subject}.jsonld")


@cache
def smart_data_models_terms() -> dict[str, Any]:
    """All subjects as one context; a word belongs to the first subject in `SUBJECTS` that has it."""
    merged: dict[str, Any] = {}
    for subject in reversed(SUBJECTS):
        merged.update(subject_terms(subject))
    return merged


@cache
def city_terms() -> dict[str, Any]:
    """The city context without the core: Smart Data Models, Vidik's terms, less what the core defines."""
    core = core_terms()
    merged = {**smart_data_models_terms(), **vidik_terms()}
    return {term: definition for term, definition in merged.items() if term not in core}


def document(url: str) -> dict[str, Any] | None:
    """The packaged context document known under the address, or None."""
    if url in _CORE_URLS:
        return {"@context": core_terms()}
    if url == CITY_CONTEXT_URL:
        return {"@context": [city_terms(), CORE_CONTEXT_URL]}
    if url == VIDIK_CONTEXT_URL:
        return {"@context": vidik_terms()}
    if url in _SUBJECT_URLS:
        return {"@context": subject_terms(_SUBJECT_URLS[url])}
    if url in _AGGREGATED_URLS:
        return {"@context": smart_data_models_terms()}
    return None
