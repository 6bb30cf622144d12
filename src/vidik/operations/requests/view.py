"""Requests as the API shows them: what the work needs, and nothing of who reported."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.operations import journal
from vidik.operations.requests.request import facts_of
from vidik.operations.requests.services import RequestService


def request_view(row: Mapping[str, Any], services: Mapping[str, RequestService]) -> dict[str, Any]:
    """Return a request: `title` in three scripts where its code is known, `incident` what works on it."""
    facts = facts_of(row["entity_id"], row["document"], row["seen_at"])
    service = services.get(facts.service_code)
    return {
        **brief(row),
        "service_code": facts.service_code,
        "service_name": facts.service_name,
        "title": service.title.scripts() if service is not None else None,
        "service": service.service if service is not None else None,
        "description": facts.description,
        "address": facts.address,
        "agency": facts.agency,
        "media_url": facts.media_url,
        "place": {"type": "Point", "coordinates": list(facts.place)} if facts.place is not None else None,
        "requested_at": iso(facts.requested_at),
        "seen_at": iso(row["seen_at"]),
        "origin": facts.origin,
    }


def brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a request stands, without its words: what the journal keeps for a week."""
    incident = row["incident"]
    return {
        "id": row["entity_id"],
        "state": row["state"],
        "incident": {"id": str(incident), "number": row["number"], "state": row["incident_state"]}
        if incident
        else None,
        "decision": {
            "kind": row["decision"],
            "reason": row["reason"],
            "to": row["forwarded_to"],
            "at": iso(row["decided_at"]),
            "by": row["decided_by"],
        }
        if row["decision"] is not None
        else None,
        "organisations": row["organisations"],
        "areas": row["areas"],
        "exercise": row["exercise_id"] is not None,
        "exercise_id": str(row["exercise_id"]) if row["exercise_id"] is not None else None,
        "version": row["version"],
        "changed_at": iso(row["changed_at"]),
        "changed_by": row["changed_by"],
    }


def gone(entity_id: str, at: datetime) -> dict[str, Any]:
    """Return what is told of a request whose entity was deleted."""
    return {"id": entity_id, "state": "gone", "changed_at": iso(at)}


async def tell(connection: Connection, row: Mapping[str, Any]) -> None:
    """Tell every desk how a request stands; its words they ask for."""
    await journal.tell(connection, "request", row["entity_id"], brief(row))
