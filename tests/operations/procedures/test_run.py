"""The core of runs and trials, by properties: whatever people and the clock do, a run stands at one step or is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operations.procedures.doing import a_definition, a_step, branches, words

from vidik.kernel.errors import Conflict, Unprocessable
from vidik.operations.incidents.incident import SEVERITIES
from vidik.operations.procedures import run as core
from vidik.operations.procedures.checks import problems_of
from vidik.operations.procedures.conditions import Facts, choose, holds
from vidik.operations.procedures.definition import Definition, HourFact, Step
from vidik.operations.procedures.run import VIDIK, Ending, Moved, Person, Run
from vidik.operations.procedures.trying import Answer, walk

BEGIN = datetime(2026, 11, 22, 18, tzinfo=UTC)
ANA = Person("Ана", "ana")
KINDS = ("check", "question", "condition", "wait", "notify", "task")
DEEDS: dict[str, dict[str, Any]] = {
    "notify": {"do": {"people": ["ana"], "text": words("x")}},
    "task": {"do": {"kind": "inspect"}},
    "wait": {"minutes": 7},
    "check": {"minutes": 5},
}
facts = st.builds(
    Facts,
    severity=st.sampled_from(SEVERITIES),
    type=st.sampled_from(["fire", "flood"]),
    state=st.sampled_from(["open", "contained"]),
    alarms=st.integers(0, 20),
    hour=st.integers(0, 23),
)
conditions = st.one_of(
    st.builds(lambda least: {"fact": "severity", "at_least": least}, st.sampled_from(SEVERITIES)),
    st.builds(lambda most: {"fact": "alarms", "at_most": most}, st.integers(0, 20)),
    st.builds(
        lambda since, until: {"fact": "hour", "from": since, "until": until}, st.integers(0, 23), st.integers(0, 23)
    ),
)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Any procedure of one to eight steps with ways anywhere, also ones that nobody could publish."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 8)))]
    anywhere = st.sampled_from([*names, None])
    steps = []
    for name in names:
        kind = draw(st.sampled_from(KINDS))
        fields: dict[str, Any] = dict(DEEDS.get(kind, {}))
        if kind in ("question", "condition"):
            ways = draw(st.lists(anywhere, min_size=2, max_size=4))
            fields["branches"] = [{"label": words("b"), "next": way} for way in ways]
            if kind == "condition":
                for branch in fields["branches"][:-1]:
                    branch["when"] = draw(st.lists(conditions, min_size=1, max_size=2))
        else:
            fields["next"] = draw(anywhere)
        steps.append(a_step(name, kind, **fields))
    return Definition.model_validate(a_definition(*steps))


publishable = definitions().filter(lambda found: not problems_of(found))


def pass_by_itself(definition: Definition, run: Run, known: Facts, at: datetime) -> Run:
    """What the service does after each step."""
    while core.vidik_goes_on(step := definition.step(run.visit.step), run):
        branch = choose(step, known) if step.kind == "condition" else None
        run = core.move(definition, run, Ending("done", VIDIK, branch=branch), at).run
    return run


def moved(definition: Definition, run: Run, data: st.DataObject, at: datetime) -> Run:
    """The run after something that a person or the clock may do now."""
    step = definition.step(run.visit.step)
    verb = data.draw(st.sampled_from(["clock", *core.acts(step, run.visit)]))
    if verb == "clock":
        return (
            core.move(definition, run, Ending("done", VIDIK), at).run
            if step.kind == "wait"
            else core.fall_overdue(run, at)
        )
    branch = data.draw(st.integers(0, len(step.branches) - 1)) if verb == "choose" else None
    core.check_act(definition, run, verb, branch=branch, reason="x")
    return core.move(definition, run, Ending("skipped" if verb == "skip" else "done", ANA, "x", branch), at).run


class TestRun:
    @settings(max_examples=50)
    @given(publishable, facts, st.data())
    def test_waits_for_somebody_or_is_over(self, definition: Definition, known: Facts, data: st.DataObject) -> None:
        at = BEGIN
        run = pass_by_itself(definition, core.begin(definition, at), known, at)
        for _ in range(12):
            step = definition.step(run.visit.step)
            if run.state != "running":
                assert core.due_at(run) is None
                assert not core.vidik_goes_on(step, run)
                break
            assert core.acts(step, run.visit)
            if step.minutes is not None and run.visit.overdue_at is None:
                assert core.due_at(run) == run.visit.since + timedelta(minutes=step.minutes)
            before = run
            at += timedelta(minutes=3)
            run = pass_by_itself(definition, moved(definition, run, data, at), known, at)
            assert run.version > before.version or run == before
            assert run.visit.number >= before.visit.number
            assert not core.was_seen(run, run.version + 1)
            assert core.was_seen(run, run.version)

    @settings(max_examples=50)
    @given(publishable, facts)
    def test_who_saw_the_step_before_it_fell_overdue_saw_it(self, definition: Definition, known: Facts) -> None:
        run = pass_by_itself(definition, core.begin(definition, BEGIN), known, BEGIN)
        late = core.fall_overdue(run, BEGIN)
        assert core.fall_overdue(late, BEGIN + timedelta(minutes=1)) == late
        assert core.was_seen(late, run.version)
        assert core.due_at(late) is None

    def test_goes_round_only_so_often(self) -> None:
        definition = Definition.model_validate(a_definition(a_step("round", next="round")))
        run = core.begin(definition, BEGIN)
        for _ in range(core.MOST_VISITS):
            run = core.move(definition, run, Ending("done", ANA), BEGIN).run
        assert (run.state, run.reason, run.visit.number) == ("stopped", core.TOO_LONG, core.MOST_VISITS)

    def test_what_failed_waits_for_a_person(self) -> None:
        definition = Definition.model_validate(a_definition(a_step("tell", "notify", **DEEDS["notify"])))
        run = core.fail(core.begin(definition, BEGIN), {"code": "nobody-to-tell"})
        step = definition.step("tell")
        assert not core.vidik_goes_on(step, run)
        assert core.acts(step, run.visit) == ("confirm", "skip")
        assert core.due_at(run) is None

    def test_a_run_that_is_over_takes_nothing_more(self) -> None:
        definition = Definition.model_validate(a_definition(a_step("only")))
        ended: Moved = core.move(definition, core.begin(definition, BEGIN), Ending("done", ANA), BEGIN)
        assert ended.run.state == "ended"
        with pytest.raises(Conflict):
            core.check_act(definition, ended.run, "done", branch=None, reason="")
        with pytest.raises(Conflict):
            core.stop(ended.run, "x", ANA, BEGIN)


class TestWalk:
    @settings(max_examples=50)
    @given(publishable.filter(lambda found: all(step.kind != "wait" for step in found.steps)), facts, st.data())
    def test_ends_or_asks_and_the_same_answers_lead_the_same_way(
        self, definition: Definition, known: Facts, data: st.DataObject
    ) -> None:
        answers: list[Answer] = []
        path: list[Any] = []
        for _ in range(10):
            found = walk(definition, known, answers, BEGIN)
            assert found.path[: len(path)] == path
            assert len(found.path) >= len(path) + bool(answers)
            path = found.path
            if found.needs is None:
                assert not found.acts
                break
            verb = data.draw(st.sampled_from(found.acts))
            branch = data.draw(st.integers(0, len(found.needs.branches) - 1)) if verb == "choose" else None
            answers.append(Answer(found.needs.id, verb, branch))

    def test_says_when_waits_go_round_without_a_person(self) -> None:
        definition = Definition.model_validate(a_definition(a_step("pause", "wait", minutes=1, next="pause")))
        with pytest.raises(Unprocessable) as refused:
            walk(definition, Facts("minor", "fire", "open", 0, 12), [], BEGIN)
        assert refused.value.code == "try-endless"

    def test_counts_the_minutes_of_waits(self) -> None:
        definition = Definition.model_validate(
            a_definition(a_step("pause", "wait", minutes=30, next="look"), a_step("look"))
        )
        found = walk(definition, Facts("minor", "fire", "open", 0, 12), [], BEGIN)
        assert [(one.step, one.outcome, one.after_minutes) for one in found.path] == [("pause", "waited", 30)]
        assert found.needs == definition.step("look")

    @pytest.mark.parametrize(
        "answer",
        [Answer("nowhere", "done"), Answer("big", "done"), Answer("big", "choose"), Answer("big", "choose", 2)],
    )
    def test_refuses_an_answer_that_does_not_fit(self, answer: Answer) -> None:
        definition = Definition.model_validate(a_definition(a_step("big", "question", branches=branches(None, None))))
        with pytest.raises(Unprocessable) as refused:
            walk(definition, Facts("minor", "fire", "open", 0, 12), [answer], BEGIN)
        assert (refused.value.code, refused.value.field) == ("try-answer", "answers.0")

    def test_refuses_answers_behind_the_end(self) -> None:
        definition = Definition.model_validate(a_definition(a_step("only")))
        with pytest.raises(Unprocessable) as refused:
            walk(definition, Facts("minor", "fire", "open", 0, 12), [Answer("only", "done")] * 2, BEGIN)
        assert refused.value.field == "answers.1"


class TestConditions:
    @given(st.integers(0, 23), st.integers(0, 23), st.integers(0, 23))
    def test_hours_may_pass_midnight(self, since: int, until: int, hour: int) -> None:
        condition = HourFact(fact="hour", since=since, until=until)
        known = Facts("minor", "fire", "open", 0, hour)
        inside = (hour - since) % 24 < (until - since) % 24
        assert holds(condition, known) == inside

    @pytest.mark.parametrize(
        ("condition", "value", "expected"),
        [
            ({"at_least": 200}, 250, True),
            ({"at_least": 200}, 199.9, False),
            ({"at_least": 200, "at_most": 300}, 301, False),
            ({"at_least": 1}, True, False),
            ({"at_least": 1}, "250", False),
            ({"one_of": ["on", "broken"]}, "broken", True),
            ({"one_of": [1]}, True, False),
            ({"one_of": [True]}, True, True),
            ({}, "anything", True),
            ({"at_least": 200}, None, False),
            ({}, None, False),
        ],
    )
    def test_of_a_value(self, condition: dict[str, Any], value: Any, expected: bool) -> None:
        fact = {"fact": "attribute", "entity": "urn:w1", "attribute": "waterLevel", **condition}
        step = Step.model_validate(a_step("c", "condition", branches=branches("a", "b", a=[fact])))
        known = Facts("minor", "fire", "open", 0, 12, {"urn:w1": {"waterLevel": value}})
        assert choose(step, known) == (0 if expected else 1)
