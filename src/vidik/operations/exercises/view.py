"""Exercises as the API and the journal show them; what is still to come is shown only to those who lead one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vidik.kernel.clock import iso
from vidik.kernel.scripts import three_scripts
from vidik.operations.exercises.course import BEGIN
from vidik.operations.exercises.scenario import Scenario

_TIMES = ("counted_at", "started_at", "ended_at", "changed_at")
_AS_STORED = ("scenario", "speed", "state", "clock_seconds", "started_by", "ended_by", "note", "version", "changed_by")


def exercise_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exercise as everybody may see it; `score` is null until it is over.

    Its clock stands at `clock_seconds` at `counted_at`, and moves `speed` seconds a second while it is `running`.
    """
    definition = row["definition"]
    return {
        "id": str(row["id"]),
        **{name: row[name] for name in _AS_STORED},
        **{name: iso(row[name]) if row[name] else None for name in _TIMES},
        "title": three_scripts(definition["title"]["en"], definition["title"]["sr"]),
        "purpose": three_scripts(definition["purpose"]["en"], definition["purpose"]["sr"]),
        "minutes": definition["minutes"],
        "score": row["score"],
    }


def event_views(
    definition: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, whole: bool
) -> list[dict[str, Any]]:
    """Return the events of an exercise in order; one that makes several steps shows its first.

    `whole` shows what is still to come, and what a technical event does.
    """
    events = {event["id"]: event for event in definition["events"]}
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["event"] == BEGIN or row["event"] in found:
            continue
        event = events[row["event"]]
        heard = row["fired_at"] is not None and event["do"] in ("call", "incident")
        if whole or heard:
            found[row["event"]] = _event_view(event, row)
    return list(found.values())


def _event_view(event: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {
        name: three_scripts(event[name]["en"], event[name]["sr"])
        for name in ("title", "caller", "text", "summary")
        if event.get(name)
    }
    return {
        "id": event["id"],
        "do": event["do"],
        "at_minutes": event["at"],
        "fired_at": _time(row["fired_at"]),
        "result": row["result"],
        **texts,
    }


def scenario_view(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as those who lead an exercise choose it."""
    return {
        "code": scenario.code,
        "title": scenario.title.scripts(),
        "purpose": scenario.purpose.scripts(),
        "minutes": scenario.minutes,
        "twins": len(scenario.twins),
        "events": [
            {"id": event.id, "do": event.do, "at_minutes": event.at, "title": event.title.scripts()}
            for event in sorted(scenario.events, key=lambda event: event.at)
        ],
        "targets": [target.model_dump(mode="json") for target in scenario.targets],
    }


def _time(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
