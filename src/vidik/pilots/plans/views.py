"""Plans as the interface shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from psycopg.rows import DictRow

from vidik.kernel.clock import iso
from vidik.pilots.plain import plain
from vidik.pilots.plans.canonical import digest
from vidik.pilots.plans.checking import Problem, check
from vidik.pilots.plans.freezing import Standing, plan_text
from vidik.pilots.plans.overlaps import Overlap
from vidik.pilots.plans.service import digests_of, standing_of, state_of
from vidik.pilots.specification import Allocation, Design, Service

Entry = Mapping[str, Any]
_KNOWN = {"service": get_args(Service), "design": get_args(Design)}


def plan_row(row: DictRow, entry: Entry | None, moment: datetime) -> dict[str, Any]:
    """A plan as one line of a list; its figures are the ledger's, else those of the last watch."""
    standing = standing_of(row)
    specification = standing.specification if standing else None
    said: Mapping[str, Any] = specification.model_dump(mode="json") if specification else _sound(row["draft"])
    return {
        "id": row["id"],
        **{
            name: said.get(name) for name in ("title", "service", "design", "baseline", "reporting", "fund", "expected")
        },
        "state": state_of(specification, entry is not None, moment),
        "hash": row["hash"],
        "simulated": bool(row["simulated"]),
        **_figures(row, entry),
        "computed_at": iso(row["computed_at"]) if row["computed_at"] else None,
        "open_events": row["open_events"],
        "data_changed": bool(row["result"] and row["result"]["changes"]),
        "changed_at": iso(row["changed_at"]),
    }


def _sound(draft: Mapping[str, Any]) -> dict[str, Any]:
    """What a line shows of a draft: a program may have written anything into it."""
    found: dict[str, Any] = {name: value for name in ("title", "fund") if isinstance(value := draft.get(name), str)}
    found |= {name: draft[name] for name, known in _KNOWN.items() if draft.get(name) in known}
    if isinstance(draft.get("expected"), int | float):
        found["expected"] = draft["expected"]
    for name in ("baseline", "reporting"):
        days = draft.get(name)
        if isinstance(days, Mapping) and isinstance(days.get("first"), str) and isinstance(days.get("last"), str):
            found[name] = {"first": days["first"], "last": days["last"]}
    return found


def _figures(row: DictRow, entry: Entry | None) -> dict[str, Any]:
    shown: Mapping[str, Any] | None = entry or (row["result"]["outcome"] if row["result"] else None)
    if shown is None:
        nothing = (
            "verdict",
            "decision",
            "fraction",
            "interval",
            "saving",
            "unit",
            "money",
            "money_interval",
            "currency",
            "cost",
        )
        return dict.fromkeys(nothing)
    money = entry["money"] if entry else row["result"]["money"]
    return {
        "verdict": shown["verdict"],
        "decision": entry["decision"] if entry else None,
        "fraction": shown["fraction"],
        "interval": {name: shown["interval"][name] for name in ("low", "high", "level")},
        "saving": shown["saving"],
        "unit": shown["unit"],
        "money": money["value"],
        "money_interval": {"low": money["low"], "high": money["high"]},
        "currency": entry["currency"] if entry else money["currency"],
        "cost": (entry or row["result"]).get("cost"),
    }


def plan_view(
    row: DictRow,
    problems: Sequence[Problem],
    entry: Entry | None,
    overlaps: Sequence[Overlap],
    origins: Mapping[str, int] | None,
    moment: datetime,
) -> dict[str, Any]:
    """A whole plan: what was typed and what it lacks, or what was signed and what was amended."""
    standing = standing_of(row)
    specification = standing.specification if standing else None if problems else check(row["draft"])[0]
    text = standing.text if standing else plan_text(specification) if specification else None
    allocation = specification.allocation if specification else None
    return {
        **plan_row(row, entry, moment),
        "specification": row["draft"],
        "problems": plain(problems),
        "draft_hash": digest(text) if text and not standing else None,
        "canonical": text,
        "created_by": row["created_by"],
        "created_at": iso(row["created_at"]),
        "changed_by": row["changed_by"],
        "frozen": _frozen(row, standing) if standing else None,
        "amendments": _amendments(row, standing) if standing else [],
        "effective": standing.specification.model_dump(mode="json") if standing else None,
        "overlaps": [overlap_view(one, allocation) for one in overlaps],
        "origins": origins,
        "entry": entry,
    }


def overlap_view(overlap: Overlap, allocation: Allocation | None) -> dict[str, Any]:
    """Another pilot that counts the same, and how this plan shares with it."""
    return {**plain(overlap), "allocation": plain(allocation and allocation.model_dump())}


def _frozen(row: DictRow, standing: Standing) -> dict[str, Any]:
    digests, until = digests_of(row, standing)
    return {
        "hash": standing.hash,
        "head": standing.head,
        "canonical": standing.text,
        "statement": row["statement"],
        "signed_by": row["signed_by"],
        "signed_at": iso(row["signed_at"]),
        "author": row["changed_by"],
        "four_eyes": row["four_eyes"],
        "audit_position": row["audit_position"],
        "digests": digests,
        "digests_until": until.isoformat(),
        "simulated": row["simulated"],
    }


def _amendments(row: DictRow, standing: Standing) -> list[dict[str, Any]]:
    return [
        {
            "number": link.number,
            "hash": link.hash,
            "audit_position": row["amendments"][place][2],
            **{
                name: link.content[name]
                for name in ("changes", "reason", "by", "at", "previous", "after_start", "kind")
            },
            "replaced": link.content.get("replaced", []),
        }
        for place, link in enumerate(standing.amendments)
    ]


def watch_view(row: DictRow, events: Sequence[DictRow], job: str | None) -> dict[str, Any]:
    """What a plan's last computation found, the events that it asks about, and whether a new one is under way."""
    result = row["result"] or {}
    return {
        **{name: result.get(name) for name in ("outcome", "money", "tonnes", "cost", "rule_decision")},
        "computed_at": iso(row["computed_at"]) if row["computed_at"] else None,
        "until": row["until"].isoformat() if row["until"] else None,
        "sufficiency": result.get("sufficiency", []),
        "events": [_event(event) for event in events],
        "data_changed": bool(result.get("changes")),
        "changes": result.get("changes", []),
        "job": job,
    }


def _event(event: DictRow) -> dict[str, Any]:
    answer = None
    if event["answer"] is not None:
        answer = {
            "answer": event["answer"],
            "note": event["note"],
            "by": event["answered_by"],
            "at": iso(event["answered_at"]),
            "amendment": event["amendment"],
        }
    return {"id": event["id"], "finding": event["finding"], "found_at": iso(event["found_at"]), "answer": answer}


def file_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A file that was given in, without its bytes."""
    return {
        "file": row["sha256"],
        **{name: row[name] for name in ("name", "size", "simulated", "given_by")},
        "given_at": iso(row["given_at"]),
        **row["description"],
    }


def job_view(row: DictRow) -> dict[str, Any]:
    """How far long work is."""
    return {
        "id": str(row["id"]),
        **{name: row[name] for name in ("kind", "plan", "state", "stage", "done", "result", "error")},
        "of": row["of_steps"],
        "created_at": iso(row["created_at"]),
        "finished_at": iso(row["finished_at"]) if row["finished_at"] else None,
    }
