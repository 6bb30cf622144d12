"""A citizen's request as operations reads its entity, and what it tells the entity in return. Pure.

The terms are those of Open311 GeoReport v2 as Smart Data Models has them (dataModel.IssueTracking). Operations reads
what it needs for the work and nothing else: who reported (first_name, last_name, email, phone, device_id, account_id)
is for whoever runs the citizens' application.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from vidik.context.jsonld import names
from vidik.kernel.clock import iso
from vidik.kernel.scripts import three_scripts
from vidik.operations import twins
from vidik.operations.entities import origin_of, value_of
from vidik.operations.rules.fences import Place, place_of

State = Literal["new", "in_work", "done", "refused", "forwarded", "withdrawn"]
Decision = Literal["refused", "forwarded"]
CLOSING: Final = frozenset({"done", "refused"})
"""States that close the request for its sender, too."""
LONGEST_DESCRIPTION: Final = 4_000
"""Letters that are shown of a description; the entity keeps all of it."""
_LONGEST: Final = {"service_code": 100, "service_name": 200, "address": 300, "agency_responsible": 200}
_LONGEST_ADDRESS_OF_MEDIA: Final = 2_000
_EARLIEST_YEAR: Final = 2000
_KEPT_CONTROLS: Final = frozenset("\n\t")


@dataclass(frozen=True, slots=True)
class Facts:
    """What operations knows of a request from its entity; texts as they were sent, cut where they are too long."""

    service_code: str
    service_name: str
    description: str
    address: str
    agency: str
    media_url: str | None
    place: Place | None
    requested_at: datetime
    status: Literal["open", "closed"]
    origin: str
    exercise: int | None


def facts_of(entity_id: str, document: Mapping[str, Any], received_at: datetime) -> Facts:
    """Return what an entity says; `received_at` stands in for a time that is missing, no time, or still to come."""
    said = {name: _text(_value(document, name), longest) for name, longest in _LONGEST.items() if name != "address"}
    return Facts(
        service_code=said["service_code"],
        service_name=said["service_name"],
        description=_text(_value(document, "description"), LONGEST_DESCRIPTION),
        address=_address(document),
        agency=said["agency_responsible"],
        media_url=_web_address(_value(document, "media_url")),
        place=_place(document),
        requested_at=_moment(_value(document, "requested_datetime"), received_at),
        status="closed" if _value(document, "status") == "closed" else "open",
        origin=origin_of(document),
        exercise=twins.exercise_of(entity_id),
    )


def _value(document: Mapping[str, Any], name: str) -> Any:
    return value_of(document, names.expand_attribute(name))


def _text(value: Any, longest: int) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # a service code that somebody sent as a number
    if not isinstance(value, str):
        return ""
    clean = "".join(
        letter
        for letter in value[: 4 * longest]
        if (ord(letter) >= 32 or letter in _KEPT_CONTROLS) and not 0xD800 <= ord(letter) <= 0xDFFF
    ).strip()
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def _address(document: Mapping[str, Any]) -> str:
    said = _value(document, "address_string")
    if isinstance(said, str) and said.strip():
        return _text(said, _LONGEST["address"])
    address = _value(document, "address")
    if isinstance(address, dict):
        parts = (address.get(name) for name in ("streetAddress", "streetNr", "addressLocality"))
        address = ", ".join(part for part in parts if isinstance(part, str) and part.strip())
    return _text(address, _LONGEST["address"])


def _web_address(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS_OF_MEDIA:
        return None
    is_web = value.startswith(("https://", "http://"))
    return value if is_web and value.isprintable() and " " not in value else None


def _place(document: Mapping[str, Any]) -> Place | None:
    place = place_of(value_of(document, names.LOCATION))
    if place is None or not (-180 <= place.longitude <= 180 and -90 <= place.latitude <= 90):
        return None
    return place


def _moment(value: Any, received_at: datetime) -> datetime:
    if isinstance(value, dict):
        value = value.get("@value")
    if not isinstance(value, str) or len(value) > 40:
        return received_at
    try:
        moment = datetime.fromisoformat(value)
        # One without a zone could be anybody's; one of another century or still to come is a clock that is wrong.
        if moment.tzinfo is None or moment.year < _EARLIEST_YEAR:
            return received_at
        return min(moment, received_at)
    except (ValueError, OverflowError):
        return received_at


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands: by its incident, else by what the desk decided, else by its sender."""

    state: State
    incident_number: str | None = None
    reason: str = ""
    forwarded_to: str = ""
    exercise: bool = False


def answer(standing: Standing, at: datetime) -> dict[str, dict[str, Any]]:
    """Return the attributes (by short name, as NGSI-LD instances without times) that tell the entity how it stands.

    `status` closes with the work done or refused; one that was forwarded stays open: somebody else has the work now.
    `status_notes` is a LanguageProperty in three scripts: whoever asks with `lang` gets one of them.
    """
    closed = standing.state in CLOSING
    said: dict[str, dict[str, Any]] = {
        "status": {"type": "Property", "value": "closed" if closed else "open"},
        "requestState": {"type": "Property", "value": standing.state},
        "updated_datetime": {"type": "Property", "value": iso(at)},
        "status_notes": {"type": "LanguageProperty", "languageMap": notes(standing)},
    }
    if standing.incident_number is not None:
        said["incidentNumber"] = {"type": "Property", "value": standing.incident_number}
    if standing.state == "forwarded":
        said["agency_responsible"] = {"type": "Property", "value": standing.forwarded_to}
    return said


_NOTES: Final[Mapping[State, tuple[str, str]]] = {
    "new": ("Received; nobody works on it yet.", "Примљено; на пријави се још не ради."),
    "in_work": ("Being worked on, number {number}.", "На пријави се ради, број {number}."),
    "done": ("The work is done, number {number}.", "Посао је завршен, број {number}."),
    "refused": ("Not accepted: {reason}", "Није прихваћено: {reason}"),
    "forwarded": ("Forwarded to {to}: {reason}", "Прослеђено: {to}. {reason}"),
    "withdrawn": ("Closed by its sender.", "Затворио је пошиљалац."),
}


def notes(standing: Standing) -> dict[str, str]:
    """Return what a citizen may be told of a request, in three scripts; what a person wrote stays as it was typed."""
    figures = {
        "number": standing.incident_number or "",
        "reason": standing.reason,
        "to": standing.forwarded_to,
    }
    texts = three_scripts(*_NOTES[standing.state])
    marks = three_scripts("EXERCISE · ", "ВЕЖБА · ") if standing.exercise else dict.fromkeys(texts, "")
    return {script: marks[script] + text.format(**figures) for script, text in texts.items()}


def signature(standing: Standing) -> dict[str, str]:
    """Return what has been told, to compare with how a request stands later."""
    return {
        "state": standing.state,
        "number": standing.incident_number or "",
        "reason": standing.reason,
        "to": standing.forwarded_to,
    }
