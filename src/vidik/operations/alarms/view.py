"""An alarm as the API and the live stream show it."""

from collections.abc import Mapping
from typing import Any, Literal

from vidik.kernel.clock import iso
from vidik.operations.alarms.alarm import AlarmState

_TIMES = ("observed_at", "raised_at", "last_seen_at", "acknowledged_at", "returned_at", "cleared_at",
          "cleared_observed_at")  # fmt: skip
_AS_STORED = (
    "id", "rule", "priority", "entity_id", "entity_name", "service", "origin", "message", "value", "unit",
    "threshold", "count", "acknowledged_by", "note", "latching", "hidden_by", "organisations", "areas",
)  # fmt: skip

_SHORT: Mapping[AlarmState, Literal["raised", "acknowledged", "cleared"]] = {
    "unacknowledged": "raised",
    "latched_unacknowledged": "raised",
    "acknowledged": "acknowledged",
    "latched_acknowledged": "acknowledged",
    "returned_unacknowledged": "cleared",
    "normal": "cleared",
    "shelved": "cleared",
    "suppressed": "cleared",
    "out_of_service": "cleared",
}


def alarm_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `alarm` as JSON: `attribute` is the short name of what it is about, times are ISO UTC.

    `state` says in three words what a list needs (raised, acknowledged, cleared: nothing to look at);
    `standard_state` is the state of ISA-18.2. Of two views of an alarm the one with the greater `version`, the number
    of its newest event, is the newer.
    """
    view = {name: row[name] for name in _AS_STORED} | {"id": str(row["id"])}
    view["version"] = row["version"] or 0
    view["state"] = _SHORT[row["state"]]
    view["standard_state"] = row["state"]
    view["attribute"] = row["shown_attribute"]
    view["exercise"] = row["exercise_id"] is not None
    view["exercise_id"] = str(row["exercise_id"]) if row["exercise_id"] is not None else None
    view["group"] = str(row["alarm_group"]) if row["alarm_group"] else None
    for name in _TIMES:
        view[name] = iso(row[name]) if row[name] else None
    return view


def is_shown(row: Mapping[str, Any]) -> bool:
    """Whether an alarm is open and nothing hides it: only then its asset bears its priority."""
    return row["cleared_at"] is None and row["hidden_by"] is None
