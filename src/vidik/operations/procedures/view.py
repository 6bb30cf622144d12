"""Procedures and their runs as the API and the journal show them. Texts stay `{en, sr}`, as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vidik.kernel.clock import iso
from vidik.operations.incidents.incident import Incident
from vidik.operations.procedures import run as core
from vidik.operations.procedures.checks import Problem
from vidik.operations.procedures.definition import Definition
from vidik.operations.procedures.run import Run
from vidik.operations.procedures.trying import Walk


def summary_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a procedure as a list shows it."""
    definition = row["definition"]
    draft = None
    if row["draft_version"] is not None:
        draft = {
            "version": row["draft_version"],
            "changed_at": iso(row["draft_changed_at"]),
            "changed_by": row["draft_changed_by"],
        }
    return {
        **_heading(definition),
        "state": row["state"],
        "version": row["version"],
        "source": row["source"],
        "published_at": _time(row["published_at"]),
        "published_by": row["published_by"],
        "draft": draft,
        "running": row["running"],
    }


def proposal_view(row: Mapping[str, Any], *, suggested: bool) -> dict[str, Any]:
    """Return a published procedure as an incident offers it."""
    return {**_heading(row["definition"]), "version": row["version"], "suggested": suggested}


def _heading(definition: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: definition[name] for name in ("code", "title", "purpose", "incident_types")}
    return {**kept, "steps": len(definition["steps"])}


def draft_view(row: Mapping[str, Any], problems: Sequence[Problem]) -> dict[str, Any]:
    """Return a draft with its problems."""
    kept = {name: row[name] for name in ("code", "version", "definition", "based_on", "changed_by")}
    return {**kept, "changed_at": _time(row["changed_at"]), "problems": [one.plain() for one in problems]}


def version_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version with its definition."""
    names = ("code", "version", "state", "source", "definition", "published_by", "note", "ended_by", "reason")
    times = {name: _time(row[name]) for name in ("published_at", "ended_at")}
    return {"title": row["definition"]["title"], **{name: row[name] for name in names}, **times}


def walk_view(walk: Walk) -> dict[str, Any]:
    """Return how far a trial came."""
    needs = None
    if walk.needs is not None:
        needs = {
            "step": walk.needs.id,
            "kind": walk.needs.kind,
            "acts": list(walk.acts),
            "branches": len(walk.needs.branches),
        }
    return {
        "path": [passed._asdict() for passed in walk.path],
        "needs": needs,
        "ended": walk.needs is None,
        "after_minutes": walk.after_minutes,
    }


def run_view(
    row: Mapping[str, Any],
    run: Run,
    visits: Sequence[Mapping[str, Any]],
    definition: Definition,
    incident: Incident,
    roles: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return a run with every step as it stands. `incident`: where its work belongs now (after merges)."""
    running = run.state == "running"
    step = definition.step(run.visit.step)
    holder = roles.get(step.role) if running and step.role is not None else None
    latest = {visit["step"]: visit for visit in visits}
    counts = {name: sum(visit["step"] == name for visit in visits) for name in latest}
    plain = {one["id"]: one for one in definition.plain()["steps"]}
    return {
        "id": str(row["id"]),
        "procedure": row["procedure"],
        "procedure_version": row["procedure_version"],
        "title": definition.title.model_dump(),
        "incident": {
            "id": str(incident.id),
            "number": incident.number,
            "title": incident.title,
            "titles": incident.titles,
            "state": incident.state,
        },
        "exercise": row["exercise_id"] is not None,
        **{name: list(getattr(incident, name)) for name in ("organisations", "areas", "people")},
        "state": run.state,
        "started_at": iso(row["started_at"]),
        "started_by": row["started_by"],
        "ended_at": _time(run.ended_at),
        "ended_by": run.ended_by,
        "reason": run.reason,
        "current": step.id if running else None,
        "visit": run.visit.number,
        "acts": list(core.acts(step, run.visit)) if running else [],
        "due_at": _time(run.visit.due_at) if running else None,
        "overdue": running and run.visit.overdue_at is not None,
        "held_by": {"login": holder["person"], "name": holder["person_name"]} if holder else None,
        "version": run.version,
        "steps": [
            {
                "optional": False,
                "branches": [],
                **plain[one.id],
                **(_stand(latest[one.id], running=running) if one.id in latest else _NOT_YET),
                "visits": counts.get(one.id, 0),
            }
            for one in definition.steps
        ],
        "path": [
            {"visit": visit["number"], "step": visit["step"], **_stand(visit, running=running)} for visit in visits
        ],
    }


_NOT_YET: Mapping[str, Any] = {
    "state": "waiting", "overdue": False, "since": None, "due_at": None, "ended_at": None, "by": None, "note": "",
    "branch": None, "result": None, "problem": None,
}  # fmt: skip


def _stand(visit: Mapping[str, Any], *, running: bool) -> dict[str, Any]:
    state = visit["state"] if running or visit["state"] != "current" else "stopped"
    return {
        "state": state,
        "overdue": visit["overdue_at"] is not None,
        "since": iso(visit["since"]),
        "due_at": _time(visit["due_at"]),
        "ended_at": _time(visit["ended_at"]),
        "by": visit["person"],
        "note": visit["note"],
        "branch": visit["branch"],
        "result": visit["result"],
        "problem": visit["problem"],
    }


def _time(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
