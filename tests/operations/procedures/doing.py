"""Procedures, incidents and people for tests of procedures, over HTTP and beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from tests.web import DISPATCHER

from vidik.kernel.identity import Principal
from vidik.kernel.identity.roles import Grant
from vidik.operations.procedures.jobs import move_due

HOSTILE = "<script>alert(1)</script> {step} %s '; DROP TABLE procedure_run; -- \u202e\u0301"
Ask = Callable[..., Awaitable[httpx.Response]]


def words(text: str) -> dict[str, str]:
    return {"en": text, "sr": f"{text} ћ"}


def a_step(step_id: str, kind: str = "check", **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "kind": kind, "title": words(step_id), **fields}


def a_definition(*steps: dict[str, Any], code: str = "drill", **fields: Any) -> dict[str, Any]:
    """A procedure of some steps; without any, of two checks in a row."""
    chosen = steps or (a_step("first", next="second"), a_step("second"))
    return {
        "code": code,
        "title": words("Drill"),
        "purpose": words("Trying"),
        "incident_types": ["fire"],
        "steps": list(chosen),
        **fields,
    }


def branches(*following: str | None, **when: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Branches to some steps; `when` by the step that they lead to."""
    return [
        {"label": words(name or "end"), "next": name, **({"when": when[name]} if name in when else {})}
        for name in following
    ]


def principal(login: str, name: str, *roles: str) -> Principal:
    return Principal(
        "token", "2", login, name, None, frozenset(roles), "city", frozenset(Grant(role) for role in roles)
    )


PEOPLE = {
    "dispatcher": DISPATCHER,
    "ana": principal("ana", "Ана Јовић", "dispatcher"),
    "reader": principal("reader", "Ревизор", "auditor"),
    "crew": principal("crew", "Екипа", "crew"),
}


async def published(ask: Ask, definition: dict[str, Any]) -> dict[str, Any]:
    """Draft and publish a procedure; returns the version."""
    draft = await ask("POST", "/procedures", {"definition": definition})
    assert draft.status_code == 201, draft.text
    answer = await ask("POST", f"/procedures/{definition['code']}/publish", {}, version=draft.json()["version"])
    assert answer.status_code == 200, answer.text
    version: dict[str, Any] = answer.json()
    return version


async def an_incident(ask: Ask, **fields: Any) -> str:
    """Open an incident; returns its id."""
    answer = await ask("POST", "/incidents", {"type": "fire", "title": "Пожар у контејнеру", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def started(ask: Ask, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Publish a procedure of some steps and start it in a new incident; returns the run."""
    await published(ask, a_definition(*steps))
    incident = await an_incident(ask, **fields)
    answer = await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})
    assert answer.status_code == 201, answer.text
    run: dict[str, Any] = answer.json()
    return run


async def act(ask: Ask, run: dict[str, Any], verb: str, *, who: str = "dispatcher", **body: Any) -> dict[str, Any]:
    """Do something with the current step; returns the run."""
    answer = await ask(
        "POST", f"/procedure-runs/{run['id']}/steps/{run['current']}/{verb}", body, who=who, version=run["version"]
    )
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json()
    return after


async def again(ask: Ask, run: dict[str, Any]) -> dict[str, Any]:
    """The run as it stands now."""
    found: dict[str, Any] = (await ask("GET", f"/procedure-runs/{run['id']}")).json()
    return found


async def clock_strikes(app: Starlette, moment: datetime) -> None:
    """What the worker does each second, at a moment."""
    await move_due(app.state.services, "city", moment)


def stands(run: dict[str, Any]) -> dict[str, str]:
    """The state of every step."""
    return {step["id"]: step["state"] for step in run["steps"]}


async def timeline(ask: Ask, run: dict[str, Any]) -> list[str]:
    """The kinds of lines about procedures, oldest first."""
    answer = await ask("GET", f"/incidents/{run['incident']['id']}/entries?after=0&kind=procedure")
    return [entry["kind"].removeprefix("procedure.") for entry in answer.json()["items"]]
