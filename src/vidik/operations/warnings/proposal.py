"""A warning as an incident suggests it: a beginning for its author, who has to read every word of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vidik.kernel.clock import iso
from vidik.operations.incidents.incident import Incident
from vidik.operations.incidents.incident import Severity as IncidentSeverity
from vidik.operations.warnings.content import LARGEST_POLYGON, Category, Response, Severity

_LASTS = timedelta(hours=6)
_AROUND_METRES = 300.0
_CORNERS = 8
_METRES_PER_DEGREE = 111_320.0
_SEVERITY: Mapping[IncidentSeverity, Severity] = {
    "minor": "Minor",
    "moderate": "Moderate",
    "severe": "Severe",
    "extreme": "Extreme",
}
_ABOUT: Mapping[str, tuple[Category, Response]] = {
    "heating_outage": ("Infra", "Prepare"),
    "water_burst": ("Infra", "Avoid"),
    "lighting_outage": ("Infra", "Monitor"),
    "air_pollution": ("Env", "Avoid"),
    "traffic_disruption": ("Transport", "Avoid"),
    "flood": ("Met", "Prepare"),
    "fire": ("Fire", "Avoid"),
    "blackout": ("Infra", "Prepare"),
    "storm": ("Met", "Shelter"),
    "mass_event": ("Safety", "Avoid"),
    "road_accident": ("Transport", "Avoid"),
    "hazardous_substance": ("CBRNE", "Shelter"),
}
"""What CAP calls the packaged types of incidents; a city's own begin as Other."""


def propose(incident: Incident, event: str, moment: datetime) -> dict[str, Any]:
    """Return the content of a warning about an incident, in the shape of `Content`; `event` names its type.

    The summary is not in it: colleagues wrote it for colleagues, and it may name people.
    """
    category, response = _ABOUT.get(incident.type, ("Other", "Monitor"))
    headline = (incident.titles or {}).get("sr-Cyrl") or incident.title
    return {
        "status": "Actual" if incident.exercise_id is None else "Exercise",
        "category": category,
        "response": response,
        "urgency": "Immediate",
        "severity": _SEVERITY[incident.severity],
        "certainty": "Observed",
        "onset": None,
        "expires": iso(moment + _LASTS),
        "sr": {
            "event": event[:80],
            "headline": headline[:160],
            "description": "",
            "instruction": "",
            "area": incident.address[:300],
        },
        "en": None,
        "polygon": _corners(incident),
        "geocodes": [],
    }


def _corners(incident: Incident) -> list[list[float]]:
    """Latitude and longitude of each corner: the incident's area, or what lies around its place."""
    if incident.area is not None:
        ring = incident.area["coordinates"][0][:-1]
        corners = [[latitude, longitude] for longitude, latitude, *_ in ring]
        return corners if len(corners) <= LARGEST_POLYGON else []
    if incident.place is None:
        return []
    longitude, latitude = incident.place["coordinates"][:2]
    up = _AROUND_METRES / _METRES_PER_DEGREE
    across = up / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * place / _CORNERS for place in range(_CORNERS)]
    return [[round(latitude + up * math.cos(turn), 5), round(longitude + across * math.sin(turn), 5)] for turn in turns]
