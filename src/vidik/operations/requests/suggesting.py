"""Which running incident a request may belong to: of the same type, near to it, not long before or after. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shapely.geometry import Point, shape

from vidik.operations.incidents.incident import Incident
from vidik.operations.requests.services import RequestService
from vidik.operations.rules.fences import Place, metres_between, place_of

_AT_MOST = 5
_PLAIN = RequestService.model_validate({"code": "?", "title": {"en": "?", "sr": "?"}, "incident": "other"})


class Where(NamedTuple):
    """What a request says for comparing it with incidents."""

    type: str
    place: Place | None
    requested_at: datetime
    exercise: int | None


class Suggestion(NamedTuple):
    """An incident that a request may belong to, and how far away it is (0 inside its area)."""

    incident: Incident
    metres: float


def suggest(where: Where, service: RequestService | None, incidents: Iterable[Incident]) -> list[Suggestion]:
    """Return the running incidents that a request may belong to, the nearest first, then the newest; five at most."""
    reach = service or _PLAIN
    found = []
    for incident in incidents:
        if not incident.is_running or incident.type != where.type or incident.exercise_id != where.exercise:
            continue
        if abs(incident.opened_at - where.requested_at) > timedelta(hours=reach.within_hours):
            continue
        metres = metres_from(where.place, incident.place, incident.area)
        if metres is not None and metres <= reach.near_m:
            found.append(Suggestion(incident, metres))
    return sorted(found, key=lambda one: (one.metres, -one.incident.opened_at.timestamp(), one.incident.id))[:_AT_MOST]


def metres_from(
    here: Place | None, place: Mapping[str, Any] | None, area: Mapping[str, Any] | None = None
) -> float | None:
    """Return how far a GeoJSON place is from here, 0 inside the area; None when one of them is not known."""
    if here is None:
        return None
    if area is not None and shape(area).covers(Point(here.longitude, here.latitude)):
        return 0.0
    there = place_of(place)
    return metres_between(here, there) if there is not None else None
