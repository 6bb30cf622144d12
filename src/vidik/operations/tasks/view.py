"""Tasks and crews as the API and the journal show them: plain JSON, times as text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vidik.kernel.clock import iso
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Belonging
from vidik.operations.tasks.repository import facts_of
from vidik.operations.tasks.suggesting import Suggestion
from vidik.operations.tasks.task import Act


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None


def task_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task; `crew` is the one that has it, or that ended it, `organisation` where that crew works."""
    facts = facts_of(row)
    times = {name: _text(facts.acts[act].at) if act in facts.acts else None for act, name in _TIMES}
    crew = {"id": row["crew"], "name": row["crew_name"]} if facts.standing_crew is not None else None
    return {
        "id": row["id"],
        "number": f"T-{row['id']}",
        "title": row["title"],
        "titles": row["titles"],
        "kind": row["kind"],
        "instructions": row["instructions"],
        "instruction_texts": row["instruction_texts"],
        "place": row["place"],
        "address": row["address"],
        "priority": row["priority"],
        "skill": row["skill"],
        "incident": row["incident"],
        "asset": row["asset"],
        "state": row["state"],
        "round": row["round"],
        "decision": row["decision"],
        "crew": crew,
        "organisation": row["crew_organisation"] if crew else None,
        "organisations": row["all_organisations"],
        "areas": row["all_areas"],
        "people": row["people"],
        "opened_at": iso(row["opened_at"]),
        "opened_by": row["opened_by"],
        "assigned_at": _text(row["decided_at"]) if row["decision"] == "assigned" else None,
        **times,
        "ended_at": _text(row["ended_at"]),
        "due_at": _text(row["due_at"]),
        "result_note": row["result_note"],
        "photos": row["photos"],
        "origin": row["origin"],
        "exercise": row["exercise"],
        "version": row["version"],
        "changed_by": row["changed_by"],
        "changed_at": iso(row["changed_at"]),
    }


_TIMES: tuple[tuple[Act, str], ...] = (("accept", "accepted_at"), ("depart", "departed_at"), ("arrive", "arrived_at"))


def event_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one line of a task's history; `late` when it was told long after it happened."""
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "happened_at": iso(row["happened_at"]),
        "recorded_at": iso(row["recorded_at"]),
        "late": (row["recorded_at"] - row["happened_at"]).total_seconds() > 120,
        "person": row["person"],
        "crew": {"id": row["crew"], "name": row["crew_name"]} if row["crew"] is not None else None,
        "state_before": row["state_before"],
        "state_after": row["state_after"],
        "note": row["note"],
        "data": row["data"],
        "refused": row["refused"],
    }


def photo_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a photo, and where it is."""
    return {
        "sha256": row["sha256"],
        "href": f"/api/tasks/{row['task']}/photos/{row['sha256']}",
        "media_type": row["media_type"],
        "bytes": row["bytes"],
        "width": row["width"],
        "height": row["height"],
        "added_at": iso(row["added_at"]),
        "added_by": row["added_by"],
    }


def refused_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an act that came too late to count, why, and what stands now."""
    return {
        "client_id": row["client_id"],
        "task": row["task"],
        "number": f"T-{row['task']}",
        "title": row["title"],
        "titles": row["titles"],
        "act": row["kind"],
        "happened_at": iso(row["happened_at"]),
        "recorded_at": iso(row["recorded_at"]),
        "note": row["note"],
        "reason": row["refused"],
        "state": row["state"],
        "crew_name": row["crew_name"],
        "changed_by": row["changed_by"],
        "changed_at": iso(row["changed_at"]),
    }


def crew_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a crew; its position is there only while it is on duty."""
    position = None
    if row["on_duty_since"] is not None and row["position_at"] is not None:
        place = (row["longitude"], row["latitude"])
        position = position_view(place, row["accuracy_metres"], row["position_at"])
    return {
        "id": row["id"],
        "name": row["name"],
        "organisation": row["organisation"],
        "skills": row["skills"],
        "vehicle": row["vehicle"],
        "depot": row["depot"],
        "members": row["members"],
        "origin": row["origin"],
        "in_use": row["in_use"],
        "on_duty": row["on_duty_since"] is not None,
        "on_duty_since": _text(row["on_duty_since"]),
        "on_duty_until": _text(row["on_duty_until"]),
        "open_tasks": row["open_tasks"],
        "position": position,
        "version": row["version"],
        "changed_by": row["changed_by"],
        "changed_at": iso(row["changed_at"]),
    }


def position_view(place: tuple[float, float], accuracy_metres: float | None, at: datetime) -> dict[str, Any]:
    """Return where a crew was seen, and when."""
    point = {"type": "Point", "coordinates": list(place)}
    return {"place": point, "accuracy_metres": accuracy_metres, "at": iso(at)}


def crew_seen_by(row: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """Return a crew as a person may see it: where its people are only for who may send it."""
    view = crew_view(row)
    return view if principal.reaches("tasks.manage", belonging_of_crew(row)) else view | {"position": None}


def belonging_of_crew(row: Mapping[str, Any]) -> Belonging:
    """Return whose a crew is: its organisation's, where its depot lies."""
    return Belonging.to(row["organisation"], row["areas"])


def without_position(crew: Mapping[str, Any]) -> dict[str, Any]:
    """Return a crew as the journal may keep it for days: where people are is forgotten sooner."""
    return {name: value for name, value in crew.items() if name != "position"}


def suggestion_view(suggestion: Suggestion, crew: Mapping[str, Any]) -> dict[str, Any]:
    """Return one suggested crew with its reasons."""
    candidate = suggestion.candidate
    return {
        "crew": crew,
        "suitable": suggestion.suitable,
        "minutes": round(candidate.minutes, 1) if candidate.minutes is not None else None,
        "travel": candidate.travel,
        "from": candidate.starts_from,
        "expected_minutes": round(suggestion.expected_minutes, 1),
        "reasons": [
            {"kind": reason.kind, "good": reason.good, "data": _plain(reason.data)} for reason in suggestion.reasons
        ],
    }


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: iso(value) if isinstance(value, datetime) else round(value, 1) if isinstance(value, float) else value
        for name, value in data.items()
    }


def task_views(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return many tasks."""
    return [task_view(row) for row in rows]
