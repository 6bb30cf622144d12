"""What just happened: alarms raised, cleared and acknowledged, devices gone and back, messages refused."""

from collections.abc import Mapping
from typing import Any

from vidik.console.catalogue import Catalogue
from vidik.intake.deadletters.reasons import described, field_texts
from vidik.kernel.clock import iso
from vidik.kernel.scripts import three_scripts

_KINDS = {"raised": "alarm_raised", "cleared": "alarm_cleared", "acknowledged": "alarm_acknowledged"}
_SILENCE_KINDS = {"raised": "device_silent", "cleared": "device_back", "acknowledged": "alarm_acknowledged"}


def alarm_item(row: Mapping[str, Any], of_silence: bool) -> dict[str, Any] | None:
    """Return the feed's item of an event (id, at, transition, person) of an alarm; None for a mere update."""
    kind = (_SILENCE_KINDS if of_silence else _KINDS).get(row["transition"])
    if kind is None:
        return None
    return {
        "id": f"alarm-{row['id']}",
        "at": iso(row["at"]),
        "kind": kind,
        "alarm_id": str(row["alarm"]),
        "entity_id": row["entity_id"],
        "entity_name": row["entity_name"],
        "service": row["service"],
        "origin": row["origin"],
        "priority": row["priority"],
        "message": _sentence(row, kind),
    }


def _sentence(row: Mapping[str, Any], kind: str) -> dict[str, str]:
    message: dict[str, str] = row["message"]
    person = row.get("person") or ""
    match kind:
        case "alarm_cleared":
            return {
                "en": f"Cleared: {message['en']}",
                "sr-Cyrl": f"Престало: {message['sr-Cyrl']}",
                "sr-Latn": f"Prestalo: {message['sr-Latn']}",
            }
        case "alarm_acknowledged":
            return {
                "en": f"Acknowledged by {person}: {message['en']}",
                "sr-Cyrl": f"Преузима {person}: {message['sr-Cyrl']}",
                "sr-Latn": f"Preuzima {person}: {message['sr-Latn']}",
            }
        case "device_back":
            return three_scripts("Heard again.", "Поново се јавља.")
        case _:
            return message


def letter_item(row: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Return the feed's item of a dead letter."""
    line, field = field_texts(row["field"]) if row["field"] else (None, None)
    return {
        "id": f"letter-{row['id']}",
        "at": iso(row["received_at"]),
        "kind": "dead_letter",
        "entity_id": row["entity_id"],
        "entity_name": row["name"] or row["device_id"],
        "device_id": row["device_id"],
        "service": catalogue.service_of(row["profile"]),
        "priority": None,
        "line": line,
        "field": field,
        "message": described(row["reason"])["reason_texts"],
    }
