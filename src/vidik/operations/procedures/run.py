"""A run of a procedure: a pure state machine over a definition, without a clock and without a database.

One step is the current one. Each time a step is entered it is a visit of its own: ways may go round. What Vidik does
by itself passes at once; a person is waited for at checks, questions and commands, and the clock at waits. What fails
stays current, until a person tries it again or leaves it out.

    visit:  current -> done | skipped | failed        failed -> done | skipped | failed again
    run:    running -> ended | stopped
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from vidik.kernel.errors import Conflict, Unprocessable
from vidik.operations.procedures.definition import Definition, Step

RunState = Literal["running", "ended", "stopped"]
VisitState = Literal["current", "done", "skipped", "failed"]
ActName = Literal["done", "skip", "choose", "confirm"]
MOST_VISITS = 1000
"""A run that goes round so often is stopped: nobody follows it any more."""
TOO_LONG = "too-long"
INCIDENT_CLOSED = "incident-closed"


class Person(NamedTuple):
    """Who acts; the login is empty for Vidik."""

    name: str
    login: str


VIDIK = Person("Vidik", "")


@dataclass(frozen=True, slots=True)
class Visit:
    """One step, entered once. `begun_version` is the version of the run at which it became the current one."""

    number: int
    step: str
    since: datetime
    begun_version: int
    state: VisitState = "current"
    due_at: datetime | None = None
    overdue_at: datetime | None = None
    ended_at: datetime | None = None
    person: str | None = None
    login: str | None = None
    note: str = ""
    branch: int | None = None
    result: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run stands. `visit` is the newest one; it is open as long as the run is running."""

    visit: Visit
    state: RunState = "running"
    version: int = 1
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_login: str | None = None
    reason: str | None = None


class Ending(NamedTuple):
    """How a visit ends: who ended it, what they said, which branch it takes, what came of it."""

    state: Literal["done", "skipped"]
    person: Person
    note: str = ""
    branch: int | None = None
    result: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] | None = None


class Moved(NamedTuple):
    """A run after a step, with the visit that has ended."""

    run: Run
    left: Visit


def begin(definition: Definition, at: datetime) -> Run:
    """Return a new run at the first step."""
    return Run(_visit(definition.steps[0], 1, at, 1))


def _visit(step: Step, number: int, at: datetime, version: int) -> Visit:
    due_at = at + timedelta(minutes=step.minutes) if step.minutes is not None else None
    return Visit(number, step.id, at, version, due_at=due_at)


def vidik_goes_on(step: Step, run: Run) -> bool:
    """Whether the current step is one that Vidik passes by itself, now."""
    return run.state == "running" and run.visit.state == "current" and step.by_itself


def acts(step: Step, visit: Visit) -> tuple[ActName, ...]:
    """Return what a person may do with the current step."""
    if visit.state == "failed":
        return ("confirm", "skip")
    if step.by_itself:
        return ()
    match step.kind:
        case "check":
            return ("done", "skip")
        case "question":
            return ("choose",)
        case "wait":
            return ("skip",)
        case _:
            return ("confirm", "skip")


def due_at(run: Run) -> datetime | None:
    """Return when the clock next has something to do with a run; None as long as only people have."""
    visit = run.visit
    if run.state != "running" or visit.state != "current" or visit.overdue_at is not None:
        return None
    return visit.due_at


def was_seen(run: Run, version: int) -> bool:
    """Whether a person who saw this version saw the current step as the current one."""
    return run.visit.begun_version <= version <= run.version


def check_act(definition: Definition, run: Run, act: ActName, *, branch: int | None, reason: str) -> Step:
    """Return the current step when a person may do this with it now; raises Conflict, Unprocessable."""
    if run.state != "running":
        raise Conflict("The run has ended.", code="run-over", values={"state": run.state})
    step = definition.step(run.visit.step)
    possible = acts(step, run.visit)
    if act not in possible:
        raise Conflict(
            f"A step of this kind is not ended by {act}.",
            code="act-misplaced",
            values={"act": act, "kind": step.kind, "possible": ", ".join(possible)},
        )
    if act == "choose" and (branch is None or not 0 <= branch < len(step.branches)):
        raise Unprocessable("Say which branch is taken.", field="branch", code="branch-missing")
    if act == "skip" and not step.optional and not reason:
        raise Unprocessable("Say why the step is left out.", field="reason", code="reason-missing")
    return step


def move(definition: Definition, run: Run, ending: Ending, at: datetime) -> Moved:
    """End the current visit and enter the next step, or end the run."""
    step = definition.step(run.visit.step)
    left = replace(
        run.visit,
        state=ending.state,
        ended_at=at,
        person=ending.person.name,
        login=ending.person.login,
        note=ending.note,
        branch=ending.branch,
        result=ending.result,
        problem=ending.problem if ending.problem is not None else run.visit.problem,
    )
    version = run.version + 1
    following = step.branches[ending.branch].next if step.branching and ending.branch is not None else step.next
    if following is None:
        person = ending.person
        after = replace(
            run,
            visit=left,
            state="ended",
            version=version,
            ended_at=at,
            ended_by=person.name,
            ended_login=person.login,
        )
        return Moved(after, left)
    if left.number >= MOST_VISITS:
        return Moved(stop(replace(run, visit=left), TOO_LONG, VIDIK, at), left)
    entered = _visit(definition.step(following), left.number + 1, at, version)
    return Moved(replace(run, visit=entered, version=version), left)


def fail(run: Run, problem: Mapping[str, Any]) -> Run:
    """Keep the current step current: what Vidik should have done did not work."""
    return replace(run, visit=replace(run.visit, state="failed", problem=problem), version=run.version + 1)


def fall_overdue(run: Run, at: datetime) -> Run:
    """Note, once, that the current step took longer than it should."""
    if run.state != "running" or run.visit.overdue_at is not None:
        return run
    return replace(run, visit=replace(run.visit, overdue_at=at), version=run.version + 1)


def stop(run: Run, reason: str, person: Person, at: datetime) -> Run:
    """Stop a run where it stands; raises Conflict when it has ended."""
    if run.state != "running":
        raise Conflict("The run has ended.", code="run-over", values={"state": run.state})
    return replace(
        run,
        state="stopped",
        version=run.version + 1,
        ended_at=at,
        ended_by=person.name,
        ended_login=person.login,
        reason=reason,
    )
