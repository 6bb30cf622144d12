"""The life of a task: what the desk decided, and what the crew did since. A pure core: no I/O and no clock.

A task keeps two kinds of facts, and its state is computed from them. The desk decides: it gives the task to a crew,
takes it back, cancels, closes or reopens it; each decision begins a new round. The crew acts within a round. Acts of
one round are kept so that neither the order in which they arrive nor a repeat changes the outcome: of progress the
earliest word stands, of results (done, failed, declined) the latest. A phone that comes back after two days with acts
of an older round changes nothing: what the desk decided meanwhile stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple

from vidik.kernel.errors import Conflict

TaskState = Literal["open", "assigned", "accepted", "under_way", "arrived", "done", "failed", "cancelled"]
Decision = Literal["opened", "assigned", "withdrawn", "cancelled", "reopened", "done", "failed"]
Act = Literal["accept", "depart", "arrive", "done", "fail", "decline"]
Progress = Literal["accept", "depart", "arrive"]
Refusal = Literal["another-crew", "withdrawn", "cancelled", "closed", "reopened", "not-given", "unknown-round"]

WITH_CREW: tuple[TaskState, ...] = ("assigned", "accepted", "under_way", "arrived")
OVER: tuple[TaskState, ...] = ("done", "failed", "cancelled")
RESULTS: Mapping[Act, TaskState] = {"done": "done", "fail": "failed", "decline": "open"}
_REACHED: tuple[tuple[Act, TaskState], ...] = (("arrive", "arrived"), ("depart", "under_way"), ("accept", "accepted"))


class Stamp(NamedTuple):
    """When an act happened and which message said so; two acts of one moment are told apart by the message."""

    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Task:
    """The facts of one task. `round` counts the desk's decisions; `acts` are those of this round."""

    round: int = 1
    decision: Decision = "opened"
    decided_at: datetime | None = None
    crew: int | None = None
    acts: Mapping[Act, Stamp] = field(default_factory=dict)

    @property
    def result(self) -> Act | None:
        """What the crew said last of how it ended, or None while it goes on."""
        said = [(stamp, act) for act, stamp in self.acts.items() if act in RESULTS]
        return max(said)[1] if said else None

    @property
    def state(self) -> TaskState:
        """The state's name."""
        match self.decision:
            case "cancelled" | "done" | "failed":
                return self.decision
            case "assigned":
                result = self.result
                if result is not None:
                    return RESULTS[result]
                return next((state for act, state in _REACHED if act in self.acts), "assigned")
            case _:
                return "open"

    @property
    def standing_crew(self) -> int | None:
        """The crew that has or had it in this round; None when it waits for one, also after a crew declined."""
        return None if self.state == "open" else self.crew


def _decided(task: Task, decision: Decision, crew: int | None, at: datetime) -> Task:
    return Task(task.round + 1, decision, at, crew)


def assign(task: Task, crew: int, at: datetime) -> Task:
    """Give a task to a crew, also one that another crew has; raises Conflict when it is over."""
    _not_over(task, "given to a crew")
    if task.state in WITH_CREW and task.crew == crew:
        raise Conflict("This crew has the task already.", code="task-same-crew")
    return _decided(task, "assigned", crew, at)


def withdraw(task: Task, at: datetime) -> Task:
    """Take a task back from its crew; raises Conflict when none has it."""
    if task.state not in WITH_CREW:
        raise Conflict("No crew has this task now.", code="task-without-crew")
    return _decided(task, "withdrawn", None, at)


def cancel(task: Task, at: datetime) -> Task:
    """Say that a task is not needed any more; raises Conflict when it is over."""
    _not_over(task, "cancelled")
    return _decided(task, "cancelled", task.standing_crew, at)


def close(task: Task, result: Literal["done", "failed"], at: datetime) -> Task:
    """The desk says how it ended (the crew called); raises Conflict when it is over."""
    _not_over(task, "closed")
    return _decided(task, result, task.standing_crew, at)


def reopen(task: Task, at: datetime) -> Task:
    """Begin again with a task that is over; raises Conflict when it is not."""
    if task.state not in OVER:
        raise Conflict("The task is not over: there is nothing to reopen.", code="task-not-over")
    return _decided(task, "reopened", None, at)


def _not_over(task: Task, what: str) -> None:
    if task.state in OVER:
        raise Conflict(f"The task is over ({task.state}): it cannot be {what}. Reopen it first.", code="task-over")


def take(task: Task, act: Act, stamp: Stamp) -> Task:
    """Take in one act of the crew of this round; the caller has asked `refusal` first."""
    known = task.acts.get(act, stamp)
    kept = max(known, stamp) if act in RESULTS else min(known, stamp)
    return task if task.acts.get(act) == kept else replace(task, acts={**task.acts, act: kept})


def refusal(task: Task, *, crew: int, round_seen: int) -> Refusal | None:
    """Why an act of a crew that saw this round changes nothing, or None when it counts."""
    if round_seen > task.round:
        return "unknown-round"
    if round_seen == task.round and task.decision == "assigned":
        return None if task.crew == crew else "another-crew"
    match task.decision:
        case "assigned":
            return "reopened" if task.crew == crew else "another-crew"
        case "withdrawn" | "cancelled" | "reopened":
            return task.decision
        case "done" | "failed":
            return "closed"
        case _:
            return "not-given"
