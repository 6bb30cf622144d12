"""Shifts, plans, escalations and messages as the API and the journal show them. No address of a person is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vidik.kernel.clock import iso


def _times(row: Mapping[str, Any], *names: str) -> dict[str, str | None]:
    return {name: iso(row[name]) if row[name] else None for name in names}


def shift_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shift as JSON."""
    kept = {name: row[name] for name in ("desk", "login", "person", "version", "changed_by")}
    return {"id": str(row["id"]), **kept, **_times(row, "begins_at", "ends_at", "changed_at")}


def plan_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an on-call plan as JSON."""
    kept = {name: row[name] for name in ("code", "definition", "enabled", "version", "changed_by")}
    return {**kept, **_times(row, "stands_since", "changed_at")}


def escalation_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an escalation as JSON; `due_at` is when the next person is asked."""
    kept = {name: row[name] for name in ("plan", "cause", "facts", "state", "round", "step", "ended_by")}
    return {
        "id": str(row["id"]),
        "subject": str(row["subject"]),
        **kept,
        **_times(row, "opened_at", "due_at", "ended_at"),
        "exercise": row["exercise_id"] is not None,
    }


def notice_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message to a person as JSON."""
    kept = {name: row[name] for name in ("login", "person", "channel", "facts", "state", "attempts", "problem")}
    return {
        "id": str(row["id"]),
        "escalation": str(row["escalation"]) if row["escalation"] else None,
        **kept,
        **_times(row, "made_at", "due_at", "sent_at", "ended_at"),
        "exercise": row["exercise_id"] is not None,
    }
