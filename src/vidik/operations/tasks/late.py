"""The merge of what a crew's phone brings, late and in any order, into the tasks as they stand. Pure.

The phone keeps what it could not send and sends it again until it is answered. Whatever the order, however often and
in however many parts changes come, the tasks end the same, and each change gets the same answer the second time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from vidik.operations.tasks.task import Act, Refusal, Stamp, Task, TaskState, refusal, take

Result = Literal["accepted", "known", "refused"]


class Change(NamedTuple):
    """One act as the phone kept it. `round_seen` is the round of the task that the phone showed."""

    client_id: str
    task: int
    round_seen: int
    act: Act
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change; `at` is when it happened by our clock."""

    change: Change
    result: Result
    at: datetime
    reason: Refusal | Literal["no-task"] | None = None
    before: TaskState | None = None
    after: TaskState | None = None


def by_our_clock(at: datetime, *, client_time: datetime, received: datetime, began: datetime | None) -> datetime:
    """When something that the phone timed happened: its clock may be wrong, the distance between two times is not.

    Never later than it was received, nor earlier than the task was given.
    """
    corrected = at + (received - client_time)
    if began is not None:
        corrected = max(corrected, began)
    return min(corrected, received)


def merge(
    tasks: Mapping[int, Task],
    changes: Sequence[Change],
    *,
    crew: int,
    known: Collection[str],
    client_time: datetime,
    received: datetime,
) -> tuple[dict[int, Task], list[Outcome]]:
    """Return the tasks after a crew's changes, and what became of each change, in the order they came.

    `known` are the client ids of changes that were taken or refused before.
    """
    standing = dict(tasks)
    seen = set(known)
    outcomes = []
    for change in changes:
        task = standing.get(change.task)
        began = task.decided_at if task is not None and task.round == change.round_seen else None
        at = by_our_clock(change.at, client_time=client_time, received=received, began=began)
        if change.client_id in seen:
            outcomes.append(Outcome(change, "known", at))
            continue
        seen.add(change.client_id)
        if task is None:
            outcomes.append(Outcome(change, "refused", at, "no-task"))
            continue
        reason = refusal(task, crew=crew, round_seen=change.round_seen)
        if reason is not None:
            outcomes.append(Outcome(change, "refused", at, reason, task.state, task.state))
            continue
        after = take(task, change.act, Stamp(at, change.client_id))
        standing[change.task] = after
        outcomes.append(Outcome(change, "accepted", at, None, task.state, after.state))
    return standing, outcomes
