"""What stands in the way of publishing a procedure: steps, ways and names that do not hold together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vidik.operations.procedures.definition import (
    AlarmsFact,
    AttributeFact,
    Command,
    Definition,
    Notify,
    OpenTask,
    Sentence,
    SeverityFact,
    Step,
    TypeFact,
)

_TIMED = frozenset({"check", "question", "wait", "command"})


class Problem(NamedTuple):
    """One problem: a code and values for the words, the place, and a sentence."""

    code: str
    field: str
    detail: str
    step: str | None = None
    values: Mapping[str, Any] = {}

    def plain(self) -> dict[str, Any]:
        """Return the problem as JSON."""
        return {**self._asdict(), "values": dict(self.values)}


@dataclass(frozen=True, slots=True)
class Known:
    """What names may be used for. `entities` and `commanded` are those of the ones asked for that exist, and that a
    device takes commands for."""

    types: Collection[str] = ()
    skills: Collection[str] = ()
    people: Collection[str] = ()
    plans: Collection[str] = ()
    channels: Collection[str] = ()
    entities: Collection[str] = field(default_factory=frozenset)
    commanded: Collection[str] = field(default_factory=frozenset)


def problems_of(definition: Definition, known: Known | None = None) -> list[Problem]:
    """Return every problem, in the order of the definition; with `known`, of names that lead nowhere, too."""
    found = [*_words(definition), *_steps(definition), *_ways(definition)]
    if known is not None:
        found += _names(definition, known)
    return found


def entities_of(definition: Definition) -> set[str]:
    """Return every entity that conditions look at or commands go to."""
    found = {step.do.entity for step in definition.steps if isinstance(step.do, Command)}
    conditions = (one for step in definition.steps for branch in step.branches for one in branch.when)
    return found | {one.entity for one in conditions if isinstance(one, AttributeFact)}


def _words(definition: Definition) -> Iterator[Problem]:
    for name, sentence, step in _sentences(definition):
        if not (sentence.en and sentence.sr):
            missing = "sr" if sentence.en else "en"
            yield Problem(
                "words-missing", f"{name}.{missing}", "The words are there in one language only, or in none.", step
            )


def _sentences(definition: Definition) -> Iterator[tuple[str, Sentence, str | None]]:
    yield "title", definition.title, None
    yield "purpose", definition.purpose, None
    for place, step in enumerate(definition.steps):
        at = f"steps.{place}"
        yield f"{at}.title", step.title, step.id
        if step.text is not None:
            yield f"{at}.text", step.text, step.id
        for number, branch in enumerate(step.branches):
            yield f"{at}.branches.{number}.label", branch.label, step.id
        match step.do:
            case Notify(text=text):
                yield f"{at}.do.text", text, step.id
            case OpenTask(title=title, instructions=instructions):
                if title is not None:
                    yield f"{at}.do.title", title, step.id
                if instructions is not None:
                    yield f"{at}.do.instructions", instructions, step.id


def _steps(definition: Definition) -> Iterator[Problem]:
    if not definition.steps:
        yield Problem("no-steps", "steps", "A procedure has at least one step.")
    seen: set[str] = set()
    for place, step in enumerate(definition.steps):
        at = f"steps.{place}"
        if step.id in seen:
            yield Problem("same-id", f"{at}.id", f"There are two steps {step.id}.", step.id)
        seen.add(step.id)
        yield from _members(step, at)


def _members(step: Step, at: str) -> Iterator[Problem]:
    """What a step of its kind must have, and may not have."""
    if step.branching:
        yield from _branches(step, at)
        if step.next is not None:
            yield Problem("next-misplaced", f"{at}.next", "The way on is one of the branches.", step.id)
    elif step.branches:
        yield Problem("branches-misplaced", f"{at}.branches", "Only questions and conditions have branches.", step.id)
    if step.kind == "wait" and step.minutes is None:
        yield Problem("minutes-missing", f"{at}.minutes", "Say how many minutes the wait lasts.", step.id)
    if step.minutes is not None and (step.kind not in _TIMED or step.by_itself):
        yield Problem("minutes-misplaced", f"{at}.minutes", "Nobody is waited for: there is no timer here.", step.id)
    if step.optional and (step.branching or step.kind == "wait"):
        yield Problem("optional-misplaced", f"{at}.optional", "A step of this kind cannot be left out.", step.id)
    deed = {"notify": Notify, "command": Command, "task": OpenTask}.get(step.kind)
    if deed is None and step.do is not None:
        yield Problem("do-misplaced", f"{at}.do", "A step of this kind does nothing by itself.", step.id)
    elif deed is not None and step.do is None:
        yield Problem("do-missing", f"{at}.do", "Say what Vidik shall do.", step.id)
    elif deed is not None and not isinstance(step.do, deed):
        yield Problem("do-misplaced", f"{at}.do", "What is to be done belongs to another kind of step.", step.id)
    if isinstance(step.do, Notify) and not (step.do.people or step.do.roles or step.do.plan):
        yield Problem("nobody-named", f"{at}.do", "Say who is told: people, roles or an on-call plan.", step.id)
    if isinstance(step.do, Notify) and step.do.answer_minutes is not None:
        if step.do.plan is None:
            yield Problem("plan-missing", f"{at}.do.plan", "Say which on-call plan asks when nobody answers.", step.id)
        elif not (step.do.people or step.do.roles):
            detail = "Nobody is told before the on-call plan asks."
            yield Problem("answer-misplaced", f"{at}.do.answer_minutes", detail, step.id)


def _branches(step: Step, at: str) -> Iterator[Problem]:
    if len(step.branches) < 2:
        yield Problem("branches-missing", f"{at}.branches", "There are at least two branches to choose from.", step.id)
        return
    for place, branch in enumerate(step.branches):
        where = f"{at}.branches.{place}.when"
        last = place == len(step.branches) - 1
        for position, one in enumerate(branch.when):
            if isinstance(one, SeverityFact | AlarmsFact) and len(one.model_dump(exclude_none=True)) == 1:
                detail = "This condition compares with nothing: it always holds."
                yield Problem("condition-empty", f"{where}.{position}", detail, step.id)
        if step.kind == "question" and branch.when:
            yield Problem("when-misplaced", where, "A person chooses the branches of a question.", step.id)
        if step.kind == "condition" and last and branch.when:
            yield Problem("otherwise-missing", where, "The last branch is taken when no other one holds.", step.id)
        if step.kind == "condition" and not last and not branch.when:
            yield Problem("never-taken", where, "Without a condition here, no later branch is ever taken.", step.id)


def _ways(definition: Definition) -> Iterator[Problem]:
    known = {step.id: step for step in definition.steps}
    for place, step in enumerate(definition.steps):
        for number, following in enumerate(step.following()):
            if following is not None and following not in known:
                name = f"branches.{number}.next" if step.branching else "next"
                yield Problem(
                    "unknown-next",
                    f"steps.{place}.{name}",
                    f"There is no step {following}.",
                    step.id,
                    {"next": following},
                )
    reached = _reached([step.id for step in definition.steps[:1]], known)
    for place, step in enumerate(definition.steps):
        if step.id not in reached:
            yield Problem("unreachable", f"steps.{place}", f"No way leads to the step {step.id}.", step.id)
    running = {name: step for name, step in known.items() if step.by_itself}
    for place, step in enumerate(definition.steps):
        ways = [way for way in step.following() if way in running]
        if step.id in running and step.id in _reached(ways, running):
            detail = "The steps go round without ever asking a person or waiting."
            yield Problem("endless", f"steps.{place}", detail, step.id)


def _reached(begin: Sequence[str | None], steps: Mapping[str, Step]) -> set[str]:
    """Return every step to which ways through some steps lead."""
    reached: set[str] = set()
    waiting = [one for one in begin if one is not None]
    while waiting:
        name = waiting.pop()
        if name in steps and name not in reached:
            reached.add(name)
            waiting += [one for one in steps[name].following() if one is not None]
    return reached


def _names(definition: Definition, known: Known) -> Iterator[Problem]:
    for place, code in enumerate(definition.incident_types):
        if code not in known.types:
            yield _unknown("type", f"incident_types.{place}", code, None)
    for place, step in enumerate(definition.steps):
        at = f"steps.{place}"
        for number, branch in enumerate(step.branches):
            for position, one in enumerate(branch.when):
                where = f"{at}.branches.{number}.when.{position}"
                if isinstance(one, AttributeFact) and one.entity not in known.entities:
                    yield _unknown("entity", f"{where}.entity", one.entity, step.id)
                if isinstance(one, TypeFact):
                    strange = [code for code in one.one_of if code not in known.types]
                    yield from (_unknown("type", f"{where}.one_of", code, step.id) for code in strange)
        match step.do:
            case Notify():
                yield from _addressees(step.do, f"{at}.do", step.id, known)
            case Command(entity=entity) if entity not in known.entities:
                yield _unknown("entity", f"{at}.do.entity", entity, step.id)
            case Command(entity=entity) if entity not in known.commanded:
                yield _unknown("device", f"{at}.do.entity", entity, step.id)
            case OpenTask(skill=str(skill)) if skill not in known.skills:
                yield _unknown("skill", f"{at}.do.skill", skill, step.id)


def _addressees(deed: Notify, at: str, step: str, known: Known) -> Iterator[Problem]:
    for place, login in enumerate(deed.people):
        if login not in known.people:
            yield _unknown("person", f"{at}.people.{place}", login, step)
    if deed.plan is not None and deed.plan not in known.plans:
        yield _unknown("plan", f"{at}.plan", deed.plan, step)
    for place, channel in enumerate(deed.channels):
        if channel not in known.channels:
            yield _unknown("channel", f"{at}.channels.{place}", channel, step)


def _unknown(what: str, place: str, name: str, step: str | None) -> Problem:
    detail = f"No device takes commands for {name}." if what == "device" else f"There is no {what} {name}."
    return Problem(f"unknown-{what}", place, detail, step, {"name": name})
