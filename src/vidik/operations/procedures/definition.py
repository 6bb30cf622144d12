"""A procedure as data: steps, the ways between them, and what Vidik does by itself. Pure.

The shape says what may be written at all. A draft may be half finished (no step yet, a way that leads nowhere);
what stands in the way of publishing it is found by `checks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationError

from vidik.kernel.errors import Unprocessable
from vidik.kernel.forms import Form
from vidik.kernel.scripts import three_scripts
from vidik.operations.duty.plan import ChannelCode
from vidik.operations.incidents.incident import Role, Severity, State
from vidik.operations.tasks.forms import Code as SkillCode
from vidik.operations.tasks.forms import Kind as TaskKind
from vidik.operations.tasks.forms import Priority
from vidik.operations.words import Words

Kind = Literal["check", "question", "condition", "wait", "notify", "command", "task"]
MOST_STEPS = 100
LONGEST_MINUTES = 7 * 24 * 60
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
EntityId = Annotated[str, Field(min_length=1, max_length=500)]
Hour = Annotated[int, Field(ge=0, le=23, strict=True)]
Figure = Annotated[float, Field(allow_inf_nan=False)]
Scalar = bool | Figure | Annotated[str, Field(max_length=500)]


class _Part(Form):
    model_config = ConfigDict(frozen=True)


class Sentence(_Part):
    """Words for people: English, and Serbian in Cyrillic, from which Latin is derived."""

    en: Annotated[Words, Field(max_length=2_000)]
    sr: Annotated[Words, Field(max_length=2_000)]

    def scripts(self) -> dict[str, str]:
        """Return the words in the three scripts of the interface."""
        return three_scripts(self.en, self.sr)


class Short(Sentence):
    """Words on a line."""

    en: Annotated[Words, Field(max_length=200)]
    sr: Annotated[Words, Field(max_length=200)]


class SeverityFact(_Part):
    """How bad the incident is."""

    fact: Literal["severity"]
    one_of: Annotated[list[Severity], Field(min_length=1, max_length=4)] | None = None
    at_least: Severity | None = None
    at_most: Severity | None = None


class TypeFact(_Part):
    """What kind of incident it is."""

    fact: Literal["type"]
    one_of: Annotated[list[Code], Field(min_length=1, max_length=50)]


class StateFact(_Part):
    """Whether the incident still spreads."""

    fact: Literal["state"]
    one_of: Annotated[list[State], Field(min_length=1, max_length=4)]


class AlarmsFact(_Part):
    """How many alarms of the incident are open."""

    fact: Literal["alarms"]
    at_least: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    at_most: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class HourFact(_Part):
    """The hour on the city's clocks: from the beginning of one until another begins; past midnight if need be."""

    fact: Literal["hour"]
    since: Hour = Field(alias="from")
    until: Hour

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class AttributeFact(_Part):
    """A value of an entity; one that nobody knows is none of what is asked for."""

    fact: Literal["attribute"]
    entity: EntityId
    attribute: Annotated[str, Field(min_length=1, max_length=500)]
    one_of: Annotated[list[Scalar], Field(min_length=1, max_length=50)] | None = None
    at_least: Figure | None = None
    at_most: Figure | None = None


Condition = Annotated[
    SeverityFact | TypeFact | StateFact | AlarmsFact | HourFact | AttributeFact, Field(discriminator="fact")
]


class Branch(_Part):
    """One way out of a step. `when`: all of it must hold (of a condition; the last branch has none)."""

    label: Short
    when: Annotated[list[Condition], Field(max_length=20)] = Field(default_factory=list)
    next: StepId | None = None


class Notify(_Part):
    """Tell people, by name or by their role in the incident, and have an on-call plan ask until somebody answers.

    `answer_minutes`: how long those told by name or role may take to answer before the plan asks; None asks at once.
    """

    people: Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=40)] = Field(
        default_factory=list
    )
    roles: Annotated[list[Role], Field(max_length=4)] = Field(default_factory=list)
    plan: Annotated[str, Field(max_length=40)] | None = None
    answer_minutes: Annotated[int, Field(ge=1, le=1440, strict=True)] | None = None
    channels: Annotated[list[ChannelCode], Field(min_length=1, max_length=8)] = Field(
        default_factory=lambda: ["web-push"]
    )
    text: Sentence


