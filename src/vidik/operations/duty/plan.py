"""An on-call plan: what it listens to, and who is asked next while nobody answers. Pure; no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from vidik.kernel.forms import Form
from vidik.operations.duty.hours import Login, Rota, Window, holds
from vidik.operations.rules.model import Priority
from vidik.operations.words import Words

Severity = Literal["minor", "moderate", "severe", "extreme"]
WEB_PUSH = "web-push"
"""The channel that every installation has: browsers of people who allowed it."""
ChannelCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Desk = Annotated[Words, Field(min_length=1, max_length=60)]


class Step(Form):
    """One turn of asking: one person, whoever is on shift at a desk, or whose turn it is; how, when, how long."""

    person: Login | None = None
    desk: Desk | None = None
    rota: Rota | None = None
    channels: Annotated[list[ChannelCode], Field(min_length=1, max_length=8)]
    wait_minutes: Annotated[int, Field(ge=1, le=1440)] = 5
    hours: Annotated[list[Window], Field(max_length=20)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _asks_somebody(self) -> Self:
        if sum(one is not None for one in (self.person, self.desk, self.rota)) != 1:
            raise ValueError("say who is asked: a person, a desk, or a rota")
        return self

    def people(self, at: datetime, on_shift: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the logins of who would be asked; nobody where a desk is empty."""
        if self.person is not None:
            return (self.person,)
        if self.rota is not None:
            return (self.rota.on_turn(at),)
        return tuple(dict.fromkeys(on_shift.get(self.desk or "", ())))


class Plan(Form):
    """What a plan listens to, how long it leaves the desk alone, and its steps, gone through `rounds` times."""

    title: Annotated[Words, Field(min_length=1, max_length=120)]
    priorities: Annotated[list[Priority], Field(max_length=4)] = Field(default_factory=list)
    services: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)] = Field(default_factory=list)
    severities: Annotated[list[Severity], Field(max_length=4)] = Field(default_factory=list)
    after_minutes: Annotated[int, Field(ge=0, le=1440)] = 5
    rounds: Annotated[int, Field(ge=1, le=20)] = 3
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)]


class Place(NamedTuple):
    """A step of a round, both from 0."""

    round: int = 0
    step: int = 0


class Call(NamedTuple):
    """Who is asked, how, how long to wait for an answer, and where to go on when none comes."""

    place: Place
    people: tuple[str, ...]
    channels: tuple[str, ...]
    wait_minutes: int
    following: Place


class Nobody(NamedTuple):
    """Nobody can be asked at this moment; `left`: somebody may be, later."""

    left: bool


def who_is_next(plan: Plan, at: datetime, place: Place, on_shift: Mapping[str, Sequence[str]]) -> Call | Nobody:
    """Return who is asked next at this moment, from a place of the plan on; `on_shift` gives the logins of each desk.

    Steps outside their hours, and desks where nobody is, are passed over. A whole round is looked through at most:
    when it has nobody, the plan waits where it stands instead of using its rounds up.
    """
    look = place
    for _ in plan.steps:
        if look.round >= plan.rounds:
            return Nobody(left=look != place)
        step = plan.steps[look.step]
        following = _after(plan, look)
        people = step.people(at, on_shift) if holds(step.hours, at) else ()
        if people:
            return Call(look, people, tuple(dict.fromkeys(step.channels)), step.wait_minutes, following)
        look = following
    return Nobody(left=True)


def _after(plan: Plan, place: Place) -> Place:
    return Place(place.round, place.step + 1) if place.step + 1 < len(plan.steps) else Place(place.round + 1)
