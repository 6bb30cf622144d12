"""Walking through a procedure without any effect: what would happen, given answers and facts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from vidik.kernel.errors import Unprocessable
from vidik.operations.procedures import run as core
from vidik.operations.procedures.conditions import Facts, choose
from vidik.operations.procedures.definition import Definition, Step
from vidik.operations.procedures.run import ActName, Ending, Run

_WOULD = {"notify": "would-notify", "command": "would-command", "task": "would-open"}


class Answer(NamedTuple):
    """What a person would do at a step."""

    step: str
    act: ActName
    branch: int | None = None


class Passed(NamedTuple):
    """One step that was passed: how, and how many minutes after the beginning at the earliest."""

    step: str
    kind: str
    outcome: str
    after_minutes: int
    branch: int | None = None
    effect: dict[str, Any] | None = None


class Walk(NamedTuple):
    """How far answers lead. `needs` is the step at which a person is asked next; None at the end."""

    path: list[Passed]
    needs: Step | None
    acts: tuple[ActName, ...]
    after_minutes: int


def walk(definition: Definition, facts: Facts, answers: Sequence[Answer], begin: datetime) -> Walk:
    """Walk as far as the answers lead.

    A wait goes by at once and counts its minutes. A person may leave one out; an answer for it says so. Raises
    Unprocessable for an answer that does not fit (`try-answer`), and for waits that go round without ever coming to a
    person (`try-endless`).
    """
    path: list[Passed] = []
    run = core.begin(definition, begin)
    at = begin
    waiting = list(answers)
    while run.state == "running":
        step = definition.step(run.visit.step)
        ending: Ending
        if step.by_itself:
            branch = choose(step, facts) if step.kind == "condition" else None
            ending, outcome = Ending("done", core.VIDIK, branch=branch), _WOULD.get(step.kind, "decided")
        elif step.kind == "wait" and not (waiting and waiting[0].step == step.id):
            at += timedelta(minutes=step.minutes or 0)
            ending, outcome = Ending("done", core.VIDIK), "waited"
        elif waiting:
            ending, outcome = _answered(run, step, waiting.pop(0), len(answers) - len(waiting) - 1)
        else:
            return Walk(path, step, core.acts(step, run.visit), _minutes(at - begin))
        effect = step.do.model_dump(mode="json", exclude_none=True) if step.do and outcome.startswith("would") else None
        path.append(Passed(step.id, step.kind, outcome, _minutes(at - begin), ending.branch, effect))
        run = core.move(definition, run, ending, at).run
    if run.reason == core.TOO_LONG:
        detail = "As long as the facts stay as they are, these steps go round without coming to a person."
        raise Unprocessable(detail, field=f"steps.{run.visit.step}", code="try-endless")
    if waiting:
        raise _unfit(len(answers) - len(waiting), "the procedure has ended")
    return Walk(path, None, (), _minutes(at - begin))


def _answered(run: Run, step: Step, answer: Answer, place: int) -> tuple[Ending, str]:
    if answer.step != step.id:
        raise _unfit(place, f"a person is asked at {step.id}")
    if answer.act not in core.acts(step, run.visit):
        raise _unfit(place, f"a step of this kind is not ended by {answer.act}")
    if answer.act == "choose" and (answer.branch is None or not 0 <= answer.branch < len(step.branches)):
        raise _unfit(place, "there is no such branch")
    if answer.act == "skip":
        return Ending("skipped", core.VIDIK), "skipped"
    outcome = {"choose": "chosen", "confirm": _WOULD.get(step.kind, "done")}.get(answer.act, "done")
    return Ending("done", core.VIDIK, branch=answer.branch if answer.act == "choose" else None), outcome


def _unfit(place: int, reason: str) -> Unprocessable:
    return Unprocessable(
        f"Answer {place + 1} does not fit: {reason}.",
        field=f"answers.{place}",
        code="try-answer",
        values={"reason": reason},
    )


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)