class Command(_Part):
    """Give a device a command. `confirmed`: whoever publishes confirms it for every run, nobody is asked again."""

    entity: EntityId
    command: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
    parameters: Annotated[dict[str, Any], Field(max_length=100)] = Field(default_factory=dict)
    confirmed: bool = False


class OpenTask(_Part):
    """Open a task of the incident, for nobody yet or for the crew that is suggested first."""

    title: Short | None = None
    instructions: Sentence | None = None
    kind: TaskKind = "other"
    skill: SkillCode | None = None
    priority: Priority = "medium"
    crew: Literal["nobody", "best"] = "nobody"


def _deed_of(value: Any) -> str:
    """Which deed is meant, by the members that only it has."""
    if isinstance(value, _Part):
        return {Notify: "notify", Command: "command"}.get(type(value), "task")
    members = set(value) if isinstance(value, Mapping) else set()
    if members & {"entity", "command", "parameters", "confirmed"}:
        return "command"
    return "notify" if members & {"text", "people", "roles", "plan", "channels", "answer_minutes"} else "task"


Deed = Annotated[
    Annotated[Notify, Tag("notify")] | Annotated[Command, Tag("command")] | Annotated[OpenTask, Tag("task")],
    Discriminator(_deed_of),
]
_TAGS = frozenset({"notify", "command", "task", "severity", "type", "state", "alarms", "hour", "attribute"})


class Step(_Part):
    """One step. `minutes`: how long a wait lasts, or after how long what a person must do is overdue."""

    id: StepId
    kind: Kind
    title: Short
    text: Sentence | None = None
    role: Role | None = None
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] | None = None
    optional: bool = False
    next: StepId | None = None
    branches: Annotated[list[Branch], Field(max_length=20)] = Field(default_factory=list)
    do: Deed | None = None

    @property
    def branching(self) -> bool:
        """Whether the way on is one of several."""
        return self.kind in ("question", "condition")

    @property
    def by_itself(self) -> bool:
        """Whether Vidik passes it at once, without a person and without waiting."""
        if isinstance(self.do, Command) and not self.do.confirmed:
            return False
        return self.kind in ("condition", "notify", "command", "task")

    def following(self) -> list[str | None]:
        """Return where the ways out lead, in their order; None is the end."""
        return [branch.next for branch in self.branches] if self.branching else [self.next]


class Definition(_Part):
    """A procedure; its first step is the first of the list."""

    code: Code
    title: Short
    purpose: Sentence
    incident_types: Annotated[list[Code], Field(max_length=50)] = Field(default_factory=list)
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS)]

    def step(self, step_id: str) -> Step:
        """Return a step by its id; raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def plain(self) -> dict[str, Any]:
        """Return the definition as JSON, without what was left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ShapeProblem(NamedTuple):
    """Why something is no definition: where, and the reason."""

    field: str
    reason: str


def read_definition(content: Any) -> Definition | list[ShapeProblem]:
    """Return the definition that JSON says, or why it says none."""
    try:
        return Definition.model_validate(content)
    except ValidationError as error:
        return [
            ShapeProblem(_field_of(found["loc"]), found["msg"])
            for found in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    except Unprocessable as error:
        return [ShapeProblem(error.field or "definition", error.detail)]


def _field_of(place: tuple[int | str, ...]) -> str:
    """Return the path of a member without the names of the alternatives that pydantic puts into it."""
    parts: list[str] = []
    for position, part in enumerate(place):
        before = place[position - 1] if position else None
        inside_choice = before == "do" or (position > 1 and place[position - 2] == "when")
        if not (inside_choice and part in _TAGS):
            parts.append(str(part))
    return ".".join(parts) or "definition"
