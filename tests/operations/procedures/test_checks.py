"""What stands in the way of publishing, each problem with its place; and the packaged procedures, which have none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from tests.operations.procedures.doing import a_definition, a_step, branches, words
from tests.operations.procedures.test_run import definitions

from vidik.operations.incidents.types import packaged_types
from vidik.operations.procedures.checks import Known, problems_of
from vidik.operations.procedures.definition import Definition, read_definition
from vidik.operations.procedures.packaged_procedures import packaged_procedures

ALARMS = [{"fact": "alarms", "at_least": 1}]
TELL = {"people": ["ana"], "text": words("x")}


def problems(*steps: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    found = problems_of(Definition.model_validate(a_definition(*steps, **fields)))
    return [(one.code, one.field) for one in found]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([a_step("a", next="b")], ("unknown-next", "steps.0.next")),
        ([a_step("a"), a_step("b")], ("unreachable", "steps.1")),
        ([a_step("a", next="a2"), a_step("a2"), a_step("a2")], ("same-id", "steps.2.id")),
        ([a_step("a", "question", branches=branches(None))], ("branches-missing", "steps.0.branches")),
        ([a_step("a", branches=branches(None, None))], ("branches-misplaced", "steps.0.branches")),
        ([a_step("a", "question", next="a", branches=branches(None, None))], ("next-misplaced", "steps.0.next")),
        ([a_step("a", "wait")], ("minutes-missing", "steps.0.minutes")),
        ([a_step("a", "notify", do=TELL, minutes=5)], ("minutes-misplaced", "steps.0.minutes")),
        ([a_step("a", "notify")], ("do-missing", "steps.0.do")),
        ([a_step("a", "check", do=TELL)], ("do-misplaced", "steps.0.do")),
        ([a_step("a", "task", do=TELL)], ("do-misplaced", "steps.0.do")),
        ([a_step("a", "notify", do={"text": words("x")})], ("nobody-named", "steps.0.do")),
        ([a_step("a", "notify", do={**TELL, "answer_minutes": 5})], ("plan-missing", "steps.0.do.plan")),
        (
            [a_step("a", "notify", do={"plan": "night", "text": words("x"), "answer_minutes": 5})],
            ("answer-misplaced", "steps.0.do.answer_minutes"),
        ),
        ([a_step("a", "wait", minutes=1, optional=True)], ("optional-misplaced", "steps.0.optional")),
        ([a_step("a", text={"en": "only", "sr": ""})], ("words-missing", "steps.0.text.sr")),
        (
            [a_step("a", "question", branches=[{"label": words("x"), "when": ALARMS}, {"label": words("y")}])],
            ("when-misplaced", "steps.0.branches.0.when"),
        ),
        (
            [a_step("a", "condition", branches=[{"label": words("x")}, {"label": words("y")}])],
            ("never-taken", "steps.0.branches.0.when"),
        ),
        (
            [a_step("a", "condition", branches=[{"label": words("x"), "when": ALARMS}] * 2)],
            ("otherwise-missing", "steps.0.branches.1.when"),
        ),
        (
            [a_step("a", "condition", branches=branches("a", None, a=[{"fact": "severity"}]))],
            ("condition-empty", "steps.0.branches.0.when.0"),
        ),
        ([a_step("a", "notify", do=TELL, next="a")], ("endless", "steps.0")),
        (
            [a_step("a", "condition", branches=branches("b", None, b=ALARMS)), a_step("b", "task", do={}, next="a")],
            ("endless", "steps.0"),
        ),
    ],
)
def test_names_what_is_wrong_and_where(steps: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    assert expected in problems(*steps)


def test_a_command_that_a_person_confirms_may_be_gone_round() -> None:
    command = {"entity": "urn:l1", "command": "setLevel"}
    assert problems(a_step("a", "command", do=command, next="a")) == []
    confirmed = {**command, "confirmed": True}
    assert problems(a_step("a", "command", do=confirmed, next="a")) == [("endless", "steps.0")]


def test_an_empty_procedure_is_a_draft() -> None:
    empty = {**a_definition(), "steps": []}
    assert [one.code for one in problems_of(Definition.model_validate(empty))] == ["no-steps"]


def test_names_that_lead_nowhere() -> None:
    fact = {"fact": "attribute", "entity": "urn:gone", "attribute": "x", "at_least": 1}
    steps = [
        a_step("a", "condition", branches=branches("b", None, b=[fact, {"fact": "type", "one_of": ["strange"]}])),
        a_step("b", "notify", do={**TELL, "plan": "night", "channels": ["pigeon"]}, next="c"),
        a_step("c", "command", do={"entity": "urn:mute", "command": "x"}, next="d"),
        a_step("d", "task", do={"skill": "flying"}),
    ]
    found = problems_of(Definition.model_validate(a_definition(*steps)), Known(entities={"urn:mute"}))
    assert [(one.code, one.field, one.values["name"]) for one in found] == [
        ("unknown-type", "incident_types.0", "fire"),
        ("unknown-entity", "steps.0.branches.0.when.0.entity", "urn:gone"),
        ("unknown-type", "steps.0.branches.0.when.1.one_of", "strange"),
        ("unknown-person", "steps.1.do.people.0", "ana"),
        ("unknown-plan", "steps.1.do.plan", "night"),
        ("unknown-channel", "steps.1.do.channels.0", "pigeon"),
        ("unknown-device", "steps.2.do.entity", "urn:mute"),
        ("unknown-skill", "steps.3.do.skill", "flying"),
    ]


@settings(max_examples=60)
@given(definitions())
def test_endless_is_found_just_when_vidik_could_go_round_by_itself(definition: Definition) -> None:
    automatic = {step.id: step for step in definition.steps if step.by_itself}
    # An independent way to say it: walks through automatic steps longer than there are any.
    round_ = set()
    for name in automatic:
        layer = {name}
        for _ in range(len(automatic) + 1):
            layer = {way for one in layer for way in automatic[one].following() if way in automatic}
            if name in layer:
                round_.add(name)
    found = {one.step for one in problems_of(definition) if one.code == "endless"}
    assert found == round_


@settings(max_examples=60)
@given(definitions())
def test_what_is_read_is_what_was_written(definition: Definition) -> None:
    assert read_definition(definition.plain()) == definition


def _sentences(content: Any) -> Iterator[dict[str, str]]:
    if isinstance(content, dict):
        if set(content) == {"en", "sr"}:
            yield content
        for value in content.values():
            yield from _sentences(value)
    elif isinstance(content, list):
        for value in content:
            yield from _sentences(value)


class TestPackaged:
    def test_hold_together_and_name_only_what_every_city_has(self) -> None:
        known = Known(
            types=packaged_types(),
            skills=("electric", "heating", "water", "pumps", "roads", "waste", "trees", "parking", "inspection"),
            channels=("web-push",),
        )
        found = packaged_procedures()
        assert [problem for one in found.values() for problem in problems_of(one, known)] == []
        assert {"heating_burst", "flood", "blackout", "fire", "air_pollution"} <= set(found)

    def test_are_proposed_by_the_types_they_are_for(self) -> None:
        types = packaged_types()
        for code, definition in packaged_procedures().items():
            assert definition.incident_types, code
            assert {types[kind].procedure for kind in definition.incident_types} == {code}

    def test_serbian_is_cyrillic(self) -> None:
        for definition in packaged_procedures().values():
            for words_ in _sentences(definition.plain()):
                assert not re.search("[a-zA-Z]", words_["sr"]), words_["sr"]
                assert not re.search("[а-яА-ЯђјљњћџЂЈЉЊЋЏ]", words_["en"]), words_["en"]
