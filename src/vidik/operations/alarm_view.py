"""An alarm as the API and the live stream show it."""

from collections.abc import Mapping
from typing import Any

from vidik.kernel.clock import iso

_TIMES = ("observed_at", "raised_at", "last_seen_at", "acknowledged_at", "cleared_at", "cleared_observed_at")
_AS_STORED = (
    "id", "rule", "priority", "state", "entity_id", "entity_name", "service", "origin", "message", "value", "unit",
    "threshold", "count", "acknowledged_by", "note",
)  # fmt: skip


def alarm_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `alarm` as JSON: `attribute` is the short name of what it is about, times are ISO UTC."""
    view = {name: row[name] for name in _AS_STORED} | {"id": str(row["id"])}
    view["attribute"] = row["shown_attribute"]
    for name in _TIMES:
        view[name] = iso(row[name]) if row[name] else None
    return view
