"""What people send to the doors of procedures, checked before anything looks at it."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from vidik.kernel.forms import Form
from vidik.operations.incidents.incident import Severity, State
from vidik.operations.procedures.definition import Code, EntityId, Hour, StepId
from vidik.operations.procedures.run import ActName
from vidik.operations.procedures.trying import Answer
from vidik.operations.words import Reason, Words

Note = Annotated[Words, Field(max_length=2_000)]


class DefinitionForm(Form):
    """A definition as an editor has it; what it says is looked at by the service."""

    definition: dict[str, Any]


class AnythingForm(Form):
    """Something that may be a definition."""

    definition: Any


class PublishForm(Form):
    """What the new version changes, for whoever reads the list of versions."""

    note: Note = ""


class ReasonForm(Form):
    """Why something is withdrawn or stopped."""

    reason: Annotated[Reason, Field(max_length=2_000)]


class StartForm(Form):
    """Which procedure is started; `client_id` makes a repeat harmless."""

    procedure: Code
    client_id: UUID | None = None


class ActForm(Form):
    """What a person says with a step."""

    note: Note = ""
    reason: Note = ""
    branch: Annotated[int, Field(ge=0, le=1_000, strict=True)] | None = None


class FactsForm(Form):
    """What a trial takes for true; attributes by entity and name, the city's own values where none is said."""

    severity: Severity | None = None
    type: Code | None = None
    state: State = "open"
    alarms: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    hour: Hour | None = None
    attributes: Annotated[dict[EntityId, dict[Annotated[str, Field(max_length=500)], Any]], Field(max_length=200)] = (
        Field(default_factory=dict)
    )


class AnswerForm(Form):
    """What a person would do at a step."""

    step: StepId
    act: ActName
    branch: Annotated[int, Field(ge=0, le=1_000, strict=True)] | None = None

    def answer(self) -> Answer:
        """The answer as the core knows it."""
        return Answer(self.step, self.act, self.branch)


class TryForm(Form):
    """A trial: of what was sent, of a version, or of the draft; with all the answers so far."""

    definition: dict[str, Any] | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    facts: FactsForm = Field(default_factory=FactsForm)
    answers: Annotated[list[AnswerForm], Field(max_length=1_000)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.definition is not None and self.version is not None:
            raise ValueError("send a definition or name a version, not both")
        return self
